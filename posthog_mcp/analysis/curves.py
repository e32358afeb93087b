"""A retention table's shares with their 95 % bands: every cohort's cells, and the curve of all cohorts together.

The curve pools, for each period, the cohorts whose period is over: those not watched so long are censored and count in
neither part. Cohorts differ by more than chance, so the pooled band is that of as many people as the scatter of the
cohorts leaves (`stats/survival.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from posthog_mcp.analysis.stats.survival import Point, pooled
from posthog_mcp.analysis.stats.survival import retention as cells_of
from posthog_mcp.insights.retention_table import ALL, OF
from posthog_mcp.results import Json


@dataclass(frozen=True, slots=True)
class Curves:
    """`overall`: the pooled curve of each group (one of no name without a breakdown); `cohorts`: group, cohort and its
    points, periods that are not over left out."""

    overall: Mapping[str, Sequence[Point]]
    cohorts: Sequence[tuple[str, str, Sequence[Point]]]


def curves_of(rows: Sequence[Sequence[Json]], *, broken: bool) -> Curves:
    """The bands of a retention answer's rows (cohort, size, a count a period, the period that is not over); `broken`:
    the group stands before."""
    cohorts: list[tuple[str, str, list[Point]]] = []
    grids: dict[str, list[tuple[float, list[float]]]] = {}
    for row in rows:
        group, (cohort, size, *cells, running) = (str(row[0]), row[1:]) if broken else ("", row)
        if cohort in (ALL, OF):
            grids.setdefault(group, [])
            continue
        over = cells if running is None else cells[: int(str(running))]
        back = [float(str(each)) for each in over if each is not None]
        of = float(str(size or 0))
        if back and of:
            cohorts.append((group, str(cohort), cells_of(back, [of] * len(back))))
            grids.setdefault(group, []).append((of, back))
    return Curves({group: curve(grid) for group, grid in grids.items()}, cohorts)


def curve(grid: Sequence[tuple[float, list[float]]]) -> list[Point]:
    """The pooled share of each period."""
    found: list[Point] = []
    for period in range(max((len(back) for _, back in grid), default=0)):
        watched = [(back[period], of) for of, back in grid if len(back) > period]
        found.append(pooled(period, [back for back, _ in watched], [of for _, of in watched]))
    return found
