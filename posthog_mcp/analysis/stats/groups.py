"""Two groups compared: difference with interval, chance to be better, a reading safe at any look, sample sizes.

Sources: the relative difference, its delta-method variance, Welch's degrees of freedom and the chance to win are those
of PostHog's experiments (`products/experiments/stats`, frequentist and Bayesian with a flat prior), so they agree; so
is the variance of a ratio of sums (delta method).
Beside them stand Welch's test of the difference (Biometrika 34 (1947)) and its relative interval (Fieller, JRSS B 16
(1954)): of the relative test's false alarms at few cases or skewed values nearly all are losses, and there are more
than 5 % (7.7 % at 90 % zeros and 560 people; `tests/benchmarks/groups.py`), so a verdict goes by Welch's. Always-valid
p-values: the mixture sequential probability ratio test of Johari, Koomen,
Pekelis and Walsh, Always Valid Inference, Operations Research 70 (2022), eq. 6, with a normal mixture. Sample-ratio
mismatch: χ² of the planned shares (Fabijan et al., KDD 2019). Sample sizes: Fleiss, Levin and Paik, ch. 4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from posthog_mcp.analysis.stats.distributions import chi2_sf, normal_ppf, normal_sf, t_ppf, t_two_sided

MISMATCH = 0.001
"""Chance below which the groups' sizes are not what was planned; the field's usual bound."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A group: `n` people, the sum of what was measured and of its squares. `share`: every one is 0 or 1."""

    n: float
    total: float
    squares: float
    share: bool = False

    @property
    def mean(self) -> float:
        return self.total / self.n if self.n else 0.0

    @property
    def variance(self) -> float:
        """Of one person: p(1−p) for shares, else the unbiased one."""
        if self.share:
            return self.mean * (1 - self.mean)
        return max(self.squares - self.total**2 / self.n, 0.0) / (self.n - 1) if self.n > 1 else 0.0


@dataclass(frozen=True, slots=True)
class Ratio:
    """A group whose people have a numerator and a denominator, such as money an order: sums of both, of their squares,
    and of their product."""

    n: float
    total: float
    squares: float
    of: float
    of_squares: float
    products: float
    share: bool = False

    @property
    def mean(self) -> float:
        return self.total / self.of if self.of else 0.0

    @property
    def variance(self) -> float:
        """Of one person's part in it, by the delta method."""
        if self.n < 2 or not self.of:
            return 0.0
        above, below = Sample(self.n, self.total, self.squares), Sample(self.n, self.of, self.of_squares)
        together = (self.products - self.total * self.of / self.n) / (self.n - 1)
        found = above.variance - 2 * self.mean * together + self.mean**2 * below.variance
        return max(found, 0.0) / below.mean**2


Observed = Sample | Ratio


@dataclass(frozen=True, slots=True)
class Comparison:
    """A group against the control. `low` to `high`, `welch_p` and, as shares of the control's mean, `fieller_low` to
    `fieller_high` are one test of the difference. `p`, `relative_low` to `relative_high`, the chance to win and the
    credible interval are PostHog's, of the relative difference. What is relative is None where the control's mean is 0,
    Fieller's bounds also where it may be. `always_valid_p` may be read at any time and as often as one likes."""

    difference: float
    low: float
    high: float
    welch_p: float
    fieller_low: float | None
    fieller_high: float | None
    p: float
    relative: float | None
    relative_low: float | None
    relative_high: float | None
    chance_to_win: float
    credible_low: float | None
    credible_high: float | None
    always_valid_p: float


