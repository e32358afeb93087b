"""What comes next: a forecast with intervals, and how well the same would have done on the past."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from posthog_mcp.analysis.series import MetricSeries
from posthog_mcp.analysis.stats import forecasting
from posthog_mcp.analysis.stats.seasons import seasons_of
from posthog_mcp.errors import InvalidInput
from posthog_mcp.insights.dates import following, label

LEAST = 24
"""Complete intervals that a forecast needs."""


YEARLY = ("week", "month")
"""Intervals whose season is a year: of few years it may be none."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """The coming intervals. Errors and `mase` (error over the seasonal naive's within the back-test; below 1 is better
    than repeating the last season) are in the metric's own unit."""

    labels: tuple[str, ...]
    values: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    level: float
    method: str
    mae: float
    naive_mae: float
    origins: int
    coverage: float
    """Of back-tests, the share that the intervals held."""

    @property
    def mase(self) -> float | None:
        return self.mae / self.naive_mae if self.naive_mae else None


def forecast(series: MetricSeries, horizon: int = 0, level: float = 0.95) -> Prediction:
    """The next `horizon` intervals (0: one season, 14 days, 24 hours, 8 weeks or 3 months), with intervals that hold
    the truth with probability `level`.

    Raises:
        InvalidInput: the history is too short for this horizon.
    """
    horizon = horizon or {"hour": 24, "day": 14, "week": 8, "month": 3}[series.interval]
    series.need(LEAST, "A forecast")
    if horizon > series.n // 2:
        text = f"{horizon} {series.interval}s ahead need {2 * horizon} complete ones; {series.name!r} has {series.n}."
        raise InvalidInput(text, fix="Give an earlier date_from or a smaller horizon.")
    seasons = seasons_of(series.interval, series.n - min(horizon, series.n // 3))
    made = forecasting.forecast(
        series.values, (*seasons, 1) if series.interval in YEARLY or not seasons else seasons, horizon, level
    )
    return Prediction(
        labels=labels_after(series, horizon),
        values=bounded(series, made.values),
        low=bounded(series, made.low),
        high=bounded(series, made.high),
        level=level,
        method=made.method,
        mae=made.mae,
        naive_mae=made.naive_mae,
        origins=made.origins,
        coverage=made.coverage,
    )


def labels_after(series: MetricSeries, horizon: int) -> tuple[str, ...]:
    start = datetime.fromisoformat(series.labels[-1])
    return tuple(label(following(start, series.interval, step), series.interval) for step in range(1, horizon + 1))


def bounded(series: MetricSeries, values: Sequence[float]) -> tuple[float, ...]:
    """Counts are not below 0, shares between 0 and 1; a metric that never was below 0 is not forecast there."""
    least = 0.0 if series.unit != "value" or min(series.values) >= 0 else -math.inf
    most = 1.0 if series.unit == "share" else math.inf
    return tuple(min(max(value, least), most) for value in values)
