"""Why a metric changed: the one call, from a metric and a range to an explanation.

The order is that of trust: is the data sound, is there a change at all, then which segments it sits in, and last what
happened at the time. Every part is computed from the same two stretches, so each dimension's parts sum to the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from posthog_mcp.analysis import segments
from posthog_mcp.analysis.asked import Definitions, Metric, asked_of
from posthog_mcp.analysis.case import Case, Range, case_of
from posthog_mcp.analysis.conclude import concluded
from posthog_mcp.analysis.confirm import confirmed, since, window_of
from posthog_mcp.analysis.cubes import TOGETHER, Side, Whole, name_of, sides_of, together, whole_of
from posthog_mcp.analysis.dimensions import dimensions_of
from posthog_mcp.analysis.explanation import Confirmation, Explanation, Split, Window
from posthog_mcp.analysis.happenings import companions_of, happenings_of, holidays_in
from posthog_mcp.analysis.quality import quality_of
from posthog_mcp.analysis.quantiles import quantiles_of
from posthog_mcp.analysis.rowcubes import ROWS, lines_with_parts, row_sides
from posthog_mcp.analysis.segments import splits_of, told_drivers, values_of
from posthog_mcp.analysis.sources import Source, source_of, why_not
from posthog_mcp.analysis.sources_people import STATUS
from posthog_mcp.analysis.stats.contributions import paradox, product_split
from posthog_mcp.analysis.steps import broken_at, steps_of
from posthog_mcp.backends.backend import Progress
from posthog_mcp.hogql.spelling import text_literal
from posthog_mcp.insights.frame import OTHER
from posthog_mcp.insights.question import Breakdown, Question
from posthog_mcp.insights.words import Interval
from posthog_mcp.project import Project
from posthog_mcp.results import Note


async def explain_change(
    project: Project,
    metric: Metric,
    *,
    date_from: str = "",
    date_to: str = "",
    baseline: str = "",
    dimensions: Sequence[str] = (),
    known_days: Sequence[str] = (),
    interval: Interval | None = None,
    definitions: Definitions | None = None,
    now: datetime | None = None,
    progress: Progress | None = None,
) -> Explanation:
    """What changed between a stretch (`date_from` to `date_to`; without them the newest complete week, day of hours,
    month of weeks or quarter) and its baseline (`previous`: the same weekdays before; -4w; or from..to), and why.
    `known_days` (dates, or a country for its holidays) are named among what happened.

    Raises:
        InvalidInput: the metric or the ranges cannot be read, or hold no complete interval.
        NotFound: there is no insight or definition of this name.
        PostHogMcpError: what the backend says.
    """
    asked = await asked_of(project, metric, definitions)
    case = await case_of(project, asked, Range(date_from, date_to, baseline, interval), now, progress)
    found = await measured(case, dimensions)
    onset = since(found.confirmation)
    moment = datetime.fromisoformat(onset) if onset else case.current.start
    around = (*holidays_in(case, moment, known_days), *await happenings_of(case, moment))
    return concluded(replace(found, happenings=around))


async def measured(case: Case, wanted: Sequence[str]) -> Explanation:
    """The numbers, without a conclusion."""
    confirmation = confirmed(case.series, case.current)
    windows = window_of(case.series, case.baseline), window_of(case.series, case.current)
    found = await dimensions_of(case, wanted)
    source = source_of(case, found)
    if source is None or case.question is None:
        return by_rows(case, summary(case, *windows, confirmation))
    if source.nature == "quantiles":
        return await by_quantile(case, case.question, source, found, windows, confirmation)
    if source.nature == "counts" and not case.series.adds:
        source = replace(source, times=1 / len(case.current.labels()))
    whole = await whole_of(case, source)
    made = summary(case, *restated(case, source, whole, windows), confirmation)
    made = replace(
        made,
        split=await volume_and_rate(case, source, whole),
        notes=(*made.notes, *off(source, whole, windows, case.series.adds)),
    )
    if case.question.kind == "funnel":
        made = replace(made, steps=tuple(await steps_of(case, case.question)))
    sides = await sides_of(case, source, whole, found)
    made = replace(made, quality=tuple(await quality_of(case, sides)))
    return await split_up(case, case.question, made, SplitOf(source, whole, sides, splits_of(source, whole, sides)))


def by_rows(case: Case, made: Explanation) -> Explanation:
    """Split by a query's own text columns; with the reason where there are none, or nothing is known of the rows."""
    lines = lines_with_parts(case)
    if not lines:
        return replace(made, unsplit=why_not(case.question))
    whole, sides, cube = row_sides(case, lines)
    splits = splits_of(ROWS, whole, sides)
    made = described(made, splits, sides, whole)
    if all(each.replaced for each in splits):
        return made
    found, tried = told_drivers(cube, ROWS, made.change)
    return replace(made, drivers=tuple(found), tests=made.tests + tried)


