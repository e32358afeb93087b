"""The periods of a range, numbered from 0, and the period of an event's time in HogQL: for retention, lifecycle and
stickiness, whose semantics are distances between periods.

All periods are whole, as PostHog's are here: from the start of the first to the end of the last. An hour is an hour of
real time, so the day that clocks go back has 25 of them, the one that they go forward 23.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from posthog_mcp.errors import InvalidInput
from posthog_mcp.insights.dates import FORMAT, Span, buckets, floor, following, label
from posthog_mcp.insights.frame import Frame, time_literal
from posthog_mcp.insights.question import Math
from posthog_mcp.insights.words import Interval
from posthog_mcp.results import Json

PEOPLE: frozenset[Math] = frozenset({"total", "dau"})
"""Maths that mean people where people are all that is counted."""
SMALL = 30
"""Below so many people, a share says little."""


@dataclass(frozen=True)
class Periods:
    """`starts` and `now` are times of the project's zone."""

    unit: Interval
    starts: tuple[datetime, ...]
    now: datetime

    @cached_property
    def end(self) -> datetime:
        """When the last one is over."""
        return later(self.starts[-1], self.unit)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Their starts; the second of two equal hours has its distance to UTC."""
        return tuple(label(each, self.unit) + (f"{each:%z}" if repeats(each) else "") for each in self.starts)

    @cached_property
    def begun(self) -> int:
        """How many have begun."""
        return sum(each.timestamp() <= self.now.timestamp() for each in self.starts)

    @cached_property
    def running(self) -> int | None:
        """The number of the one that is not over."""
        over = self.end.timestamp() <= self.now.timestamp()
        return None if over or not self.begun else self.begun - 1

    @property
    def complete(self) -> range:
        """The numbers of those that are over."""
        return range(self.begun if self.running is None else self.running)

    def __len__(self) -> int:
        return len(self.starts)

    def within(self, before: int = 0) -> str:
        """The condition that an event lies in one of them, or in one of so many before the first."""
        start = self.starts[0]
        for _ in range(before):
            start = later(start, self.unit, -1)
        return f"timestamp >= {time_literal(start)} AND timestamp < {time_literal(self.end)}"

    def number(self, time: str = "timestamp") -> str:
        """The number of a time's period, in HogQL; negative before the first. `dateDiff` counts the starts of units
        between two times in the project's zone; weeks it begins on Monday, so it gets the starts of the project's."""
        first = self.starts[0]
        if self.unit == "week":
            return f"dateDiff('week', toDate('{first:%Y-%m-%d}'), toStartOfWeek({time}))"
        return f"dateDiff('{self.unit}', {time_literal(first)}, {time})"

    def at(self, given: str) -> int:
        """The number of the period with this label.

        Raises:
            InvalidInput: there is none.
        """
        if given not in self.labels:
            fix = f"Take one of {self.labels[0]} to {self.labels[-1]}, as the answer shows them."
            raise InvalidInput(f"There is no {self.unit} {given!r} in this range.", fix=fix)
        return self.labels.index(given)


def periods_of(frame: Frame, unit: Interval, span: Span | None = None) -> Periods:
    """The periods of the question's range, or of another."""
    zone = ZoneInfo(frame.project.timezone)
    given = span or frame.span
    now = frame.now.replace(tzinfo=zone)
    if unit != "hour":
        walls = buckets(given, unit, frame.project.week_start_day)
        return Periods(unit, tuple(each.replace(tzinfo=zone) for each in walls), now)
    start = floor(given.start, unit, frame.project.week_start_day).replace(tzinfo=zone)
    last = given.end.replace(tzinfo=zone).timestamp()
    count = int((last - start.timestamp()) // 3600) + 1
    return Periods(unit, tuple(later(start, unit, each) for each in range(count)), now)


def later(start: datetime, unit: Interval, count: int = 1) -> datetime:
    """The start of the period so many later."""
    if unit == "hour":
        return (start.astimezone(UTC) + timedelta(hours=count)).astimezone(start.tzinfo)
    return following(start, unit, count)


def repeats(start: datetime) -> bool:
    """The clock has shown this time before."""
    return start.fold == 1 and start.utcoffset() != start.replace(fold=0).utcoffset()


def date_range(periods: Periods, end: datetime) -> dict[str, Json]:
    """PostHog's `dateRange`. The start is a period's, since explicit dates are taken as they are."""
    return {"date_from": f"{periods.starts[0]:{FORMAT}}", "date_to": f"{end:{FORMAT}}", "explicitDate": True}


def refuse(frame: Frame, *, maths: frozenset[Math] = PEOPLE, compare: bool = False) -> None:
    """Refuse what the kind would have to leave out of the question.

    Raises:
        InvalidInput: a math, breakdown or comparison that does not go with it.
    """
    kind = frame.question.kind
    for each in frame.question.series:
        if each.math not in maths:
            words = ", ".join(sorted(maths))
            raise InvalidInput(f"{kind} counts people; math {each.math} does not go with it.", fix=f"Use {words}.")
    if frame.question.breakdowns and kind != "retention":
        fix = "Ask once for each value, with a filter."
        raise InvalidInput(f"{kind} has no breakdown.", fix=fix)
    if frame.question.compare and not compare:
        fix = "Ask twice, each with its date_from and date_to."
        raise InvalidInput(f"{kind} has no comparison with an earlier range.", fix=fix)


def scaled(frame: Frame, people: Json) -> int:
    """People of a sample stand for all."""
    return round(float(str(people)) / frame.question.sampling)


def footnote(frame: Frame) -> str:
    span = frame.span
    return f"{frame.project.name}, {span.start:%Y-%m-%d} to {span.end:%Y-%m-%d} ({frame.project.timezone})"
