"""A metric over time as every analysis gets it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from posthog_mcp.errors import InvalidInput
from posthog_mcp.insights.dates import following, label
from posthog_mcp.insights.question import Question
from posthog_mcp.insights.words import Interval
from posthog_mcp.results import DateRange, Json, Note, ProjectInfo

WIDEN = "Widen the time range of the query, or use a shorter interval in it."
"""What helps where the range stands in a query's own text."""
Unit = Literal["count", "share", "value"]
"""Whole things counted (events, people); a share of `of`; anything else."""


@dataclass(frozen=True, slots=True)
class MetricSeries:
    """Complete intervals, oldest first, without gaps. `labels` are their starts in the project's time zone
    (`2026-10-31`, or `2026-10-31 14:00` for hours), as insights write them."""

    name: str
    labels: tuple[str, ...]
    values: tuple[float, ...]
    interval: Interval
    unit: Unit
    project: ProjectInfo
    of: tuple[float, ...] = ()
    """Shares: of how many, interval by interval."""
    adds: bool = False
    """Intervals sum to a longer one's value (events, amounts); people counted in each interval do not."""
    question: Question | None = None
    """What is counted, where it is an insight."""
    query_id: str = ""
    hogql: str = ""
    url: str | None = None
    measure: str = ""
    """The number column of a query that this is a line of."""
    parts: tuple[tuple[str, str], ...] = ()
    """Its text columns with their values."""
    notes: tuple[Note, ...] = field(default=())
    """What was left out or filled in."""

    @property
    def n(self) -> int:
        """Complete intervals."""
        return len(self.values)

    @property
    def date_range(self) -> DateRange:
        """From the start of the first interval to the end of the last one."""
        if not self.labels:
            return DateRange(None, None, self.project.timezone)
        end = label(following(datetime.fromisoformat(self.labels[-1]), self.interval), self.interval)
        return DateRange(self.labels[0], end, self.project.timezone)

    def between(self, first: str, last: str) -> MetricSeries:
        """The intervals from one label up to and with another."""
        kept = [at for at, each in enumerate(self.labels) if first <= each <= last]
        return self.of_indices(kept)

    def of_indices(self, kept: Sequence[int]) -> MetricSeries:
        """These intervals alone."""
        of = tuple(self.of[at] for at in kept) if self.of else ()
        return replace(
            self, labels=tuple(self.labels[at] for at in kept), values=tuple(self.values[at] for at in kept), of=of
        )

    def need(self, least: int, what: str) -> None:
        """Refuse what so few intervals cannot carry.

        Raises:
            InvalidInput: there are fewer than `least` complete intervals.
        """
        if self.n < least:
            text = f"{what} needs at least {least} complete {self.interval}s; {self.name!r} has {self.n}."
            raise InvalidInput(
                text, fix="Give an earlier date_from, or a shorter interval." if self.question else WIDEN
            )

    def need_values(self) -> None:
        """Refuse where nothing ever happened: every interval would be as usual, and every forecast 0.

        Raises:
            InvalidInput: all intervals are 0.
        """
        if self.n and not any(self.values):
            text = f"{self.name!r} is 0 in all {self.n} complete {self.interval}s from {self.labels[0]} on."
            raise InvalidInput(text, fix="Check the event's name and filters, or give an earlier date_from.")

    def as_json(self) -> dict[str, Json]:
        """What an answer tells of the series it is about."""
        return {"name": self.name, "interval": self.interval, "n": self.n, "unit": self.unit}
