"""A chart in one or two sentences, for whoever cannot see it."""

from __future__ import annotations

from posthog_mcp.charts.chart import Chart
from posthog_mcp.charts.numbers import written
from posthog_mcp.charts.prepare import lines

LONGEST = 300
WORDS = {"line": "Line chart", "bar": "Bar chart", "area": "Area chart", "pie": "Pie chart", "scatter": "Scatter plot"}


def alt_text(chart: Chart) -> str:
    """What it is of, its range and its extremes; under 300 characters."""
    head = f"{WORDS.get(chart.type, chart.type.capitalize())}: {chart.title}." if chart.title else f"{chart.type}."
    if not chart.rows:
        return clip(f"{head} It has no data.")
    if chart.type in ("table", "paths", "retention"):
        return clip(f"{head} {len(chart.rows):,} rows.")
    found = lines(chart)
    name, points = next(iter(found.items()))
    present = [(x, y) for x, y in points if y is not None]
    if not present:
        return clip(f"{head} It has no values.")

    def told(value: float) -> str:
        return written(value, chart.unit, chart.currency)

    if chart.type == "number":
        return clip(f"{head} {told(present[0][1])}.")
    high, low = max(present, key=lambda each: each[1]), min(present, key=lambda each: each[1])
    of = f" of {name}" if name else ""
    several = f"{len(found)} series; the first" if len(found) > 1 else f"{len(present):,} values"
    ends = f" from {told(present[0][1])} ({present[0][0]}) to {told(present[-1][1])} ({present[-1][0]})"
    between = ends if chart.type in ("line", "area", "lifecycle", "funnel") else ""
    return clip(
        f"{head} {several}{of}{between}, highest {told(high[1])} ({high[0]}), lowest {told(low[1])} ({low[0]})."
    )


def clip(text: str) -> str:
    return text if len(text) < LONGEST else f"{text[: LONGEST - 2]}…"
