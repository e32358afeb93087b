"""A spec as PNG, rendered on this machine by vl-convert; nothing is fetched."""

from __future__ import annotations

import importlib.util
import json
import struct
import zlib
from collections.abc import Mapping

import anyio

from posthog_mcp.errors import InvalidInput, Unavailable

SIGNATURE = b"\x89PNG\r\n\x1a\n"
LIKED_BYTES = 100_000
MOST_BYTES = 900_000
SCALES = (1.6, 1.25, 1.0)
"""The first whose picture is small enough is taken."""
SECONDS = 20.0


async def png_of(spec: Mapping[str, object]) -> bytes:
    """The picture, in a worker thread; smaller where it would be too big.

    Raises:
        Unavailable: vl-convert is not installed, or takes too long.
        InvalidInput: it cannot be drawn.
    """
    if importlib.util.find_spec("vl_convert") is None:
        raise Unavailable("Pictures need vl-convert, which is not installed.", fix='pip install "posthog-mcp[charts]"')
    try:
        with anyio.fail_after(SECONDS):
            return await anyio.to_thread.run_sync(drawn, json.dumps(spec), abandon_on_cancel=True)
    except TimeoutError:
        raise Unavailable("Drawing took too long.", fix="Draw fewer rows, or use the table.") from None


def drawn(spec: str) -> bytes:
    """The PNG.

    Raises:
        InvalidInput: the chart cannot be drawn, or is too big at any scale.
    """
    import vl_convert

    picture = b""
    for scale in SCALES:
        try:
            picture = vl_convert.vegalite_to_png(vl_spec=spec, scale=scale, vl_version="5.20", allowed_base_urls=[])
        except ValueError as error:
            told = str(error).splitlines()[0][:200]
            raise InvalidInput(f"This chart cannot be drawn: {told}", fix="Use type table, or other columns.") from None
        picture = packed(picture)
        if len(picture) <= LIKED_BYTES:
            break
    if len(picture) > MOST_BYTES:
        raise InvalidInput("The picture is too big.", fix="Draw fewer rows.")
    return picture


def packed(png: bytes) -> bytes:
    """The same picture, its pixels compressed by zlib; vl-convert writes fast, not small."""
    place, head, pixels = len(SIGNATURE), b"", b""
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        kind, chunk = png[place + 4 : place + 8], png[place : place + 12 + length]
        if kind == b"IDAT":
            pixels += chunk[8:-4]
        elif kind != b"IEND":
            head += chunk
        place += 12 + length
    data = zlib.compress(zlib.decompress(pixels), 6)
    return SIGNATURE + head + chunk_of(b"IDAT", data) + chunk_of(b"IEND", b"")


def chunk_of(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
