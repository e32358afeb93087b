"""Which metrics move together, beyond season and trend, and whether a third one explains it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from posthog_mcp.analysis.series import MetricSeries
from posthog_mcp.analysis.stats.correlating import Link, link, partial, pearson, whitened
from posthog_mcp.analysis.stats.distributions import normal_two_sided
from posthog_mcp.analysis.stats.multiple import benjamini_hochberg
from posthog_mcp.analysis.stats.seasons import seasons_of
from posthog_mcp.errors import InvalidInput

LEAST = 60
"""Intervals in common that a correlation needs."""
MOST_LAG = 7
FALSE_DISCOVERIES = 0.05
MOST_SERIES = 60


@dataclass(frozen=True, slots=True)
class Correlation:
    """A pair that moves together. Lag above 0: `second` follows `first` by so many intervals. `explained_by` names a
    third metric without which nothing is left of it."""

    first: str
    second: str
    lag: int
    r: float
    low: float
    high: float
    p: float
    q: float
    n: int
    explained_by: str | None = None


def correlate(
    series: Sequence[MetricSeries], *, most_lag: int = MOST_LAG, q: float = FALSE_DISCOVERIES
) -> list[Correlation]:
    """Pairs that move together, the strongest first; of them a share of at most `q` is expected to be chance.

    Raises:
        InvalidInput: fewer than two series, different intervals, or fewer than 60 intervals in common.
    """
    kept, white = aligned(series)
    pairs = list(combinations(range(len(kept)), 2))
    links = [link(white[a], white[b], most_lag) for a, b in pairs]
    adjusted = benjamini_hochberg([each.p for each in links])
    found = [
        made(kept, white, a, b, each, value)
        for (a, b), each, value in zip(pairs, links, adjusted, strict=True)
        if value <= q
    ]
    return sorted(found, key=lambda each: -abs(each.r))


def comparable(series: Sequence[MetricSeries], interval: str) -> tuple[list[MetricSeries], list[str]]:
    """Those of this interval, long enough and not constant; and why the others are left out."""
    kept: list[MetricSeries] = []
    left: list[str] = []
    for each in series:
        if each.interval != interval:
            left.append(f"{each.name} is by {each.interval}, not by {interval}")
        elif each.n < LEAST:
            left.append(f"{each.name} has {each.n} complete {interval}s; {LEAST} are needed")
        elif len(set(each.values)) < 3:
            left.append(f"{each.name} hardly varies")
        else:
            kept.append(each)
    return kept[:MOST_SERIES], left


def aligned(series: Sequence[MetricSeries]) -> tuple[list[MetricSeries], list[list[float]]]:
    """The series over the intervals that all have, and what is left of them without season, trend and inertia.

    Raises:
        InvalidInput: they cannot be compared.
    """
    if not 2 <= len(series) <= MOST_SERIES:
        raise InvalidInput(f"{len(series)} metrics; 2 to {MOST_SERIES} can be compared.", fix="Give more, or fewer.")
    if len({each.interval for each in series}) > 1:
        raise InvalidInput("The metrics have different intervals.", fix="Give one interval for all of them.")
    first = max(each.labels[0] for each in series if each.labels)
    last = min(each.labels[-1] for each in series if each.labels)
    kept = [each.between(first, last) for each in series]
    for each in kept:
        each.need(LEAST, "A correlation")
    return kept, [whitened(stabilised(each), seasons_of(each.interval, each.n)) for each in kept]


def stabilised(series: MetricSeries) -> list[float]:
    """Logarithms where nothing is below 0, so that busy days do not decide alone."""
    if min(series.values) < 0:
        return list(series.values)
    least = 1.0 if series.unit == "count" else 0.01 * max(series.values) or 1.0
    return [math.log(value + least) for value in series.values]


def made(
    kept: Sequence[MetricSeries], white: Sequence[Sequence[float]], a: int, b: int, found: Link, q: float
) -> Correlation:
    """A pair, with the third metric that explains it."""
    first, second = (a, b) if found.lag >= 0 else (b, a)
    return Correlation(
        kept[first].name,
        kept[second].name,
        abs(found.lag),
        found.r,
        found.low,
        found.high,
        found.p,
        q,
        found.n,
        explained(kept, white, first, second, abs(found.lag)),
    )


def explained(
    kept: Sequence[MetricSeries], white: Sequence[Sequence[float]], first: int, second: int, lag: int
) -> str | None:
    """The third metric that moves with both, corrected for all that are tried (Benjamini and Hochberg), and whose own
    movement, at either end, leaves nothing significant of the pair; of several the one that leaves least."""
    count = len(white[first]) - lag
    ends = white[first][:count], white[second][lag:]
    tried = [
        (kept[at].name, third)
        for at in range(len(kept))
        if at not in (first, second)
        for third in (white[at][:count], white[at][lag:])
    ]
    both = [max(chance(pearson(third, end), count) for end in ends) for _, third in tried]
    left = [
        (abs(partial(*ends, third)), name)
        for (name, third), q in zip(tried, benjamini_hochberg(both), strict=True)
        if q <= FALSE_DISCOVERIES
    ]
    least, name = min(left, default=(1.0, ""))
    return name if least < 1.96 / math.sqrt(count - 4) else None


def chance(r: float, count: int) -> float:
    """Of such an r between unrelated values (Fisher's z)."""
    return normal_two_sided(math.atanh(min(max(r, -0.999999), 0.999999)) * math.sqrt(count - 3))
