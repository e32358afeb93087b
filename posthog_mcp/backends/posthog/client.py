"""One pooled HTTP client for one PostHog host; returns JSON, raises our errors.

Every request waits for its turn (`politeness.Limiter`), is repeated where that is safe (`retrying.Retries`), and is not
sent while the host keeps failing (`politeness.Breaker`). `transport` does the sending. All failures leave through
`Client.request`, where the key is removed from their words.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast
from urllib.parse import urljoin, urlsplit

import anyio

from posthog_mcp.backends.posthog.errors import (
    error_body,
    lost,
    not_json,
    response_error,
    without_secret,
    wrong_region,
)
from posthog_mcp.backends.posthog.politeness import Breaker, Window, limiter_of, windows
from posthog_mcp.backends.posthog.regions import SIBLINGS, same_host
from posthog_mcp.backends.posthog.retrying import Loss, Repeat, Retries, moment_of, seconds_of
from posthog_mcp.backends.posthog.transport import MAX_BYTES, REDIRECTS, Call, Phases, Reply, Transport, encoded
from posthog_mcp.errors import Forbidden, PostHogMcpError, RateLimited, Unavailable
from posthog_mcp.results import Json, read_json

DEFAULT_LIMITS = "240/min,1200/h"
BROKEN = frozenset({500, 502, 503, 504})
"""Statuses that count against a host, unless PostHog itself words them: then the host lives."""
Body = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Polling:
    """Seconds between looks at a running query: the first, and the longest. Each look counts against the limits."""

    first: float = 0.25
    longest: float = 3.0
    growth: float = 1.5


@dataclass(frozen=True, slots=True)
class Manners:
    """How a client behaves; tests make it impatient. `siblings`: the other Cloud region of an address."""

    phases: Phases = field(default_factory=Phases)
    retries: Retries = field(default_factory=Retries)
    polling: Polling = field(default_factory=Polling)
    limits: tuple[Window, ...] = field(default_factory=lambda: tuple(windows(DEFAULT_LIMITS)))
    concurrent: int = 3
    longest_wait: float = 60.0
    breaker_failures: int = 5
    breaker_seconds: float = 15.0
    stop_seconds: float = 5.0
    max_bytes: int = MAX_BYTES
    siblings: Mapping[str, str] = field(default_factory=lambda: dict(SIBLINGS))


@dataclass(frozen=True, slots=True)
class Failure:
    """A try that brought nothing: the error to raise, what happened, and how long the host asks to wait."""

    error: PostHogMcpError
    outcome: int | Loss
    wait: float | None = None


class Client:
    """Requests against one host. The connection pool opens with the first request."""

    def __init__(self, base_url: str, api_key: str, manners: Manners | None = None) -> None:
        self.base_url = base_url
        self.host = urlsplit(base_url).netloc
        self.manners = manners or Manners()
        self.limiter = limiter_of(base_url, api_key, self.manners.limits, self.manners.concurrent)
        self.clock_skew: float | None = None
        """Seconds that this machine's clock is ahead of the host's, as of its last answer."""
        self._breaker = Breaker(self.host, self.manners.breaker_failures, self.manners.breaker_seconds)
        self._transport = Transport(base_url, api_key, self.manners.phases, self.manners.max_bytes)
        self._api_key = api_key
        self._asking = anyio.Lock()
        self._known_there: bool | None = None
        """Whether the other Cloud region knows the key; None until it was asked."""

    def __repr__(self) -> str:
        return f"Client({self.host!r})"

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Json] | None = None,
        params: Mapping[str, str | int] | None = None,
        wait_seconds: float | None = None,
        repeat: Repeat | None = None,
        queued: bool = True,
        follow: bool = True,
    ) -> tuple[int, Body]:
        """Status and JSON object of a successful answer ({} for an empty one).

        `repeat`: whether it may happen twice; default read for GET, write for others. `wait_seconds` bounds its silence
        and, where given, all tries together. `queued` False: its turn was taken by the caller. `follow` False: a
        redirect is the answer, {"location": address}.

        Raises:
            PostHogMcpError: what PostHog said, or why there is no answer.
        """
        kind: Repeat = repeat or ("read" if method == "GET" else "write")
        try:
            call = Call(method, path, encoded(body), params, wait_seconds, follow)
            return await self._answered(call, kind, queued)
        except PostHogMcpError as error:
            clean = self.without_key(error)
            raise clean from None

    async def _answered(self, call: Call, kind: Repeat, queued: bool) -> tuple[int, Body]:
        """Tries until there is an answer or no hope.

        Raises:
            PostHogMcpError: as `request`, the key still in it where the host repeats it.
        """
        deadline = time.monotonic() + (call.wait_seconds or self.manners.retries.seconds)
        attempt = 0
        while True:
            attempt += 1
            if queued or attempt > 1:
                await self.limiter.turn(kind, min(self.manners.longest_wait, max(0.0, deadline - time.monotonic())))
            found = await self._try(call, max(deadline - time.monotonic(), 0.05))
            if isinstance(found, Reply):
                return found.status, self._read(found)
            pause = self.manners.retries.wait(attempt, found.wait)
            if found.wait and isinstance(found.error, RateLimited):
                self.limiter.hold(kind, found.wait)
            again = self.manners.retries.again(found.outcome, kind) and attempt < self.manners.retries.tries
            if not again or time.monotonic() + pause > deadline:
                failure = await self._located(found)
                raise failure
            await anyio.sleep(pause)

    async def _try(self, call: Call, seconds: float) -> Reply | Failure:
        """One try, its answer complete within `seconds`.

        Raises:
            Unavailable: the host failed too often just now.
        """
        import httpx

        self._breaker.enter()
        try:
            with anyio.fail_after(seconds):
                reply = await self._transport.send(call)
        except httpx.HTTPError as error:
            return self._lost(*lost(error, self.host))
        except TimeoutError:
            text = f"{self.host} did not answer in time: its answer was not complete after {seconds:.0f} s."
            return self._lost(Unavailable(text, fix="Try again.", context={"reason": "timeout"}), "late")
        except PostHogMcpError as error:
            self._breaker.succeeded()
            return Failure(error, "final")
        except BaseException:
            self._breaker.left()
            raise
        return self._judged(reply)

    def _lost(self, error: PostHogMcpError, loss: Loss) -> Failure:
        self._breaker.failed(error.message)
        return Failure(error, loss)

    def _judged(self, reply: Reply) -> Reply | Failure:
        """A reply, or what its status above 399 means."""
        date = reply.headers.get("date", "")
        if moment := moment_of(date):
            self.clock_skew = (datetime.now(UTC) - moment).total_seconds()
        if reply.status < 400:
            self._breaker.succeeded()
            return reply
        wait = seconds_of(reply.headers.get("retry-after", ""), date)
        error = response_error(reply.status, wait, reply.content, self.host)
        if isinstance(error, RateLimited):
            wait = cast("float | None", error.context.get("retry_after_seconds"))
        at_capacity = reply.status == 503
        if reply.status in BROKEN and (at_capacity or not error_body(reply.content)):
            self._breaker.failed(error.message)
        else:
            self._breaker.succeeded()
        failed_query = error.context.get("reason") == "query_failed"
        return Failure(error, "final" if failed_query else reply.status, wait)

    async def _located(self, failure: Failure) -> PostHogMcpError:
        """The error to raise; a key that this Cloud region does not know is looked for in the other one, once."""
        other = self.manners.siblings.get(self.base_url)
        unknown = isinstance(failure.error, Forbidden) and failure.outcome == 401
        if other is None or not unknown:
            return failure.error
        async with self._asking:
            if self._known_there is None:
                self._known_there = await self._knows(other)
        return wrong_region(self.host, other) if self._known_there else failure.error

    async def _knows(self, address: str) -> bool:
        """Whether another Cloud region accepts this key (403: it does, and lacks the scope)."""
        import httpx

        transport = Transport(address, self._api_key, self.manners.phases, self.manners.max_bytes)
        try:
            with anyio.fail_after(self.manners.stop_seconds):
                return (await transport.send(Call("GET", "/api/users/@me/"))).status in {200, 403}
        except (httpx.HTTPError, TimeoutError, PostHogMcpError):
            return False
        finally:
            with anyio.CancelScope(shield=True):
                await transport.aclose()

    def _read(self, reply: Reply) -> Body:
        if reply.status in REDIRECTS:
            return {"location": self._address(reply.headers.get("location", ""))}
        if not reply.content.strip():
            return {}
        try:
            found = read_json(reply.content)
        except (ValueError, RecursionError):
            raise not_json(self.host, reply.headers.get("content-type", ""), reply.content) from None
        return found if isinstance(found, dict) else {"results": found}

    def _address(self, location: str) -> str:
        try:
            found = urljoin(f"{self.base_url}/", location) if location else ""
        except ValueError:
            found = ""
        if not found:
            failure = Unavailable(f"{self.host} redirects nowhere.", fix="Check POSTHOG_BASE_URL.")
            raise failure
        return found

    def without_key(self, error: PostHogMcpError) -> PostHogMcpError:
        """The same error; a host that repeats the key in its answer does not get it shown."""
        return without_secret(error, self._api_key)

    def same_host(self, url: str) -> bool:
        """Whether an address is on this host, with the same scheme."""
        return same_host(self.base_url, url)

    async def aclose(self) -> None:
        await self._transport.aclose()
