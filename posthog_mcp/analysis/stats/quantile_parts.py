"""Parts of a quantile's change that sum to it exactly.

The quantile Q(t) of the mixture on the straight way from before (t = 0) to after (t = 1) moves with every segment's
distribution. With F the shares at or below x, w a segment's share of all rows, and τ the level, the segment's pull at x
is d(x) = w₁(F₁(x) − τ) − w₀(F₀(x) − τ), and all pulls sum to D(x) = F₁(x) − F₀(x), which has one sign between the two
quantiles. Its part is the integral of d/D over the way from the one quantile to the other: the Aumann-Shapley value
(Aumann and Shapley, Values of Non-Atomic Games (1974), ch. III) of the segments; to first order it is the
decomposition by recentred influence functions (Firpo, Fortin and Lemieux, Econometrica 77 (2009)). The pull splits
into mix (w changed) and rate (F changed) as Kitagawa's rates do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from posthog_mcp.analysis.stats.contributions import Part


@dataclass(frozen=True, slots=True)
class Below:
    """A segment's rows before and after, and how many of them are at or below each cut."""

    before: float
    after: float
    before_below: Sequence[float]
    after_below: Sequence[float]


def quantile_parts(segments: Mapping[str, Below], level: float, quantiles: tuple[float, float]) -> dict[str, Part]:
    """Each segment's part of `quantiles[1] - quantiles[0]`. The cuts stand in the middle of equal cells between the
    two, so that the integral is a mean over them; where no cut tells the two times apart every part is 0."""
    change = quantiles[1] - quantiles[0]
    totals = sum(each.before for each in segments.values()), sum(each.after for each in segments.values())
    count = max((len(each.before_below) for each in segments.values()), default=0)
    pulls = {name: [pull(each, totals, at, level) for at in range(count)] for name, each in segments.items()}
    wholes = [sum(mix + rate for mix, rate in (pulls[name][at] for name in pulls)) for at in range(count)]
    known = [at for at, whole in enumerate(wholes) if whole * change < 0]
    if not known:
        return {name: Part(0.0, 0.0) for name in segments}
    return {
        name: Part(
            change * sum(found[at][0] / wholes[at] for at in known) / len(known),
            change * sum(found[at][1] / wholes[at] for at in known) / len(known),
        )
        for name, found in pulls.items()
    }


def pull(each: Below, totals: tuple[float, float], at: int, level: float) -> tuple[float, float]:
    """Mix and rate of a segment's pull at a cut; one that is new or gone has no distribution of its own to compare."""
    before = each.before_below[at] / each.before if each.before else 0.0
    after = each.after_below[at] / each.after if each.after else 0.0
    before, after = before if each.before else after, after if each.after else before
    weights = each.before / totals[0] if totals[0] else 0.0, each.after / totals[1] if totals[1] else 0.0
    mix = (weights[1] - weights[0]) * ((before + after) / 2 - level)
    return mix, (after - before) * (weights[0] + weights[1]) / 2
