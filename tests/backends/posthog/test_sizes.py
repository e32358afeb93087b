"""Answers of a gigabyte: told by their length, streamed without one, packed. Little is read, and little kept."""

from __future__ import annotations

import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

import anyio
import pytest
from anyio.abc import AnyByteStream
from fault_host import QUICK, Phases, client_of

from posthog_mcp.errors import Unavailable

GIGABYTE, LIMIT = 1 << 30, 4 << 20
PATIENT = replace(QUICK, max_bytes=LIMIT, phases=Phases(connect=5, read=5, write=5, pool=5))
PIECE = b" " * (1 << 16)
IN_FLIGHT = 24 << 20
"""More than the buffers of two sockets hold."""


@dataclass
class Flood:
    """Sends a gigabyte, or until nobody listens; `sent` are the bytes that were taken."""

    head: bytes
    sent: int = 0

    async def __call__(self, stream: AnyByteStream) -> None:
        await stream.send(self.head)
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            while self.sent < GIGABYTE:
                await stream.send(PIECE)
                self.sent += len(PIECE)


@contextmanager
def kept_below(most: int) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


async def test_a_gigabyte_told_by_its_length_is_not_read() -> None:
    flood = Flood(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % GIGABYTE)
    async with client_of(flood, manners=PATIENT) as (client, host):
        with kept_below(4 * LIMIT), pytest.raises(Unavailable, match="larger than 4 MB") as raised:
            await client.request("GET", "/api/x/")
        await anyio.sleep(0.1)
    assert raised.value.context["reason"] == "too_large"
    assert len(host.requests) == 1
    assert flood.sent < IN_FLIGHT


async def test_a_gigabyte_without_a_length_is_read_up_to_the_limit() -> None:
    flood = Flood(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    async with client_of(flood, manners=PATIENT) as (client, host):
        with kept_below(4 * LIMIT), pytest.raises(Unavailable, match="larger than 4 MB"):
            await client.request("GET", "/api/x/")
        await anyio.sleep(0.1)
    assert len(host.requests) == 1
    assert LIMIT <= flood.sent < LIMIT + IN_FLIGHT


async def test_a_gigabyte_packed_into_one_is_not_unpacked() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = b"".join(packer.compress(PIECE * 16) for _ in range(GIGABYTE // len(PIECE) // 16)) + packer.flush()

    async def send(stream: AnyByteStream) -> None:
        await stream.send(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed))
        await stream.send(packed)

    assert len(packed) < LIMIT
    async with client_of(send, manners=PATIENT) as (client, _):
        with kept_below(GIGABYTE // 4), pytest.raises(Unavailable, match="larger than 4 MB"):
            await client.request("GET", "/api/x/")
