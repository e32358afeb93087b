"""Which group did better, how sure that is, and how long to go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from posthog_mcp.analysis.asked import Definitions, Metric, asked_of
from posthog_mcp.analysis.comparison import EFFECT, LEAST, LEAST_CASES, Group, GroupComparison, judged
from posthog_mcp.analysis.experiments import Goal, Groups, Measure, native_of, own_goals
from posthog_mcp.analysis.outcomes import groups_of, outcome_query
from posthog_mcp.analysis.posthog_results import Reading, agreement, ask_posthog, samples_of
from posthog_mcp.analysis.stats.groups import MISMATCH, Observed, Ratio, Sample
from posthog_mcp.backends.backend import Progress, TypedQueries
from posthog_mcp.errors import InvalidInput, PostHogMcpError
from posthog_mcp.insights.dates import Span
from posthog_mcp.insights.question import Breakdown
from posthog_mcp.insights.run import framed
from posthog_mcp.project import Project
from posthog_mcp.queries.run import run as run_hogql
from posthog_mcp.results import DateRange, Json, ProjectInfo

SHARES = ("total", "dau", "unique_session", "first_time_for_user")
"""Maths of which those who did it at all are counted."""


async def compare_groups(
    project: Project,
    metric: Metric,
    split: str,
    *,
    control: str = "",
    measure: Measure = "auto",
    effect: float = EFFECT,
    date_from: str = "",
    date_to: str = "",
    definitions: Definitions | None = None,
    now: datetime | None = None,
    progress: Progress | None = None,
) -> GroupComparison:
    """Compare what people of different groups did; of an experiment without a metric, by its own.

    Raises:
        InvalidInput: the metric has no outcome a person, or there are fewer than two groups.
        NotFound: there is no such insight, experiment or flag.
        PostHogMcpError: what the backend says.
    """
    groups = await groups_of(project, split)
    goal = await goal_for(project, groups, metric, measure, definitions)
    info = await project.driver.project()
    start = date_from or local(groups.started, info) or "-90d"
    stop = date_to or local(groups.ended, info)
    if goal.question is None:
        whole = not (date_from or date_to)
        return await by_posthog(project, info, groups, goal, control, effect, whole, now)
    question = goal.question.model_copy(update={"date_from": start, "date_to": stop, "compare": ""})
    frame = await framed(project, question.model_copy(update={"breakdowns": list[Breakdown]()}), now)
    if groups.ended and not date_to:
        end = datetime.fromisoformat(stop)
        frame = replace(frame, span=Span(frame.span.start, end))
    result = await run_hogql(project, outcome_query(frame, groups, goal.window), progress=progress)
    kind = measure_of(goal, frame.question.series[0].math, frame.question.kind)
    samples = {str(row[0]): sample_of(row[1:], kind) for row in result.table.rows}
    first, last = frame.span.start, min(frame.span.end, frame.now)
    bounds = DateRange(first.isoformat(), frame.span.end.isoformat(timespec="seconds"), info.timezone)
    days = max((float(str(row[5] or 0)) for row in result.table.rows), default=0.0)
    watched = max(days or (last - first).total_seconds() / 86_400, 1.0)
    found = judged(goal.name, groups, samples, kind, control, effect, watched)
    if goal.native is None and groups.experiment is not None:
        goal = replace(goal, native=native_of(frame, kind))
    return replace(
        found,
        project=info,
        split=split,
        date_range=bounds,
        query_id=result.query_id,
        hogql=result.hogql,
        lower_is_better=goal.lower_is_better,
        posthog=await reading_of(project, groups, goal, found, not (date_from or date_to)),
        notes=notes_of(goal),
    )


async def goal_for(
    project: Project, groups: Groups, metric: Metric, measure: Measure, definitions: Definitions | None
) -> Goal:
    """What the groups are compared by: the metric given, or the experiment's own (of this name).

    Raises:
        InvalidInput: there is none, or it says nothing of a person.
    """
    own = own_goals(groups.experiment) if groups.experiment else []
    named = [each for each in own if each.name == metric] if metric else own
    if named:
        return named[0]
    if not metric:
        text = "No metric is given: what each person did, by which the groups are compared."
        if groups.experiment:
            text = f"{groups.name!r} has no metric of its own, and none is given."
        raise InvalidInput(text, fix='Give the goal, such as {"kind": "trends", "series": [{"event": "signed_up"}]}.')
    asked = await asked_of(project, metric, definitions)
    if asked.question is None:
        text = "HogQL does not say what each person did; groups are compared by an insight."
        raise InvalidInput(text, fix="Give an insight call, or the groups' numbers in `data`.")
    return Goal(asked.name, asked.question, measure)


def local(moment: str, info: ProjectInfo) -> str:
    """A moment as the project's clock shows it; empty stays empty."""
    if not moment:
        return ""
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    return f"{at.astimezone(ZoneInfo(info.timezone)) if at.tzinfo else at:%Y-%m-%d %H:%M:%S}"


