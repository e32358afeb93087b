"""What every way of drawing needs: lines by name, the biggest of many, fewer points where there are too many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from posthog_mcp.charts.chart import Chart
from posthog_mcp.charts.numbers import number
from posthog_mcp.results import Json

MOST_SERIES = 10
MOST_POINTS = 2_000
OTHERS = "other"
Points = list[tuple[Json, float | None]]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A chart that can be drawn; `notes` say what was left out or put together."""

    chart: Chart
    notes: tuple[str, ...] = ()


def lines(chart: Chart) -> dict[str, Points]:
    """The points of each series, in the rows' order."""
    found: dict[str, Points] = {}
    xs = chart.column(chart.x) if chart.x else [None] * len(chart.rows)
    ys = chart.column(chart.y) if chart.y else [None] * len(chart.rows)
    names = chart.column(chart.series) if chart.series else [""] * len(chart.rows)
    for x, y, name in zip(xs, ys, names, strict=True):
        found.setdefault("" if name is None and not chart.series else str(name), []).append((x, number(y)))
    return found


def prepared(chart: Chart) -> Prepared:
    """At most ten series and two thousand points a series."""
    notes: list[str] = []
    if chart.type in ("line", "area", "bar") and chart.series:
        chart, told = fewer_series(chart)
        notes += told
    if chart.type in ("line", "area", "scatter") and len(chart.rows) > MOST_POINTS:
        chart, told = fewer_points(chart)
        notes += told
    return Prepared(chart, tuple(notes))


def fewer_series(chart: Chart) -> tuple[Chart, list[str]]:
    """The biggest series and the sum of the rest."""
    found = lines(chart)
    if len(found) <= MOST_SERIES + 1 or not chart.x or not chart.y or not chart.series:
        return chart, []
    ranked = sorted(found, key=lambda name: (name in chart.compared, -sum(abs(y or 0) for _, y in found[name])))
    kept = set(ranked[:MOST_SERIES])
    rest: dict[str, tuple[Json, float]] = {}
    for name in ranked[MOST_SERIES:]:
        for x, y in found[name]:
            rest[str(x)] = (x, rest.get(str(x), (x, 0.0))[1] + (y or 0))
    rows: list[list[Json]] = [[x, name, y] for name in found if name in kept for x, y in found[name]]
    rows += [[x, OTHERS, y] for x, y in rest.values()]
    columns = (chart.x, chart.series, chart.y)
    told = f"the {MOST_SERIES} biggest of {len(found)} series; the others are added up"
    return replace(chart, columns=columns, rows=rows), [told]


def fewer_points(chart: Chart) -> tuple[Chart, list[str]]:
    """In every stretch of points the least and the greatest, so that no extreme is lost."""
    place = chart.columns.index(chart.y) if chart.y else 0
    split = chart.columns.index(chart.series) if chart.series else None
    groups: dict[str, list[list[Json]]] = {}
    for row in chart.rows:
        groups.setdefault("" if split is None else str(row[split]), []).append(row)
    most = max(2, MOST_POINTS // max(1, len(groups)))
    rows = [row for each in groups.values() for row in thinned(each, place, most)]
    if len(rows) == len(chart.rows):
        return chart, []
    return replace(chart, rows=rows), [f"{len(rows):,} of {len(chart.rows):,} points, extremes kept"]


def thinned(rows: Sequence[list[Json]], place: int, most: int) -> list[list[Json]]:
    """At most about `most` rows."""
    if len(rows) <= most:
        return list(rows)
    stretch = max(2, -(-2 * len(rows) // most))
    kept: list[int] = []
    for start in range(0, len(rows), stretch):
        part = range(start, min(start + stretch, len(rows)))
        least = min(part, key=lambda at: number(rows[at][place]) or 0.0)
        greatest = max(part, key=lambda at: number(rows[at][place]) or 0.0)
        kept += sorted({least, greatest})
    return [rows[at] for at in sorted({0, len(rows) - 1, *kept})]


@dataclass(slots=True)
class Point:
    """One value as a spec's data has it."""

    x: str | float
    y: float | None
    s: str
    label: str = ""

    def as_json(self) -> dict[str, object]:
        return {"x": self.x, "y": self.y, "s": self.s, "label": self.label}
