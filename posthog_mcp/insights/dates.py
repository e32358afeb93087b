"""Ranges of time as PostHog writes them, worked out in the project's time zone.

Source: PostHog's `hogql_queries/utils/query_date_range.py` (defaults, truncation to days, `date_to` a whole day).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from posthog_mcp.errors import InvalidInput
from posthog_mcp.hogql.filters import RELATIVE, months_before, read_date
from posthog_mcp.insights.words import Interval

MOST_BUCKETS = 5_000
DEFAULT_FROM = "-7d"
FORMAT = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class Span:
    """A range in wall time of the project's zone: from `start` up to and with `end`."""

    start: datetime
    end: datetime

    def shifted(self, to: str) -> Span:
        """The span to compare with: the one just before, or one so far back (`-1y`, `-4w`).

        Raises:
            InvalidInput: `to` is no such distance.
        """
        if to == "previous":
            length = self.end - self.start + timedelta(microseconds=1)
            return Span(self.start - length, self.end - length)
        found = RELATIVE.match(to)
        if not found or not to.startswith("-"):
            raise InvalidInput(f"compare {to!r} is no distance.", fix='Use "previous", or such as -1y, -1m, -4w.')
        count, unit = int(found[1] or 1), found[2]
        months = {"m": 1, "q": 3, "y": 12}.get(unit)
        if months:
            return Span(months_before(self.start, count * months), months_before(self.end, count * months))
        back = timedelta(days=count * (7 if unit == "w" else 1)) if unit != "h" else timedelta(hours=count)
        return Span(self.start - back, self.end - back)


def span_of(date_from: str, date_to: str, interval: Interval, now: datetime, earliest: datetime | None) -> Span:
    """The range that is asked for. `now` is in the project's zone; `earliest` is the first event's time, for `all`.

    Raises:
        InvalidInput: a date cannot be read, the range is empty or upside down, or has too many intervals.
    """
    wall = now.replace(tzinfo=None)
    end = wall
    if date_to:
        end = moment(date_to, now, "date_to")
    relative = not date_to or bool(RELATIVE.match(date_to))
    if interval != "hour" or (date_to and len(date_to) == 10):
        end = end.replace(hour=23, minute=59, second=59, microsecond=999_999)
    elif relative:
        end = end.replace(minute=59, second=59, microsecond=999_999)
    if date_from == "all":
        start = earliest.astimezone(now.tzinfo).replace(tzinfo=None) if earliest else end
        start = start.replace(hour=0, minute=0, second=0, microsecond=0)
    else:
        start = moment(date_from or DEFAULT_FROM, now, "date_from")
    if start > end:
        raise InvalidInput(
            f"The range begins after it ends: {start:{FORMAT}} to {end:{FORMAT}}.",
            fix="Exchange date_from and date_to.",
        )
    if (end - start) / SHORTEST[interval] > MOST_BUCKETS:
        raise InvalidInput(
            f"That is more than {MOST_BUCKETS:,} {interval}s.", fix="Use a longer interval or a shorter range."
        )
    return Span(start, end)


SHORTEST: dict[Interval, timedelta] = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=28),
}


def moment(text: str, now: datetime, name: str) -> datetime:
    """One end in wall time of the project's zone.

    Raises:
        InvalidInput: it cannot be read.
    """
    found = read_date(text, now)
    if found is None:
        fix = (
            "Use ISO 8601 (2026-01-31) or relative dates: -7d, -24h, -4w, -1mStart, mStart, yStart; all for date_from."
        )
        raise InvalidInput(f"{name} {text!r} is no date.", fix=fix)
    return found.astimezone(now.tzinfo).replace(tzinfo=None)


def floor(wall: datetime, interval: Interval, week_start_day: int) -> datetime:
    """The start of the interval that a wall time lies in; weeks begin as the project's do (0 Sunday, 1 Monday)."""
    if interval == "hour":
        return wall.replace(minute=0, second=0, microsecond=0)
    day = wall.replace(hour=0, minute=0, second=0, microsecond=0)
    if interval == "week":
        return day - timedelta(days=day.weekday() if week_start_day == 1 else (day.weekday() + 1) % 7)
    return day.replace(day=1) if interval == "month" else day


def following(start: datetime, interval: Interval, count: int = 1) -> datetime:
    """The start of the interval `count` later."""
    if interval == "month":
        return months_before(start, -count)
    return start + count * {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}[interval]


@lru_cache(maxsize=64)
def buckets(span: Span, interval: Interval, week_start_day: int) -> tuple[datetime, ...]:
    """The starts of all intervals of the span, the first of them whole."""
    found: list[datetime] = []
    start = floor(span.start, interval, week_start_day)
    while start <= span.end:
        found.append(start)
        start = following(start, interval)
    return tuple(found)


@lru_cache(maxsize=64)
def labels(span: Span, interval: Interval, week_start_day: int) -> tuple[str, ...]:
    """The intervals of the span as the answer shows them."""
    return tuple(label(start, interval) for start in buckets(span, interval, week_start_day))


def label(start: datetime, interval: Interval) -> str:
    """A bucket as the answer shows it: the day, or the hour."""
    return f"{start:%Y-%m-%d %H:%M}" if interval == "hour" else f"{start:%Y-%m-%d}"
