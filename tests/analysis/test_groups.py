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


def test_error_rates_hold() -> None:
    """Of A/A tests, 5 % are told different by the fixed reading; looked at 10 times, the sequential one stays below."""
    rng, fixed, peeked, valid = np.random.default_rng(3), 0, 0, 0
    runs, looks = 600, 10
    for _ in range(runs):
        came = rng.binomial(100, 0.2, (2, looks)).cumsum(axis=1)
        tests = [
            compared(Sample(n, float(b), float(b), True), Sample(n, float(a), float(a), True))
            for n, a, b in zip(range(100, 100 * looks + 1, 100), *came, strict=True)
        ]
        fixed += tests[-1] is not None and tests[-1].p <= 0.05
        peeked += any(each is not None and each.p <= 0.05 for each in tests)
        valid += any(each is not None and each.always_valid_p <= 0.05 for each in tests)
    assert 0.03 < fixed / runs < 0.072
    assert peeked / runs > 0.12
    assert valid / runs <= 0.05


def test_power_is_what_the_sample_size_promises() -> None:
    rng = np.random.default_rng(4)
    n = int(people_needed(Sample(1000, 200, 200, True), 0.15))
    a, b = rng.binomial(n, 0.2, 1500), rng.binomial(n, 0.23, 1500)
    pairs = zip(a, b, strict=True)
    tests = [compared(Sample(n, float(y), float(y), True), Sample(n, float(x), float(x), True)) for x, y in pairs]
    assert sum(each is not None and each.p <= 0.05 for each in tests) / 1500 == pytest.approx(0.8, abs=0.035)


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
