"""What E2B's egress rules do, played by a proxy: hosts that are not allowed are refused, rules set their headers."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import anyio
from anyio.abc import SocketStream

from tests.sandbox.stand_in import StandIn


@dataclass
class Egress:
    """`places` says where the names of the outside world are on this machine."""

    stand_in: StandIn
    places: dict[str, int]
    seen: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Host, and the Authorization that came to us; `refused` for a host that is not allowed."""

    async def __call__(self, inner: SocketStream) -> None:
        async with inner:
            head, rest = await head_of(inner)
            first, *lines = head.split("\r\n")
            method, target, _ = first.split(" ")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            address = urlsplit(target)
            host = address.hostname or ""
            network = self.network_of(headers.pop("proxy-authorization"), host)
            if host not in network.get("allowOut", []):
                self.seen.append((host, "refused"))
                await inner.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            self.seen.append((host, headers.get("authorization", "")))
            for rule in network.get("rules", {}).get(host, []):
                headers |= {name.lower(): value for name, value in rule["transform"]["headers"].items()}
            sent = "".join(f"{name}: {value}\r\n" for name, value in {**headers, "connection": "close"}.items())
            async with await anyio.connect_tcp("127.0.0.1", self.places[host]) as outer:
                path = f"{address.path or '/'}?{address.query}"
                await outer.send(f"{method} {path} HTTP/1.1\r\n{sent}\r\n".encode())
                length = int(headers.get("content-length", 0))
                while len(rest) < length:
                    rest += await inner.receive()
                if rest:
                    await outer.send(rest)
                async for chunk in outer:
                    await inner.send(chunk)

    def network_of(self, credentials: str, host: str) -> dict[str, Any]:
        """The network of the sandbox that asks; this machine itself, which is none, reaches everything as it is."""
        box_id = base64.b64decode(credentials.removeprefix("Basic ")).decode().split(":")[0]
        box = self.stand_in.boxes.get(box_id)
        return box.body["network"] if box else {"allowOut": [host]}


async def head_of(stream: SocketStream) -> tuple[str, bytes]:
    taken = b""
    while b"\r\n\r\n" not in taken:
        taken += await stream.receive()
    head, _, rest = taken.partition(b"\r\n\r\n")
    return head.decode(), rest
