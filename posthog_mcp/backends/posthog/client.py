"""One pooled HTTP client for one PostHog host; returns JSON, raises our errors.

Every request waits for its turn (`politeness.Limiter`), is repeated where that is safe (`retrying.Retries`), and is not
sent while the host keeps failing (`politeness.Breaker`). Redirects are followed on the same host only.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, cast
from urllib.parse import urljoin, urlsplit

import anyio

from posthog_mcp import __version__
from posthog_mcp.backends.posthog.errors import not_json, response_error, transport_error, web_page
from posthog_mcp.backends.posthog.politeness import Breaker, Limiter, Window, windows
from posthog_mcp.backends.posthog.retrying import Retries
from posthog_mcp.errors import PostHogMcpError, Unavailable
from posthog_mcp.results import Json

if TYPE_CHECKING:
    import httpx

MAX_BYTES = 256 << 20
MAX_REDIRECTS = 5
DEFAULT_LIMITS = "240/min,1200/h"
Body = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Phases:
    """Seconds that a request may spend connecting, waiting for bytes, sending, and waiting for a connection."""

    connect: float = 10.0
    read: float = 60.0
    write: float = 30.0
    pool: float = 30.0


@dataclass(frozen=True, slots=True)
class Manners:
    """How a client behaves; tests make it impatient."""

    phases: Phases = field(default_factory=Phases)
    retries: Retries = field(default_factory=Retries)
    limits: tuple[Window, ...] = field(default_factory=lambda: tuple(windows(DEFAULT_LIMITS)))
    concurrent: int = 3
    breaker_failures: int = 5
    breaker_seconds: float = 15.0
    max_bytes: int = MAX_BYTES


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Client:
    """Requests against one host. The connection pool opens with the first request."""

    def __init__(self, base_url: str, api_key: str, manners: Manners | None = None) -> None:
        self.base_url = base_url
        self.host = urlsplit(base_url).netloc
        self.manners = manners or Manners()
        self.limiter = Limiter(self.manners.limits, self.manners.concurrent)
        self._breaker = Breaker(self.host, self.manners.breaker_failures, self.manners.breaker_seconds)
        self._api_key = api_key
        self._http: httpx.AsyncClient | None = None

    def __repr__(self) -> str:
        return f"Client({self.host!r})"

    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            import httpx

            headers = {
                "Authorization": f"Bearer {self._api_key}",
                "User-Agent": f"posthog-mcp/{__version__}",
                "X-PostHog-Client": "mcp",
            }
            phases = self.manners.phases
            timeout = httpx.Timeout(phases.read, connect=phases.connect, write=phases.write, pool=phases.pool)
            self._http = httpx.AsyncClient(
                base_url=self.base_url, headers=headers, timeout=timeout, http2=find_spec("h2") is not None
            )
        return self._http

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Json] | None = None,
        params: Mapping[str, str | int] | None = None,
        wait_seconds: float | None = None,
        repeatable: bool | None = None,
    ) -> tuple[int, Body]:
        """Status and JSON object of a successful answer ({} for an empty one).

        `repeatable`: the request may happen twice; default for GET. `wait_seconds` bounds the wait for its bytes.

        Raises:
            PostHogMcpError: what PostHog said, or why there is no answer.
        """
        twice = method == "GET" if repeatable is None else repeatable
        deadline = time.monotonic() + self.manners.retries.seconds
        attempt = 0
        while True:
            attempt += 1
            reply, failure, connected = await self._try(method, path, body, params, wait_seconds)
            if reply is not None and reply.status < 400:
                return self._read(reply)
            status = reply.status if reply else None
            retry_after = reply.headers.get("retry-after", "") if reply else ""
            if reply is not None:
                failure = response_error(reply.status, retry_after, reply.content, self.host)
            assert failure is not None
            pause = self.manners.retries.wait(attempt, retry_after)
            again = self.manners.retries.again(status, repeatable=twice, connected=connected)
            if not again or attempt >= self.manners.retries.tries or time.monotonic() + pause > deadline:
                raise failure
            await anyio.sleep(pause)

    async def _try(
        self,
        method: str,
        path: str,
        body: Mapping[str, Json] | None,
        params: Mapping[str, str | int] | None,
        wait_seconds: float | None,
    ) -> tuple[Reply | None, PostHogMcpError | None, bool]:
        """One try: the reply, or why there is none and whether the host was reached at all.

        Raises:
            Unavailable: the host failed too often just now, or its answer is too large or goes elsewhere.
        """
        import httpx

        await self.limiter.turn()
        self._breaker.enter()
        try:
            reply = await self._send(method, path, body, params, wait_seconds)
        except httpx.HTTPError as error:
            self._breaker.failed()
            reached = not isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout))
            return None, transport_error(error, self.host), reached
        except BaseException:
            self._breaker.left()
            raise
        if reply.status in (500, 502, 503):
            self._breaker.failed()
        else:
            self._breaker.succeeded()
        return reply, None, True

    async def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Json] | None,
        params: Mapping[str, str | int] | None,
        wait_seconds: float | None,
    ) -> Reply:
        """The whole answer, redirects of reads followed on this host.

        Raises:
            Unavailable: the answer is too large, or redirects to another host or without end.
        """
        import httpx

        phases = self.manners.phases
        limits = httpx.Timeout(
            wait_seconds or phases.read, connect=phases.connect, write=phases.write, pool=phases.pool
        )
        for _ in range(MAX_REDIRECTS + 1):
            async with self._client().stream(method, path, json=body, params=params, timeout=limits) as response:
                content = bytearray()
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > self.manners.max_bytes:
                        message = f"The answer of {self.host} is larger than {self.manners.max_bytes >> 20} MB."
                        raise Unavailable(message, fix="Select fewer columns or rows.")
                reply = Reply(response.status_code, dict(response.headers), bytes(content))
                target = urljoin(str(response.url), reply.headers.get("location", ""))
            if reply.status not in (301, 302, 303, 307, 308):
                return reply
            if method != "GET" or not self.same_host(target):
                message = f"{self.host} redirects to {urlsplit(target).netloc}."
                raise Unavailable(message, fix="Set POSTHOG_BASE_URL to the address that answers itself.")
            path, params = target, None
        raise Unavailable(f"{self.host} redirects without end.", fix="Check POSTHOG_BASE_URL.")

    def _read(self, reply: Reply) -> tuple[int, Body]:
        if not reply.content.strip():
            return reply.status, {}
        try:
            found: object = json.loads(reply.content)
        except (ValueError, RecursionError):
            page = "html" in reply.headers.get("content-type", "") or reply.content.lstrip()[:1] == b"<"
            wrong = web_page(self.host) if page else not_json(self.host)
            raise wrong from None
        return reply.status, cast("Body", found) if isinstance(found, dict) else {"results": cast("Json", found)}

    def same_host(self, url: str) -> bool:
        """Whether an address is on this host, with the same scheme."""
        ours, theirs = urlsplit(self.base_url), urlsplit(url)
        return (theirs.scheme, theirs.netloc) == (ours.scheme, ours.netloc)

    async def aclose(self) -> None:
        if self._http is not None:
            await self._http.aclose()
            self._http = None
