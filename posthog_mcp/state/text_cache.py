"""Texts that cost something to make, kept by what they were made of: in this process, or in Redis for a team.

Values are compressed. A key holds a hash of its content, so an entry is never wrong, only old; what is not there is
made again. Redis that does not answer counts as a miss.
"""

from __future__ import annotations

import hashlib
import threading
import time
import zlib
from collections import OrderedDict
from typing import TYPE_CHECKING, Protocol

from posthog_mcp.errors import Unavailable

if TYPE_CHECKING:
    from redis import Redis

MOST_BYTES = 128_000_000
PREFIX = "posthog-mcp:text:"


class Place(Protocol):
    """Where compressed texts lie. Methods block."""

    def get(self, key: str) -> bytes | None: ...

    def put(self, key: str, value: bytes, seconds: float) -> None: ...


class InProcess:
    """Least recently used first out, by total size; an entry older than its time is gone."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._kept: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes | None:
        with self._lock:
            found = self._kept.get(key)
            if found is None or found[0] < time.monotonic():
                self._drop(key)
                return None
            self._kept.move_to_end(key)
            return found[1]

    def put(self, key: str, value: bytes, seconds: float) -> None:
        with self._lock:
            self._drop(key)
            self._kept[key] = (time.monotonic() + seconds, value)
            self._size += len(value)
            while self._size > self._most:
                self._drop(next(iter(self._kept)))

    def _drop(self, key: str) -> None:
        found = self._kept.pop(key, None)
        self._size -= len(found[1]) if found else 0


class InRedis:
    """Shared by every process of a team; entries end by themselves."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: Redis | None = None

    def get(self, key: str) -> bytes | None:
        from redis.exceptions import RedisError

        try:
            found = self._connected().get(PREFIX + key)
        except RedisError:
            return None
        return found if isinstance(found, bytes) else None

    def put(self, key: str, value: bytes, seconds: float) -> None:
        from redis.exceptions import RedisError

        try:
            self._connected().set(PREFIX + key, value, ex=max(1, int(seconds)))
        except RedisError:
            return

    def _connected(self) -> Redis:
        """The client; it connects by itself.

        Raises:
            Unavailable: the client library is not installed.
        """
        try:
            from redis import Redis
        except ImportError:
            raise Unavailable("Redis is not installed.", fix='Run: pip install "posthog-mcp[redis]".') from None
        if self._client is None:
            client = Redis.from_url(self._url, socket_timeout=2, socket_connect_timeout=2)  # pyright: ignore[reportUnknownMemberType]
            self._client = client
        return self._client


class TextCache:
    """Texts by the hash of what they were made of, with how often they were found."""

    def __init__(self, place: Place | None = None) -> None:
        self._place = place or InProcess()
        self.hits = 0
        self.misses = 0

    def get(self, parts: tuple[str, ...]) -> str | None:
        """Blocks where the place is Redis."""
        found = self._place.get(hashed(parts))
        if found is None:
            self.misses += 1
            return None
        self.hits += 1
        return zlib.decompress(found).decode("utf-8", "surrogatepass")

    def put(self, parts: tuple[str, ...], text: str, seconds: float) -> None:
        self._place.put(hashed(parts), zlib.compress(text.encode("utf-8", "surrogatepass"), 1), seconds)

    @property
    def hit_rate(self) -> float | None:
        """0 to 1; None before the first look."""
        looks = self.hits + self.misses
        return self.hits / looks if looks else None


def hashed(parts: tuple[str, ...]) -> str:
    return hashlib.blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()


def text_cache(url: str | None) -> TextCache:
    """In this process, or where POSTHOG_MCP_CACHE_URL says."""
    return TextCache(InRedis(url) if url else None)
