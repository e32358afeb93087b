"""A chart as it was kept beside a result, read again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast, get_args

from posthog_mcp.charts.chart import Chart, ChartType, Unit
from posthog_mcp.results import Json


def chart_from(kept: Mapping[str, Json]) -> Chart | None:
    """The chart; None where what was kept is none."""
    kind, columns, rows = kept.get("type"), kept.get("columns"), kept.get("rows")
    if kind not in get_args(ChartType) or not isinstance(columns, list) or not isinstance(rows, list):
        return None
    compared = kept.get("compared")
    unit = kept.get("unit")
    return Chart(
        cast("ChartType", kind),
        text(kept.get("title")),
        tuple(map(str, columns)),
        [row for row in rows if isinstance(row, list) and len(row) == len(columns)],
        x=text(kept.get("x")) or None,
        y=text(kept.get("y")) or None,
        series=text(kept.get("series")) or None,
        unit=cast("Unit", unit if unit in get_args(Unit) else "none"),
        currency=text(kept.get("currency")),
        footnote=text(kept.get("footnote")),
        incomplete_from=text(kept.get("incomplete_from")) or None,
        compared=tuple(map(str, compared)) if isinstance(compared, list) else (),
    )


def text(value: Json) -> str:
    return value if isinstance(value, str) else ""
