"""What a call costs, summed while it runs by those who spend it.

Counted: time that queries took at the backend, the rows and bytes that it read for them where it tells (chDB does,
PostHog does not), time of commands in the sandbox, and tokens of the configured model with their price by its list. Not
counted: what a client's own model takes to read the answer, and PostHog's bill.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Cost:
    """One call's sums. Times are milliseconds of wall time; `usd` is an estimate by list prices."""

    queries: int = 0
    query_ms: float = 0.0
    rows_read: int = 0
    bytes_read: int = 0
    sandbox_ms: float = 0.0
    tokens_in: int = 0
    tokens_out: int = 0
    usd: float = 0.0


CURRENT: ContextVar[Cost | None] = ContextVar("cost of the call under way", default=None)


@contextmanager
def counting() -> Generator[Cost]:
    """The sums of everything that is spent inside, also by tasks and threads that begin there."""
    found = Cost()
    before = CURRENT.set(found)
    try:
        yield found
    finally:
        CURRENT.reset(before)


def spend(more: Cost) -> None:
    """Add to the call under way; outside of one, nobody asks."""
    cost = CURRENT.get()
    if cost is not None:
        for name in Cost.__slots__:
            setattr(cost, name, getattr(cost, name) + getattr(more, name))
