"""Which group did better, how sure that is, and how long to go on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from posthog_mcp.analysis.asked import Definitions, Metric, asked_of
from posthog_mcp.analysis.outcomes import Groups, groups_of, outcome_query
from posthog_mcp.analysis.stats.groups import (
    MISMATCH,
    Comparison,
    Sample,
    compared,
    mismatch,
    people_needed,
    smallest_effect,
)
from posthog_mcp.analysis.stats.multiple import holm
from posthog_mcp.analysis.stats.proportions import wilson
from posthog_mcp.backends.backend import Progress
from posthog_mcp.errors import InvalidInput
from posthog_mcp.insights.run import framed
from posthog_mcp.project import Project
from posthog_mcp.queries.run import run as run_hogql
from posthog_mcp.results import DateRange, Json, ProjectInfo

Measure = Literal["auto", "conversion", "mean"]
LEAST, LEAST_CASES = 30, 5
"""People of a group, and of those who did and those who did not, below which no verdict is given."""
EFFECT = 0.1
"""The relative effect that sample sizes are told for where nobody says."""
CONTROLS = ("control", "false", "baseline", "A")


@dataclass(frozen=True, slots=True)
class Group:
    """A group and its comparison with the control (None for the control itself, or where nothing varies). `p` is
    corrected for the number of groups (Holm); `enough`: there are people and cases enough for a verdict."""

    name: str
    sample: Sample
    low: float
    high: float
    comparison: Comparison | None
    p: float | None
    enough: bool


@dataclass(frozen=True, slots=True)
class GroupComparison:
    """All groups, the control first. `needed`: people a group for the effect that is looked for; `days` how many more
    at the present pace; `smallest`: the relative effect that the present numbers can show."""

    project: ProjectInfo | None
    metric: str
    split: str
    measure: Measure
    groups: tuple[Group, ...]
    randomised: bool
    mismatch_p: float | None
    needed: float
    days: float | None
    smallest: float | None
    effect: float
    date_range: DateRange | None
    query_id: str = ""
    hogql: str = ""

    @property
    def answerable(self) -> bool:
        """The control and at least one other group have people and cases enough."""
        return self.groups[0].enough and any(each.enough for each in self.groups[1:])


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
    """Compare what people of different groups did.

    Raises:
        InvalidInput: the metric has no outcome a person, or there are fewer than two groups.
        NotFound: there is no such insight, experiment or flag.
        PostHogMcpError: what the backend says.
    """
    groups = await groups_of(project, split)
    if not metric:
        text = "No metric is given: what each person did, by which the groups are compared."
        raise InvalidInput(text, fix='Give the goal, such as {"kind": "trends", "series": [{"event": "signed_up"}]}.')
    asked = await asked_of(project, metric, definitions)
    if asked.question is None:
        text = "HogQL does not say what each person did; groups are compared by an insight."
        raise InvalidInput(text, fix="Give an insight call, or the groups' numbers in `data`.")
    start = date_from or (groups.started[:10] if groups.started else "-90d")
    question = asked.question.model_copy(
        update={"date_from": start, "date_to": date_to, "breakdowns": [], "compare": ""}
    )
    frame = await framed(project, question, now)
    result = await run_hogql(project, outcome_query(frame, groups), progress=progress)
    shares = is_share(question.series[0].math, question.kind, measure)
    samples = {str(row[0]): sample_of(row[1:], shares) for row in result.table.rows}
    bounds = DateRange(
        frame.span.start.isoformat(), frame.span.end.isoformat(timespec="seconds"), frame.project.timezone
    )
    days = max((frame.span.end - frame.span.start).total_seconds() / 86_400, 1.0)
    found = judged(asked.name, groups, samples, shares, control, effect, days)
    return GroupComparison(
        frame.project, asked.name, split, found.measure, found.groups, found.randomised, found.mismatch_p, found.needed,
        found.days, found.smallest, effect, bounds, result.query_id, result.hogql,
    )  # fmt: skip


def compare_numbers(
    data: Sequence[Mapping[str, Json]], *, control: str = "", effect: float = EFFECT
) -> GroupComparison:
    """Compare groups whose numbers are given: name, n, and conversions, or mean with sd (or sum with sum_squares).

    Raises:
        InvalidInput: a group lacks numbers, or there are fewer than two.
    """
    samples: dict[str, Sample] = {}
    shares = all("conversions" in each for each in data)
    for each in data:
        samples[str(each.get("name") or f"group {len(samples) + 1}")] = given_sample(each)
    planned = tuple((str(each.get("name")), float(str(each["planned"]))) for each in data if "planned" in each)
    return judged("given numbers", Groups("data", planned=planned), samples, shares, control, effect, None)


def given_sample(each: Mapping[str, Json]) -> Sample:
    """One group's numbers.

    Raises:
        InvalidInput: they are not there, or cannot be.
    """
    fix = 'Give {"name", "n", "conversions"}, or {"name", "n", "mean", "sd"}, or {"name", "n", "sum", "sum_squares"}.'
    try:
        n = float(str(each["n"]))
        if "conversions" in each:
            came = float(str(each["conversions"]))
            sample = Sample(n, came, came, True)
        elif "mean" in each:
            mean, sd = float(str(each["mean"])), float(str(each["sd"]))
            sample = Sample(n, n * mean, sd**2 * (n - 1) + n * mean**2)
        else:
            sample = Sample(n, float(str(each["sum"])), float(str(each["sum_squares"])))
    except (KeyError, ValueError):
        raise InvalidInput(f"The group {dict(each)} lacks numbers.", fix=fix) from None
    if n < 0 or (sample.share and not 0 <= sample.total <= n):
        raise InvalidInput(f"The group {dict(each)} cannot be: 0 ≤ conversions ≤ n.", fix=fix)
    return sample


def is_share(math: str, kind: str, measure: Measure) -> bool:
    """Whether people who did it are counted, rather than how much each did."""
    if measure != "auto":
        return measure == "conversion"
    return kind != "trends" or math in ("total", "dau", "unique_session", "first_time_for_user")


def sample_of(row: Sequence[Json], shares: bool) -> Sample:
    n, came, total, squares = (float(str(each or 0)) for each in row)
    return Sample(n, came, came, True) if shares else Sample(n, total, squares)


def judged(
    metric: str,
    groups: Groups,
    samples: Mapping[str, Sample],
    shares: bool,
    control: str,
    effect: float,
    watched: float | None,
) -> GroupComparison:
    """The groups compared with the control.

    Raises:
        InvalidInput: there are fewer than two groups, or no such control.
    """
    if len(samples) < 2:
        told = ", ".join(f"{name} (n = {each.n:g})" for name, each in samples.items()) or "none"
        raise InvalidInput(
            f"{groups.name!r} gives fewer than two groups: {told}.", fix="Check the split and the range."
        )
    first = control_of(samples, control)
    names = [first, *(name for name in samples if name != first)]
    base = samples[first]
    found = {name: compared(samples[name], base, least_effect=effect) for name in names[1:]}
    known = [name for name, each in found.items() if each is not None]
    adjusted = dict(zip(known, holm([each.p for each in found.values() if each is not None]), strict=True))
    made = tuple(group(name, samples[name], shares, found.get(name), adjusted.get(name)) for name in names)
    planned = dict(groups.planned)
    balanced = [planned[name] for name in names] if all(name in planned for name in names) else []
    needed = people_needed(base, effect)
    least = min(samples[name].n for name in names)
    pace = least / watched if watched else 0.0
    days = (needed - least) / pace if pace and math.isfinite(needed) else None
    return GroupComparison(
        project=None,
        metric=metric,
        split=groups.name,
        measure="conversion" if shares else "mean",
        groups=made,
        randomised=bool(groups.flag),
        mismatch_p=mismatch([samples[name].n for name in names], balanced) if balanced else None,
        needed=needed,
        days=max(days, 0.0) if days is not None else None,
        smallest=smallest_effect(base, least),
        effect=effect,
        date_range=None,
    )


def control_of(samples: Mapping[str, Sample], wanted: str) -> str:
    """The group that others are compared with: named, usual, or the largest.

    Raises:
        InvalidInput: there is no group of this name.
    """
    if wanted:
        if wanted not in samples:
            raise InvalidInput(f"There is no group {wanted!r}.", fix=f"Groups: {', '.join(samples)}.")
        return wanted
    usual = next((name for name in CONTROLS if name in samples), None)
    return usual or max(samples, key=lambda name: samples[name].n)


def group(name: str, sample: Sample, shares: bool, found: Comparison | None, p: float | None) -> Group:
    """One group with its own interval."""
    if shares:
        low, high = wilson(sample.total, sample.n)
        enough = sample.n >= LEAST and min(sample.total, sample.n - sample.total) >= LEAST_CASES
    else:
        reach = 1.96 * math.sqrt(sample.variance / sample.n) if sample.n else 0.0
        low, high, enough = sample.mean - reach, sample.mean + reach, sample.n >= LEAST
    return Group(name, sample, low, high, found, p, enough)


def verdict(found: GroupComparison) -> list[str]:
    """Sentences: what is better, whether it may be read, what is missing."""
    base, told = found.groups[0], list[str]()
    if found.mismatch_p is not None and found.mismatch_p < MISMATCH:
        told.append(
            f"The groups' sizes are not what was planned (p = {found.mismatch_p:.2g}): do not trust the result."
        )
    for each in found.groups[1:]:
        told.append(sentence(found, base, each))
    if not found.randomised and found.project is not None:
        told.append("People were not assigned by chance: a difference between these groups need not be an effect.")
    return told


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
        relative = f" ({test.relative:+.1%}, 95 % {test.relative_low:+.1%} to {test.relative_high:+.1%})"
    word = "better" if test.difference > 0 else "worse"
    clear = f"{word}, p = {each.p:.2g}" if each.p <= 0.05 else f"no clear difference, p = {each.p:.2g}"
    early = "holds at any look" if test.always_valid_p <= 0.05 else "does not hold if it was looked at along the way"
    return f"{head}{relative}: {clear}; chance to be higher {test.chance_to_win:.1%}; read sequentially it {early}."
