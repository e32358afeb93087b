"""Shares that come back, period by period, with bands; and survival where some have not been watched long enough.

Sources: Wilson, JASA 22 (1927), for each period's share; Kish, Survey Sampling (1965), 8.2, for the people that
clusters leave (a share's design effect, by the ratio estimator's variance between cohorts); Kaplan and Meier, JASA 53
(1958), with Greenwood's variance on the log-log scale (Kalbfleisch and Prentice, The Statistical Analysis of Failure
Time Data, 1.4).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from posthog_mcp.analysis.stats.distributions import normal_ppf
from posthog_mcp.analysis.stats.proportions import wilson


@dataclass(frozen=True, slots=True)
class Point:
    """A period's share with its 95 % band; `n` were watched in it."""

    period: int
    share: float
    low: float
    high: float
    n: float


def retention(back: Sequence[float], of: Sequence[float], level: float = 0.95) -> list[Point]:
    """Of those watched in a period, the share that came back in it; periods that nobody was watched in are left out."""
    found: list[Point] = []
    for period, (came, n) in enumerate(zip(back, of, strict=True)):
        if n:
            found.append(Point(period, came / n, *wilson(came, n, level), n))
    return found


def pooled(period: int, back: Sequence[float], of: Sequence[float], level: float = 0.95) -> Point:
    """The share over several cohorts. Where they scatter more than chance makes them, the band is Wilson's of as many
    people as would scatter so: n over the design effect. `n` is the people themselves."""
    n = sum(of)
    share = sum(back) / n
    chance = share * (1 - share) / n
    effect = 1.0
    if len(of) > 2 and chance:
        spread = sum((came - share * size) ** 2 for came, size in zip(back, of, strict=True))
        effect = max(1.0, spread * len(of) / (len(of) - 1) / n**2 / chance)
    left = n / effect
    return Point(period, share, *wilson(share * left, left, level), n)


def kaplan_meier(times: Sequence[int], ended: Sequence[bool], level: float = 0.95) -> list[Point]:
    """The share that has not ended by each time at which somebody did; who had not when last seen is censored."""
    z = normal_ppf(0.5 + level / 2)
    found, share, greenwood = list[Point](), 1.0, 0.0
    for time in sorted({at for at, end in zip(times, ended, strict=True) if end}):
        watched = sum(at >= time for at in times)
        deaths = sum(at == time and end for at, end in zip(times, ended, strict=True))
        share *= 1 - deaths / watched
        if watched > deaths:
            greenwood += deaths / (watched * (watched - deaths))
        found.append(Point(time, share, *band(share, greenwood, z), float(watched)))
    return found


def band(share: float, greenwood: float, z: float) -> tuple[float, float]:
    """The interval on the log-log scale; the point itself at 0 and 1."""
    if not 0 < share < 1:
        return share, share
    reach = z * math.sqrt(greenwood) / abs(math.log(share))
    return share ** math.exp(reach), share ** math.exp(-reach)
