"""Counts of retention as a table, facts and a chart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from posthog_mcp.charts.chart import Chart
from posthog_mcp.insights.answer import Answer
from posthog_mcp.insights.facts import percent, shown
from posthog_mcp.insights.frame import Frame
from posthog_mcp.insights.retention_periods import SMALL, Periods, footnote
from posthog_mcp.results import Column, Json

Cells = Mapping[tuple[int, int], int]
"""(cohort, period) → people."""
Counts = dict[str, dict[tuple[int, int], int]]
"""Breakdown value → cells; one of no name without a breakdown."""
ALL, OF = "all", "of"
"""Rows: how many of all cohorts whose period is over came back, and of how many."""
FEW_GROUPS = 4


@dataclass(frozen=True, slots=True)
class Grid:
    """One group's cells; `width` is the number of periods shown."""

    cells: Cells
    cohorts: Periods
    width: int

    def shown(self, cohort: int, period: int) -> int | None:
        """A cell; None where the period has not begun or lies beyond the range."""
        return self.cells.get((cohort, period), 0) if cohort + period < self.cohorts.begun else None

    def weighted(self, period: int) -> tuple[int, int]:
        """People who came back, and people, in the cohorts whose period is over."""
        over = [each for each in self.cohorts.complete if each + period in self.cohorts.complete]
        back = sum(self.cells.get((each, period), 0) for each in over)
        return back, sum(self.cells.get((each, 0), 0) for each in over)

    def incomplete(self, cohort: int) -> int | None:
        """The period of the cohort that is not over."""
        running = self.cohorts.running
        return running - cohort if running is not None and 0 <= running - cohort < self.width else None


def answer_of(frame: Frame, cohorts: Periods, counts: Counts) -> Answer:
    """Two rows of all cohorts, then one a cohort that has begun; for each group of the breakdown."""
    width = frame.question.periods
    broken = bool(frame.question.breakdowns)
    groups = counts if broken else {"": counts.get("", {})}
    grids = {name: Grid(cells, cohorts, width) for name, cells in groups.items()}
    unit = frame.question.period
    columns = [Column("cohort", "String"), Column("size", "UInt64")]
    columns += [Column(f"{unit} {each}", "Nullable(UInt64)") for each in range(width)]
    columns.append(Column("incomplete", "Nullable(UInt64)"))
    if broken:
        columns.insert(0, Column(frame.question.breakdowns[0].property, "String"))
    rows: list[list[Json]] = []
    for name, grid in grids.items():
        rows += [[name, *row] if broken else row for row in rows_of(grid)]
    return Answer(tuple(columns), rows, facts(frame, grids), chart(frame, grids))


def rows_of(grid: Grid) -> list[list[Json]]:
    sums = [grid.weighted(each) for each in range(grid.width)]
    total = sum(grid.cells.get((each, 0), 0) for each in range(grid.cohorts.begun))
    rows: list[list[Json]] = [
        [ALL, total, *(back if of else None for back, of in sums), None],
        [OF, total, *(of or None for _, of in sums), None],
    ]
    for cohort in range(grid.cohorts.begun):
        cells: list[Json] = [grid.shown(cohort, period) for period in range(grid.width)]
        rows.append([grid.cohorts.labels[cohort], grid.cells.get((cohort, 0), 0), *cells, grid.incomplete(cohort)])
    return rows


def facts(frame: Frame, grids: Mapping[str, Grid]) -> tuple[str, ...]:
    """Weighted retention of each group, its best and worst cohorts, and what is not over."""
    unit = frame.question.period
    found: list[str] = []
    for name, grid in list(grids.items())[:FEW_GROUPS]:
        found += group_facts(frame, f"{name}: " if name else "", grid)
    if len(grids) > FEW_GROUPS:
        found.append(f"{len(grids) - FEW_GROUPS} more groups are in the table.")
    if not grids:
        found.append(f"Nobody did {frame.question.series[0].label} in this range.")
    if frame.question.retention_type == "recurring" and grids:
        found.append(f"Who did {frame.question.series[0].label} in several {unit}s is in each of their cohorts.")
    cohorts = next((grid.cohorts for grid in grids.values()), None)
    if cohorts and cohorts.running is not None:
        label = cohorts.labels[cohorts.running]
        found.append(f"The {unit} of {label} is not over: its counts may still grow; they are left out of these facts.")
    return tuple(found)


def group_facts(frame: Frame, head: str, grid: Grid) -> list[str]:
    """Facts of one group."""
    unit, back = frame.question.period, "came back then or later" if frame.question.unbounded else "came back"
    told = [period for period in range(1, grid.width) if grid.weighted(period)[1]]
    total = sum(grid.cells.get((each, 0), 0) for each in range(grid.cohorts.begun))
    if not total:
        return [f"{head}Nobody did {frame.question.series[0].label} in this range."]
    if not told:
        return [f"{head}{shown(total)} people; no {unit} after theirs is over."]
    found: list[str] = []
    for period in dict.fromkeys((told[0], told[-1])):
        people, of = grid.weighted(period)
        found.append(f"{head}{unit} {period}: {percent(people / of)} {back} (weighted, n = {shown(of)}).")
    found += extremes(head, unit, told[0], grid)
    if grid.weighted(told[0])[1] < SMALL:
        found.append(f"{head}only {shown(grid.weighted(told[0])[1])} people; too few for the shares to mean much.")
    return found


def extremes(head: str, unit: str, period: int, grid: Grid) -> list[str]:
    """The cohorts of at least `SMALL` people that came back most and least."""
    over = [each for each in grid.cohorts.complete if each + period in grid.cohorts.complete]
    sizes = {each: grid.cells.get((each, 0), 0) for each in over}
    shares = {each: grid.cells.get((each, period), 0) / sizes[each] for each in over if sizes[each] >= SMALL}
    if len(shares) < 2:
        return []
    best, worst = max(shares, key=lambda each: shares[each]), min(shares, key=lambda each: shares[each])
    told = [f"{grid.cohorts.labels[each]} ({percent(shares[each])} of {shown(sizes[each])})" for each in (best, worst)]
    return [f"{head}{unit} {period}, cohorts of {SMALL} or more: best {told[0]}, worst {told[1]}."]


def chart(frame: Frame, grids: Mapping[str, Grid]) -> Chart:
    """The cohorts and all of them; with a breakdown only all of each group."""
    rows: list[list[Json]] = []
    broken = bool(frame.question.breakdowns)
    for name, grid in grids.items():
        for period in range(grid.width):
            people, of = grid.weighted(period)
            if of:
                rows.append([period, name if broken else ALL, people / of, people, of, False])
        for cohort in range(0 if broken else grid.cohorts.begun):
            rows += cohort_points(grid, cohort)
    target, returning = frame.question.series[0].label, frame.question.series[-1].label
    return Chart(
        "retention",
        f"{target}, then {returning}" if target != returning else target,
        ("period", "cohort", "share", "people", "of", "incomplete"),
        rows,
        "period",
        "share",
        "cohort",
        "percent",
        footnote=footnote(frame),
    )


def cohort_points(grid: Grid, cohort: int) -> list[list[Json]]:
    """One cohort's points, up to the period that is running."""
    of = grid.cells.get((cohort, 0), 0)
    rows: list[list[Json]] = []
    for period in range(grid.width):
        people = grid.shown(cohort, period)
        if people is not None and of:
            running = period == grid.incomplete(cohort)
            rows.append([period, grid.cohorts.labels[cohort], people / of, people, of, running])
    return rows
