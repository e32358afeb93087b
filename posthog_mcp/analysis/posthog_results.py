"""What PostHog says of an experiment (`ExperimentQuery`), set beside ours: are the counts the same, and from the same
counts the statistics.

Source: PostHog's public schema of ExperimentQuery's answer; Bayesian results are of the relative difference with a flat
prior and significant beyond 95 % chance to win, frequentist ones at p < 0.05, neither corrected for several variants.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from posthog_mcp.analysis.experiments import Body, listed, part
from posthog_mcp.analysis.stats.groups import Observed, Ratio, Sample, compared
from posthog_mcp.backends.backend import QueryOptions, TypedQueries
from posthog_mcp.errors import Unavailable
from posthog_mcp.project import Project
from posthog_mcp.results import Json

CLOSE = 0.001
"""Chances, p-values and relative differences that far apart count as the same."""


@dataclass(frozen=True, slots=True)
class Result:
    """A variant as PostHog has it; `chance` or `p`, and the interval of the relative difference, where it gives one."""

    name: str
    sample: Observed
    chance: float | None = None
    p: float | None = None
    low: float | None = None
    high: float | None = None
    significant: bool | None = None
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """PostHog's results (the control first) beside ours. `counts_agree`: it counted the same; `statistics_agree`: from
    its counts our formulas give its results (None: it gave none)."""

    method: Literal["bayesian", "frequentist", ""] = ""
    results: tuple[Result, ...] = ()
    counts_agree: bool | None = None
    statistics_agree: bool | None = None
    told: tuple[str, ...] = ()


async def ask_posthog(project: Project, driver: TypedQueries, experiment: Body, metric: Body) -> tuple[Result, ...]:
    """PostHog's results of an experiment by a metric, the control first.

    Raises:
        Unavailable: the answer holds none.
        PostHogMcpError: what PostHog says.
    """
    query: dict[str, Json] = {"kind": "ExperimentQuery", "experiment_id": experiment.get("id"), "metric": dict(metric)}
    options = QueryOptions(secrets.token_hex(8), project.settings.query_timeout)
    response = await driver.typed_query(query, options)
    base, variants = part(response, "baseline"), listed(response.get("variant_results"))
    if not base or not variants:
        raise Unavailable("PostHog's answer holds no results of the variants.", fix="See the experiment in PostHog.")
    shares = metric.get("metric_type") in ("funnel", "retention")
    return tuple(result_of(each, shares) for each in (base, *variants))


def result_of(each: Body, shares: bool) -> Result:
    def number(name: str) -> float:
        return float(str(each.get(name) or 0))

    sample: Observed = Sample(number("number_of_samples"), number("sum"), number("sum_squares"), shares)
    if each.get("denominator_sum") is not None:
        below = (number("denominator_sum"), number("denominator_sum_squares"))
        sample = Ratio(sample.n, sample.total, sample.squares, *below, number("numerator_denominator_sum_product"))
    ends = each.get("credible_interval") or each.get("confidence_interval")
    low, high = (float(str(end)) for end in ends) if isinstance(ends, list) and len(ends) == 2 else (None, None)
    failures = each.get("validation_failures")
    significant = each.get("significant")
    return Result(
        str(each.get("key")),
        sample,
        optional(each.get("chance_to_win")),
        optional(each.get("p_value")),
        low,
        high,
        significant if isinstance(significant, bool) else None,
        tuple(str(one) for one in failures) if isinstance(failures, list) else (),
    )


def optional(value: Json) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def samples_of(results: Sequence[Result]) -> dict[str, Observed]:
    return {each.name: each.sample for each in results}


def agreement(results: Sequence[Result], ours: Mapping[str, Observed], aside: Sequence[str]) -> Reading:
    """PostHog's results with what can be said of them beside our groups."""
    found = list(results)
    told = [sentence(each) for each in found[1:]]
    other = [each for each in found if not same_counts(each.sample, ours.get(each.name))]
    for each in other[:4]:
        mine = ours.get(each.name)
        here = f"{mine.n:g} people and {mine.total:g}" if mine else "no such group"
        told.append(
            f"Counts differ for {each.name}: PostHog {each.sample.n:g} people and {each.sample.total:g}, here {here}."
        )
    if other:
        told += [f"{each}, this does not." for each in aside]
    tested = [each for each in found[1:] if each.chance is not None or each.p is not None]
    agree = all(same_statistics(each, found[0]) for each in tested) if tested else None
    counts = "the same people and totals" if not other else "other counts"
    formulas = {None: "it gives no statistics", True: "its statistics follow from its counts by our formulas too"}
    told.append(
        f"PostHog has {counts}; {formulas.get(agree, 'its statistics do not follow from its counts by our formulas')}."
    )
    return Reading(method_of(found), tuple(found), not other, agree, tuple(told))


def method_of(results: Sequence[Result]) -> Literal["bayesian", "frequentist", ""]:
    if any(each.chance is not None for each in results):
        return "bayesian"
    return "frequentist" if any(each.p is not None for each in results) else ""


def same_counts(theirs: Observed, ours: Observed | None) -> bool:
    return ours is not None and theirs.n == ours.n and math.isclose(theirs.total, ours.total, rel_tol=1e-6)


def same_statistics(each: Result, control: Result) -> bool:
    """Our formulas give what PostHog tells of a variant; where less is better it may tell the other side's chance."""
    test = compared(each.sample, control.sample)
    if test is None:
        return False
    if each.chance is not None:
        low, high = test.credible_low, test.credible_high
        near = min(abs(each.chance - test.chance_to_win), abs(1 - each.chance - test.chance_to_win)) <= CLOSE
    else:
        low, high, near = test.relative_low, test.relative_high, abs((each.p or 0.0) - test.p) <= CLOSE
    pairs = ((low, each.low), (high, each.high))
    return near and all(a is not None and b is not None and abs(a - b) <= CLOSE for a, b in pairs)


def sentence(each: Result) -> str:
    """One variant in words."""
    if each.chance is None and each.p is None:
        why = ", ".join(each.failures) or "no reason told"
        return f"PostHog gives no result for {each.name} (n = {each.sample.n:g}): {why}."
    what = f"chance to win {each.chance:.1%}" if each.chance is not None else f"p = {each.p:.2g}"
    ends = f", 95 % {each.low:+.1%} to {each.high:+.1%}" if each.low is not None and each.high is not None else ""
    word = "significant" if each.significant else "not significant"
    return f"PostHog: {each.name} {what}{ends}, {word}."