async def by_quantile(
    case: Case,
    question: Question,
    source: Source,
    dimensions: Sequence[Breakdown],
    windows: tuple[Window, Window],
    confirmation: Confirmation,
) -> Explanation:
    """A median or percentile over all rows of a stretch, and its exact parts."""
    found = await quantiles_of(case, source, dimensions)
    if found is None:
        return replace(summary(case, *windows, confirmation), unsplit="one of the stretches has no values")
    made = summary(case, *found.windows(windows), confirmation)
    above = found.above()
    whole = await whole_of(case, above)
    moved = whole.amounts.rate_after - whole.amounts.rate_before
    above = replace(above, times=found.change / moved if moved else 0.0)
    sides = await sides_of(case, above, whole, dimensions)
    splits = [found.restated(each, sides.index(each.side)) for each in splits_of(above, whole, sides)]
    made = replace(made, quality=tuple(await quality_of(case, sides)), queries=(found.query_id,))
    made = await split_up(case, question, made, SplitOf(above, whole, sides, splits))
    return replace(made, drivers=tuple(found.driver(each) for each in made.drivers))


def summary(case: Case, before: Window, after: Window, confirmation: Confirmation) -> Explanation:
    """The change itself; a baseline of another length counts as many intervals as the current stretch has."""
    scale = after.intervals / before.intervals if case.series.adds else 1.0
    change = after.value - before.value * scale
    relative = change / (before.value * scale) if before.value else None
    return Explanation(case.series, after, before, change, relative, confirmation, notes=case.series.notes)


def restated(case: Case, source: Source, whole: Whole, windows: tuple[Window, Window]) -> tuple[Window, Window]:
    """The windows as the rows behind the metric give them: a funnel within its stretch, a mean over all its rows."""
    before, after = windows
    if source.nature == "counts":
        return windows
    of = whole.amounts
    return (
        replace(before, value=of.rate_before * source.times, n=of.before_of),
        replace(after, value=of.rate_after * source.times, n=of.after_of),
    )


def off(source: Source, whole: Whole, windows: tuple[Window, Window], adds: bool) -> list[Note]:
    """The rows behind the metric do not give the insight's numbers."""
    counted = (whole.amounts.before, whole.amounts.after)
    lengths = [1.0 if adds else float(each.intervals) for each in windows]
    pairs = [(each.value, of / length) for each, of, length in zip(windows, counted, lengths, strict=True)]
    if source.nature != "counts" or all(abs(one - other) <= 0.001 * max(abs(one), 1.0) for one, other in pairs):
        return []
    told = ", ".join(f"{one:g} against {other:g}" for one, other in pairs)
    text = (
        f"The insight and the rows behind it differ ({told}): test-account filters, sampling, or events since arrived."
    )
    return [Note("totals_differ", text, "Compare with the same filters.")]


