"""What keeps this client welcome: PostHog's limits are kept before they are hit, and a broken host is left alone.

`Limiter` counts requests in sliding windows and lets few queries run at once, in the order in which they came; all
clients of one key in this process share one. `Breaker` stops asking a host that failed several times in a row, and lets
one request try again after a while.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import inf
from weakref import WeakValueDictionary

import anyio

from posthog_mcp.backends.posthog.retrying import Repeat
from posthog_mcp.errors import InvalidInput, RateLimited, Unavailable

Clock = Callable[[], float]
"""Seconds that never go back."""

WINDOW = re.compile(r"\s*(\d+)\s*/\s*(s|sec|second|min|minute|h|hour|d|day)s?\s*\Z")
SECONDS = {"s": 1, "sec": 1, "second": 1, "min": 60, "minute": 60, "h": 3600, "hour": 3600, "d": 86_400, "day": 86_400}
CONCURRENT_QUERIES = 3
"""PostHog runs three queries of a project at once and queues the rest (docs/api/queries)."""


@dataclass(frozen=True, slots=True)
class Window:
    """At most `calls` in any `seconds`."""

    calls: int
    seconds: float


def windows(text: str) -> list[Window]:
    """`240/min,1200/h` as windows.

    Raises:
        InvalidInput: a part is not a number, a slash and a unit of time.
    """
    found: list[Window] = []
    for part in filter(str.strip, text.split(",")):
        read = WINDOW.match(part.lower())
        if not read or int(read[1]) == 0:
            raise InvalidInput(f"{part.strip()!r} is not a rate such as 240/min.", fix="Write 240/min,1200/h.")
        found.append(Window(int(read[1]), SECONDS[read[2]]))
    return found


class Limiter:
    """Holds requests back until they fit every window; first come, first served."""

    def __init__(
        self, limits: Sequence[Window], concurrent: int = CONCURRENT_QUERIES, now: Clock = time.monotonic
    ) -> None:
        self._limits = list(limits)
        self._now = now
        self._turn = anyio.Lock()
        self._running = anyio.Semaphore(concurrent)
        self._started: list[deque[float]] = [deque() for _ in self._limits]
        self._held: dict[bool, float] = {}
        self._waiting = 0

    async def turn(self, repeat: Repeat = "read", longest: float = inf) -> None:
        """Wait for a place in every window. Whoever gives up while waiting takes no place.

        Raises:
            RateLimited: the place would come after `longest` seconds.
        """
        expected = self.expected(repeat)
        if expected > longest:
            failure = full(expected)
            raise failure
        self._waiting += 1
        try:
            with anyio.fail_after(longest):
                async with self._turn:
                    while (pause := self._pause(repeat)) > 0:  # noqa: ASYNC110 (time is what is waited for)
                        await anyio.sleep(pause)
                    self.count()
        except TimeoutError:
            failure = full(self.expected(repeat))
            raise failure from None
        finally:
            self._waiting -= 1

    def count(self) -> None:
        """A request is sent now. On its own: one that may not wait, such as stopping a query."""
        moment = self._now()
        for started in self._started:
            started.append(moment)

    def hold(self, repeat: Repeat, seconds: float) -> None:
        """The host says that it takes no more for a while: nobody asks. Queries have limits of their own there."""
        query = repeat == "query"
        self._held[query] = max(self._held.get(query, 0.0), self._now() + seconds)

    def expected(self, repeat: Repeat = "read") -> float:
        """Seconds until the place of whoever asks now, behind all who wait."""
        longest = self._pause(repeat)
        for limit, started in zip(self._limits, self._started, strict=True):
            behind = len(started) + self._waiting - limit.calls
            if behind >= 0 and started:
                rounds, place = divmod(behind, limit.calls)
                begun = started[min(place, len(started) - 1)]
                longest = max(longest, begun + limit.seconds * (rounds + 1) - self._now())
        return longest

    def _pause(self, repeat: Repeat) -> float:
        moment = self._now()
        longest = self._held.get(repeat == "query", 0.0) - moment
        for limit, started in zip(self._limits, self._started, strict=True):
            while started and started[0] <= moment - limit.seconds:
                started.popleft()
            if len(started) >= limit.calls:
                longest = max(longest, started[len(started) - limit.calls] + limit.seconds - moment)
        return max(longest, 0.0)

    @asynccontextmanager
    async def query(self) -> AsyncGenerator[None]:
        """One of the few queries that run at once."""
        async with self._running:
            yield


def full(seconds: float) -> RateLimited:
    return RateLimited(
        f"This key's requests are used up for the next {seconds:.0f} s (POSTHOG_MCP_RATE_LIMIT, or PostHog's own).",
        fix=f"Wait {seconds:.0f} s and try again; fewer, larger queries cost less.",
        context={"retry_after_seconds": round(seconds)},
    )


_LIMITERS: WeakValueDictionary[tuple[str, str, tuple[Window, ...], int], Limiter] = WeakValueDictionary()


def limiter_of(host: str, api_key: str, limits: tuple[Window, ...], concurrent: int) -> Limiter:
    """The one limiter of a key at a host in this process; gone with its last client. The key itself is not kept."""
    name = (host, hashlib.sha256(api_key.encode()).hexdigest(), limits, concurrent)
    return _LIMITERS.setdefault(name, Limiter(limits, concurrent))


@dataclass(slots=True)
class Breaker:
    """Opens after `failures` in a row, for `seconds`; then one request may try."""

    host: str
    failures: int = 5
    seconds: float = 15.0
    now: Clock = time.monotonic
    _failed: int = field(default=0, init=False)
    _until: float = field(default=0.0, init=False)
    _trying: bool = field(default=False, init=False)
    _why: str = field(default="", init=False)

    def enter(self) -> None:
        """Before a request.

        Raises:
            Unavailable: the host failed too often just now.
        """
        if self._failed < self.failures:
            return
        left = self._until - self.now()
        if left > 0 or self._trying:
            message = f"{self.host} failed {self._failed} times in a row and is not asked for now. Last: {self._why}"
            fix = f"Try again in {max(left, 1):.0f} s; PostHog's status page tells of outages."
            raise Unavailable(message, fix=fix, context={"reason": "resting"})
        self._trying = True

    def succeeded(self) -> None:
        """The host answered, whatever it said."""
        self._failed, self._trying = 0, False

    def failed(self, why: str) -> None:
        """It did not answer, or said that it is broken."""
        self._failed += 1
        self._trying = False
        self._why = why
        self._until = self.now() + self.seconds

    def left(self) -> None:
        """The request was given up by its caller: nothing is known of the host."""
        self._trying = False
