"""A host on a real socket that misbehaves as it is told, an impatient client of it, and certificates of its own."""

from __future__ import annotations

import json
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import anyio
from anyio.abc import AnyByteStream, SocketAttribute
from anyio.streams.tls import TLSListener

from posthog_mcp.backends.posthog.client import Client, Manners, Phases
from posthog_mcp.backends.posthog.politeness import Window
from posthog_mcp.backends.posthog.retrying import Retries

KEY = "phx_very_secret_key_of_this_test"
QUICK = Manners(
    phases=Phases(connect=0.5, read=0.3, write=0.5, pool=1),
    retries=Retries(tries=3, seconds=5, pause=0.01, longest_pause=0.02),
    limits=(Window(10_000, 60),),
    concurrent=50,
    breaker_failures=100,
    max_bytes=1 << 20,
)
Answer = Callable[[AnyByteStream], Awaitable[None]]


def http(status: int, body: object = None, **headers: str) -> Answer:
    """A whole answer, JSON unless it is bytes."""

    async def send(stream: AnyByteStream) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body if body is not None else {"ok": True}).encode()
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await stream.send("\r\n".join(lines).encode() + b"\r\n\r\n" + content)

    return send


def detail(status: int, text: str, code: str = "error", **headers: str) -> Answer:
    return http(status, {"type": "server_error", "code": code, "detail": text}, **headers)


async def slow_headers(stream: AnyByteStream) -> None:
    await anyio.sleep(2)


async def slow_body(stream: AnyByteStream) -> None:
    await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{")
    await anyio.sleep(2)


async def cut_body(stream: AnyByteStream) -> None:
    await stream.send(b'HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n{"results": [')


async def no_answer(stream: AnyByteStream) -> None:
    return


async def garbage(stream: AnyByteStream) -> None:
    await stream.send(b"SMTP ready\r\n\r\n")


@dataclass
class Host:
    """Gives its answers one after another, the last one for ever. A caller who leaves early is let go."""

    answers: list[Answer]
    requests: list[bytes] = field(default_factory=list)
    moments: list[float] = field(default_factory=list)

    async def serve(self, stream: AnyByteStream) -> None:
        with suppress(anyio.EndOfStream, anyio.BrokenResourceError, ssl.SSLError):
            async with stream:
                self.requests.append(await request_of(stream))
                self.moments.append(time.monotonic())
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                await answer(stream)


async def request_of(stream: AnyByteStream) -> bytes:
    """Head and body of one request."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += await stream.receive()
    lines = head.lower().split(b"\r\n")
    length = next((int(line[15:]) for line in lines if line[:15] == b"content-length:"), 0)
    while len(head.partition(b"\r\n\r\n")[2]) < length:
        head += await stream.receive()
    return head


@asynccontextmanager
async def listening(
    serve: Callable[[AnyByteStream], Awaitable[None]], tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """The port on which `serve` takes connections."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    async with listener, anyio.create_task_group() as tasks:
        taking = TLSListener(listener, tls, standard_compatible=False) if tls else listener
        tasks.start_soon(taking.serve, serve)
        yield listener.extra(SocketAttribute.local_port)
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def client_of(
    *answers: Answer, manners: Manners = QUICK, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[Client, Host]]:
    host = Host(list(answers))
    async with listening(host.serve, tls) as port:
        client = Client(f"{'https' if tls else 'http'}://127.0.0.1:{port}", KEY, manners)
        yield client, host
        await client.aclose()


@dataclass(frozen=True, slots=True)
class Certificate:
    """A self-signed certificate for 127.0.0.1."""

    certificate: Path
    key: Path

    def server(self, *protocols: str) -> ssl.SSLContext:
        """The server's side of TLS; `protocols` are offered by ALPN."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        if protocols:
            context.set_alpn_protocols(protocols)
        return context


def certificate_in(folder: Path) -> Certificate:
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    )
    files = ["-out", str(made.certificate), "-keyout", str(made.key)]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    return made
