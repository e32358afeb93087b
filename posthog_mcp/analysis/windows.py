"""The two stretches of time that an explanation compares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from posthog_mcp.analysis.series import MetricSeries
from posthog_mcp.errors import InvalidInput
from posthog_mcp.insights.dates import floor, following, label
from posthog_mcp.insights.words import Interval

WEEK = {"hour": 168, "day": 7}
"""Intervals of a week: a baseline is moved by whole weeks, so that the same weekdays are compared."""
USUAL = {"hour": 24, "day": 7, "week": 4, "month": 3}
"""Intervals of the current stretch where nobody says."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `start` up to, without, `end`: wall times of the project's zone, both at interval borders."""

    start: datetime
    end: datetime
    interval: Interval

    def labels(self) -> list[str]:
        """The intervals."""
        found: list[str] = []
        at = self.start
        while at < self.end:
            found.append(label(at, self.interval))
            at = following(at, self.interval)
        return found

    def moved(self, intervals: int) -> Stretch:
        """So many intervals later (below 0: earlier)."""
        return Stretch(
            following(self.start, self.interval, intervals),
            following(self.end, self.interval, intervals),
            self.interval,
        )


def current_of(series: MetricSeries, first: str, last: str) -> Stretch:
    """The stretch that is asked about, in complete intervals of the series: `first` and `last` are labels in it, empty
    for the usual length and the newest interval.

    Raises:
        InvalidInput: no complete interval lies in it.
    """
    labels = [each for each in series.labels if (not first or each >= first) and (not last or each <= last)]
    if not first:
        labels = labels[-USUAL[series.interval] :]
    if not labels:
        known = f"{series.labels[0]} to {series.labels[-1]}" if series.labels else "none"
        raise InvalidInput(
            f"No complete {series.interval} lies in that range; there are {known}.", fix="Move date_from."
        )
    end = following(datetime.fromisoformat(labels[-1]), series.interval)
    return Stretch(datetime.fromisoformat(labels[0]), end, series.interval)


def baseline_of(series: MetricSeries, current: Stretch, wanted: str, monday: int) -> Stretch:
    """What to compare with: `previous` (the same weekdays just before), a distance such as -4w, or `from..to`.

    Raises:
        InvalidInput: it is none of these, or the metric has no values there.
    """
    count = len(current.labels())
    if ".." in wanted:
        found = explicit(wanted, series.interval, monday)
    elif wanted in ("", "previous"):
        week = WEEK.get(series.interval, 1)
        found = current.moved(-week * math.ceil(count / week))
    else:
        found = current.moved(-distance(wanted, series.interval))
    held = set(series.labels)
    if not any(each in held for each in found.labels()):
        text = f"{series.name!r} has no values in the baseline {found.start:%Y-%m-%d} to {found.end:%Y-%m-%d}."
        raise InvalidInput(text, fix=f"There are values from {series.labels[0]} on.")
    return found


def explicit(text: str, interval: Interval, monday: int) -> Stretch:
    """`2026-01-01..2026-01-31`, both ends held.

    Raises:
        InvalidInput: an end is no date.
    """
    first, _, last = text.partition("..")
    try:
        start = floor(datetime.fromisoformat(first.strip()), interval, monday)
        end = floor(datetime.fromisoformat(last.strip()), interval, monday)
    except ValueError:
        raise InvalidInput(f"The baseline {text!r} is no range.", fix="Write 2026-01-01..2026-01-31.") from None
    if interval == "hour" and len(last.strip()) == 10:
        end += timedelta(hours=23)
    return Stretch(start, following(end, interval), interval)


def distance(text: str, interval: Interval) -> int:
    """`-4w` in intervals.

    Raises:
        InvalidInput: it is no distance in whole intervals.
    """
    days = {"d": 1.0, "w": 7.0, "m": 28.0, "y": 364.0, "h": 1 / 24}
    length = {"hour": 1 / 24, "day": 1.0, "week": 7.0, "month": 28.0}[interval]
    number, unit = text[1:-1], text[-1:]
    if not text.startswith("-") or not number.isdigit() or unit not in days:
        raise InvalidInput(f"The baseline {text!r} cannot be read.", fix='Use "previous", -4w, -1y, or from..to.')
    if interval == "month" and unit == "y":
        return 12 * int(number)
    return max(1, round(int(number) * days[unit] / length))


def held(series: MetricSeries, labels: Sequence[str]) -> list[int]:
    """Where these labels stand in the series."""
    wanted = set(labels)
    return [at for at, each in enumerate(series.labels) if each in wanted]
