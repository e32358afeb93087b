"""When a request is sent again, and how long to wait before.

Only what did not happen, or may happen twice, is repeated. A query reads, but costs: it is repeated where the host did
not take it, or where its answer was lost (its id makes the host hand out the same job), never after it ran out of time
or failed. Waits grow exponentially with full jitter; Retry-After is honoured; all tries together have one deadline.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

Repeat = Literal["read", "query", "write"]
"""What a request does, so whether it may happen twice."""
Loss = Literal["unsent", "broken", "late", "final"]
"""Why there is no answer: never sent, the connection broke, time passed, or another try would end alike."""

STATUSES: dict[Repeat, frozenset[int]] = {
    "read": frozenset({429, 500, 502, 503}),
    "query": frozenset({429, 502, 503}),
    "write": frozenset({429, 503}),
}
LOSSES: dict[Repeat, frozenset[Loss]] = {
    "read": frozenset({"unsent", "broken", "late"}),
    "query": frozenset({"unsent", "broken"}),
    "write": frozenset({"unsent"}),
}


@dataclass(frozen=True, slots=True)
class Retries:
    """`seconds` bounds all tries and waits together; `pause` is the first wait's upper end, doubled each time."""

    tries: int = 4
    seconds: float = 60.0
    pause: float = 0.5
    longest_pause: float = 8.0
    chance: Callable[[], float] = field(default=random.random)

    def again(self, outcome: int | Loss, repeat: Repeat) -> bool:
        """Whether a request may be repeated after a status above 399 or the loss of its answer."""
        return outcome in STATUSES[repeat] if isinstance(outcome, int) else outcome in LOSSES[repeat]

    def wait(self, attempt: int, told: float | None) -> float:
        """Seconds before try `attempt` + 1 (attempts count from 1); `told`: the host's Retry-After.

        A told wait gets jitter on top, so that callers who were refused together do not come back together.
        """
        jitter = self.chance() * min(self.longest_pause, self.pause * 2 ** (attempt - 1))
        return jitter if told is None else told + min(jitter, self.pause)


def seconds_of(retry_after: str, date: str = "") -> float | None:
    """A Retry-After header: seconds, or an HTTP date. None for anything else.

    A date is taken against the answer's own `Date`: this machine's clock may be wrong.
    """
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), 86_400.0)
    moment = moment_of(text)
    return None if moment is None else max(0.0, (moment - (moment_of(date) or datetime.now(UTC))).total_seconds())


def moment_of(text: str) -> datetime | None:
    """An HTTP date; None where it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
