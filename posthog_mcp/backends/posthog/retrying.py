"""When a request is sent again, and how long to wait before.

Only what did not happen, or may happen twice, is repeated: reads, and queries (which read). A query that ran out of
time is never repeated: it would again. Waits grow exponentially with full jitter; Retry-After is honoured; all tries
together have one deadline.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

NOT_PROCESSED = frozenset({429, 503})
"""The host refused before doing anything: any request may be repeated."""
BROKEN = frozenset({500, 502})
"""Something may have happened: only what may happen twice is repeated."""


@dataclass(frozen=True, slots=True)
class Retries:
    """`seconds` bounds all tries and waits together; `pause` is the first wait's upper end, doubled each time."""

    tries: int = 4
    seconds: float = 60.0
    pause: float = 0.5
    longest_pause: float = 8.0
    chance: Callable[[], float] = field(default=random.random)

    def again(self, status: int | None, *, repeatable: bool, connected: bool = True) -> bool:
        """Whether a failed request may be repeated; `status` None: there was no answer."""
        if status is None:
            return repeatable or not connected
        return status in NOT_PROCESSED or (repeatable and status in BROKEN)

    def wait(self, attempt: int, retry_after: str) -> float:
        """Seconds before try `attempt` + 1 (attempts count from 1)."""
        told = seconds_of(retry_after)
        return told if told is not None else self.chance() * min(self.longest_pause, self.pause * 2 ** (attempt - 1))


def seconds_of(retry_after: str) -> float | None:
    """A Retry-After header: seconds, or an HTTP date. None for anything else."""
    text = retry_after.strip()
    if text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
