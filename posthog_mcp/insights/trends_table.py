"""Points of trends as a table, facts and a chart."""

from __future__ import annotations

from posthog_mcp.charts.chart import Chart, Unit
from posthog_mcp.insights.answer import Answer
from posthog_mcp.insights.facts import change, shown
from posthog_mcp.insights.frame import NONE, OTHER, SESSION_DURATION, Frame
from posthog_mcp.insights.question import PROPERTY_MATHS, Series
from posthog_mcp.insights.trends_points import Key, Points, formulas, labels_of
from posthog_mcp.results import Column, Json

SMALL = 30
"""Below so many, a change says little."""
ADDITIVE = frozenset({"total", "sum", "first_time_for_user"})
"""Maths whose intervals add up to the range's."""


def answer_of(frame: Frame, points: Points) -> Answer:
    """One row an interval, one column a line; aggregates: one row a line."""
    keys = ordered(points)
    names = {key: line_name(frame, key, keys) for key in keys}
    if frame.question.aggregate:
        return aggregates(frame, points, keys, names)
    current = labels_of(frame, earlier=False)
    columns = (Column(frame.interval, "String"), *(Column(names[key], "Float64") for key in keys))
    rows: list[list[Json]] = []
    for at, label in enumerate(current):
        cells: list[Json] = []
        for key in keys:
            place = labels_of(frame, earlier=True) if key.earlier else current
            cells.append(plain(points[key].get(place[at], 0.0)) if at < len(place) else None)
        rows.append([label, *cells])
    return Answer(columns, rows, facts(frame, points, keys, names), chart(frame, points, keys, names))


def plain(value: float) -> Json:
    """A whole number as one, others without noise."""
    return int(value) if value == int(value) and abs(value) < 2**53 else round(value, 6)


def ordered(points: Points) -> list[Key]:
    """Lines by series, the biggest breakdown first, `other` and no value last, the earlier span beside its own."""

    def rank(key: Key) -> tuple[int, int, float, str, bool]:
        last = {NONE: 1, OTHER: 2}.get(key.breakdown, 0)
        now = points.get(Key(key.index, key.breakdown), {})
        return key.index, last, -sum(now.values()), key.breakdown, key.earlier

    return sorted(points, key=rank)


def line_name(frame: Frame, key: Key, keys: list[Key]) -> str:
    """What a line is called."""
    several = len({each.index for each in keys}) > 1
    own = formulas(frame)[key.index] if frame.question.formula else frame.question.series[key.index].label
    parts = [own] if several or not key.breakdown else []
    parts += [key.breakdown] if key.breakdown else []
    name = " · ".join(parts)
    return f"{name} (earlier)" if key.earlier else name


def aggregates(frame: Frame, points: Points, keys: list[Key], names: dict[Key, str]) -> Answer:
    """One value a line over the whole range."""
    rows: list[list[Json]] = [[names[key], plain(points[key].get("", 0.0))] for key in keys]
    one = len(rows) == 1
    title = f"{names[keys[0]]}: {shown(points[keys[0]].get('', 0.0))}" if one else subject(frame)
    drawn = Chart(
        "number" if one else "bar",
        title,
        ("series", "value"),
        rows,
        None if one else "series",
        "value",
        None,
        unit(frame),
    )
    told = tuple(f"{row[0]}: {shown(float(str(row[1])))}" for row in rows[:5])
    return Answer((Column("series", "String"), Column("value", "Float64")), rows, told, drawn)


def subject(frame: Frame) -> str:
    """The question in a few words."""
    what = frame.question.formula or ", ".join(each.label for each in frame.question.series[:3])
    by = ", ".join(each.property for each in frame.question.breakdowns)
    return f"{what} by {by}" if by else what


def unit(frame: Frame) -> Unit:
    series = frame.question.series[0]
    if series.math_property == SESSION_DURATION:
        return "seconds"
    return "none" if frame.question.formula or series.math in PROPERTY_MATHS else "count"


def facts(frame: Frame, points: Points, keys: list[Key], names: dict[Key, str]) -> tuple[str, ...]:
    """Total, best and worst interval, change; of the complete intervals."""
    found: list[str] = []
    open_label = frame.incomplete_from()
    for key in [key for key in keys if not key.earlier][:4]:
        complete = {name: value for name, value in points[key].items() if open_label is None or name < open_label}
        if not complete:
            continue
        found += line_facts(frame, names[key], complete, points.get(Key(key.index, key.breakdown, earlier=True)), key)
    if open_label:
        found.append(f"The {frame.interval} of {open_label} is not over; it is left out of these facts.")
    rest = len([key for key in keys if not key.earlier]) - 4
    if rest > 0:
        found.append(f"{rest} more lines are in the table.")
    return tuple(found)


def line_facts(
    frame: Frame, name: str, complete: dict[str, float], earlier: dict[str, float] | None, key: Key
) -> list[str]:
    """Facts of one line."""
    values = list(complete.values())
    series: Series | None = None if frame.question.formula else frame.question.series[key.index]
    adds = (
        series is not None
        and series.math in ADDITIVE
        and frame.question.smoothing == 1
        and not frame.question.cumulative
    )
    total = sum(values)
    if adds:
        head = f"{name}: {shown(total)} in {len(values)} complete {frame.interval}s"
    else:
        head = f"{name}: {shown(total / len(values))} a {frame.interval} on average over {len(values)}"
    best, worst = max(complete, key=lambda each: complete[each]), min(complete, key=lambda each: complete[each])
    found = [f"{head}; highest {shown(complete[best])} ({best}), lowest {shown(complete[worst])} ({worst})."]
    if len(values) > 1:
        told = change(values[-2], values[-1])
        found.append(f"{name}, last complete {frame.interval}: {shown(values[-1])}, {told} the one before.")
    if earlier:
        before = list(earlier.values())[: len(values)]
        then, now = (sum(before), total) if adds else (sum(before) / len(before), total / len(values))
        found.append(f"{name}: {change(then, now)} the same {len(before)} {frame.interval}s earlier ({shown(then)}).")
    if adds and total < SMALL:
        found.append(f"{name}: only {shown(total)} in all; too few for changes to mean much.")
    return found


def chart(frame: Frame, points: Points, keys: list[Key], names: dict[Key, str]) -> Chart:
    """Lines over time."""
    rows: list[list[Json]] = []
    current = labels_of(frame, earlier=False)
    for key in keys:
        place = labels_of(frame, key.earlier)
        for at, label in enumerate(place[: len(current)]):
            rows.append([current[at], names[key], plain(points[key].get(label, 0.0))])
    span = frame.span
    note = f"{frame.project.name}, {span.start:%Y-%m-%d} to {span.end:%Y-%m-%d} ({frame.project.timezone})"
    kind = "bar" if len(current) == 1 else "line"
    return Chart(
        kind,
        subject(frame),
        (frame.interval, "series", "value"),
        rows,
        frame.interval,
        "value",
        "series" if len(keys) > 1 else None,
        unit(frame),
        footnote=note,
        incomplete_from=frame.incomplete_from(),
        compared=tuple(names[key] for key in keys if key.earlier),
    )