async def reading_of(
    project: Project, groups: Groups, goal: Goal, found: GroupComparison, whole: bool
) -> Reading | None:
    """What PostHog says of the same experiment and metric, beside ours; None where it cannot be asked."""
    if groups.experiment is None or goal.native is None or not isinstance(project.driver, TypedQueries):
        return None
    if not whole:
        return Reading(told=("PostHog's own result is of the experiment's whole time; it is not asked for a part.",))
    try:
        theirs = await ask_posthog(project, project.driver, groups.experiment, goal.native)
    except PostHogMcpError as error:
        return Reading(told=(f"PostHog's own result could not be had: {error.message}",))
    return agreement(theirs, {each.name: each.sample for each in found.groups}, goal.aside)


async def by_posthog(
    project: Project,
    info: ProjectInfo,
    groups: Groups,
    goal: Goal,
    control: str,
    effect: float,
    whole: bool,
    now: datetime | None,
) -> GroupComparison:
    """A metric that is counted on PostHog alone, read from PostHog's counts.

    Raises:
        InvalidInput: the backend cannot be asked, or for another time than the experiment's.
        PostHogMcpError: what PostHog says.
    """
    if groups.experiment is None or goal.native is None or not isinstance(project.driver, TypedQueries) or not whole:
        text = f"The experiment's metric {goal.name!r} cannot be counted here: {goal.unread}"
        raise InvalidInput(text, fix="Give a metric: one series of trends, a funnel, or retention.")
    theirs = await ask_posthog(project, project.driver, groups.experiment, goal.native)
    samples = samples_of(theirs)
    kind: Measure = "ratio" if any(isinstance(each, Ratio) for each in samples.values()) else "mean"
    if all(isinstance(each, Sample) and each.share for each in samples.values()):
        kind = "conversion"
    found = judged(goal.name, groups, samples, kind, control, effect, running(groups, info, now))
    told = f"The metric is not counted here ({goal.unread}); the counts are PostHog's."
    return replace(
        found, project=info, lower_is_better=goal.lower_is_better, posthog=agreement(theirs, samples, goal.aside),
        notes=(told, *notes_of(goal)),
    )  # fmt: skip


def running(groups: Groups, info: ProjectInfo, now: datetime | None) -> float | None:
    """Days for which an experiment has run; None where nobody tells its start."""
    start = local(groups.started, info)
    if not start:
        return None
    present = (now or datetime.now(UTC)).astimezone(ZoneInfo(info.timezone)).replace(tzinfo=None)
    return max((present - datetime.fromisoformat(start)).total_seconds() / 86_400, 1.0)


def notes_of(goal: Goal) -> tuple[str, ...]:
    if not goal.others:
        return ()
    return (f"Of the experiment's metrics this is {goal.name}; others: {', '.join(goal.others[:5])}.",)


def compare_numbers(
    data: Sequence[Mapping[str, Json]], *, control: str = "", effect: float = EFFECT
) -> GroupComparison:
    """Compare groups whose numbers are given: name, n, and conversions, or mean with sd (or sum with sum_squares).

    Raises:
        InvalidInput: a group lacks numbers, or there are fewer than two.
    """
    samples: dict[str, Observed] = {}
    kinds = {"conversion" if "conversions" in each else "ratio" if "of_sum" in each else "mean" for each in data}
    if len(kinds) > 1:
        raise InvalidInput(f"The groups have different kinds of numbers: {', '.join(sorted(kinds))}.", fix=NUMBERS)
    measure: Measure = "conversion" if "conversion" in kinds else "ratio" if "ratio" in kinds else "mean"
    for each in data:
        samples[str(each.get("name") or f"group {len(samples) + 1}")] = given_sample(each)
    planned = tuple((str(each.get("name")), float(str(each["planned"]))) for each in data if "planned" in each)
    return judged("given numbers", Groups("data", planned=planned), samples, measure, control, effect, None)


NUMBERS = (
    'Give {"name", "n", "conversions"}, or {"name", "n", "mean", "sd"}, or {"name", "n", "sum", "sum_squares"}, of a '
    'ratio also "of_sum", "of_sum_squares" and "sum_products".'
)


