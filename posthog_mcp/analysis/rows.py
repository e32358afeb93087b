"""Lines out of the rows of a query: a time column first, then numbers; a text column between them names the lines."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from posthog_mcp.analysis.series import WIDEN, MetricSeries
from posthog_mcp.errors import InvalidInput
from posthog_mcp.insights.dates import floor, following, label
from posthog_mcp.insights.frame import NONE
from posthog_mcp.insights.words import Interval
from posthog_mcp.results import Column, Json, Note, ProjectInfo

FIX = "Select a time column first, such as toStartOfDay(timestamp) AS day, then numbers, and GROUP BY it."
LONGEST: Sequence[tuple[float, Interval]] = ((0.5, "hour"), (4.0, "day"), (18.0, "week"))
"""Days between rows up to which they are of this interval."""
MOST_LINES = 50
Key = tuple[str, tuple[tuple[str, str], ...]]
"""A line: its number column, and text columns with their values."""
Points = dict[Key, dict[datetime, float]]


def from_rows(
    info: ProjectInfo,
    name: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Json]],
    query_id: str,
    hogql: str,
    most: int = MOST_LINES,
) -> list[MetricSeries]:
    """Lines of a table, the `most` biggest, the biggest first. Times are floored to their interval in the project's
    time zone; intervals without a row are 0 where all values are counts, otherwise between their neighbours.

    Raises:
        InvalidInput: the first column holds no times, or no column numbers.
    """
    points = points_of(info, name, columns, rows)
    moments = sorted({at for line in points.values() for at in line})
    interval = interval_of(moments)
    monday = moments[0].weekday() == 0 if interval == "week" else info.week_start_day == 1
    ranked = sorted(points.items(), key=lambda pair: -sum(abs(value) for value in pair[1].values()))
    several = len({measure for measure, _ in points}) > 1
    made: list[MetricSeries] = []
    for (measure, parts), line in ranked[:most]:
        words = " · ".join([name, *([measure] if several else []), *(value for _, value in parts)])
        regularly = regular(info, words, line, moments, interval, int(monday), query_id, hogql)
        made.append(replace(regularly, measure=measure, parts=parts))
    return made


def points_of(info: ProjectInfo, name: str, columns: Sequence[Column], rows: Sequence[Sequence[Json]]) -> Points:
    """Line → time → value.

    Raises:
        InvalidInput: there are no rows, times or numbers.
    """
    if not rows:
        raise InvalidInput(f"{name!r} gave no rows (n = 0), so there is no series.", fix=WIDEN)
    if len(columns) < 2:
        raise InvalidInput(f"{name!r} gave {len(rows)} rows of {len(columns)} columns; no series.", fix=FIX)
    numeric = [at for at in range(1, len(columns)) if all(as_number(row[at]) is not None for row in rows)]
    text = [at for at in range(1, len(columns)) if at not in numeric]
    if not numeric:
        raise InvalidInput(f"{name!r} has no column of numbers after its first.", fix=FIX)
    found: Points = {}
    for row in rows:
        at = as_time(row[0], info.timezone)
        if at is None:
            raise InvalidInput(f"The first column of {name!r} holds {str(row[0])[:40]!r}, which is no time.", fix=FIX)
        for column in numeric:
            parts = tuple((columns[each].name, str(row[each] or NONE)) for each in text)
            place = found.setdefault((columns[column].name, parts), {})
            place[at] = place.get(at, 0.0) + (as_number(row[column]) or 0.0)
    return found


def as_number(value: Json) -> float | None:
    """A number; 0 for no value."""
    if value is None:
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    return found if abs(found) < float("inf") else 0.0


def as_time(value: Json, zone: str) -> datetime | None:
    """A wall time of the project's zone."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found.astimezone(ZoneInfo(zone)).replace(tzinfo=None) if found.tzinfo else found


def interval_of(moments: Sequence[datetime]) -> Interval:
    """The interval whose length is nearest to the usual distance of rows."""
    if len(moments) < 2:
        return "day"
    gaps = [(after - before).total_seconds() / 86_400 for before, after in itertools.pairwise(moments)]
    usual = statistics.median(gaps)
    for longest, interval in LONGEST:
        if usual <= longest:
            return interval
    return "month"


def regular(
    info: ProjectInfo,
    name: str,
    line: dict[datetime, float],
    moments: Sequence[datetime],
    interval: Interval,
    monday: int,
    query_id: str,
    hogql: str,
) -> MetricSeries:
    """A line without gaps."""
    known: dict[datetime, float] = {}
    for at, value in line.items():
        start = floor(at, interval, monday)
        known[start] = known.get(start, 0.0) + value
    starts = [floor(moments[0], interval, monday)]
    while starts[-1] < floor(moments[-1], interval, monday):
        starts.append(following(starts[-1], interval))
    counts = all(value >= 0 and value == int(value) for value in known.values())
    gaps = [at for at in starts if at not in known]
    values = [known[at] if at in known else 0.0 if counts else between(known, at) for at in starts]
    notes: tuple[Note, ...] = ()
    if gaps:
        how = "taken as 0" if counts else "filled from their neighbours"
        notes = (Note("gaps", f"{len(gaps)} of {len(starts)} {interval}s have no row; {how}."),)
    return MetricSeries(
        name=name,
        labels=tuple(label(at, interval) for at in starts),
        values=tuple(values),
        interval=interval,
        unit="count" if counts else "value",
        adds=counts,
        project=info,
        query_id=query_id,
        hogql=hogql,
        notes=notes,
    )


def between(known: dict[datetime, float], at: datetime) -> float:
    """A straight line between the neighbours that there are."""
    before = max((each for each in known if each < at), default=None)
    after = min((each for each in known if each > at), default=None)
    if before is None or after is None:
        return known[before or after or at]
    part = (at - before) / (after - before)
    return known[before] + part * (known[after] - known[before])
