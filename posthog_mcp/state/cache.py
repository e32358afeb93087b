"""Results that may be served again: in process, by time and total size."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Hashable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")
MAX_ENTRIES = 128
STAMP = "forgotten"
"""A file of the data folder whose time tells running servers to drop what they have in memory."""


class ResultCache(Generic[T]):
    """Least recently used first out; an entry older than its time is gone."""

    def __init__(self, entries: int = MAX_ENTRIES, stamp: Path | None = None) -> None:
        """`stamp`: a file whose change empties the cache, as `forget` changes one."""
        self._entries = entries
        self._stamp, self._stamped = stamp, changed(stamp)
        self._kept: OrderedDict[Hashable, tuple[float, T]] = OrderedDict()

    def get(self, key: Hashable) -> T | None:
        if (now := changed(self._stamp)) != self._stamped:
            self._stamped = now
            self._kept.clear()
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


def changed(stamp: Path | None) -> float:
    """When the file was changed; 0 where there is none."""
    try:
        return stamp.stat().st_mtime if stamp else 0.0
    except OSError:
        return 0.0
