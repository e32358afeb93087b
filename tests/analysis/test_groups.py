"""Comparisons: PostHog's own published results, error rates by simulation, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from posthog_mcp.analysis.groups import compare_numbers, verdict
from posthog_mcp.analysis.stats.groups import Sample, always_valid, compared, mismatch, people_needed
from posthog_mcp.analysis.stats.proportions import two_proportions, wilson
from posthog_mcp.analysis.stats.survival import kaplan_meier
from posthog_mcp.errors import InvalidInput
from tests.benchmarks.groups import NATURES, power, same_groups


def test_means_agree_with_posthogs_experiments() -> None:
    """The numbers are those of PostHog's `products/experiments/stats/tests`."""
    found = compared(Sample(2461, 1922.7, 94698.29), Sample(2507, 1196.87, 37377.9767))
    assert found is not None
    assert found.relative == pytest.approx(0.63646, abs=1e-4)
    assert (found.relative_low, found.relative_high) == (
        pytest.approx(-0.0875, abs=1e-4),
        pytest.approx(1.36048, abs=1e-4),
    )
    assert found.p == pytest.approx(0.08487, abs=1e-4)
    assert (found.credible_low, found.credible_high) == (
        pytest.approx(-0.0873, abs=1e-4),
        pytest.approx(1.36026, abs=1e-4),
    )
    assert found.chance_to_win == pytest.approx(0.95759, abs=1e-4)


def test_shares_agree_with_posthogs_experiments() -> None:
    found = compared(Sample(1471, 62, 62, True), Sample(1529, 87, 87, True))
    assert found is not None
    assert found.relative == pytest.approx(-0.25925, abs=1e-4)
    assert (found.relative_low, found.relative_high) == (
        pytest.approx(-0.49475, abs=1e-4),
        pytest.approx(-0.02376, abs=1e-4),
    )
    assert found.p == pytest.approx(0.030960, abs=1e-4)


def test_ratios_agree_with_posthogs_experiments() -> None:
    """Money an order; source as above. In the tool the same numbers come as `data`."""
    test = {"n": 2034, "sum": 99673.9364269569, "sum_squares": 11298745.182728939, "of_sum": 947}
    test |= {"of_sum_squares": 947, "sum_products": 99673.9364269569, "name": "test"}
    base = {"n": 1966, "sum": 94605.79858780127, "sum_squares": 10463129.505392816, "of_sum": 936}
    base |= {"of_sum_squares": 936, "sum_products": 94605.79858780127, "name": "control"}
    told = compare_numbers([base, test])
    found = told.groups[1].comparison
    assert found is not None
    assert told.measure == "ratio"
    assert found.relative == pytest.approx(0.041333, abs=1e-4)
    assert (found.relative_low, found.relative_high) == (
        pytest.approx(0.01378609, abs=1e-4),
        pytest.approx(0.0689, abs=1e-4),
    )
    assert found.p == pytest.approx(0.0032826, abs=1e-4)


def test_the_verdict_goes_by_welchs_test_and_its_own_relative_interval() -> None:
    """scipy's Welch test of the same values; Fieller's interval holds 0 just where that test rejects nothing."""
    rng = np.random.default_rng(8)
    for shift in (0.0, 0.2, 0.4, 0.6, 0.8):
        a, b = rng.lognormal(1, 1, 80), rng.lognormal(1 + shift, 1, 90)
        found = compared(*(Sample(len(x), float(x.sum()), float((x**2).sum())) for x in (b, a)))
        assert found is not None
        assert found.welch_p == pytest.approx(stats.ttest_ind(a, b, equal_var=False).pvalue)
        assert found.fieller_low is not None
        assert found.fieller_high is not None
        assert (found.fieller_low <= 0 <= found.fieller_high) == (found.welch_p >= 0.05)
        assert found.fieller_low < found.relative < found.fieller_high  # type: ignore[operator]


