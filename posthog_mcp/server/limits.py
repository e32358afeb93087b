"""How often one principal may ask: fixed windows, counted in this process, or in Redis for all replicas."""

from __future__ import annotations

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
        """Seconds to wait; 0 when the request may go on, and is counted."""
        for rate in self._rates:
            counted = await self._count(name, rate)
            if counted > rate.count:
                return rate.seconds - int(self._now()) % rate.seconds
        return 0

    async def _count(self, name: str, rate: Rate) -> int:
        if self._shared is not None:
            counted = await self._shared.count(name, rate.seconds)
            if counted is not None:
                return counted
        if len(self._counted) > MAX_NAMES:
            self._counted.clear()
        key = (name, rate.seconds, int(self._now()) // rate.seconds)
        self._counted[key] = self._counted.get(key, 0) + 1
        return self._counted[key]
