"""How unusual each value of a long series without a known season is, such as one of minutes.

Four distances are taken at every value: of the mean of the last 1, 8 and 64 values from the mean of four times as many
before them, and of the value from the mean of all before it in their standard deviations. The chance of each comes from
the largest 2 % of its own past: a generalised Pareto distribution by moments (Hosking and Wallis, Technometrics 29
(1987)), as Siffer et al. have it for streams (Anomaly Detection in Streams with Extreme Value Theory, KDD 2017). The
distances depend on each other, so the chances are combined by e times their geometric mean, which is valid under any
dependence (Vovk and Wang, Combining p-Values via Averaging, Biometrika 107 (2020)).
"""
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


LONG = 1000
"""Values from which a series has a tail to learn from."""
LEAST_PAST = 100
STEP = 50
"""Values that are judged by the same tail."""
TAIL = 0.02
WIDTHS = (1, 8, 64)
BEFORE = 4
"""Widths that are compared with one."""
LEAST_SHAPE, MOST_SHAPE = 0.05, 0.45
"""Of the tail; moments have no variance from 0.5 on."""
TINY = 1e-9
BAND = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class Tailed:
    """From the value at `LEAST_PAST` on: what was expected, the 95 % band, the chance of a value so far off."""

    expected: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    p: NDArray[np.float64]


def judge_long(values: NDArray[np.float64]) -> Tailed:
    """Every value after the first hundred, from what came before it alone. `values` are at least `LONG`."""
    import numpy as np

    about = values - values[:LEAST_PAST].mean()
    distances = [np.abs(moved(about, width)) for width in WIDTHS]
    logs = sum((log_chances(each) for each in (*distances, from_mean(about))), np.zeros(len(values)))
    p = np.exp(np.clip(1 + logs / (len(WIDTHS) + 1), -600.0, 0.0))
    step = moved(values, 1)
    expected = values - step
    low, high = band(step)
    return Tailed(*(each[LEAST_PAST:] for each in (expected, expected + low, expected + high, p)))


def mean_before(values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Of up to `count` values before each place, and before the end; 0 where there are none."""
    import numpy as np

    sums = np.concatenate([[0.0], np.cumsum(values)])
    at = np.arange(len(values) + 1)
    first = np.maximum(at - count, 0)
    found: NDArray[np.float64] = (sums[at] - sums[first]) / np.maximum(at - first, 1)
    return found


def moved(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """The mean of the last `width` values less that of those before them; 0 before there are any."""
    import numpy as np

    last, before = mean_before(values, width)[1:], mean_before(values, BEFORE * width)
    found: NDArray[np.float64] = np.zeros(len(values))
    found[width:] = last[width:] - before[1 : len(values) - width + 1]
    return found


def from_mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The distance from the mean of all before, in their standard deviations."""
    import numpy as np

    n = len(values)
    mean, square = mean_before(values, n)[:-1], mean_before(values * values, n)[:-1]
    least = TINY * (1 + np.maximum.accumulate(np.abs(values)))
    found: NDArray[np.float64] = np.abs(values - mean) / np.maximum(
        np.sqrt(np.maximum(square - mean * mean, 0.0)), least
    )
    found[:12] = 0.0
    return found


def log_chances(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """The natural logarithm of the chance of a distance at least so large, by the past's tail; 0 at first."""
    import numpy as np

    found: NDArray[np.float64] = np.zeros(len(distances))
    for start in range(LEAST_PAST, len(distances), STEP):
        past, here = np.sort(distances[:start]), distances[start : start + STEP]
        bound = past[math.ceil((1 - TAIL) * start) - 1]
        above = past[np.searchsorted(past, bound, side="right") :] - bound
        shape, scale = tail_of(above) if len(above) > 2 else (LEAST_SHAPE, float(past.std()))
        scale = max(scale, TINY * (1 + float(past[-1])))
        beyond = np.maximum(here - bound, 0.0)
        rank = np.maximum(start - np.searchsorted(past, here), 1) / start
        share = max(len(above), 1) / start
        tail = math.log(share) - np.log1p(shape * beyond / scale) / shape
        found[start : start + STEP] = np.where(beyond > 0, tail, np.log(rank))
    return found


def tail_of(above: NDArray[np.float64]) -> tuple[float, float]:
    """Shape and scale of the generalised Pareto distribution with these values' mean and variance."""
    mean, variance = float(above.mean()), float(above.var())
    shape = 0.5 * (1 - mean * mean / variance) if variance > 0 else 0.0
    shape = min(max(shape, LEAST_SHAPE), MOST_SHAPE)
    return shape, mean * (1 - shape)


def band(steps: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The quantiles of what values differed by from the expected ones before each."""
    import numpy as np

    low, high = np.zeros(len(steps)), np.zeros(len(steps))
    for start in range(LEAST_PAST, len(steps), STEP):
        here = slice(start, start + STEP)
        low[here], high[here] = np.quantile(steps[:start], BAND)
    return low, high
