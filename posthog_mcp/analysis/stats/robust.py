"""Centres and spreads that a few outliers do not move, and transforms that make spreads alike.

Sources: Rousseeuw and Croux, Alternatives to the Median Absolute Deviation, JASA 88 (1993): 1.4826 makes the MAD a
standard deviation under normality. Anscombe, The Transformation of Poisson, Binomial and Negative-Binomial Data,
Biometrika 35 (1948).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

MAD_TO_SD = 1.4826


def mad_scale(values: Sequence[float]) -> float:
    """The median absolute deviation, scaled to a standard deviation."""
    if not values:
        return 0.0
    middle = statistics.median(values)
    return MAD_TO_SD * statistics.median(abs(value - middle) for value in values)


def variance(values: Sequence[float]) -> float:
    """Of a population; in floats, since the exact sums of `statistics` cost fifty times as much."""
    mean = math.fsum(values) / len(values)
    return math.fsum((value - mean) ** 2 for value in values) / len(values)


def robust_scale(values: Sequence[float], least: float = 0.0) -> float:
    """The scaled MAD, but at least half the standard deviation (many equal values make the MAD 0)."""
    spread = math.sqrt(variance(values)) if len(values) > 1 else 0.0
    return max(mad_scale(values), 0.5 * spread, least)


def quantile(values: Sequence[float], p: float) -> float:
    """Linear interpolation between order statistics (Hyndman and Fan's type 7). `values` need not be sorted."""
    ordered = sorted(values)
    place = p * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def anscombe(count: float) -> float:
    """2√(x + 3/8): counts of a Poisson have a standard deviation of about 1 after it."""
    return 2 * math.sqrt(max(count, 0.0) + 0.375)


def autocorrelation(values: Sequence[float], lag: int = 1) -> float:
    """Of values at a lag, about their mean; 0 where they do not vary."""
    mean = statistics.fmean(values)
    total = sum((value - mean) ** 2 for value in values)
    if total == 0 or len(values) <= lag:
        return 0.0
    return sum((a - mean) * (b - mean) for a, b in zip(values, values[lag:], strict=False)) / total
