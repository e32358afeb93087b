"""Forecasts with intervals whose width comes from the errors that the same forecast made on the same series before.

Methods: the seasonal naive; means of the same phase in the last seasons, the newest weighing most; and, of the series
without its robust season, the last value, simple exponential smoothing, and smoothing with a damped trend (Gardner and
McKenzie, Management Science 31 (1985)), with the season put back; the smoothed ones also of logarithms where every
value is above 0. From many places in the past, spread over the whole of it, each forecasts what followed (rolling
origin). They are averaged, each weighing by a high power of its smallness of error, so that the best lead and near
equals share (Bates and Granger, The Combination of Forecasts, Operational Research Quarterly 20 (1969)); quantiles of
the average's own errors, by distance, make the intervals (split conformal prediction: Lei et al., JASA 113 (2018)): the
errors in each half of the past are those of weights that come from the other, or they would be too small.
Places spread over the past, since the newest ones overlap and know one mood of the series only.

Source: Tashman, Out-of-sample tests of forecasting accuracy, International Journal of Forecasting 16 (2000); Hyndman
and Koehler, Another look at measures of forecast accuracy, ibid. 22 (2006), for MASE. Measured on the M4 competition:
`tests/benchmarks/m4.py`.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from posthog_mcp.analysis.stats.distributions import normal_ppf, t_ppf
from posthog_mcp.analysis.stats.seasons import profile

WEIGHTS = (0.5, 0.3, 0.2)
ALPHAS = (0.05, 0.1, 0.2, 0.35, 0.5, 0.8)
"""Smoothing of the level that is tried."""
TRENDS = tuple(product((0.1, 0.3, 0.6, 1.0), (0.05, 0.2), (0.9, 0.98)))
"""Smoothing of the level, of the trend, and the trend's damping, that are tried."""
SEASONS, RECENT = 6, 200
"""Seasons, and at least values, that a season's shape is taken from; newest values that smoothing looks at."""
MOST_ORIGINS = 48
FEW_ORIGINS = 12
"""Below this many places with the whole horizon after them, those with a part of it are taken too."""
POWER = 8
NAIVE = "seasonal naive"


@dataclass(frozen=True, slots=True)
class Forecast:
    """Values and intervals of the coming steps. `method` is the one that weighs most; `mae` the back-test's mean
    absolute error a step, `naive_mae` that of the best seasonal naive; `origins` from how many places in the past it
    was tested; `coverage` the share of the newer of those tests that intervals made from the older ones held."""

    method: str
    values: list[float]
    low: list[float]
    high: list[float]
    mae: float
    naive_mae: float
    origins: int
    coverage: float


def seasonal_naive(values: Sequence[float], period: int, horizon: int) -> list[float]:
    """What was one season ago."""
    return [values[len(values) - period + step % period] for step in range(horizon)]


def weighted_seasons(values: Sequence[float], period: int, horizon: int) -> list[float]:
    """Means of the same phase in the last three seasons."""
    found: list[float] = []
    for step in range(horizon):
        known = [
            values[len(values) - back * period + step % period] for back in (1, 2, 3) if back * period <= len(values)
        ]
        weights = WEIGHTS[: len(known)]
        found.append(sum(w * v for w, v in zip(weights, known, strict=True)) / sum(weights))
    return found


def smoothed(values: Sequence[float], period: int, horizon: int) -> dict[str, list[float]]:
    """The last value, the smoothed level and the damped trend of the series without its season, the season put back."""
    shape = profile(values, period) if period > 1 and len(values) >= 2 * period else [0.0]
    flat = [value - shape[at % len(shape)] for at, value in enumerate(values)][-RECENT:]
    found = {
        "season and last value": [flat[-1]] * horizon,
        "season and level": [min((smooth(flat, each) for each in ALPHAS), key=lambda pair: pair[1])[0]] * horizon,
        "season and damped trend": damped_trend(flat, horizon),
    }
    season = [shape[(len(values) + step) % len(shape)] for step in range(horizon)]
    return {name: [a + b for a, b in zip(made, season, strict=True)] for name, made in found.items()}


