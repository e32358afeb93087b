"""Unusual values, level shifts, forecasts and correlations, on series whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from posthog_mcp.analysis.anomalies import detect, judged, shifts
from posthog_mcp.analysis.correlate import correlate
from posthog_mcp.analysis.forecast import forecast
from posthog_mcp.analysis.series import MetricSeries, Unit
from posthog_mcp.analysis.stats.residuals import judge
from posthog_mcp.analysis.stats.stretches import compared
from posthog_mcp.errors import InvalidInput
from tests.analysis.synthetic import NOISE, coverage, days, hours, independent, shop_hours, weekly

SERIES = 120


def test_pure_noise_is_reported_at_the_stated_rate() -> None:
    """In 5 % of series of noise something is told, give or take chance; low counts are told of less, never more."""
    rng = np.random.default_rng(5)
    told = [bool(detect(days(NOISE[kind](rng), "count"))) for kind in ("nb300", "lognormal") for _ in range(SERIES)]
    assert sum(told) / len(told) == pytest.approx(0.05, abs=2.6 * math.sqrt(0.05 * 0.95 / len(told)))
    low = [bool(detect(days(NOISE[kind](rng), "count"))) for kind in ("pois1", "pois5", "pois20") for _ in range(20)]
    assert sum(low) / len(low) <= 0.05 + 2.6 * math.sqrt(0.05 * 0.95 / len(low))


@pytest.mark.parametrize("weekend", [0.5, 0.0])
def test_empty_nights_and_weekends_are_expected_to_be_empty(weekend: float) -> None:
    mean = shop_hours(24 * 28, weekend)
    series = hours(np.random.default_rng(17).poisson(mean))
    assert detect(series) == []
    for each in judged(series):
        if mean[each.at] == 0:
            assert each.expected < 1
        else:
            assert each.expected == pytest.approx(mean[each.at], rel=0.3)


def test_an_outage_of_thirteen_hours_does_not_move_what_is_expected() -> None:
    mean = shop_hours(24 * 35, 0.5)
    values = np.random.default_rng(18).poisson(mean)
    start = 24 * 31 + 8
    values[start : start + 13] = 0
    series = hours(values)
    found = detect(series)
    assert [each.label for each in found] == list(series.labels[start : start + 13])
    assert {each.kind for each in found} == {"missing"}
    assert [each.expected for each in found] == pytest.approx(list(mean[start : start + 13]), rel=0.2)


@pytest.mark.parametrize("factor", [0.4, 2.0])
def test_a_day_that_is_off_is_found_and_named(factor: float) -> None:
    rng = np.random.default_rng(7)
    values = weekly(rng, 400)
    values[70] = round(values[70] * factor)
    [found] = detect(days(values, "count"))
    assert found.label == days(values, "count").labels[70]
    assert found.kind == ("drop" if factor < 1 else "spike")
    assert not found.low <= found.value <= found.high


def test_a_day_without_data_is_missing() -> None:
    values = weekly(np.random.default_rng(8), 200)
    values[60] = 0
    assert [each.kind for each in detect(days(values, "count"))] == ["missing"]


def test_low_counts_are_judged_as_counts() -> None:
    values = np.random.default_rng(9).poisson(2.0, 90).astype(float)
    values[80] = 14
    assert [each.value for each in detect(days(values, "count"))] == [14]


def test_a_level_that_stays_is_a_shift_with_an_interval_of_its_date() -> None:
    values = weekly(np.random.default_rng(10), 300)
    values[60:] *= 0.6
    series = days(values, "count")
    [found] = shifts(series)
    assert found.first <= series.labels[60] <= found.last
    assert found.change == pytest.approx(-0.4, abs=0.06)


def test_last_interval_alone_can_be_judged() -> None:
    values = weekly(np.random.default_rng(11), 300)
    values[-1] *= 0.3
    assert len(detect(days(values, "count"), last=1)) == 1


def test_intervals_hold_what_they_promise() -> None:
    """At nominal 95 %, over several families of series."""
    held = coverage(np.random.default_rng(12), 90)
    assert 0.93 <= held <= 0.97


@pytest.mark.parametrize(("level", "n"), [(1.5, 134), (6, 60), (300, 45)])
def test_intervals_hold_for_low_counts_and_short_series(level: float, n: int) -> None:
    """Short ones may hold more, as their largest errors bound them."""
    rng = np.random.default_rng(19)
    held: list[bool] = []
    for _ in range(25):
        values = weekly(rng, level, n)
        made = forecast(days(values[:-14], "count"), 14)
        held += [low <= value <= high for low, value, high in zip(made.low, values[-14:], made.high, strict=True)]
    assert sum(held) / len(held) >= 0.93


def test_forecast_beats_repeating_last_season_on_noise() -> None:
    made = forecast(days(weekly(np.random.default_rng(13), 500), "count"), 14)
    assert made.mase is not None
    assert made.mase < 1
    assert len(made.values) == 14
    assert all(low <= value <= high for low, value, high in zip(made.low, made.values, made.high, strict=True))


def test_unrelated_series_do_not_correlate() -> None:
    """12 unrelated weekly-seasonal, autocorrelated metrics, 66 pairs by 15 lags: next to nothing is told."""
    told = [len(correlate(independent(np.random.default_rng(seed), 12))) for seed in range(5)]
    assert sum(told) / 5 <= 1


def test_a_follower_is_found_with_its_lag() -> None:
    rng = np.random.default_rng(14)
    first, second = independent(rng, 2)
    source = rng.normal(0, 30, 123)
    leads = np.array(first.values) + source[3:]
    follows = np.array(second.values) + source[:-3]
    pair = [days(leads, "value", name="leads"), days(follows, "value", name="follows")]
    [found] = correlate(pair)
    assert (found.first, found.second, found.lag) == ("leads", "follows", 3)


def test_what_a_third_metric_explains_is_said() -> None:
    rng = np.random.default_rng(15)
    third = rng.normal(0, 10, 150)
    a, b = (third + rng.normal(0, 6, 150) + 500 for _ in range(2))
    found = correlate([days(a, "value", name="a"), days(b, "value", name="b"), days(third + 500, "value", name="c")])
    pair = next(each for each in found if {each.first, each.second} == {"a", "b"})
    assert pair.explained_by == "c"


def test_of_many_metrics_the_planted_cause_is_named_and_no_bystander() -> None:
    """A confounder among 12 unrelated metrics is named for its pair; without it nobody is, however many are tried."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        third, apart = rng.normal(0, 10, 150), rng.normal(0, 10, 150)
        a, b = (days(third + rng.normal(0, 6, 150) + 500, "value", name=name) for name in "ab")
        weak = [days(apart * 0.5 + rng.normal(0, 10, 150) + 500, "value", name=name) for name in "xy"]
        others = independent(rng, 12, 150)
        for cause in ([], [days(third + 500, "value", name="cause")]):
            found = {(each.first, each.second): each.explained_by for each in correlate([a, b, *weak, *others, *cause])}
            assert [each for pair, each in found.items() if set(pair) == {"a", "b"}] == (["cause"] if cause else [None])
            assert set(found.values()) <= {None, "cause"}


