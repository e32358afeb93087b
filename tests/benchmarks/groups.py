"""How often `compare_groups` errs: `python -m tests.benchmarks groups`.

Groups of one nature by construction (A/A), 28 days with as many new people each, judged by the tool's own formulas
where it gives a verdict (30 people, 5 of either outcome); and groups that differ by a known effect, at the sample size
that the tool asks for. Draws are vectorised, each test is the real function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from posthog_mcp.analysis.comparison import LEAST, LEAST_CASES
from posthog_mcp.analysis.stats.groups import Comparison, Sample, compared, people_needed
from tests.benchmarks.measure import table

Rng = np.random.Generator
Values = NDArray[np.float64]
DAYS = 28


@dataclass(frozen=True)
class Nature:
    """Outcomes of people: how they are drawn (`lift` multiplies their mean), and how many come a day and group."""

    draw: Callable[[Rng, tuple[int, ...], float], Values]
    a_day: int
    share: bool = False


def conversion(rate: float, a_day: int) -> Nature:
    return Nature(lambda rng, shape, lift: (rng.random(shape) < rate * lift).astype(float), a_day, True)


def revenue(zeros: float, sigma: float) -> Callable[[Rng, tuple[int, ...], float], Values]:
    """Lognormal amounts of those who pay."""
    return lambda rng, shape, lift: rng.lognormal(3, sigma, shape) * (rng.random(shape) >= zeros) * lift


NATURES: Mapping[str, Nature] = {
    "conversion 1 %": conversion(0.01, 70),
    "conversion 5 %": conversion(0.05, 40),
    "conversion 20 %": conversion(0.2, 20),
    "conversion 50 %": conversion(0.5, 20),
    "orders (Poisson, 3)": Nature(lambda rng, shape, lift: rng.poisson(3 * lift, shape).astype(float), 10),
    "revenue": Nature(revenue(0.0, 1.0), 10),
    "revenue, 90 % zeros": Nature(revenue(0.9, 1.0), 20),
}


@dataclass(frozen=True)
class Rates:
    """Shares of A/A tests told different: at the end by Welch's test, of these losses, by PostHog's relative test and
    of those losses; on any of 28 days by Welch's test, and by the sequential reading."""

    welch: float
    losses: float
    relative: float
    relative_losses: float
    peeked: float
    always_valid: float


def sums(values: Values, share: bool) -> list[Sample]:
    """The samples of each look: days are the last but one axis."""
    per = values.shape[-1]
    totals, squares = values.sum(-1).cumsum(), (values**2).sum(-1).cumsum()
    return [
        Sample(float(per * (day + 1)), float(totals[day]), float(squares[day]), share) for day in range(values.shape[0])
    ]


def enough(sample: Sample) -> bool:
    cases = min(sample.total, sample.n - sample.total)
    return sample.n >= LEAST and (not sample.share or cases >= LEAST_CASES)


def looks(nature: Nature, rng: Rng) -> list[Comparison | None]:
    """One A/A test, day by day; None where no verdict would be given."""
    groups = [sums(nature.draw(rng, (DAYS, nature.a_day), 1.0), nature.share) for _ in range(2)]
    return [compared(b, a) if enough(a) and enough(b) else None for a, b in zip(*groups, strict=True)]


def same_groups(nature: Nature, tests: int, rng: Rng) -> Rates:
    """Error rates over so many A/A tests."""
    every = [looks(nature, rng) for _ in range(tests)]
    ends = [each[-1] for each in every if each[-1] is not None]

    def share(count: int) -> float:
        return count / tests

    return Rates(
        welch=share(sum(each.welch_p <= 0.05 for each in ends)),
        losses=share(sum(each.welch_p <= 0.05 and each.difference < 0 for each in ends)),
        relative=share(sum(each.p <= 0.05 for each in ends)),
        relative_losses=share(sum(each.p <= 0.05 and each.difference < 0 for each in ends)),
        peeked=share(sum(any(one is not None and one.welch_p <= 0.05 for one in each) for each in every)),
        always_valid=share(sum(any(one is not None and one.always_valid_p <= 0.05 for one in each) for each in every)),
    )


def power(nature: Nature, effect: float, tests: int, rng: Rng) -> float:
    """The share of tests that find this relative effect, with the people that the tool asks for (nominal 0.8)."""
    pilot = nature.draw(rng, (200_000,), 1.0)
    n = int(people_needed(Sample(len(pilot), float(pilot.sum()), float((pilot**2).sum()), nature.share), effect))
    found = 0
    for _ in range(tests):
        a, b = (sums(nature.draw(rng, (1, n), lift), nature.share)[0] for lift in (1.0, 1 + effect))
        test = compared(b, a)
        found += test is not None and test.welch_p <= 0.05
    return found / tests


async def report(tests: int = 2_000) -> str:
    rows: list[list[str]] = []
    for name, nature in NATURES.items():
        rng = np.random.default_rng(1)
        found = same_groups(nature, tests, rng)
        told = (found.welch, found.losses, found.relative, found.relative_losses, found.peeked, found.always_valid)
        rows.append([name, *(f"{each:.3f}" for each in told), f"{power(nature, 0.2, tests, rng):.3f}"])
    header = [
        "outcome", "told different", "of it losses", "relative test", "of it losses", "any of 28 days",
        "sequential, any day", "power at 20 %",
    ]  # fmt: skip
    return table(f"{tests:,} A/A tests of 28 days an outcome (stated: 0.05; power 0.80)", header, rows)
