"""Web addresses that may be posted to: https, resolved once, never into a private network, no redirects.

The connection goes to the very address that was checked, so a name that changes its answer in between gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

import anyio

from posthog_mcp.errors import Forbidden, InvalidInput, Unavailable

if TYPE_CHECKING:
    import httpx

SECONDS = 10.0
ALLOW = (
    "Use a public https address; for your own network set allow_private: true on the target in reports.yaml, or "
    "POSTHOG_MCP_ALLOW_PRIVATE_TARGETS=true."
)


REFUSED = (
    ipaddress.ip_network("168.63.129.16/32"),  # Azure's platform, metadata among it, at an address that looks public
    ipaddress.ip_network("192.0.0.0/24"),  # Oracle's metadata at .192; older Pythons call part of it global
    ipaddress.ip_network("fec0::/10"),  # site-local, given up but still routed by some
    ipaddress.ip_network("64:ff9b:1::/48"),  # NAT64 of one's own network; older Pythons call it global
)
TRANSLATED = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Checked:
    """An address whose host was resolved and allowed; `ip` is what is connected to."""

    url: SplitResult
    ip: str

    @property
    def pinned(self) -> str:
        """The address with the IP in place of the name."""
        host = f"[{self.ip}]" if ":" in self.ip else self.ip
        port = f":{self.url.port}" if self.url.port else ""
        return self.url._replace(netloc=f"{host}{port}", fragment="").geturl()

    @property
    def host(self) -> str:
        port = f":{self.url.port}" if self.url.port else ""
        return f"{self.url.hostname}{port}"


async def check(url: str, *, allow_private: bool) -> Checked:
    """The address, resolved.

    Raises:
        InvalidInput: it is no web address.
        Forbidden: it is not https, or leads into a private network.
        Unavailable: the name does not resolve.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise InvalidInput("The target's url is no web address.", fix="https://hooks.example.com/…") from None
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.password:
        raise InvalidInput("The target's url is no plain web address.", fix="https://hooks.example.com/…")
    if parts.scheme == "http" and not allow_private:
        raise Forbidden("The target's url is not https.", fix=ALLOW)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unavailable(f"The target's host {host[:80]} does not resolve.", fix="Check the url.") from None
    addresses = [str(each[4][0]) for each in found]
    for each in addresses:
        if not allow_private and not public(each):
            raise Forbidden(f"The target's host {host[:80]} leads into a private network.", fix=ALLOW)
    return Checked(parts, addresses[0])


def public(address: str) -> bool:
    """Whether an IP is a public one: no loopback, private, link-local, shared, multicast, reserved or metadata
    address, also inside IPv6 forms of IPv4."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if inner is None and found in TRANSLATED:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return public(str(inner))
    refused = any(found in each for each in REFUSED)
    return found.is_global and not (found.is_multicast or found.is_reserved or refused)


async def post(client: httpx.AsyncClient, checked: Checked, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
    """POST to the address that was checked; the certificate is that of the name."""
    own = {**headers, "Host": checked.host}
    extensions = {"sni_hostname": checked.url.hostname} if checked.url.scheme == "https" else {}
    return await client.post(
        checked.pinned, content=body, headers=own, extensions=extensions, follow_redirects=False, timeout=SECONDS
    )
