"""The other views of a funnel as a table, facts and a chart: time to convert, and the conversion rate by entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from posthog_mcp.charts.chart import Chart
from posthog_mcp.insights.answer import Answer
from posthog_mcp.insights.dates import floor, label
from posthog_mcp.insights.facts import percent
from posthog_mcp.insights.frame import OTHER, Frame
from posthog_mcp.insights.funnel_events import seconds_of
from posthog_mcp.insights.funnel_table import SMALL, footnote_of, lasting, people_of, title_of, window_of
from posthog_mcp.results import Column, Json

MOST_LINES = 4
"""Lines that facts are told of."""


def times_answer(frame: Frame, bins: Sequence[tuple[float, int]], average: float) -> Answer:
    """One row a bin: its first second, the last bin's being the longest time or more, and people."""
    columns = (Column("from_seconds", "Float64"), Column("people", "UInt64"))
    rows: list[list[Json]] = [[plain(first), people] for first, people in bins]
    drawn: list[list[Json]] = [[lasting(first), people] for first, people in bins]
    chart = Chart(
        "bar",
        f"Time to convert: {title_of(frame)}",
        ("time", "people"),
        drawn,
        "time",
        "people",
        footnote=footnote_of(frame),
    )
    return Answer(columns, rows, times_facts(bins, average), chart)


def times_facts(bins: Sequence[tuple[float, int]], average: float) -> tuple[str, ...]:
    total = sum(people for _, people in bins)
    if not total:
        return ("Nobody came to the last step.",)
    found = [f"{people_of(total)} came to the last step, in {lasting(average)} on average."]
    first, most = max(bins, key=lambda each: each[1])
    later = [each for each, _ in bins if each > first]
    upto = f" to {lasting(min(later))}" if later else " or more"
    found.append(f"Most common: {lasting(first)}{upto}, {people_of(most)} ({percent(most / total)}).")
    if total < SMALL:
        found.append(f"Only {people_of(total)}; too few for the shape to mean much.")
    return tuple(found)


def plain(value: float) -> Json:
    return int(value) if value == int(value) else round(value, 3)


Rates = dict[str, dict[str, float]]
"""Breakdown value (empty: not broken down) → interval → rate of those who entered in it."""


def rates_answer(frame: Frame, rates: Rates) -> Answer:
    """One row an interval, one column a line; where nobody entered the rate is 0, as on PostHog."""
    labels = frame.labels()
    lines = rates if frame.question.breakdowns else {"": rates.get("", {})}
    keys = sorted(lines, key=lambda each: (each == OTHER, each))
    names = {key: key or "conversion" for key in keys}
    columns = (Column(frame.interval, "String"), *(Column(names[key], "Float64") for key in keys))
    rows: list[list[Json]] = [[name, *[lines[key].get(name, 0.0) for key in keys]] for name in labels]
    told = [fact for key in keys[:MOST_LINES] for fact in line_facts(frame, names[key], lines[key])]
    open_label = frame.incomplete_from()
    if open_label:
        told.append(f"The {frame.interval} of {open_label} is not over; it is left out of these facts.")
    if any(value for line in lines.values() for value in line.values()):
        told.append(short_of_time(frame))
    if len(keys) > MOST_LINES:
        told.append(f"{len(keys) - MOST_LINES} more lines are in the table.")
    return Answer(columns, rows, tuple(told), rates_chart(frame, names, lines, labels))


def short_of_time(frame: Frame) -> str:
    """From which interval on entries do not have their whole window: until now, or until the range's end."""
    until = min(frame.now, frame.span.end + timedelta(microseconds=1)) - timedelta(seconds=seconds_of(frame.question))
    start = max(floor(until, frame.interval, frame.project.week_start_day), frame.starts()[0])
    return (
        f"Who entered from {label(start, frame.interval)} on had less than {window_of(frame.question)} to convert; "
        "these rates may be too low."
    )


def line_facts(frame: Frame, name: str, line: Mapping[str, float]) -> list[str]:
    """Last, highest and lowest rate of the complete intervals in which somebody converted."""
    open_label = frame.incomplete_from()
    complete = [each for each in frame.labels() if open_label is None or each < open_label]
    values = {each: line.get(each, 0.0) for each in complete}
    if not values:
        return []
    if not any(values.values()):
        return [f"{name}: nobody converted in {len(values)} complete {frame.interval}s."]
    best, worst = max(values, key=lambda each: values[each]), min(values, key=lambda each: values[each])
    last = complete[-1]
    return [
        f"{name}: {percent(values[last])} of those who entered in the last complete {frame.interval} ({last}); "
        f"highest {percent(values[best])} ({best}), lowest {percent(values[worst])} ({worst})."
    ]


def rates_chart(frame: Frame, names: Mapping[str, str], lines: Rates, labels: Sequence[str]) -> Chart:
    rows: list[list[Json]] = [[name, names[key], lines[key].get(name, 0.0)] for key in names for name in labels]
    return Chart(
        "line",
        f"Conversion: {title_of(frame)}",
        (frame.interval, "series", "rate"),
        rows,
        frame.interval,
        "rate",
        "series" if len(names) > 1 else None,
        "percent",
        footnote=footnote_of(frame),
        incomplete_from=frame.incomplete_from(),
    )
