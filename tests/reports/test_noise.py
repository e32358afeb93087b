"""Dashboards of pure noise are quiet at the stated rate, and one changed metric among them is told."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import datetime, timedelta

from posthog_mcp.analysis.series import MetricSeries
from posthog_mcp.reports.build import correlations
from posthog_mcp.reports.findings import Examined, Finding, Period, ranked
from posthog_mcp.reports.trends import examine_series
from posthog_mcp.results import ProjectInfo

INFO = ProjectInfo(1, "Made", "UTC", "local", "embedded")
END = datetime(2026, 6, 1)
PAST, TILES, DASHBOARDS = 60, 12, 12
WEEK = timedelta(days=7)
DAY = Period(END - timedelta(days=1), END, 1, END - timedelta(days=8), END - WEEK)


def noise(chance: random.Random, name: str, last: float = 1.0) -> MetricSeries:
    """Counts of a day with a weekly season and the spread of chance alone; the last day times `last`."""
    level, week = chance.uniform(40, 2000), [chance.uniform(0.7, 1.3) for _ in range(7)]
    means = [level * week[at % 7] * (last if at == PAST else 1.0) for at in range(PAST + 1)]
    values = tuple(float(max(0, round(chance.gauss(mean, math.sqrt(mean))))) for mean in means)
    labels = tuple(f"{END - timedelta(days=PAST + 1 - at):%Y-%m-%d}" for at in range(PAST + 1))
    return MetricSeries(name, labels, values, "day", "count", INFO, adds=True)


def told(series: list[MetricSeries]) -> list[Finding]:
    parts = [examine_series(each, DAY, "Noise") for each in series]
    return ranked([found for each in parts for found in each.findings], sum(each.tests for each in parts))


def dashboard(seed: int, planted: float = 1.0) -> list[MetricSeries]:
    chance = random.Random(seed)
    return [noise(chance, f"m{tile}", planted if tile == 0 else 1.0) for tile in range(TILES)]


def test_noise_is_quiet() -> None:
    """At most 5 % of days by design; more than 3 of 12 would come by chance once in 5,000 times."""
    loud = [seed for seed in range(DASHBOARDS) if told(dashboard(seed))]

    assert len(loud) <= 3


def test_one_changed_metric_of_twelve_is_told() -> None:
    found = told(dashboard(1, 0.5))

    assert {each.metric for each in found} == {"m0"}


def test_metrics_that_move_together_name_both_queries_and_count_every_pair() -> None:
    first, third = noise(random.Random(1), "one"), noise(random.Random(2), "other")
    twice = tuple(2 * value + at % 3 for at, value in enumerate(first.values))
    series = [
        replace(first, query_id="a", hogql="A"),
        replace(first, name="two", values=twice, query_id="b", hogql="B"),
    ]
    found = correlations([Examined(series=(each,)) for each in (*series, third)])

    (pair,) = ranked(found.findings, found.tests)
    assert found.tests == 3
    assert {(pair.query_id, pair.hogql), pair.compared} == {("a", "A"), ("b", "B")}
    assert pair.days == (first.labels[0], first.labels[-1])
