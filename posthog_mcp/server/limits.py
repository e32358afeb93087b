"""How often one principal may ask: a sliding window, counted in this process, or in Redis for all replicas.

The window slides by weighing the last fixed window by the part of it that is still within reach
(https://blog.cloudflare.com/counting-things-a-lot-of-different-things/), so that nobody gets twice the rate around the
full minute. By hand, because the package `limits` takes a lock and a task for what is two dictionary reads here, on
every request.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from posthog_mcp.state.shared_cache import Shared

MAX_NAMES = 20_000


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in so many seconds."""

    count: int
    seconds: int


class Limits:
    """Counts by name. Where Redis is away, each replica counts its own."""

    def __init__(self, rates: Sequence[Rate], shared: Shared | None, now: Callable[[], float] = time.time) -> None:
        self._rates, self._shared, self._now = rates, shared, now
        self._counted: dict[tuple[str, int, int], int] = {}

    async def wait_for(self, name: str) -> int:
        """Seconds to wait; 0 when the request may go on. Only what may go on is counted."""
        now = self._now()
        for place, rate in enumerate(self._rates):
            before, counted = await self._count(name, rate, now, 1)
            if wait := seconds_until(rate, before, counted, now):
                for each in self._rates[: place + 1]:
                    await self._count(name, each, now, -1)
                return wait
        return 0

    async def _count(self, name: str, rate: Rate, now: float, by: int) -> tuple[int, int]:
        """How often in the window before, and in this one."""
        slot = int(now) // rate.seconds
        if self._shared is not None:
            counted = await self._shared.count(f"{name}:{rate.seconds}", slot, by, rate.seconds * 2)
            if counted is not None:
                return counted
        if len(self._counted) > MAX_NAMES:
            self._forget(now)
        key = (name, rate.seconds, slot)
        self._counted[key] = counted = self._counted.get(key, 0) + by
        return self._counted.get((name, rate.seconds, slot - 1), 0), counted

    def _forget(self, now: float) -> None:
        """Drop the windows that are over; all, where too many are not."""
        kept = {each: count for each, count in self._counted.items() if each[2] >= int(now) // each[1] - 1}
        self._counted = kept if len(kept) <= MAX_NAMES else {}


def seconds_until(rate: Rate, before: int, counted: int, now: float) -> int:
    """Seconds until one of `counted` in this window, after `before` in the last one, is within the rate; 0: it is."""
    gone = now % rate.seconds / rate.seconds
    if before * (1 - gone) + counted <= rate.count:
        return 0
    if counted <= rate.count:
        return max(1, math.ceil(rate.seconds * (1 - (rate.count - counted) / before - gone)))
    return max(1, math.ceil(rate.seconds * (1 - gone + 1 - (rate.count - 1) / (counted - 1))))
