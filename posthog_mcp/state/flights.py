"""Equal work once at a time: whoever asks for what is under way waits, and finds the result in the cache."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio


@dataclass(slots=True)
class Flight:
    """One piece of work, and how many are at it or wait for it."""

    lock: anyio.Lock = field(default_factory=anyio.Lock)
    people: int = 0


class Flights:
    """A lock for every key that somebody uses."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, Flight] = {}

    @asynccontextmanager
    async def turn(self, key: Hashable) -> AsyncGenerator[None]:
        """Alone with this key, first come, first served; whoever gives up waiting leaves nothing behind."""
        flight = self._flights.setdefault(key, Flight())
        flight.people += 1
        try:
            async with flight.lock:
                yield
        finally:
            flight.people -= 1
            if flight.people == 0:
                self._flights.pop(key, None)
