"""Whether a stretch of values as a whole is other than what came before makes one expect.

Expected is, phase by phase, the weighted mean of the last three seasons before the stretch, or without a season the
mean of the last seven values; the same is asked at every earlier place, and the errors there say what is usual
(rolling-origin evaluation: Tashman, International Journal of Forecasting 16 (2000)). Errors are taken as log ratios
where nothing is below 0. Neighbouring places share data, so the t distribution has as many degrees of freedom as
stretches that do not overlap. Few errors are taken by their root mean square, which hides none of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from posthog_mcp.analysis.stats.distributions import t_ppf, t_two_sided
from posthog_mcp.analysis.stats.forecasting import weighted_seasons
from posthog_mcp.analysis.stats.robust import robust_scale

LEAST_PLACES, ROBUST_PLACES = 2, 8
RECENT = 7
"""Values that are the level of a series without a season."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What was expected, its 95 % band, the chance of one so far off, and at how many places errors were measured (0:
    too short a history, only chance of counts is in the band)."""

    expected: float
    low: float
    high: float
    p: float
    places: int


def compared(values: Sequence[float], start: int, length: int, period: int, *, chance: float, adds: bool) -> Compared:
    """The stretch of `length` values from `start`. `chance` is the standard error that counting alone gives, relative
    for positive values; `adds`: its value is the sum, else the mean."""
    ratio = min(values[: start + length]) >= 0
    observed, expected = stretch(values, start, length, period, adds)
    first = 2 * period if period > 1 else length
    errors = [error(*stretch(values, at, length, period, adds), ratio) for at in range(first, start - length + 1)]
    enough = len(errors) >= LEAST_PLACES
    noise = max(scale(errors) if enough else 0.0, chance if ratio else 0.0, 1e-12)
    df = max(3.0 if len(errors) >= ROBUST_PLACES else 1.0, len(errors) / length) if enough else 30.0
    off, reach = error(observed, expected, ratio), t_ppf(0.975, round(df, 1)) * noise
    low, high = (
        (expected * math.exp(-reach), expected * math.exp(reach)) if ratio else (expected - reach, expected + reach)
    )
    return Compared(expected, low, high, t_two_sided(off / noise, df), len(errors) if enough else 0)


def scale(errors: Sequence[float]) -> float:
    """How large errors usually are."""
    if len(errors) >= ROBUST_PLACES:
        return robust_scale(errors)
    return math.sqrt(sum(each * each for each in errors) / len(errors))


def stretch(values: Sequence[float], start: int, length: int, period: int, adds: bool) -> tuple[float, float]:
    """Observed and expected of the values from `start`."""
    observed = sum(values[start : start + length])
    if period > 1:
        made = weighted_seasons(values[:start], min(period, start), length)
    else:
        recent = values[max(0, start - RECENT) : start]
        made = [sum(recent) / len(recent)] * length
    return (observed, sum(made)) if adds else (observed / length, sum(made) / length)


def error(observed: float, expected: float, ratio: bool) -> float:
    """How far off, as a log ratio or a difference."""
    if not ratio:
        return observed - expected
    least = 1e-3 * max(observed, expected, 1e-9)
    return math.log(max(observed, least) / max(expected, least))
