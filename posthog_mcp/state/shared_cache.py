"""What replicas share in Redis: results that may be served again, and counts for rate limits.

Redis is a help, never a need: when it does not answer, a result counts as missing and a limit is counted in this
process, the log says so once, and it is tried again some seconds later.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Hashable, Iterator
from typing import TYPE_CHECKING, cast

from posthog_mcp.errors import Unavailable

if TYPE_CHECKING:
    from redis.asyncio import Redis

logger = logging.getLogger(__name__)
PREFIX = "posthog-mcp:"
AGAIN_AFTER = 5.0
SECONDS = 1.0
"""A cache that takes longer than this is slower than asking."""
MAX_BYTES = 8 << 20


class Shared:
    """One Redis. Nothing is connected before the first use."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: Redis | None = None
        self._away_until = 0.0

    async def get(self, key: Hashable) -> bytes | None:
        """A kept value; None where there is none, or Redis is away."""
        client = self._ready()
        if client is None:
            return None
        try:
            found = await client.get(name_of(key))
        except (OSError, redis_error()) as error:
            self._gone(error)
            return None
        return found if isinstance(found, bytes) else None

    async def put(self, key: Hashable, value: bytes, seconds: float) -> None:
        """Keep a value for this long; a very large one is not kept."""
        client = self._ready()
        if client is None or seconds <= 0 or len(value) > MAX_BYTES:
            return
        try:
            await client.set(name_of(key), value, px=int(seconds * 1000))
        except (OSError, redis_error()) as error:
            self._gone(error)

    async def first(self, name: str, seconds: int) -> bool:
        """Whether nobody used this name within so many seconds; True where Redis is away."""
        client = self._ready()
        if client is None:
            return True
        try:
            return bool(await client.set(f"{PREFIX}used:{name}", b"1", nx=True, ex=seconds))
        except (OSError, redis_error()) as error:
            self._gone(error)
            return True

    async def count(self, name: str, slot: int, by: int, seconds: int) -> tuple[int, int] | None:
        """Add to a name's count in this slot of time, kept for so many seconds.

        Returns:
            The counts in the slot before and in this one, the addition included; None: unknown.
        """
        client = self._ready()
        if client is None:
            return None
        before, this = (f"{PREFIX}rate:{name}:{each}" for each in (slot - 1, slot))
        try:
            asked = client.pipeline(transaction=False)
            asked.get(before)
            asked.incrby(this, by)
            asked.expire(this, seconds)
            last, counted, _ = await asked.execute()
        except (OSError, redis_error()) as error:
            self._gone(error)
            return None
        return int(last or 0), int(counted)

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _ready(self) -> Redis | None:
        """The client; None while Redis is away.

        Raises:
            Unavailable: the Redis client is not installed.
        """
        if time.monotonic() < self._away_until:
            return None
        if self._client is None:
            try:
                from redis.asyncio import Redis
            except ImportError:
                fix = 'Install it: pip install "posthog-mcp[redis]".'
                raise Unavailable("The Redis client is not installed.", fix=fix) from None
            self._client = Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
                self._url, socket_timeout=SECONDS, socket_connect_timeout=SECONDS
            )
        return self._client

    def _gone(self, error: Exception) -> None:
        self._away_until = time.monotonic() + AGAIN_AFTER
        logger.warning("the shared cache does not answer: %s", type(error).__name__)


def name_of(key: Hashable) -> str:
    """The key's hash: neither queries nor whose they are can be read off Redis."""
    return PREFIX + "result:" + hashlib.sha256(repr(key).encode("utf-8", "surrogatepass")).hexdigest()


def empty(url: str) -> None:
    """Remove every result of ours. Blocks.

    Raises:
        Unavailable: Redis does not answer.
    """
    from redis import Redis, RedisError

    try:
        with Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5) as client:  # pyright: ignore[reportUnknownMemberType]
            scan = cast("Callable[..., Iterator[bytes]]", client.scan_iter)  # pyright: ignore[reportUnknownMemberType]
            for name in scan(match=f"{PREFIX}result:*", count=500):
                client.delete(name)
    except (RedisError, OSError) as error:
        raise Unavailable(f"Redis cannot be emptied: {type(error).__name__}.", fix="Run it again.") from None


def redis_error() -> type[Exception]:
    """What a Redis that is away raises; called where its client is imported already."""
    from redis.exceptions import RedisError

    return RedisError
