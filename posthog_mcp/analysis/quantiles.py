"""A median or percentile by segments: exact parts, and the share above a cut between the two quantiles for drivers.

A quantile is no sum of its segments' quantiles, so the parts are those of `stats/quantile_parts.py`. Which segment
changed otherwise than the rest is told by the share of its rows above the middle between both quantiles (the median
test for a changed location; Mood, Introduction to the Theory of Statistics (1950), 16.5).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from posthog_mcp.analysis.case import Case
from posthog_mcp.analysis.cubes import name_of
from posthog_mcp.analysis.explanation import Driver, Segment, Window
from posthog_mcp.analysis.segments import Split
from posthog_mcp.analysis.sources import Source
from posthog_mcp.analysis.stats.quantile_parts import Below, quantile_parts
from posthog_mcp.insights.frame import OTHER
from posthog_mcp.insights.question import Breakdown
from posthog_mcp.queries.run import run as run_hogql
from posthog_mcp.results import Json

CUTS = 16
"""Cells between the two quantiles over which pulls are averaged."""
MOST = 9_000
WHOLE = (-1, "")


@dataclass(frozen=True, slots=True)
class Told:
    """A segment's own quantiles and its rows at or below each cut."""

    quantiles: tuple[float, float]
    below: Below


@dataclass(frozen=True, slots=True)
class Quantiles:
    """The quantile before and after of all rows; `told` by (dimension number, value)."""

    source: Source
    values: tuple[float, float]
    told: Mapping[tuple[int, str], Told]
    names: Sequence[str]
    whole: Told
    query_id: str

    @property
    def change(self) -> float:
        return self.values[1] - self.values[0]

    def above(self) -> Source:
        """The rows as shares above the middle of both quantiles."""
        middle = (self.values[0] + self.values[1]) / 2
        rows = f"SELECT later, person_id, dims, if(num > {middle!r}, 1, 0) AS num, 1 AS den FROM ({self.source.hogql})"
        return Source(rows, "shares")

    def windows(self, windows: tuple[Window, Window]) -> tuple[Window, Window]:
        """The quantile over all rows of a stretch, instead of the mean of its intervals' quantiles."""
        before, after, n = *windows, self.whole.below
        return replace(before, value=self.values[0], n=n.before), replace(after, value=self.values[1], n=n.after)

    def driver(self, driver: Driver) -> Driver:
        """A driver with its own quantiles, where it is a value of one dimension."""
        own = self.told.get((self.names.index(driver.where[0][0]), driver.where[0][1]))
        if len(driver.where) > 1 or own is None:
            return driver
        return replace(driver, before=own.quantiles[0], after=own.quantiles[1])

    def restated(self, split: Split, at: int) -> Split:
        """A dimension's segments with their quantiles and exact parts instead of shares above the middle."""
        shown = [each.value for each in split.dimension.segments if each.value != OTHER]
        known = {value: self.told[at, value] for value in shown if (at, value) in self.told}
        below = {value: each.below for value, each in known.items()}
        rest = left(self.whole.below, list(below.values()))
        if rest.before or rest.after:
            below[OTHER] = rest
        parts = quantile_parts(below, self.source.level, self.values)
        segments: list[Segment] = []
        for each in split.dimension.segments:
            part, own = parts.get(each.value), known.get(each.value)
            if part is not None:
                before, after = own.quantiles if own else (0.0, 0.0)
                moved = {"contribution": part.whole, "mix": part.mix, "rate": part.rate}
                segments.append(replace(each, before=before, after=after, **moved))
        segments.sort(key=lambda each: (each.value == OTHER, -abs(each.contribution)))
        return replace(split, dimension=replace(split.dimension, segments=tuple(segments)))


def left(whole: Below, parts: Sequence[Below]) -> Below:
    """What segments leave of the whole."""
    return Below(
        whole.before - sum(each.before for each in parts),
        whole.after - sum(each.after for each in parts),
        [value - sum(each.before_below[at] for each in parts) for at, value in enumerate(whole.before_below)],
        [value - sum(each.after_below[at] for each in parts) for at, value in enumerate(whole.after_below)],
    )


async def quantiles_of(case: Case, source: Source, dimensions: Sequence[Breakdown]) -> Quantiles | None:
    """The quantiles and the rows below each cut, for all and for each value of each dimension; None where a stretch
    has no rows.

    Raises:
        PostHogMcpError: what the backend says.
    """
    rows = f"SELECT later, dims, num FROM ({source.hogql}) WHERE later < 2 AND den > 0"
    value = f"toFloat(quantileExact({source.level})(num)) AS q"
    query = f"SELECT later, count() AS n, {value} FROM ({rows}) GROUP BY later ORDER BY later LIMIT 2"
    found = {int(str(row[0])): row for row in (await run_hogql(case.project, query, progress=case.progress)).table.rows}
    if len(found) < 2:
        return None
    values = float(str(found[0][2])), float(str(found[1][2]))
    cuts = [values[0] + (values[1] - values[0]) * (at + 0.5) / CUTS for at in range(CUTS)]
    listed = ", ".join(f"{each!r}" for each in cuts)
    columns = f"later, count() AS n, {value}, sumForEach(arrayMap(x -> if(num <= x, 1, 0), [{listed}])) AS below"
    everything = f"SELECT 0 AS dim, '' AS value, {columns} FROM ({rows}) GROUP BY later"
    joined = f"SELECT later, num, dims, arrayJoin(arrayEnumerate(dims)) AS dim FROM ({rows})"
    grouped = f"SELECT dim, dims[dim] AS value, {columns} FROM ({joined}) GROUP BY dim, value, later"
    query = f"SELECT * FROM ({everything} UNION ALL {grouped}) ORDER BY n DESC, dim, value, later LIMIT {MOST}"
    result = await run_hogql(case.project, query, limit=MOST, progress=case.progress)
    told = told_of(result.table.rows)
    return Quantiles(source, values, told, [name_of(each) for each in dimensions], told[WHOLE], result.query_id)


def told_of(rows: Sequence[Sequence[Json]]) -> dict[tuple[int, str], Told]:
    """Segments out of rows of dimension, value, stretch, count, quantile and counts below the cuts."""
    cells: dict[tuple[int, str], dict[int, tuple[float, float, list[float]]]] = {}
    for dim, value, later, n, quantile, below in rows:
        counts = [float(str(each)) for each in below] if isinstance(below, list) else []
        cells.setdefault((int(str(dim)) - 1, str(value)), {})[int(str(later))] = (
            float(str(n)),
            float(str(quantile or 0)),
            counts,
        )
    found: dict[tuple[int, str], Told] = {}
    for key, each in cells.items():
        nothing = (0.0, 0.0, [0.0] * len(next(iter(each.values()))[2]))
        before, after = each.get(0, nothing), each.get(1, nothing)
        found[key] = Told((before[1], after[1]), Below(before[0], after[0], before[2], after[2]))
    return found
