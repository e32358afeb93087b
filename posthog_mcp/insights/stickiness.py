"""Stickiness: on how many intervals of the range people were active.

Source of the semantics: PostHog's `hogql_queries/insights/stickiness`, but a week that the range begins in is whole, as
it is in the other kinds. The interval that is not over counts like the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from posthog_mcp.charts.chart import Chart
from posthog_mcp.errors import InvalidInput
from posthog_mcp.insights.answer import Answer
from posthog_mcp.insights.dates import Span
from posthog_mcp.insights.facts import change, percent, shown
from posthog_mcp.insights.frame import Frame, conjunction, time_literal
from posthog_mcp.insights.native import common, results_of, series_nodes
from posthog_mcp.insights.question import Math
from posthog_mcp.insights.retention_periods import (
    SMALL,
    date_range,
    footnote,
    periods_of,
    refuse,
    scaled,
)
from posthog_mcp.results import Column, Json

MATHS: frozenset[Math] = frozenset[Math]({"total", "dau", "unique_group"})
Line = tuple[int, bool]
"""The number of the series, and whether of the earlier span."""
Counts = dict[Line, dict[int, int]]
"""Line → number of intervals → people."""


class Stickiness:
    """The kind `stickiness`."""

    def hogql(self, frame: Frame) -> str:
        """Rows of series (its number), 1 for the earlier span, number of intervals, and people."""
        lines = [
            f"SELECT {index} AS series, {int(earlier)} AS earlier, intervals, count() AS people "
            f"FROM ({people(frame, index, earlier)}) GROUP BY intervals"
            for index, earlier in lines_of(frame)
        ]
        return "\nUNION ALL\n".join(lines)

    def read(self, frame: Frame, rows: Sequence[Sequence[Json]]) -> Answer:
        counts: Counts = {}
        for index, earlier, intervals, number in rows:
            line = counts.setdefault((int(str(index)), bool(earlier)), {})
            line[int(str(intervals))] = scaled(frame, number)
        return answer_of(frame, counts)

    def native(self, frame: Frame) -> dict[str, Json]:
        question = frame.question
        found: dict[str, Json] = {
            "kind": "StickinessQuery",
            **common(frame),
            "dateRange": date_range(periods_of(frame, frame.interval), frame.span.end),
            "interval": frame.interval,
            "series": series_nodes(frame),
        }
        if question.compare:
            back = {} if question.compare == "previous" else {"compare_to": question.compare}
            found["compareFilter"] = cast("Json", {"compare": True, **back})
        return found

    def read_native(self, frame: Frame, response: Mapping[str, Json]) -> Answer:
        counts: Counts = {}
        for place, line in enumerate(results_of(response)):
            action = line.get("action")
            order = action.get("order") if isinstance(action, dict) else None
            index = order if isinstance(order, int) else place
            days = cast("list[int]", line.get("days") or [])
            data = cast("list[float]", line.get("data") or [])
            numbers = {day: round(number) for day, number in zip(days, data, strict=False)}
            counts[index, line.get("compare_label") == "previous"] = numbers
        return answer_of(frame, counts)

    def actors(self, frame: Frame, intervals: int, series: int = 0, *, earlier: bool = False) -> str:
        """The people (or groups) who were active on exactly so many intervals.

        Raises:
            InvalidInput: there is no such series.
        """
        if (series, earlier) not in lines_of(frame):
            raise InvalidInput(f"There is no series {series} here.", fix="They are numbered from 0.")
        target = target_of(frame, series)
        found = people(frame, series, earlier)
        return f"SELECT {target} FROM ({found}) WHERE intervals = {int(intervals)} ORDER BY {target}"


def lines_of(frame: Frame) -> list[Line]:
    earlier = [False, True] if frame.question.compare else [False]
    return [(index, each) for index in range(len(frame.question.series)) for each in earlier]


def span_of(frame: Frame, earlier: bool) -> Span:
    return frame.span.shifted(frame.question.compare) if earlier else frame.span


def target_of(frame: Frame, index: int) -> str:
    """Whose intervals are counted."""
    series = frame.question.series[index]
    return f"$group_{series.math_group_type_index}" if series.math == "unique_group" else "person_id"


def people(frame: Frame, index: int, earlier: bool) -> str:
    """Everybody with the number of intervals they were active on."""
    refuse(frame, maths=MATHS, compare=True)
    span, target = span_of(frame, earlier), target_of(frame, index)
    periods = periods_of(frame, frame.interval, span)
    first, last = time_literal(periods.starts[0]), time_literal(span.end)
    conditions = [*frame.events(frame.question.series[index]), f"timestamp >= {first}", f"timestamp <= {last}"]
    if target != "person_id":
        conditions.append(f"{target} != ''")
    columns = f"{target}, count(DISTINCT {frame.bucket()}) AS intervals"
    return f"SELECT {columns} FROM events {conjunction(conditions)} GROUP BY {target}"


def answer_of(frame: Frame, counts: Counts) -> Answer:
    """One row a number of intervals, one column a series."""
    lines = lines_of(frame)
    lengths = {line: len(periods_of(frame, frame.interval, span_of(frame, line[1]))) for line in lines}
    names = {line: name_of(frame, line) for line in lines}
    rows: list[list[Json]] = []
    points: list[list[Json]] = []
    for number in range(1, max(lengths.values()) + 1):
        cells: list[Json] = [counts.get(line, {}).get(number, 0) if number <= lengths[line] else None for line in lines]
        rows.append([number, *cells])
        for line, cell in zip(lines, cells, strict=True):
            if cell is not None:
                points.append([number, names[line], cell])
    columns = (Column("intervals", "UInt64"), *(Column(names[line], "Nullable(UInt64)") for line in lines))
    drawn = Chart(
        "bar",
        f"Active {frame.interval}s of {', '.join(each.label for each in frame.question.series[:3])}",
        ("intervals", "series", "people"),
        points,
        "intervals",
        "people",
        "series" if len(lines) > 1 else None,
        "count",
        footnote=footnote(frame),
        compared=tuple(names[line] for line in lines if line[1]),
    )
    return Answer(columns, rows, facts(frame, counts, lengths), drawn)


def name_of(frame: Frame, line: Line) -> str:
    """What a line is called; series of one name are told apart by their place."""
    labels = [each.label for each in frame.question.series]
    name = labels[line[0]]
    if labels.count(name) > 1:
        name = f"{name} {line[0] + 1}"
    return f"{name} (earlier)" if line[1] else name


def facts(frame: Frame, counts: Counts, lengths: Mapping[Line, int]) -> tuple[str, ...]:
    """Average number of intervals, and who was active on half of them."""
    found: list[str] = []
    for line in [each for each in lengths if not each[1]][:4]:
        found += line_facts(frame, line, counts, lengths)
    running = periods_of(frame, frame.interval).running
    if running is not None:
        label = periods_of(frame, frame.interval).labels[running]
        found.append(f"The {frame.interval} of {label} is not over; it counts like the others.")
    return tuple(found)


def line_facts(frame: Frame, line: Line, counts: Counts, lengths: Mapping[Line, int]) -> list[str]:
    """Facts of one line."""
    name, unit, length = name_of(frame, line), frame.interval, lengths[line]
    numbers = counts.get(line, {})
    total = sum(numbers.values())
    if not total:
        return [f"{name}: nobody in this range."]
    half = (length + 1) // 2
    often = sum(number for intervals, number in numbers.items() if intervals >= half)
    mean = average(numbers)
    found = [
        f"{name}: {shown(round(mean, 2))} of {length} {unit}s active on average (n = {shown(total)}).",
        f"{name}: {percent(often / total)} active on at least {half} {unit}s ({shown(often)} of {shown(total)}).",
    ]
    before = counts.get((line[0], True), {})
    if sum(before.values()):
        was = average(before)
        found.append(f"{name}: the average is {change(was, mean)} the range before ({shown(round(was, 2))}).")
    if total < SMALL:
        found.append(f"{name}: only {shown(total)} people; too few for the share to mean much.")
    return found


def average(numbers: Mapping[int, int]) -> float:
    return sum(intervals * number for intervals, number in numbers.items()) / sum(numbers.values())
