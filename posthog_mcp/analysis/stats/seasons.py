"""Seasons of a series: their lengths by interval, their profile, and the series without them.

Source: the classical decomposition by phase medians, made robust (Cleveland et al., STL, Journal of Official
Statistics 6 (1990), has the idea of robustness; medians of phases about a moving median need no iterations).
"""

from __future__ import annotations

import statistics
from bisect import bisect_left, insort
from collections.abc import Sequence

from posthog_mcp.analysis.stats.robust import mad_scale

PERIODS = {"hour": (24, 168), "day": (7,), "week": (52,), "month": (12,)}
"""Lengths of the seasons that a series of this interval may have."""


def seasons_of(interval: str, n: int) -> tuple[int, ...]:
    """The seasons that n values are long enough to tell: three whole ones (two and a half of a year)."""
    least = 2.5 if interval in ("week", "month") else 3
    return tuple(each for each in PERIODS.get(interval, ()) if n >= least * each)


def moving_median(values: Sequence[float], width: int) -> list[float]:
    """Of the `width` values around each; fewer at the ends."""
    half = width // 2
    window = sorted(values[:half])
    found: list[float] = []
    for at in range(len(values)):
        if at + half < len(values):
            insort(window, values[at + half])
        if at - half > 0:
            del window[bisect_left(window, values[at - half - 1])]
        middle = len(window) // 2
        found.append(window[middle] if len(window) % 2 else (window[middle - 1] + window[middle]) / 2)
    return found


def profile(values: Sequence[float], period: int) -> list[float]:
    """What each phase adds to the level: medians about a moving median over a season, with a median of 0."""
    level = moving_median(values, period if period % 2 else period + 1)
    about = [value - middle for value, middle in zip(values, level, strict=True)]
    medians = [statistics.median(about[phase::period]) for phase in range(period)]
    centre = statistics.fmean(medians)
    return [each - centre for each in medians]


def without_season(values: Sequence[float], periods: Sequence[int]) -> list[float]:
    """The series with the profile of each season taken off, the shortest first."""
    found = list(values)
    for period in periods:
        shape = profile(found, period)
        found = [value - shape[at % period] for at, value in enumerate(found)]
    return found


def clipped(values: Sequence[float], level: Sequence[float], times: float = 3.0) -> list[float]:
    """Values no farther than `times` robust deviations from their level, so that a spike is no level shift."""
    about = [value - middle for value, middle in zip(values, level, strict=True)]
    bound = times * mad_scale(about)
    if bound == 0:
        return list(values)
    return [middle + min(max(each, -bound), bound) for each, middle in zip(about, level, strict=True)]
