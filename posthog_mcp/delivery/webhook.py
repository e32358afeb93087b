"""A generic webhook: JSON with a timestamp and an HMAC-SHA256 signature.

The receiver checks `X-PostHog-MCP-Signature: v1=<hex>` = HMAC(secret, "<X-PostHog-MCP-Timestamp>.<body>"), refuses old
timestamps, and drops a second `Idempotency-Key`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from posthog_mcp.delivery.addresses import check, post
from posthog_mcp.delivery.channel import Parcel, attached, picture_name
from posthog_mcp.delivery.http_faults import broken, refused
from posthog_mcp.delivery.message import markdown
from posthog_mcp.delivery.targets import Target
from posthog_mcp.errors import InvalidInput
from posthog_mcp.results import Json

if TYPE_CHECKING:
    import httpx


class Webhook:
    """Posts to the target's `url`."""

    dedupes = False

    def __init__(self, client: httpx.AsyncClient, now: Callable[[], float] = time.time) -> None:
        self._client = client
        self._now = now

    def preview(self, parcel: Parcel) -> dict[str, Json]:
        headers = headers_of(parcel, "<time>", "v1=<hex>")
        body: dict[str, Json] = {**payload(parcel), "pictures": [*attached(parcel.message)]}
        return {"method": "POST", "to": place(parcel), "headers": {**headers}, "body": body}

    async def hand_over(self, parcel: Parcel) -> str:
        """POST the message.

        Raises:
            NotDelivered: it was refused, or the connection broke.
            PostHogMcpError: the address may not be posted to.
        """
        import httpx

        checked = await check(url_of(parcel.target), allow_private=parcel.target.allow_private)
        body = json.dumps({**payload(parcel), "pictures": [*pictures_of(parcel)]}, ensure_ascii=False).encode()
        stamp = str(int(self._now()))
        secret = parcel.target.secret
        signed = signature(secret.get_secret_value(), stamp, body) if secret else ""
        headers = headers_of(parcel, stamp, signed)
        try:
            response = await post(self._client, checked, body, headers)
        except httpx.HTTPError as error:
            fault = broken(error, place(parcel))
            raise fault from None
        problem = refused(response, place(parcel))
        if problem:
            raise problem
        return f"{response.status_code} from {place(parcel)}"

    async def arrived(self, parcel: Parcel) -> bool | None:
        """A receiver that drops repeated keys may be asked again; others cannot be asked."""
        return False if parcel.target.idempotent else None


def headers_of(parcel: Parcel, stamp: str, signed: str) -> dict[str, str]:
    """Every header of our own; the signature where the target has a secret."""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "posthog-mcp",
        "Idempotency-Key": parcel.key,
        "X-PostHog-MCP-Timestamp": stamp,
    }
    return {**headers, "X-PostHog-MCP-Signature": signed} if parcel.target.secret else headers


def signature(secret: str, stamp: str, body: bytes) -> str:
    return "v1=" + hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def payload(parcel: Parcel) -> dict[str, Json]:
    """The JSON body, its pictures left out."""
    message = parcel.message
    return {
        "id": message.subject_id,
        "key": parcel.key,
        "title": message.title,
        "text": markdown(message),
        "facts": dict(message.facts),
        **({"to": list(parcel.to)} if parcel.to else {}),
    }


def pictures_of(parcel: Parcel) -> list[dict[str, Json]]:
    return [
        {
            "name": picture_name(number),
            "title": each.title,
            "alt": each.alt,
            "png_base64": base64.b64encode(each.png).decode(),
        }
        for number, each in enumerate(parcel.message.pictures, 1)
    ]


def url_of(target: Target) -> str:
    """The target's address.

    Raises:
        InvalidInput: it has none.
    """
    if target.url is None:
        raise InvalidInput(f"The target {target.name!r} has no url.", fix="Give it one in reports.yaml.")
    return target.url.get_secret_value()


def place(parcel: Parcel) -> str:
    """Scheme and host alone: paths of webhooks are secrets."""
    from urllib.parse import urlsplit

    parts = urlsplit(url_of(parcel.target))
    return f"{parts.scheme}://{parts.hostname}/…"