def smooth(values: Sequence[float], alpha: float) -> tuple[float, float]:
    """The last level and the sum of absolute one-step errors."""
    level, error = values[0], 0.0
    for value in values[1:]:
        error += abs(value - level)
        level += alpha * (value - level)
    return level, error


def damped_trend(values: Sequence[float], horizon: int) -> list[float]:
    """With the smoothing and damping of the least absolute one-step errors."""
    best, least = (values[-1], 0.0, 1.0), math.inf
    for alpha, beta, damping in TRENDS:
        level, trend, error = values[0], 0.0, 0.0
        for value in values[1:]:
            trend *= damping
            off = value - level - trend
            error += abs(off)
            level += trend + alpha * off
            trend += alpha * beta * off
        if error < least:
            best, least = (level, trend, damping), error
    level, trend, damping = best
    found: list[float] = []
    for _ in range(horizon):
        trend *= damping
        level += trend
        found.append(level)
    return found


def all_of(values: Sequence[float], periods: Sequence[int], horizon: int) -> dict[str, list[float]]:
    """Every method's forecast with every season."""
    found: dict[str, list[float]] = {}
    for period in periods:
        made = with_season(values[-max(SEASONS * period, RECENT) :], period, horizon)
        found |= {name if len(periods) == 1 else f"{name} of {period}": each for name, each in made.items()}
    return found


def with_season(known: Sequence[float], period: int, horizon: int) -> dict[str, list[float]]:
    found = {
        NAIVE: seasonal_naive(known, period, horizon),
        "weighted seasons": weighted_seasons(known, period, horizon),
        **smoothed(known, period, horizon),
    }
    if min(known) > 0:
        logs = smoothed([math.log(value) for value in known], period, horizon)
        most = math.log(max(known)) + 3
        del logs["season and last value"]
        found |= {f"{name}, logarithmic,": [math.exp(min(each, most)) for each in made] for name, made in logs.items()}
    return found


