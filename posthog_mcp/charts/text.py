"""A chart as text that suffices alone: sparklines, bars, funnels, tables. What is left out is said."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from posthog_mcp.charts.chart import Chart, ChartType
from posthog_mcp.charts.numbers import number, written
from posthog_mcp.charts.prepare import lines, prepared
from posthog_mcp.results import Json

SPARKS = "▁▂▃▄▅▆▇█"
GAP = "·"
BAR = "█"
WIDTH = 24
MOST_ROWS = 20
MOST_COLUMNS = 14
NAME = 28
"""Characters of a name."""


def as_text(chart: Chart) -> str:
    """The chart in lines; under some 2,500 characters."""
    ready = prepared(chart)
    body = DRAWERS[chart.type](ready.chart) if chart.rows else ["(no data)"]
    notes = [f"({each})" for each in ready.notes]
    return "\n".join([line for line in (chart.title, *body, *notes, chart.footnote) if line])


def clipped(text: object, width: int = NAME) -> str:
    """A name in one line of at most this width."""
    plain = " ".join(str(text).split())
    return plain if len(plain) <= width else f"{plain[: width - 1]}…"


def spark(values: Sequence[float | None]) -> str:
    """One character a value, from the least to the greatest; gaps for none."""
    present = [value for value in values if value is not None]
    if not present:
        return GAP * len(values)
    least, most = min(0.0, *present), max(present)
    span = most - least
    return "".join(
        GAP if value is None else SPARKS[min(7, int((value - least) / span * 8))] if span else SPARKS[0]
        for value in values
    )


def bins(values: Sequence[float | None], width: int = 60) -> list[float | None]:
    """The greatest value of each stretch, so that a long line fits."""
    if len(values) <= width:
        return list(values)
    stretch = -(-len(values) // width)
    parts = [[each for each in values[at : at + stretch] if each is not None] for at in range(0, len(values), stretch)]
    return [max(part) if part else None for part in parts]


def over_time(chart: Chart) -> list[str]:
    """A sparkline a series with its first, last, least and greatest value."""
    shown: list[str] = []
    for name, points in lines(chart).items():
        values = [y for _, y in points]
        present = [(x, y) for x, y in points if y is not None]
        if not present:
            shown.append(f"{clipped(name)}: no values")
            continue
        told = {
            "first": present[0],
            "last": present[-1],
            "min": min(present, key=lambda each: each[1]),
            "max": max(present, key=lambda each: each[1]),
        }
        facts = ", ".join(f"{word} {value_of(chart, y)} ({x})" for word, (x, y) in told.items())
        shown.append(f"{clipped(name)} {spark(bins(values))} {facts}".strip())
    return [*shown[:MOST_ROWS], *left(len(shown), MOST_ROWS, "series")]


def value_of(chart: Chart, value: Json) -> str:
    return written(value, chart.unit, chart.currency)


def left(count: int, shown: int, what: str) -> list[str]:
    return [f"… {count - shown} more {what}"] if count > shown else []


def bars(chart: Chart) -> list[str]:
    """A bar a category."""
    found: list[str] = []
    points = [(name, x, y) for name, each in lines(chart).items() for x, y in each]
    most = max((abs(y) for _, _, y in points if y is not None), default=0.0) or 1.0
    for name, x, y in points[:MOST_ROWS]:
        label = clipped(x if not name else f"{x} · {name}")
        drawn = BAR * round(abs(y) / most * WIDTH) if y is not None else ""
        found.append(f"{label:<{NAME}} {drawn} {value_of(chart, y)}")
    return [*found, *left(len(points), MOST_ROWS, "rows")]


def funnel(chart: Chart) -> list[str]:
    """Steps with their share of the first, and what was lost."""
    found: list[str] = []
    for name, points in lines(chart).items():
        if name:
            found.append(f"{clipped(name)}:")
        first = next((y for _, y in points if y is not None), 0.0) or 0.0
        before: float | None = None
        for place, (x, y) in enumerate(points, 1):
            share = (y or 0.0) / first if first else 0.0
            lost = f", lost {written(before - (y or 0.0))}" if before is not None else ""
            drawn = BAR * round(share * WIDTH)
            found.append(f"{place}. {clipped(x):<{NAME}} {drawn} {written(y)} ({share:.1%}{lost})")
            before = y or 0.0
    return [*found[:MOST_ROWS], *left(len(found), MOST_ROWS, "rows")]


def grid(chart: Chart) -> list[str]:
    """Retention: cohorts as rows, periods as columns."""
    found = lines(chart)
    heads = list(dict.fromkeys(str(x) for points in found.values() for x, _ in points))[:MOST_COLUMNS]
    rows = [["", *heads]]
    for name, points in found.items():
        cells = {str(x): y for x, y in points}
        rows.append([clipped(name, 16), *("" if cells.get(head) is None else f"{cells[head]:.0%}" for head in heads)])
    aligned = [f"{row[0]:<16}" + "".join(f"{cell:>6}" for cell in row[1:]) for row in rows]
    return [*aligned[: MOST_ROWS + 1], *left(len(aligned) - 1, MOST_ROWS, "cohorts")]


def edges(chart: Chart) -> list[str]:
    """Paths: from, to, how often."""
    found: list[str] = []
    for source, target, value in zip(
        *(chart.column(name or "") for name in (chart.x, chart.series, chart.y)), strict=True
    ):
        found.append(f"{clipped(source)} → {clipped(target)}  {value_of(chart, value)}")
    return [*found[:MOST_ROWS], *left(len(found), MOST_ROWS, "pairs")]


def one(chart: Chart) -> list[str]:
    return [value_of(chart, chart.column(chart.y)[0])] if chart.y else []


def rows(chart: Chart) -> list[str]:
    """A plain table."""
    heads = list(chart.columns)[:MOST_COLUMNS]
    found = [" | ".join(heads)]
    found += [" | ".join(clipped("" if cell is None else cell) for cell in row[: len(heads)]) for row in chart.rows]
    return [*found[: MOST_ROWS + 1], *left(len(found) - 1, MOST_ROWS, "rows")]


def spread(chart: Chart) -> list[str]:
    """Least, quartiles and greatest of each group."""
    found: list[str] = []
    for name, points in lines(chart).items():
        values = sorted(y for _, y in points if y is not None)
        if values:
            quartiles = [
                values[min(len(values) - 1, round(share * (len(values) - 1)))] for share in (0, 0.25, 0.5, 0.75, 1)
            ]
            told = ", ".join(value_of(chart, each) for each in quartiles)
            found.append(f"{clipped(name)} n = {len(values):,}; min, quartiles, max: {told}".strip())
    return [*found[:MOST_ROWS], *left(len(found), MOST_ROWS, "groups")]


def pairs(chart: Chart) -> list[str]:
    """Scatter: the spread of both axes."""
    found = spread(chart)
    xs = [value for value in (number(cell) for cell in chart.column(chart.x or chart.columns[0])) if value is not None]
    return [*found, f"{chart.x}: {written(min(xs))} to {written(max(xs))}"] if xs else found


DRAWERS: dict[ChartType, Callable[[Chart], list[str]]] = {
    "line": over_time,
    "area": over_time,
    "lifecycle": over_time,
    "bar": bars,
    "pie": bars,
    "funnel": funnel,
    "retention": grid,
    "paths": edges,
    "number": one,
    "table": rows,
    "histogram": spread,
    "box": spread,
    "scatter": pairs,
}
