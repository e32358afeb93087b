"""Parts of a change that sum to it exactly.

Counts: a segment's part is its own difference. Shares: the difference of a weighted mean is the sum over segments of
what their weights did and what their rates did (Kitagawa, Components of a Difference Between Two Rates, JASA 50, 1955),
with the mean of both times as the fixed one and weights counted against the whole, so that a segment that shrank
contributes only as far as it differs from the rest. A product (people × actions each) splits the same way.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from posthog_mcp.analysis.stats.cube import Amounts, Cube, Values
from posthog_mcp.analysis.stats.proportions import two_proportions


@dataclass(frozen=True, slots=True)
class Part:
    """What a segment contributes: `mix` + `rate`, in the unit of the metric. Counts have all of it in `rate`."""

    mix: float
    rate: float

    @property
    def whole(self) -> float:
        return self.mix + self.rate


def contributions(cube: Cube, segments: Mapping[Values, Amounts]) -> dict[Values, Part]:
    """The part of each segment; together they are the change of the whole."""
    if not cube.shares:
        return {key: Part(0.0, each.after - each.before * cube.scale) for key, each in segments.items()}
    whole = cube.whole
    middle = (whole.rate_before + whole.rate_after) / 2
    return {key: part_of(each, whole, middle) for key, each in segments.items()}


def part_of(each: Amounts, whole: Amounts, middle: float) -> Part:
    """Kitagawa's parts of one segment; one that is new or gone has no rate of its own to compare."""
    weight_before = each.before_of / whole.before_of if whole.before_of else 0.0
    weight_after = each.after_of / whole.after_of if whole.after_of else 0.0
    before = each.rate_before if each.before_of else each.rate_after
    after = each.rate_after if each.after_of else each.rate_before
    mix = (weight_after - weight_before) * ((before + after) / 2 - middle)
    return Part(mix, (after - before) * (weight_before + weight_after) / 2)


def product_split(volume: tuple[float, float], rate: tuple[float, float]) -> tuple[float, float]:
    """The parts of volume and rate in the change of their product; they sum to it."""
    by_volume = (volume[1] - volume[0]) * (rate[0] + rate[1]) / 2
    return by_volume, (rate[1] - rate[0]) * (volume[0] + volume[1]) / 2


def divergence(before: Sequence[float], after: Sequence[float]) -> float:
    """How far a distribution moved, 0 to 1 bit: the Jensen-Shannon divergence (Lin, IEEE Transactions on Information
    Theory 37 (1991)), which Adtributor (Bhagwan et al., NSDI 2014) takes as a dimension's surprise."""
    totals = sum(before), sum(after)
    if not all(totals):
        return 0.0
    found = 0.0
    for one, other in zip(before, after, strict=True):
        p, q = one / totals[0], other / totals[1]
        middle = (p + q) / 2
        found += (p * math.log2(p / middle) if p else 0.0) + (q * math.log2(q / middle) if q else 0.0)
    return max(found / 2, 0.0)


def paradox(cube: Cube, segments: Mapping[Values, Amounts], least: float = 30.0) -> str:
    """`all` where the whole rate moved one way, beyond chance, and every segment of at least `least` moved the other
    way (Simpson 1951, JRSS B 13); `most` where segments with most of the weight did; empty otherwise."""
    whole = cube.whole
    overall = whole.rate_after - whole.rate_before
    known = [each for each in segments.values() if min(each.before_of, each.after_of) >= least]
    covered = sum(each.before_of + each.after_of for each in known)
    if not cube.shares or len(known) < 2 or covered < 0.9 * (whole.before_of + whole.after_of):
        return ""
    if cube.variance == 0 and two_proportions((whole.before, whole.after), (whole.before_of, whole.after_of)).p > 0.05:
        return ""
    against = [each for each in known if (each.rate_after - each.rate_before) * overall < 0]
    if len(against) == len(known):
        return "all"
    weight = sum(each.after_of + each.before_of for each in against)
    every = sum(each.after_of + each.before_of for each in segments.values())
    return "most" if weight > 0.8 * every else ""
