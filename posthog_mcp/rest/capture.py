"""Capture bodies as PostHog's SDKs send them: plain, gzip or base64; one event, a list, or a batch."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from typing import cast
from urllib.parse import parse_qs

from starlette.requests import Request

from posthog_mcp.errors import Forbidden, InvalidInput
from posthog_mcp.results import Json

TOKEN = "phc_local"
MAX_BYTES = 20 << 20
Event = dict[str, Json]


async def captured_events(request: Request) -> list[Event]:
    """The events of a capture request.

    Raises:
        InvalidInput: the body cannot be read.
        Forbidden: the project token is missing or wrong.
    """
    body = decoded(
        await request.body(), request.query_params.get("compression"), request.headers.get("content-encoding")
    )
    try:
        document: Json = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidInput("Malformed request data: the body is not JSON.") from None
    token, events, sent_at = unpacked(document)
    if token != TOKEN:
        message = "Project API key invalid." if token else "Project API key is missing."
        raise Forbidden(message, fix=f"Send the project token {TOKEN}.")
    return [{**event, "sent_at": event.get("sent_at", sent_at)} for event in events]


def decoded(body: bytes, compression: str | None, encoding: str | None) -> bytes:
    """The JSON text inside.

    Raises:
        InvalidInput: damaged or too large.
    """
    if body.startswith(b"data="):
        body = parse_qs(body.decode("latin-1"))["data"][0].encode("latin-1")
        compression = compression or "base64"
    try:
        if compression == "base64":
            body = base64.b64decode(body)
        if compression in {"gzip", "gzip-js"} or encoding == "gzip" or body[:2] == b"\x1f\x8b":
            unzip = zlib.decompressobj(wbits=31)
            body = unzip.decompress(body, MAX_BYTES + 1)
    except (zlib.error, binascii.Error, ValueError):
        raise InvalidInput("Malformed request data: it cannot be decompressed.") from None
    if len(body) > MAX_BYTES:
        raise InvalidInput(f"The body is larger than {MAX_BYTES >> 20} MB.")
    return body


def unpacked(document: Json) -> tuple[str | None, list[Event], Json]:
    """(token, events, sent_at) of any of the accepted shapes.

    Raises:
        InvalidInput: none of them.
    """
    if isinstance(document, list):
        events = events_of(document)
        return token_of(events[0]) if events else None, events, None
    if not isinstance(document, dict):
        raise InvalidInput("Malformed request data: expected an event, a list, or {batch: […]}.")
    token = token_of(document)
    batch = document.get("batch")
    if isinstance(batch, list):
        return token, events_of(batch), document.get("sent_at")
    return token, [document], document.get("sent_at")


def events_of(items: list[Json]) -> list[Event]:
    """Objects only.

    Raises:
        InvalidInput: something else is among them.
    """
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise InvalidInput(f"Malformed request data: batch[{index}] is not an object.")
    return cast("list[Event]", items)


def token_of(event: Event) -> str | None:
    properties = event.get("properties")
    inside = properties.get("token") if isinstance(properties, dict) else None
    found = event.get("api_key") or event.get("token") or event.get("$token") or inside
    return str(found) if found else None
