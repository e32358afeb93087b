"""The connection pool to one host: a request goes out, its whole answer comes back. No retries, no meaning.

Answers are read in pieces and refused beyond a size; redirects are followed on the same host only.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from opentelemetry.trace import Span, SpanKind

from posthog_mcp import __version__
from posthog_mcp.backends.posthog.regions import origin, same_host
from posthog_mcp.errors import InvalidInput, Unavailable
from posthog_mcp.observing.spans import outgoing, span
from posthog_mcp.results import Json

if TYPE_CHECKING:
    import httpx

MAX_BYTES = 200 << 20
MAX_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
JSON_CONTENT = {"Content-Type": "application/json"}
KEEPS_METHOD = frozenset({307, 308})
TELL_HEADERS = ("hpack.hpack", "hpack.table", "httpcore.http11", "httpcore.http2")


@dataclass(frozen=True, slots=True)
class Phases:
    """Seconds that a request may spend connecting, waiting for bytes, sending, and waiting for a connection."""

    connect: float = 10.0
    read: float = 60.0
    write: float = 30.0
    pool: float = 30.0


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `wait_seconds` is how long the host may be silent."""

    method: str
    path: str
    content: bytes | None = None
    params: Mapping[str, str | int] | None = None
    wait_seconds: float | None = None
    follow: bool = True
    """Redirects are followed; else they are the answer."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes | bytearray


class Transport:
    """Opens with the first request."""

    def __init__(self, base_url: str, api_key: str, phases: Phases, max_bytes: int) -> None:
        self.base_url = base_url
        self._api_key = api_key
        self._phases = phases
        self._max_bytes = max_bytes
        self._http: httpx.AsyncClient | None = None

    def _client(self) -> httpx.AsyncClient:
        """The pool.

        Raises:
            Unavailable: this machine's proxy or certificate settings cannot be used.
        """
        if self._http is None:
            import httpx

            without_headers()
            headers = {
                "Authorization": f"Bearer {self._api_key}",
                "Accept": "application/json",
                "User-Agent": f"posthog-mcp/{__version__}",
                "X-PostHog-Client": "mcp",
            }
            http2 = find_spec("h2") is not None
            try:
                self._http = httpx.AsyncClient(base_url=usable(self.base_url), headers=headers, http2=http2)
            except ImportError:
                fix = 'pip install "httpx[socks]", or unset ALL_PROXY.'
                text = "The proxy settings name a SOCKS proxy."
                raise Unavailable(text, fix=fix, context={"reason": "proxy"}) from None
            except OSError:
                text = "The certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read."
                raise Unavailable(text, fix="Correct or unset them.", context={"reason": "tls"}) from None
            except (ValueError, httpx.InvalidURL):
                fix = "Write http://host:port in HTTP_PROXY, HTTPS_PROXY and ALL_PROXY, or unset them."
                raise Unavailable("A proxy setting is no address.", fix=fix, context={"reason": "proxy"}) from None
        return self._http

    async def send(self, call: Call) -> Reply:
        """The whole answer, whatever its status.

        Raises:
            Unavailable: the answer is too large, or redirects to another host or without end; or no connection can be
                made with this machine's settings.
            httpx.HTTPError: there is no whole answer.
        """
        import httpx

        phases, path, params = self._phases, call.path, call.params
        silence = call.wait_seconds or phases.read
        headers = {} if call.content is None else JSON_CONTENT
        limits = httpx.Timeout(silence, connect=phases.connect, write=phases.write, pool=phases.pool)
        for _ in range(MAX_REDIRECTS + 1):
            with asking(call.method, self.base_url) as traced:
                stream = self._client().stream(
                    call.method, path, content=call.content, headers=headers | outgoing(), params=params, timeout=limits
                )
                async with stream as response:
                    traced.set_attribute("http.response.status_code", response.status_code)
                    reply = Reply(response.status_code, response.headers, await self._content(response))
                    here = str(response.url)
            location = reply.headers.get("location", "")
            if reply.status not in REDIRECTS or not location or not call.follow:
                return reply
            path, params = self._target(call.method, here, location, reply.status), None
        raise Unavailable(f"{origin(self.base_url)[1]} redirects without end.", fix="Check POSTHOG_BASE_URL.")

    async def _content(self, response: httpx.Response) -> bytearray:
        """The body.

        Raises:
            Unavailable: it is too large; what its length says is believed before it is read.
        """
        told = response.headers.get("content-length", "")
        content = bytearray()
        if not told.isdigit() or int(told) <= self._max_bytes:
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > self._max_bytes:
                    break
            else:
                return content
        host = response.url.host
        message = f"The answer of {host} is larger than {self._max_bytes >> 20} MB."
        raise Unavailable(message, fix="Select fewer columns or rows.", context={"reason": "too_large"})

    def _target(self, method: str, here: str, location: str, status: int) -> str:
        """Where a redirect leads.

        Raises:
            Unavailable: to another host, or it would turn a write into a read.
        """
        try:
            target = urljoin(here, location)
        except ValueError:
            target = location
        if same_host(self.base_url, target) and (method == "GET" or status in KEEPS_METHOD):
            return target
        scheme, host, port = origin(target)
        shown = f"{scheme}://{host}" + (f":{port}" if port not in {80, 443, None} else "")
        message = f"{origin(self.base_url)[1]} redirects to {shown[:200]}, where the key was not sent."
        fix = "Set POSTHOG_BASE_URL to the address that answers itself, with its right scheme (https)."
        raise Unavailable(message, fix=fix, context={"reason": "redirect"})

    async def aclose(self) -> None:
        if self._http is not None:
            await self._http.aclose()
            self._http = None


def asking(method: str, base_url: str) -> AbstractContextManager[Span]:
    """The span of one request; its path may hold what a person wrote, so it is not told."""
    about = {"http.request.method": method, "server.address": str(origin(base_url)[1])}
    return span(f"HTTP {method}", about, kind=SpanKind.CLIENT)


def usable(address: str) -> str:
    """An address that requests can be made of.

    Raises:
        Unavailable: it is none.
    """
    import httpx

    try:
        url = httpx.URL(address)
        good = bool(url.host) and (url.port or 1) < 65_536
    except (httpx.InvalidURL, ValueError):
        good = False
    if not good:
        fix = "Write it as https://posthog.example.com."
        raise Unavailable("POSTHOG_BASE_URL is no address.", fix=fix, context={"reason": "address"})
    return address


def encoded(body: Mapping[str, Json] | None) -> bytes | None:
    """A body as JSON.

    Raises:
        InvalidInput: a number in it is infinite or none.
    """
    if body is None:
        return None
    try:
        return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()
    except ValueError:
        raise InvalidInput("JSON has no NaN and no infinity.", fix="Write null or a finite number.") from None


def without_headers() -> None:
    """Below warnings, these log headers with their values: the key among them, or what a host repeats of it. httpx
    logs addresses, of which a download's carries its signature in the query."""
    for name in TELL_HEADERS:
        logger = logging.getLogger(name)
        if quiet not in logger.filters:
            logger.addFilter(quiet)
    logger = logging.getLogger("httpx")
    if bare not in logger.filters:
        logger.addFilter(bare)


def quiet(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING


def bare(record: logging.LogRecord) -> bool:
    """Take the query off an address that is logged."""
    import httpx

    if isinstance(record.args, tuple):
        args = (each.copy_with(query=None) if isinstance(each, httpx.URL) else each for each in record.args)
        record.args = tuple(args)
    return True
