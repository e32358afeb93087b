"""What a destination's HTTP answer or broken connection means for another attempt."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from posthog_mcp.delivery.channel import NotDelivered

if TYPE_CHECKING:
    import httpx

AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
LONGEST_WAIT = 120.0


def refused(response: httpx.Response, who: str) -> NotDelivered | None:
    """None for success; else what to do about it."""
    status = response.status_code
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return NotDelivered(f"{who} answered with a redirect ({status}); those are not followed.", again=False)
    return NotDelivered(f"{who} answered {status}.", again=status in AGAIN, wait=retry_after(response))


def retry_after(response: httpx.Response) -> float | None:
    """Seconds of the Retry-After header, at most two minutes."""
    text = response.headers.get("retry-after", "").strip()
    seconds: float | None = None
    if text.replace(".", "", 1).isdigit():
        seconds = float(text)
    elif text:
        with suppress(ValueError, TypeError):
            seconds = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
    return None if seconds is None else min(max(seconds, 0.0), LONGEST_WAIT)


def broken(error: httpx.HTTPError, who: str) -> NotDelivered:
    """A connection that could not be made is safe to try again; one that broke later may have delivered."""
    import httpx

    before = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    return NotDelivered(f"{who}: {type(error).__name__}.", again=True, arrived=not before)