def compared(
    group: Observed, control: Observed, *, least_effect: float = 0.1, level: float = 0.95
) -> Comparison | None:
    """Welch's test of the relative difference (the absolute one where the control's mean is 0); None where nothing
    varies or a group has fewer than two people. `least_effect` is the relative effect that the sequential reading looks
    for best."""
    if min(group.n, control.n) < 2:
        return None
    error = math.sqrt(group.variance / group.n + control.variance / control.n)
    if error == 0:
        return None
    df = welch_df(group, control)
    reach = t_ppf(0.5 + level / 2, df)
    off = group.mean - control.mean
    scale = least_effect * abs(control.mean) or error
    always = always_valid(off, error, scale)
    welch_p = t_two_sided(off / error, df)
    spread = math.sqrt(relative_variance(group, control)) if control.mean > 0 else 0.0
    if spread == 0:
        return Comparison(
            difference=off, low=off - reach * error, high=off + reach * error, welch_p=welch_p, fieller_low=None,
            fieller_high=None, p=welch_p, relative=None, relative_low=None, relative_high=None,
            chance_to_win=normal_sf(-off / error), credible_low=None, credible_high=None, always_valid_p=always,
        )  # fmt: skip
    low, high = fieller(group, control, reach) or (None, None)
    relative = off / control.mean
    wide = normal_ppf(0.5 + level / 2) * spread
    return Comparison(
        difference=off,
        low=off - reach * error,
        high=off + reach * error,
        welch_p=welch_p,
        fieller_low=low,
        fieller_high=high,
        p=t_two_sided(relative / spread, df),
        relative=relative,
        relative_low=relative - reach * spread,
        relative_high=relative + reach * spread,
        chance_to_win=normal_sf(-relative / spread),
        credible_low=relative - wide,
        credible_high=relative + wide,
        always_valid_p=always,
    )


def fieller(group: Observed, control: Observed, reach: float) -> tuple[float, float] | None:
    """The relative differences that a test of `reach` standard errors does not reject; None where they have no end,
    since the control's mean may be 0."""
    own, base = group.variance / group.n, control.variance / control.n
    below = control.mean**2 - reach**2 * base
    if below <= 0:
        return None
    middle = group.mean * control.mean / below
    inner = (group.mean * control.mean) ** 2 - below * (group.mean**2 - reach**2 * own)
    wide = math.sqrt(max(inner, 0.0)) / below
    return middle - wide - 1, middle + wide - 1


def relative_variance(group: Observed, control: Observed) -> float:
    """Of group over control, by the delta method."""
    own = group.variance / (group.n * control.mean**2)
    return own + group.mean**2 * control.variance / (control.n * control.mean**4)


def welch_df(group: Observed, control: Observed) -> float:
    """Welch and Satterthwaite's degrees of freedom."""
    first, second = group.variance / group.n, control.variance / control.n
    below = first**2 / (group.n - 1) + second**2 / (control.n - 1)
    return (first + second) ** 2 / below if below else min(group.n, control.n) - 1


def always_valid(difference: float, error: float, scale: float) -> float:
    """The p-value of one look that holds however often one looks: 1 over the mixture likelihood ratio, whose effects
    are normal about 0 with this scale."""
    variance, prior = error**2, scale**2
    exponent = prior * difference**2 / (2 * variance * (variance + prior))
    logarithm = 0.5 * math.log(variance / (variance + prior)) + exponent
    return min(1.0, math.exp(-min(logarithm, 700.0)))


def mismatch(sizes: Sequence[float], planned: Sequence[float]) -> float:
    """The chance that groups of the planned shares come out so far off."""
    total, shares = sum(sizes), sum(planned)
    if total <= 0 or shares <= 0 or len(sizes) < 2:
        return 1.0
    expected = [total * each / shares for each in planned]
    statistic = sum((size - each) ** 2 / each for size, each in zip(sizes, expected, strict=True) if each)
    return chi2_sf(statistic, len(sizes) - 1)


def people_needed(control: Observed, effect: float, power: float = 0.8, alpha: float = 0.05) -> float:
    """People a group that make a relative effect of this size visible; infinite where the mean is 0 or nothing varies.
    Amounts are taken to spread with their mean, as they do where everybody spends so much more."""
    off = abs(effect * control.mean)
    if off == 0:
        return math.inf
    group = control.variance * (1 + effect) ** 2
    if control.share:
        moved = min(control.mean + off, 1.0)
        group = moved * (1 - moved)
    if control.variance + group == 0:
        return math.inf
    z = normal_ppf(1 - alpha / 2) + normal_ppf(power)
    return math.ceil(z**2 * (control.variance + group) / off**2)


def smallest_effect(control: Observed, n: float, power: float = 0.8, alpha: float = 0.05) -> float | None:
    """The relative effect that so many people a group make visible with this power; None where the mean is 0."""
    if control.mean <= 0 or n <= 0:
        return None
    z = normal_ppf(1 - alpha / 2) + normal_ppf(power)
    return z * math.sqrt(2 * control.variance / n) / control.mean
