"""Cubes out of a query's own rows: its text columns are the dimensions, its counts add up.

The rows say nothing of who is behind them, so every count is taken as one observation: significance is too good where
one person makes many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from posthog_mcp.analysis.case import Case
from posthog_mcp.analysis.cubes import Side, Whole, cube_of, drift
from posthog_mcp.analysis.series import MetricSeries
from posthog_mcp.analysis.sources import Source
from posthog_mcp.analysis.stats.cube import Amounts, Cube, Values
from posthog_mcp.analysis.windows import Stretch, held
from posthog_mcp.insights.question import Breakdown

ROWS = Source("", "counts")


def lines_with_parts(case: Case) -> list[MetricSeries]:
    """The lines of the explained measure, where text columns name them and they are counts; none otherwise."""
    found = [each for each in case.lines if each.parts and each.measure == case.series.measure]
    return found if len(found) > 1 and all(each.adds for each in found) else []


def row_sides(case: Case, lines: Sequence[MetricSeries]) -> tuple[Whole, list[Side], Cube]:
    """The whole, every text column alone, and all of them together."""
    cells = [(tuple(value for _, value in each.parts), amounts_of(case, each)) for each in lines]
    earlier = [(values, earlier_of(case, line)) for (values, _), line in zip(cells, lines, strict=True)]
    names = [name for name, _ in lines[0].parts]
    whole = Whole(Cube(tuple(names), cells).whole, Cube(tuple(names), earlier).whole, 1.0, 0.0)
    every = cube_of(case, ROWS, whole, names, cells)
    sides: list[Side] = []
    for at, name in enumerate(names):
        cube = replace(every, dimensions=(name,), cells=along(every, at))
        placebo = replace(cube, cells=along(replace(every, cells=earlier), at), scale=1.0)
        moved = replace(cube, drift=drift(placebo))
        sides.append(Side(Breakdown(property=name), moved, placebo, lines[0].query_id))
    return whole, sides, replace(every, drift=max((each.cube.drift for each in sides), default=0.0))


def along(cube: Cube, at: int) -> list[tuple[Values, Amounts]]:
    return list(cube.along(at).items())


def amounts_of(case: Case, line: MetricSeries) -> Amounts:
    return Amounts(over(line, case.baseline), over(line, case.current))


def earlier_of(case: Case, line: MetricSeries) -> Amounts:
    return Amounts(over(line, case.earlier), over(line, case.baseline))


def over(line: MetricSeries, stretch: Stretch) -> float:
    return sum(line.values[at] for at in held(line, stretch.labels()))