async def volume_and_rate(case: Case, source: Source, whole: Whole) -> Split | None:
    """People and events each, or amounts and their size, or entries and conversion; parts of the change."""
    of, people = whole.amounts, whole.people
    scale = len(case.current.labels()) / len(case.baseline.labels())
    if source.nature == "means" or case.question is None or case.question.formula or case.question.kind == "lifecycle":
        return None
    names = {"total": ("people", "events each"), "sum": ("events", "amount each")}
    math = case.question.series[0].math
    if case.question.kind == "funnel":
        words, volume = ("people who entered", "conversion"), (of.before_of * scale, of.after_of)
    elif math in names and source.nature == "counts":
        words = names[math]
        volume = (people[0] * scale, people[1]) if math == "total" else (of.before_of * scale, of.after_of)
    else:
        return None
    if not all(volume):
        return None
    rate = of.before * scale / volume[0], of.after / volume[1]
    by_volume, by_rate = product_split(volume, rate)
    return Split(*words, by_volume, by_rate, *volume, *rate)


@dataclass(frozen=True, slots=True)
class SplitOf:
    """A source with its dimensions, each alone."""

    source: Source
    whole: Whole
    sides: Sequence[Side]
    splits: Sequence[segments.Split]


def described(made: Explanation, splits: Sequence[segments.Split], sides: Sequence[Side], whole: Whole) -> Explanation:
    """Dimensions, new and vanished values, paradoxes."""
    return replace(
        made,
        dimensions=tuple(each.dimension for each in splits),
        values=tuple(values_of(splits, whole.amounts.after_of or whole.amounts.after, made.series.unit == "share")),
        paradox=tuple(paradoxes(sides)),
        tests=sum(len(each.dimension.segments) for each in splits) + len(made.steps),
        queries=tuple(dict.fromkeys((*made.queries, *(each.query_id for each in sides)))),
    )


async def split_up(case: Case, question: Question, made: Explanation, of: SplitOf) -> Explanation:
    """Dimensions, drivers, new and vanished values, paradoxes, and what else moved."""
    sides, source = of.sides, of.source
    own = {name_of(each) for each in (*case.subject.dimensions, STATUS)}
    made = described(made, sorted(of.splits, key=lambda each: each.dimension.name not in own), sides, of.whole)
    telling = [each for each in of.splits if not each.replaced][:TOGETHER]
    if not telling:
        return made
    places = [sides.index(each.side) for each in telling]
    step = broken_at(question, list(made.steps)) if question.kind == "funnel" else None
    looked = source if step is None else source_of(case, [each.dimension for each in sides], step)
    assert looked is not None
    whole = of.whole if step is None else await whole_of(case, looked)
    cube, query_id = await together(case, looked, whole, places, sides)
    change = made.change if step is None else cube.whole.rate_after - cube.whole.rate_before
    found, tried = told_drivers(cube, looked, change)
    made = replace(made, drivers=tuple(found), tests=made.tests + tried, queries=(*made.queries, query_id))
    condition = condition_of(case, question, [sides[place] for place in places], found[0].where if found else ())
    return replace(made, companions=tuple(await companions_of(case, condition)))


def paradoxes(sides: Sequence[Side]) -> list[str]:
    """Dimensions within whose segments the rate moved against the whole."""
    found: list[str] = []
    for each in sides:
        kind = paradox(each.cube, each.cube.along(0))
        if kind:
            which = "every segment" if kind == "all" else "segments with most of the weight"
            found.append(f"by {each.cube.dimensions[0]}, {which} moved against the whole: the mix of segments changed")
    return found


def condition_of(case: Case, question: Question, sides: Sequence[Side], where: Sequence[tuple[str, str]]) -> str:
    """A driver as a condition on events; empty where there is none, or it is the rest of a dimension."""
    frame = case.frame(question, case.current)
    known = {each.cube.dimensions[0]: each.dimension for each in sides}
    if any(value == OTHER or known[name] == STATUS for name, value in where):
        return ""
    return " AND ".join(f"{frame.value(known[name])} = {text_literal(value)}" for name, value in where)
