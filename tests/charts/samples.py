"""A chart of every type, and data that spoils charts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from posthog_mcp.charts.chart import Chart, ChartType

DAYS = [f"2026-09-{day:02d}" for day in range(1, 31)]
SCRIPT = "<script>alert(1)</script>"
NAMES = ["عربي", "🦔🦔", SCRIPT, "a.b[c]", 'say "hi"', "{x}", "datum.y", "\\n", "signal('x')", "x" * 300]


def lines(kind: ChartType, names: list[str], value: Callable[[int, int], Any]) -> Chart:
    rows = [[day, name, value(place, at)] for place, name in enumerate(names) for at, day in enumerate(DAYS)]
    return Chart(kind, "Views", ("day", "series", "n"), rows, "day", "n", "series", incomplete_from="2026-09-30")


def of_type(kind: ChartType) -> Chart:
    """A plain chart of this type."""
    if kind in ("line", "area"):
        return lines(kind, ["Chrome", "Safari"], lambda place, at: 10 * (place + 1) + at)
    if kind == "lifecycle":
        signs = {"new": 3, "returning": 9, "resurrecting": 2, "dormant": -4}
        return lines(kind, list(signs), lambda place, at: list(signs.values())[place] + 0 * at)
    if kind in ("bar", "pie"):
        return Chart(
            kind, "Browsers", ("browser", "n"), [["Chrome", 120], ["Safari", 60], ["Firefox", 5]], "browser", "n"
        )
    if kind == "funnel":
        return Chart(
            kind, "Buying", ("step", "people"), [["visit", 1000], ["cart", 400], ["buy", 90]], "step", "people"
        )
    if kind == "retention":
        rows: list[list[Any]] = [
            [period, f"2026-0{c}-01", 1 / (period + 1)] for c in range(1, 6) for period in range(6 - c)
        ]
        return Chart(kind, "Retention", ("period", "cohort", "share"), rows, "period", "share", "cohort", "percent")
    if kind == "paths":
        edges: list[list[Any]] = [["1_/a", "2_/b", 50], ["2_/b", "3_/c", 20], ["1_/a", "2_/d", 7]]
        return Chart(kind, "Paths", ("source", "target", "n"), edges, "source", "n", "target")
    if kind == "number":
        return Chart(kind, "People", ("n",), [[12345]], None, "n")
    if kind == "table":
        return Chart(kind, "Rows", ("name", "n"), [["a", 1], ["b", 2.5]], unit="none")
    if kind == "scatter":
        return Chart(kind, "Two", ("a", "b"), [[at, at * 2 % 7] for at in range(50)], "a", "b")
    values: list[list[Any]] = [[at % 13 * 1.5] for at in range(100)]
    return Chart(kind, "Spread", ("v",), values, "v", "v")


def with_values(chart: Chart, value: Callable[[int], Any]) -> Chart:
    """The same chart with other values."""
    if chart.y is None:
        return chart
    place = chart.columns.index(chart.y)
    rows = [[*row[:place], value(at), *row[place + 1 :]] for at, row in enumerate(chart.rows)]
    return replace(chart, rows=rows)


def with_names(chart: Chart) -> Chart:
    """The same chart with names that nobody should read as anything but text."""
    rows = [
        [NAMES[hash(cell) % len(NAMES)] if isinstance(cell, str) and cell not in DAYS else cell for cell in row]
        for row in chart.rows
    ]
    return replace(chart, rows=rows, title=f"{SCRIPT} {{signal}} ' \" \\")


SPOILT: dict[str, Callable[[Chart], Chart]] = {
    "as it is": lambda chart: chart,
    "nothing": lambda chart: replace(chart, rows=[]),
    "one row": lambda chart: replace(chart, rows=chart.rows[:1]),
    "all zero": lambda chart: with_values(chart, lambda _: 0),
    "all empty": lambda chart: with_values(chart, lambda _: None),
    "some empty": lambda chart: with_values(chart, lambda at: None if at % 3 == 0 else at),
    "negative": lambda chart: with_values(chart, lambda at: -at - 1),
    "huge": lambda chart: with_values(chart, lambda at: 10 ** (at % 16)),
    "tiny": lambda chart: with_values(chart, lambda at: 1e-9 * at),
    "text for numbers": lambda chart: with_values(chart, lambda _: "NaN"),
    "odd names": with_names,
}
