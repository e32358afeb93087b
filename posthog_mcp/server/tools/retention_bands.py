"""The bands of a retention's shares, in structured content and text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from posthog_mcp.insights.run import Insight
from posthog_mcp.queries.shape import clean, fitting
from posthog_mcp.results import Json
from posthog_mcp.server.tools.texts import rows_in_text

CURVE = ("period", "share", "low", "high", "n")
CELLS = 1_500
"""Characters of the curves, and of cohorts' cells."""


def bands_of(found: Insight) -> tuple[dict[str, Json], list[str]]:
    """Retention: each group's curve over all cohorts, and without a breakdown each cohort's cells, in percent with
    their 95 % intervals. Nothing of other kinds."""
    if found.question.kind != "retention":
        return {}, []
    from posthog_mcp.analysis.curves import curves_of

    broken = bool(found.question.breakdowns)
    curves = curves_of(found.answer.rows, broken=broken)
    unit = found.question.period
    overall: list[list[Json]] = [
        [*([clean(group)] if broken else []), each.period, share(each.share), share(each.low), share(each.high), each.n]
        for group, points in curves.overall.items()
        for each in points
    ]
    cells: list[list[Json]] = [
        [cohort, *([share(each.share), share(each.low), share(each.high)] for each in points[1:])]
        for _, cohort, points in curves.cohorts
        if not broken and len(points) > 1
    ]
    header = ["group", *CURVE] if broken else list(CURVE)
    overall, shown = fitting(overall, CELLS), fitting(cells, CELLS)
    bands: dict[str, Json] = {"level": 0.95, "columns": cast("Json", header), "all_cohorts": cast("Json", overall)}
    lines = [f"All cohorts whose {unit} is over, share with its 95 % band (%):", rows_in_text(header, overall)]
    if cells:
        bands |= {
            "cohorts": cast("Json", shown),
            "cohorts_columns": ["cohort", f"[share, low, high] of {unit} 1, 2, …"],
        }
        bands["cohorts_truncated"] = len(shown) < len(cells)
        lines.append(f"Each cohort's {unit}s from 1 on (%, 95 % interval):")
        lines += [cohort_text(row) for row in shown]
        if len(shown) < len(cells):
            lines.append(f"({len(cells) - len(shown)} more cohorts; ask for a shorter range.)")
    return {"bands": bands}, lines


def share(value: float) -> float:
    """In percent, to a tenth."""
    return round(100 * value, 1)


def cohort_text(row: Sequence[Json]) -> str:
    cells = [cast("list[float]", each) for each in row[1:]]
    return f"{row[0]}: " + ", ".join(f"{value:g} ({low:g}-{high:g})" for value, low, high in cells)
