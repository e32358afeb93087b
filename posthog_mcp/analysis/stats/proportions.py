"""Shares compared: intervals and a test.

Sources: Wilson, JASA 22 (1927), for one share; Newcombe, Interval Estimation for the Difference Between Independent
Proportions, Statistics in Medicine 17 (1998), method 10 (hybrid score); the pooled two-sample z-test (Fleiss, Levin and
Paik, Statistical Methods for Rates and Proportions, ch. 3); Fisher's exact test, two-sided by doubling the smaller
tail (ibid., ch. 2); rates of two stretches of time conditional on their sum (Przyborowski and Wilenski, Biometrika 31
(1940)).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from posthog_mcp.analysis.stats.distributions import beta_cdf, normal_ppf, normal_two_sided


@dataclass(frozen=True, slots=True)
class Difference:
    """Second share minus first; `low` to `high` is its confidence interval, `p` two-sided."""

    difference: float
    low: float
    high: float
    p: float


def wilson(came: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Wilson's interval of a share; 0 to 1 where nobody was there."""
    if n <= 0:
        return 0.0, 1.0
    z = normal_ppf(0.5 + level / 2)
    share = came / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def two_proportions(came: tuple[float, float], n: tuple[float, float], level: float = 0.95) -> Difference:
    """Newcombe's interval of the difference and the pooled z-test; p is 1 where a group is empty."""
    if min(n) <= 0:
        return Difference(0.0, -1.0, 1.0, 1.0)
    first, second = came[0] / n[0], came[1] / n[1]
    low_first, high_first = wilson(came[0], n[0], level)
    low_second, high_second = wilson(came[1], n[1], level)
    off = second - first
    low = off - math.hypot(second - low_second, high_first - first)
    high = off + math.hypot(high_second - second, first - low_first)
    pooled = sum(came) / sum(n)
    error = math.sqrt(pooled * (1 - pooled) * (1 / n[0] + 1 / n[1]))
    return Difference(off, low, high, normal_two_sided(off / error) if error else 1.0)


def fisher(came: tuple[float, float], n: tuple[float, float]) -> float:
    """Exact two-sided p of two shares, which holds for few too; 1 where a group is empty."""
    first, second = round(came[0]), round(came[1])
    both, sizes = first + second, (round(n[0]), round(n[1]))
    least, most = max(0, both - sizes[0]), min(both, sizes[1])
    if min(sizes) <= 0 or least >= most:
        return 1.0
    whole = log_choose(sum(sizes), both)

    def mass(at: int) -> float:
        return math.exp(log_choose(sizes[0], both - at) + log_choose(sizes[1], at) - whole)

    middle = both * sizes[1] / sum(sizes)
    ends = range(second, most + 1) if second >= middle else range(second, least - 1, -1)
    tail = 0.0
    for at in ends:
        part = mass(at)
        tail += part
        if part < 1e-12 * tail:
            break
    return min(1.0, 2 * tail)


def log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def more_often(now: float, before: float, part: float) -> float:
    """The chance of at least `now` of all these events in a stretch that is `part` of the whole time, at one rate."""
    return beta_cdf(part, now, before + 1) if now > 0 else 1.0
