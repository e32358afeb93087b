"""Cubes of a metric: one query for every dimension alone, one for the most telling ones together."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from posthog_mcp.analysis.case import Case
from posthog_mcp.analysis.sources import Source
from posthog_mcp.analysis.sources_people import STATUS
from posthog_mcp.analysis.stats.cube import Amounts, Cube, Values
from posthog_mcp.analysis.stats.drivers import log_odds_ratio, log_ratio
from posthog_mcp.hogql.spelling import text_literal
from posthog_mcp.insights.frame import OTHER
from posthog_mcp.insights.question import Breakdown
from posthog_mcp.queries.run import run as run_hogql
from posthog_mcp.results import Json

SHOWN = 24
"""Values of a dimension, the biggest of both times; the rest is `(other)`."""
TOGETHER = 5
"""Dimensions that are looked at together."""
VALUES_TOGETHER = 10
MOST_CELLS = 9_000
SUMS = (
    "sumIf(num, later = 0) AS before, sumIf(num, later = 1) AS after, sumIf(den, later = 0) AS before_of, "
    "sumIf(den, later = 1) AS after_of, sumIf(num, later = 2) AS earlier, sumIf(den, later = 2) AS earlier_of"
)


@dataclass(frozen=True, slots=True)
class Whole:
    """The metric without any split. `unit`: how many counts of one person come together; `variance` of a row's number
    about the mean, for means."""

    amounts: Amounts
    earlier: Amounts
    unit: float
    variance: float
    people: tuple[float, float] = (0.0, 0.0)
    """Behind the baseline and the current stretch."""


@dataclass(frozen=True, slots=True)
class Side:
    """One dimension's cube, and the same from the time before the baseline to the baseline."""

    dimension: Breakdown
    cube: Cube
    placebo: Cube
    query_id: str


def name_of(dimension: Breakdown) -> str:
    """A dimension as the `dimensions` argument has it."""
    if dimension.type == "event" or dimension == STATUS:
        return dimension.property
    return f"{dimension.type}:{dimension.property}"


def amounts(row: Sequence[Json]) -> tuple[Amounts, Amounts]:
    """Baseline to current, and earlier to baseline, of a row's six sums."""
    before, after, before_of, after_of, earlier, earlier_of = (float(str(each or 0)) for each in row)
    return Amounts(before, after, before_of, after_of), Amounts(earlier, before, earlier_of, before_of)


async def whole_of(case: Case, source: Source) -> Whole:
    """The metric in each stretch, and how its counts cluster by person."""
    sums = "sum(num) AS n, sum(den) AS d, sum(num * num) AS squares"
    grouped = f"SELECT later, person_id, {sums} FROM ({source.hogql}) GROUP BY later, person_id"
    grouped = f"SELECT later, n AS num, d AS den, squares FROM ({grouped})"
    together = "sum(num * num) / sum(num) AS unit, sum(squares) AS square_sum"
    together += ", countIf(later = 0) AS p0, countIf(later = 1) AS p1"
    query = f"SELECT {SUMS}, {together} FROM ({grouped}) LIMIT 1"
    row = (await run_hogql(case.project, query, progress=case.progress)).table.rows[0]
    found, earlier = amounts(row[:6])
    unit = float(str(row[6] or 1)) if source.nature == "counts" else 1.0
    n = found.before_of + found.after_of + earlier.before_of
    mean = (found.before + found.after + earlier.before) / n if n else 0.0
    variance = max(float(str(row[7] or 0)) / n - mean * mean, 0.0) if n else 0.0
    people = float(str(row[8])), float(str(row[9]))
    return Whole(found, earlier, unit if math.isfinite(unit) and unit > 0 else 1.0, variance, people)


def cube_of(
    case: Case, source: Source, whole: Whole, names: Sequence[str], cells: Sequence[tuple[Values, Amounts]]
) -> Cube:
    """Cells with what is known of the whole."""
    return Cube(
        tuple(names),
        cells,
        shares=source.nature != "counts",
        scale=len(case.current.labels()) / len(case.baseline.labels()),
        unit=whole.unit,
        variance=whole.variance if source.nature == "means" else 0.0,
    )