def origins_of(count: int, period: int, horizon: int) -> list[int]:
    """Places in the past to forecast from, evenly spread up to the newest with the whole horizon after it."""
    first = max(2 * period, min(count // 3, 4 * period), 8)
    last = count - horizon if count - horizon - first >= FEW_ORIGINS else count - 1
    stride = max(1, math.ceil((last - first + 1) / MOST_ORIGINS))
    return list(range(last, first - 1, -stride))[::-1]


def forecast(values: Sequence[float], periods: Sequence[int], horizon: int, level: float = 0.95) -> Forecast:
    """The next `horizon` values. `periods` are the seasons that may be; 1 is none. At least two of the longest season
    and `horizon` values are needed."""
    origins = origins_of(len(values), max(periods), horizon)
    tests = [all_of(values[:at], periods, min(horizon, len(values) - at)) for at in origins]
    made = all_of(values, periods, horizon)
    names = [name for name in made if all(name in test for test in tests)]
    errors = {name: errors_of(values, origins, [test[name] for test in tests]) for name in names}
    scores = {name: mean_of(each) for name, each in errors.items()}
    weights = weights_of(scores)
    half = len(origins) // 2
    newer = weights_of({name: mean_of(each[half:]) for name, each in errors.items()})
    older = weights_of({name: mean_of(each[:half]) for name, each in errors.items()}) if half else newer
    averages = [average(test, newer if at < half else older) for at, test in enumerate(tests)]
    off = errors_of(values, origins, averages)
    sizes = [size_of(values[:at], max(periods)) for at in origins]
    steps = [
        [each[step] / size for each, size in zip(off, sizes, strict=True) if step < len(each)]
        for step in range(horizon)
    ]
    tested = min(origins[-1] + horizon, len(values)) - origins[0]
    middle, size = average(made, weights), size_of(values, max(periods))
    reach = [size * each for each in widths(steps, level, tested)]
    return Forecast(
        max(weights, key=lambda name: weights[name]),
        middle,
        [value - wide for value, wide in zip(middle, reach, strict=True)],
        [value + wide for value, wide in zip(middle, reach, strict=True)],
        mean_of(off),
        min(score for name, score in scores.items() if name.startswith(NAIVE)),
        len(origins),
        covered(steps, level, tested),
    )


def size_of(values: Sequence[float], period: int) -> float:
    """What errors grow with: the root of the present level, as a Poisson's (of the usual one where it is near 0)."""
    level = statistics.fmean(map(abs, values[-max(period, 8) :]))
    usual = statistics.fmean(map(abs, values[-RECENT:]))
    return math.sqrt(max(level, 0.05 * usual, 1e-12))


def errors_of(values: Sequence[float], origins: Sequence[int], tests: Sequence[Sequence[float]]) -> list[list[float]]:
    """Of each origin, step by step."""
    return [
        [values[at + step] - value for step, value in enumerate(test)] for at, test in zip(origins, tests, strict=True)
    ]


def mean_of(errors: Sequence[Sequence[float]]) -> float:
    return statistics.fmean(abs(error) for each in errors for error in each)


def weights_of(scores: Mapping[str, float]) -> dict[str, float]:
    """Of each method, summing to 1; those without any error share all."""
    least = min(scores.values())
    found = {name: (least / score) ** POWER if score else 1.0 for name, score in scores.items()}
    whole = sum(found.values())
    return {name: each / whole for name, each in found.items()}


def average(made: Mapping[str, Sequence[float]], weights: Mapping[str, float]) -> list[float]:
    columns = zip(*(made[name] for name in weights), strict=True)
    return [sum(w * value for w, value in zip(weights.values(), column, strict=True)) for column in columns]


def widths(steps: Sequence[Sequence[float]], level: float, tested: int) -> list[float]:
    """Half the interval of each step: errors over their usual growth with distance, pooled, and their quantile.
    `tested`: how many of the series' values they are about."""
    growth = growth_of(steps)
    pooled = [abs(error) / growth[step] for step, errors in enumerate(steps) for error in errors]
    reach = conformal(pooled, level, tested)
    return [reach * each for each in growth]


def growth_of(steps: Sequence[Sequence[float]]) -> list[float]:
    """How errors grow with distance: √(a + b·step) fitted to the mean squared errors, never falling."""
    known = [
        (step, statistics.fmean(e * e for e in errors), len(errors)) for step, errors in enumerate(steps) if errors
    ]
    weight = sum(n for _, _, n in known)
    x = sum(step * n for step, _, n in known) / weight
    y = sum(square * n for _, square, n in known) / weight
    spread = sum(n * (step - x) ** 2 for step, _, n in known)
    slope = sum(n * (step - x) * (square - y) for step, square, n in known) / spread if spread else 0.0
    slope = min(max(slope, 0.0), y / x if x else math.inf)
    start = max(y - slope * x, 0.05 * y, 1e-18)
    return [math.sqrt(start + slope * step) for step in range(len(steps))]


def conformal(errors: Sequence[float], level: float, n: int) -> float:
    """The quantile that holds a new error with probability `level`: a value that several places forecast counts once
    in the correction for few. Where they are too few for any quantile, the largest error, wider by as much as Student's
    t with so many degrees of freedom is wider than the normal."""
    ordered = sorted(errors)
    share = level * (1 + 1 / max(n, 1))
    if share >= 1:
        middle = (1 + level) / 2
        return ordered[-1] * t_ppf(middle, max(n, 1)) / normal_ppf(middle)
    return ordered[math.ceil(share * len(ordered)) - 1]


def covered(steps: Sequence[Sequence[float]], level: float, tested: int) -> float:
    """Of the newer half of the tests, the share that intervals from the older half held."""
    older = [list(errors[: len(errors) // 2]) for errors in steps]
    newer = [list(errors[len(errors) // 2 :]) for errors in steps]
    if not older[0]:
        return float("nan")
    reach = widths(older, level, tested // 2)
    held = [abs(error) <= reach[step] for step, errors in enumerate(newer) for error in errors]
    return sum(held) / len(held)
