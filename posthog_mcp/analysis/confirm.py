"""Is there a change at all: beyond season and noise, since when."""

from __future__ import annotations

import math
from datetime import datetime

from posthog_mcp.analysis.anomalies import LEAST, Anomaly, Shift, detect, mean, shifts
from posthog_mcp.analysis.explanation import Confirmation, Window
from posthog_mcp.analysis.series import MetricSeries
from posthog_mcp.analysis.stats.changes import SHORTEST
from posthog_mcp.analysis.stats.seasons import seasons_of
from posthog_mcp.analysis.stats.stretches import compared
from posthog_mcp.analysis.windows import Stretch, held
from posthog_mcp.insights.dates import following, label

HOLDS = 0.05


def window_of(series: MetricSeries, stretch: Stretch) -> Window:
    """The metric over a stretch, as far as there are intervals."""
    places = held(series, stretch.labels())
    first, last = places[0], places[-1] + 1
    values = series.values[first:last]
    value = sum(values) if series.adds else mean(series, first, last)
    n = sum(series.of[first:last]) if series.of else sum(values) if series.unit == "count" else float(len(values))
    return Window(series.labels[first], series.labels[last - 1], last - first, value, n)


def confirmed(series: MetricSeries, stretch: Stretch) -> Confirmation:
    """What the stretch would have been without a change, and the level shifts and unusual intervals in and near it."""
    places = held(series, stretch.labels())
    start, length = places[0], len(places)
    periods = [each for each in seasons_of(series.interval, start) if start >= 3 * each]
    window = window_of(series, stretch)
    if start < 2:
        return Confirmation(window.value, window.value, window.value, 1.0, False, (), (), 0)
    found = compared(
        series.values[: start + length],
        start,
        length,
        periods[-1] if periods else 1,
        chance=chance_of(series, window),
        adds=series.adds,
    )
    end = label(following(datetime.fromisoformat(series.labels[start + length - 1]), series.interval), series.interval)
    near, odd = around(series, stretch, end)
    holds = found.p <= HOLDS or bool(near) or any(each.label >= series.labels[start] for each in odd)
    return Confirmation(found.expected, found.low, found.high, found.p, holds, near, odd, found.places)


def chance_of(series: MetricSeries, window: Window) -> float:
    """The relative standard error of the window's value that counting gives."""
    if series.unit == "count":
        return math.sqrt(2 / max(window.n, 1.0))
    if series.unit == "share" and window.n:
        share = min(max(window.value, 1 / window.n), 1.0)
        return math.sqrt(2 * (1 - share) / (share * window.n) + 1e-12)
    return 0.0


def around(series: MetricSeries, stretch: Stretch, end: str) -> tuple[tuple[Shift, ...], tuple[Anomaly, ...]]:
    """Level shifts whose date may lie in the stretch, and unusual intervals in it; nothing of a short series."""
    if series.n < LEAST:
        return (), ()
    first = series.labels[held(series, stretch.labels())[0]]
    long = len(held(series, stretch.labels())) >= SHORTEST
    near = tuple(each for each in shifts(series) if long and each.last >= first and each.first < end)
    odd = tuple(each for each in detect(series) if first <= each.label < end)
    return near, odd


def since(confirmation: Confirmation) -> str | None:
    """From which interval on, as far as a shift or the first unusual interval tells."""
    dates = [each.label for each in confirmation.shifts] or [each.label for each in confirmation.anomalies]
    return min(dates, default=None)