async def sides_of(case: Case, source: Source, whole: Whole, dimensions: Sequence[Breakdown]) -> list[Side]:
    """Every dimension alone; each cube's cells sum to the whole."""
    if not dimensions:
        return []
    joined = f"SELECT later, num, den, dims, arrayJoin(arrayEnumerate(dims)) AS dim FROM ({source.hogql})"
    size = "before + after" if source.nature == "counts" else "before_of + after_of"
    query = (
        f"SELECT dim, dims[dim] AS value, {SUMS} FROM ({joined}) GROUP BY dim, value "
        f"ORDER BY {size} DESC, value LIMIT {SHOWN} BY dim LIMIT {SHOWN * len(dimensions)}"
    )
    result = await run_hogql(case.project, query, progress=case.progress)
    found: list[Side] = []
    for at, dimension in enumerate(dimensions, start=1):
        rows = [(str(row[1]), *amounts(row[2:])) for row in result.table.rows if int(str(row[0])) == at]
        now = with_rest([((value,), each) for value, each, _ in rows], whole.amounts)
        then = with_rest([((value,), each) for value, _, each in rows], whole.earlier)
        cube = cube_of(case, source, whole, [name_of(dimension)], now)
        placebo = replace(cube, cells=then, scale=1.0)
        found.append(Side(dimension, replace(cube, drift=drift(placebo)), placebo, result.query_id))
    return found


def with_rest(cells: list[tuple[Values, Amounts]], whole: Amounts) -> list[tuple[Values, Amounts]]:
    """The cells and what they leave of the whole."""
    rest = whole
    for _, each in cells:
        rest = rest - each
    left = any(abs(value) > 1e-6 for value in (rest.before, rest.after, rest.before_of, rest.after_of))
    return [*cells, ((OTHER,), rest)] if left else cells


def drift(placebo: Cube) -> float:
    """How much segments moved when nothing is asked about, beyond chance: the variance between them, by medians (after
    DerSimonian and Laird, Controlled Clinical Trials 7 (1986))."""
    whole = placebo.whole
    moved: list[tuple[float, float]] = []
    for each in placebo.along(0).values():
        rest = whole - each
        if placebo.shares:
            (own, error), (other, more) = log_odds_ratio(each), log_odds_ratio(rest)
        else:
            (own, error), (other, more) = log_ratio(placebo, each), log_ratio(placebo, rest)
        if error + more < 0.25:
            moved.append((own - other, error + more))
    if len(moved) < 3:
        return 0.0
    spread = statistics.median(difference**2 for difference, _ in moved) / 0.455
    return math.sqrt(max(0.0, spread - statistics.median(error for _, error in moved)))


async def together(
    case: Case, source: Source, whole: Whole, places: Sequence[int], sides: Sequence[Side]
) -> tuple[Cube, str]:
    """The dimensions at these places of the source, together; rarer values are `(other)`."""
    columns: list[str] = []
    for number, place in enumerate(places):
        kept = [value for (value,) in list(sides[place].cube.along(0))[:VALUES_TOGETHER] if value != OTHER]
        listed = ", ".join(text_literal(value) for value in kept)
        columns.append(f"if(dims[{place + 1}] IN ({listed}), dims[{place + 1}], {text_literal(OTHER)}) AS d{number}")
    names = ", ".join(f"d{number}" for number in range(len(places)))
    query = (
        f"SELECT {', '.join(columns)}, {SUMS} FROM ({source.hogql}) GROUP BY {names} "
        f"ORDER BY before_of + after_of DESC, {names} LIMIT {MOST_CELLS}"
    )
    result = await run_hogql(case.project, query, limit=MOST_CELLS, progress=case.progress)
    width = len(places)
    cells = [(tuple(map(str, row[:width])), amounts(row[width:])[0]) for row in result.table.rows]
    labels = [name_of(sides[place].dimension) for place in places]
    cube = cube_of(case, source, whole, labels, cells)
    return replace(cube, drift=statistics.median([sides[place].cube.drift for place in places])), result.query_id
