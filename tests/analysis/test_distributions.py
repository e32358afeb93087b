"""Tail probabilities against scipy."""

from __future__ import annotations

import pytest
from scipy import stats

from posthog_mcp.analysis.stats import distributions as ours
from posthog_mcp.analysis.stats.multiple import benjamini_hochberg, holm


@pytest.mark.parametrize("df", [1, 2.5, 7, 30, 400])
@pytest.mark.parametrize("t", [0.0, 0.3, 1.96, 4.2, 12.0])
def test_students_t(t: float, df: float) -> None:
    assert ours.t_two_sided(t, df) == pytest.approx(2 * stats.t.sf(t, df), rel=1e-9, abs=1e-15)
    assert ours.t_ppf(0.975, df) == pytest.approx(stats.t.ppf(0.975, df), rel=1e-8)


@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (1, 1), (3, 40), (120, 80), (2000, 9000)])
@pytest.mark.parametrize("x", [0.001, 0.1, 0.18, 0.5, 0.9])
def test_beta(x: float, a: float, b: float) -> None:
    assert ours.beta_cdf(x, a, b) == pytest.approx(stats.beta.cdf(x, a, b), rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("df", [1, 3, 12])
@pytest.mark.parametrize("x", [0.1, 3.84, 20.0, 90.0])
def test_chi_squared(x: float, df: int) -> None:
    assert ours.chi2_sf(x, df) == pytest.approx(stats.chi2.sf(x, df), rel=1e-8, abs=1e-14)


@pytest.mark.parametrize("mean", [0.2, 4.0, 60.0])
@pytest.mark.parametrize("k", [0, 3, 70])
def test_counts(k: int, mean: float) -> None:
    below, above = ours.count_tails(k, mean, 1.0)
    assert below == pytest.approx(stats.poisson.cdf(k, mean), rel=1e-8, abs=1e-12)
    assert above == pytest.approx(stats.poisson.sf(k - 1, mean), rel=1e-6, abs=1e-12)
    below, above = ours.count_tails(k, mean, 3.0)
    size, chance = mean / 2, 1 / 3
    assert below == pytest.approx(stats.nbinom.cdf(k, size, chance), rel=1e-8, abs=1e-12)
    assert above == pytest.approx(stats.nbinom.sf(k - 1, size, chance), rel=1e-6, abs=1e-12)


def test_corrections_for_many_tests() -> None:
    p = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.9, 0.5]
    assert benjamini_hochberg(p) == pytest.approx(list(stats.false_discovery_control(p)))
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