def given_sample(each: Mapping[str, Json]) -> Observed:
    """One group's numbers.

    Raises:
        InvalidInput: they are not there, or cannot be.
    """

    def of(name: str) -> float:
        return float(str(each[name]))

    try:
        n = of("n")
        if "conversions" in each:
            sample: Observed = Sample(n, of("conversions"), of("conversions"), True)
        elif "mean" in each:
            sample = Sample(n, n * of("mean"), of("sd") ** 2 * (n - 1) + n * of("mean") ** 2)
        elif "of_sum" in each:
            sample = Ratio(n, of("sum"), of("sum_squares"), of("of_sum"), of("of_sum_squares"), of("sum_products"))
        else:
            sample = Sample(n, of("sum"), of("sum_squares"))
    except (KeyError, ValueError):
        raise InvalidInput(f"The group {dict(each)} lacks numbers.", fix=NUMBERS) from None
    if n < 0 or (sample.share and not 0 <= sample.total <= n):
        raise InvalidInput(f"The group {dict(each)} cannot be: 0 ≤ conversions ≤ n.", fix=NUMBERS)
    return sample


def measure_of(goal: Goal, math: str, kind: str) -> Measure:
    """Whether people who did it are counted, or how much each did, or a ratio of two such."""
    if goal.question and goal.question.formula:
        return "ratio"
    if goal.measure != "auto":
        return goal.measure
    return "conversion" if kind != "trends" or math in SHARES else "mean"


def sample_of(row: Sequence[Json], measure: Measure) -> Observed:
    n, came, total, squares, _, *below = (float(str(each or 0)) for each in row)
    if measure == "ratio":
        of, of_squares, products = below
        return Ratio(n, total, squares, of, of_squares, products)
    return Sample(n, came, came, True) if measure == "conversion" else Sample(n, total, squares)


def verdict(found: GroupComparison) -> list[str]:
    """Sentences: what is better, whether it may be read, what is missing."""
    base, told = found.groups[0], list[str]()
    if found.mismatch_p is not None and found.mismatch_p < MISMATCH:
        told.append(
            f"The groups' sizes are not what was planned (p = {found.mismatch_p:.2g}): do not trust the result."
        )
    for each in found.groups[1:]:
        told.append(sentence(found, base, each))
    told += found.posthog.told if found.posthog else ()
    if not found.randomised and found.project is not None:
        told.append("People were not assigned by chance: a difference between these groups need not be an effect.")
    return [*told, *found.notes]


def sentence(found: GroupComparison, base: Group, each: Group) -> str:
    """One group against the control."""

    def shown(one: Group) -> str:
        value = f"{one.sample.mean:.1%}" if found.measure == "conversion" else f"{one.sample.mean:.4g}"
        return f"{one.name} {value} (n = {one.sample.n:g})"

    head = f"{shown(each)} against {shown(base)}"
    if not (each.enough and base.enough):
        return f"{head}: too few for a verdict ({LEAST} people and {LEAST_CASES} of either outcome a group are needed)."
    test = each.comparison
    if test is None or each.p is None:
        return f"{head}: nothing varies, so nothing can be told."
    relative = ""
    if test.relative is not None:
        bounds = ""
        if test.fieller_low is not None and test.fieller_high is not None:
            bounds = f", 95 % {test.fieller_low:+.1%} to {test.fieller_high:+.1%}"
        relative = f" ({test.relative:+.1%}{bounds})"
    word = "better" if (test.difference > 0) != found.lower_is_better else "worse"
    clear = f"{word}, p = {each.p:.2g}" if each.p <= 0.05 else f"no clear difference, p = {each.p:.2g}"
    if (each.p <= 0.05) != (test.p <= 0.05):
        clear += f" (PostHog's relative test of the same numbers: p = {test.p:.2g})"
    early = "holds at any look" if test.always_valid_p <= 0.05 else "does not hold if it was looked at along the way"
    return f"{head}{relative}: {clear}; chance to be higher {test.chance_to_win:.1%}; read sequentially it {early}."


def how_long(found: GroupComparison) -> str:
    """How many people are needed, and how long that takes, where waiting makes sense."""
    if found.needed == float("inf"):
        why = f"in {found.groups[0].name} nobody did it, or everybody the same"
        return f"How many people are needed cannot be told: {why}."
    least = min(each.sample.n for each in found.groups)
    head = f"To find a relative effect of {found.effect:.0%}: {found.needed:,.0f} people a group"
    if least >= found.needed:
        return f"{head}; there are enough."
    if found.project is None:
        return f"{head}, the smallest has {least:,.0f}."
    if not found.randomised:
        why = "these groups grow with the range alone, and more people do not make them alike"
        return f"{head}, the smallest has {least:,.0f}. How long to run is a question for an experiment: {why}."
    if found.ended:
        return f"{head}, the smallest has {least:,.0f}; the experiment has ended, so no more will come."
    return f"{head}, about {found.days or 0:,.0f} more days at the pace so far."
