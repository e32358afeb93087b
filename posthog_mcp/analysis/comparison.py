"""Groups with their numbers, compared with the control: what is more than noise, and how many people are needed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from posthog_mcp.analysis.experiments import Groups, Measure
from posthog_mcp.analysis.posthog_results import Reading
from posthog_mcp.analysis.stats.groups import (
    Comparison,
    Observed,
    compared,
    mismatch,
    people_needed,
    smallest_effect,
)
from posthog_mcp.analysis.stats.multiple import holm
from posthog_mcp.analysis.stats.proportions import wilson
from posthog_mcp.errors import InvalidInput
from posthog_mcp.results import DateRange, ProjectInfo

LEAST, LEAST_CASES = 30, 5
"""People of a group, and of those who did and those who did not, below which no verdict is given. PostHog asks for 50
people, which its relative test needs; Welch's keeps its error rate from here on."""
EFFECT = 0.1
"""The relative effect that sample sizes are told for where nobody says."""
CONTROLS = ("control", "false", "baseline", "A")


@dataclass(frozen=True, slots=True)
class Group:
    """A group and its comparison with the control (None for the control itself, or where nothing varies). `p` is that
    of the difference (Welch), corrected for the number of groups (Holm); `enough`: there are people and cases enough
    for a verdict."""

    name: str
    sample: Observed
    low: float
    high: float
    comparison: Comparison | None
    p: float | None
    enough: bool


@dataclass(frozen=True, slots=True)
class GroupComparison:
    """All groups, the control first. `needed`: people a group for the effect that is looked for; `days` how many more
    at the pace so far (None: nobody can say, or there is nothing to wait for); `smallest`: the relative effect that the
    present numbers can show; `posthog`: what PostHog says of the same experiment; `notes`: what else to know."""

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
    ended: str = ""
    lower_is_better: bool = False
    posthog: Reading | None = None
    notes: tuple[str, ...] = ()

    @property
    def answerable(self) -> bool:
        """The control and at least one other group have people and cases enough."""
        return self.groups[0].enough and any(each.enough for each in self.groups[1:])


def judged(
    metric: str,
    groups: Groups,
    samples: Mapping[str, Observed],
    measure: Measure,
    control: str,
    effect: float,
    watched: float | None,
) -> GroupComparison:
    """The groups compared with the control.

    Raises:
        InvalidInput: there are fewer than two groups, or no such control.
    """
    samples = {name: each for name, each in samples.items() if each.n > 0}
    if len(samples) < 2:
        told = ", ".join(f"{name} (n = {each.n:g})" for name, each in samples.items()) or "none"
        raise InvalidInput(
            f"{groups.name!r} gives fewer than two groups: {told}. Two of {LEAST} people or more are needed.",
            fix="Check the split, give an earlier date_from, or see with run_insight that the metric has people.",
        )
    first = control_of(samples, control)
    names = [first, *(name for name in samples if name != first)]
    base = samples[first]
    found = {name: compared(samples[name], base, least_effect=effect) for name in names[1:]}
    known = [name for name, each in found.items() if each is not None]
    adjusted = dict(zip(known, holm([each.welch_p for each in found.values() if each is not None]), strict=True))
    made = tuple(group(name, samples[name], measure, found.get(name), adjusted.get(name)) for name in names)
    planned = dict(groups.planned)
    balanced = [planned[name] for name in names] if all(name in planned for name in names) else []
    needed = people_needed(base, effect)
    least = min(samples[name].n for name in names)
    open_ended = bool(groups.flag) and not groups.ended and bool(watched) and least > 0 and math.isfinite(needed)
    days = max(needed - least, 0.0) / (least / watched) if watched and open_ended else None
    return GroupComparison(
        project=None,
        metric=metric,
        split=groups.name,
        measure=measure,
        groups=made,
        randomised=bool(groups.flag),
        mismatch_p=mismatch([samples[name].n for name in names], balanced) if balanced else None,
        needed=needed,
        days=days,
        smallest=smallest_effect(base, least),
        effect=effect,
        date_range=None,
        ended=groups.ended,
    )


def control_of(samples: Mapping[str, Observed], wanted: str) -> str:
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


def group(name: str, sample: Observed, measure: Measure, found: Comparison | None, p: float | None) -> Group:
    """One group with its own interval."""
    if measure == "conversion":
        low, high = wilson(sample.total, sample.n)
        enough = sample.n >= LEAST and min(sample.total, sample.n - sample.total) >= LEAST_CASES
    else:
        reach = 1.96 * math.sqrt(sample.variance / sample.n) if sample.n else 0.0
        low, high, enough = sample.mean - reach, sample.mean + reach, sample.n >= LEAST
    return Group(name, sample, low, high, found, p, enough)
