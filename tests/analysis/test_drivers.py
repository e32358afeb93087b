"""Drivers on synthetic cubes with known causes; contributions that sum to the whole."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthog_mcp.analysis.stats.contributions import contributions, divergence, paradox, product_split
from posthog_mcp.analysis.stats.cube import Amounts, Cube
from posthog_mcp.analysis.stats.drivers import drivers
from tests.analysis.cubes import judged, made
from tests.analysis.ripples import rippled

COUNT = st.integers(0, 500)


def test_precision_and_recall_over_random_cases() -> None:
    """The benchmark has 200 cases."""
    precision, recall, false = judged(20)
    assert precision >= 0.95
    assert recall >= 0.9
    assert false <= 1


def test_no_cause_no_driver() -> None:
    assert sum(bool(drivers(made(seed, causes=0).cube)) for seed in range(1000, 1030)) <= 1


def test_causes_of_three_dimensions_are_found_among_noisy_leaves() -> None:
    """Leaves that scatter are no causes."""
    cases = [rippled(seed) for seed in range(12)]
    found = [{each.where for each in drivers(case.cube)} for case in cases]
    right = {(at, where) for at, case in enumerate(cases) for where in found[at] & case.causes}
    assert len(right) >= 0.8 * sum(map(len, found))
    assert len(right) >= 0.7 * sum(len(case.causes) for case in cases)
    assert any(len(where) == 3 for _, where in right)
    assert sum(bool(drivers(rippled(seed, anomalies=0).cube)) for seed in range(1000, 1020)) <= 1


@given(st.lists(st.tuples(COUNT, COUNT, COUNT, COUNT), min_size=2, max_size=12), st.booleans())
@settings(max_examples=200, deadline=None)
def test_contributions_sum_to_the_change(rows: list[tuple[int, int, int, int]], shares: bool) -> None:
    cells = [
        ((str(at),), Amounts(min(a, n0), min(b, n1), n0, n1) if shares else Amounts(a, b))
        for at, (a, b, n0, n1) in enumerate(rows)
    ]
    cube = Cube(("d",), cells, shares, scale=1.0 if shares else 2.0)
    whole, parts = cube.whole, contributions(cube, cube.along(0))
    if shares and not (whole.before_of and whole.after_of):
        return
    change = whole.rate_after - whole.rate_before if shares else whole.after - 2 * whole.before
    assert sum(each.whole for each in parts.values()) == pytest.approx(change, abs=1e-9)


def test_a_share_that_falls_to_zero_is_found_with_few_people() -> None:
    cells = [
        (("iOS",), Amounts(27, 0, 36, 27)),
        (("Android",), Amounts(28, 27, 40, 35)),
        (("web",), Amounts(88, 97, 120, 128)),
    ]
    [found] = drivers(Cube(("os",), cells, shares=True))
    assert found.where == ((0, "iOS"),)


def test_simpsons_paradox_is_called_out() -> None:
    """Both segments rise while the whole falls: the worse one grew."""
    cells = [(("good",), Amounts(720, 190, 900, 230)), (("bad",), Amounts(20, 270, 100, 770))]
    cube = Cube(("d",), cells, shares=True)
    assert cube.whole.rate_after < cube.whole.rate_before
    assert paradox(cube, cube.along(0)) == "all"
    even = Cube(("d",), [(("a",), Amounts(50, 40, 100, 100)), (("b",), Amounts(50, 38, 100, 100))], shares=True)
    assert paradox(even, even.along(0)) == ""


def test_products_split_exactly_and_divergence_is_bounded() -> None:
    assert sum(product_split((100, 80), (2.0, 3.0))) == pytest.approx(80 * 3.0 - 100 * 2.0)
    assert divergence([1, 0], [0, 1]) == pytest.approx(1.0)
    assert divergence([3, 5], [6, 10]) == pytest.approx(0.0, abs=1e-12)
