"""Results that may be served again: in process, by time and total size."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")
MAX_ENTRIES = 128


class ResultCache(Generic[T]):
    """Least recently used first out; an entry older than its time is gone."""

    def __init__(self, entries: int = MAX_ENTRIES) -> None:
        self._entries = entries
        self._kept: OrderedDict[Hashable, tuple[float, T]] = OrderedDict()

    def get(self, key: Hashable) -> T | None:
        found = self._kept.get(key)
        if found is None or found[0] < time.monotonic():
            self._kept.pop(key, None)
            return None
        self._kept.move_to_end(key)
        return found[1]

    def put(self, key: Hashable, value: T, seconds: float) -> None:
        """Keep `value` for `seconds`; nothing is kept for 0."""
        if seconds <= 0:
            return
        self._kept[key] = (time.monotonic() + seconds, value)
        while len(self._kept) > self._entries:
            self._kept.popitem(last=False)