def test_wilson_and_newcombe_match_published_examples() -> None:
    """Newcombe 1998: 56/70 against 48/80, method 10 (0.0524, 0.3339); 10/10 against 0/10 (0.6075, 1.0)."""
    assert wilson(81, 263) == (pytest.approx(0.2553, abs=1e-4), pytest.approx(0.3662, abs=1e-4))
    found = two_proportions((48, 56), (80, 70))
    assert (found.low, found.high) == (pytest.approx(0.0524, abs=1e-4), pytest.approx(0.3339, abs=1e-4))
    found = two_proportions((0, 10), (10, 10))
    assert (found.low, found.high) == (pytest.approx(0.6075, abs=1e-4), pytest.approx(1.0, abs=1e-4))


def test_mismatch_and_sample_size_match_scipy_and_the_textbook() -> None:
    assert mismatch([5100, 4900], [50, 50]) == pytest.approx(stats.chisquare([5100, 4900]).pvalue)
    needed = people_needed(Sample(1000, 100, 100, True), 0.2)
    assert needed == pytest.approx(3839, rel=0.01)


@pytest.mark.parametrize("name", ["conversion 1 %", "conversion 20 %", "revenue, 90 % zeros"])
def test_error_rates_hold(name: str) -> None:
    """Of A/A tests 5 % are told different at the end, as many losses as gains; looked at on each of 28 days, the
    sequential reading stays below. More of it in `tests/benchmarks/groups.py`."""
    found = same_groups(NATURES[name], 400, np.random.default_rng(3))
    assert found.welch < 0.08
    assert found.losses < 0.05
    assert found.peeked > 0.09
    assert found.always_valid <= 0.05


@pytest.mark.parametrize("name", ["conversion 5 %", "revenue"])
def test_power_is_what_the_sample_size_promises(name: str) -> None:
    assert power(NATURES[name], 0.2, 600, np.random.default_rng(4)) == pytest.approx(0.8, abs=0.05)


def test_always_valid_p_is_the_mixture_ratio() -> None:
    variance, prior, off = 0.04, 0.09, 0.7
    ratio = stats.norm.pdf(off, 0, math.sqrt(variance + prior)) / stats.norm.pdf(off, 0, math.sqrt(variance))
    assert always_valid(off, 0.2, 0.3) == pytest.approx(min(1, 1 / ratio))


def test_small_groups_get_no_verdict_and_states_n() -> None:
    found = compare_numbers(
        [{"name": "control", "n": 12, "conversions": 3}, {"name": "test", "n": 14, "conversions": 9}]
    )
    assert not found.answerable
    assert "too few" in verdict(found)[0]
    assert "n = 14" in verdict(found)[0]


def test_a_group_in_which_nobody_did_it_is_still_compared() -> None:
    numbers = [
        {"name": "control", "n": 900, "mean": 1.5, "sd": 4.0},
        {"name": "test", "n": 900, "mean": 0.0, "sd": 0.0},
    ]
    found = compare_numbers(numbers)
    test = found.groups[1].comparison
    assert test is not None
    assert test.chance_to_win < 1e-9
    assert "worse" in verdict(found)[0]


def test_a_mismatch_is_said_first() -> None:
    data = [
        {"name": "control", "n": 5000, "conversions": 500, "planned": 50},
        {"name": "test", "n": 4500, "conversions": 520, "planned": 50},
    ]
    assert "not what was planned" in verdict(compare_numbers(data))[0]


@pytest.mark.parametrize(
    "data",
    [[{"name": "a", "n": 10, "conversions": 3}], [{"name": "a"}, {"name": "b"}], [{"n": 5, "conversions": 9}] * 2],
)
def test_impossible_numbers_are_refused(data: list[dict[str, float]]) -> None:
    with pytest.raises(InvalidInput):
        compare_numbers(data)


def test_kaplan_meier_matches_scipy() -> None:
    times, ended = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17], [True] * 9 + [False] * 5
    data = stats.CensoredData.right_censored(times, [not each for each in ended])
    reference = stats.ecdf(data).sf
    for point in kaplan_meier(times, ended):
        assert point.share == pytest.approx(float(reference.evaluate(point.period)))
        assert point.low <= point.share <= point.high
