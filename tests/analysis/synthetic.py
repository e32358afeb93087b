"""Series whose truth is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from posthog_mcp.analysis.forecast import forecast
from posthog_mcp.analysis.series import MetricSeries, Unit
from posthog_mcp.results import ProjectInfo

PROJECT = ProjectInfo(1, "Made", "UTC", "local", "embedded")
Rng = np.random.Generator
Line = NDArray[np.float64]


def days(values: Sequence[float] | Line, unit: Unit, name: str = "metric", of: Sequence[float] = ()) -> MetricSeries:
    """A series of days from 2026-01-01 on."""
    labels = tuple(str(date(2026, 1, 1) + timedelta(days=at)) for at in range(len(values)))
    found = tuple(float(each) for each in values)
    return MetricSeries(name, labels, found, "day", unit, PROJECT, of=tuple(of), adds=unit == "count")


def hours(values: Sequence[float] | Line) -> MetricSeries:
    """Counts of hours from a Monday on."""
    start = datetime(2026, 1, 5)
    labels = tuple(f"{start + timedelta(hours=at):%Y-%m-%d %H:00}" for at in range(len(values)))
    found = tuple(float(each) for each in values)
    return MetricSeries("metric", labels, found, "hour", "count", PROJECT, adds=True)


def shop_hours(n: int, weekend: float) -> Line:
    """Means of a shop that is open from 8 to 21: nobody comes at night."""
    hour, day = np.arange(n) % 24, np.arange(n) // 24 % 7
    busy = 400 * (1 + 0.3 * np.sin((hour - 8) / 13 * np.pi))
    return np.where((hour >= 8) & (hour < 21), busy * np.where(day >= 5, weekend, 1.0), 0.0)


def shape(rng: Rng, n: int, spread: float = 0.25) -> Line:
    """Weekday factors over n days."""
    return np.exp(rng.normal(0, spread, 7))[np.arange(n) % 7]


def weekly(rng: Rng, level: float, n: int = 90) -> Line:
    """Poisson counts with a weekly season."""
    return rng.poisson(level * shape(rng, n)).astype(float)


def negative_binomial(rng: Rng, level: float, dispersion: float, n: int = 90) -> Line:
    mean = level * shape(rng, n)
    return rng.negative_binomial(mean / (dispersion - 1), 1 / dispersion).astype(float)


NOISE: Mapping[str, Callable[[Rng], Line]] = {
    "pois1": lambda rng: weekly(rng, 1),
    "pois5": lambda rng: weekly(rng, 5),
    "pois20": lambda rng: weekly(rng, 20),
    "pois100": lambda rng: weekly(rng, 100),
    "nb300": lambda rng: negative_binomial(rng, 300, 4),
    "lognormal": lambda rng: np.round(1000 * shape(rng, 90) * np.exp(rng.normal(0, 0.1, 90))),
}


def moving(rng: Rng, n: int = 134) -> Line:
    """Counts with season, a wandering level, a trend, or overdispersion."""
    kind = int(rng.integers(4))
    level = np.exp(rng.uniform(np.log(30), np.log(3000)))
    trend = np.exp(rng.normal(0, 0.003) * np.arange(n)) if kind == 1 else 1.0
    wander = np.exp(np.cumsum(rng.normal(0, 0.02, n))) if kind == 2 else 1.0
    mean = level * shape(rng, n) * trend * wander
    if kind == 3:
        return np.round(mean * np.exp(rng.normal(0, 0.12, n)))
    return rng.poisson(mean).astype(float)


def coverage(rng: Rng, cases: int, horizon: int = 14) -> float:
    """The share of values that 95 % intervals held, over that many series."""
    held = total = 0
    for _ in range(cases):
        values = moving(rng)
        made = forecast(days(values[:-horizon], "count"), horizon)
        truth = values[-horizon:]
        held += sum(low <= value <= high for low, value, high in zip(made.low, truth, made.high, strict=True))
        total += horizon
    return held / total


def independent(rng: Rng, count: int, n: int = 120) -> list[MetricSeries]:
    """Unrelated metrics, each with a weekly season and an autocorrelation of 0.6."""
    found: list[MetricSeries] = []
    for number in range(count):
        noise = rng.normal(0, 10, n)
        for at in range(1, n):
            noise[at] += 0.6 * noise[at - 1]
        found.append(days(500 + 100 * np.log(shape(rng, n)) + noise, "value", name=f"m{number}"))
    return found