@pytest.mark.parametrize("ask", [detect, forecast, lambda series: correlate([series, series])])
def test_short_series_are_refused_with_n(ask: Callable[[MetricSeries], object]) -> None:
    unit: Unit = "count"
    with pytest.raises(InvalidInput, match=r"has 10"):
        ask(days(np.arange(10.0), unit))


def test_a_few_months_that_rise_make_no_certainty() -> None:
    rising = compared([134, 597, 829, 1266, 1615], 4, 1, 1, chance=0.03, adds=True)
    level = compared([1000, 1020, 980, 1010, 1500], 4, 1, 1, chance=0.03, adds=True)

    assert (rising.expected, level.expected) == (706.5, 1002.5)
    assert rising.p > 0.2
    assert level.p < 0.01


def test_minutes_with_heavy_tails_are_judged_by_their_own_past() -> None:
    """Chances hold over noise of which a deviation says little; a jump is seen at once, and what comes later changes
    nothing of what was said."""
    values = np.random.default_rng(21).standard_t(3, 3000)
    values[2600:] += 12
    found = judge(values.tolist(), 1)
    noise = [each.p for each in found if each.at < 2600]
    assert sum(p <= 0.01 for p in noise) / len(noise) < 0.015
    assert 0 < sum(p <= 0.05 for p in noise) / len(noise) < 0.06
    assert min(each.p for each in found if 2600 <= each.at < 2610) < min(noise)
    assert judge(values[:2000].tolist(), 1) == found[:1900]
