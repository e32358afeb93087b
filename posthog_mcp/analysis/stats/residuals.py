"""How unusual each value is, given only what came before it: the seasonal residual.

On a scale where spreads are alike (logarithm, Anscombe's root for low counts, logit for shares, or as it is), a value
is expected at the mean of the season before it plus the median of what its phase added to that in the last seasons.
Residuals of the past, made the same way, say how far is usual. A value that is judged unusual is put at what was
expected before it becomes history, unless such values stay: then they are a new level.

Source: our own measurement (`tests/benchmarks/last_interval.py`): the area under the ROC curve for a last value that is
off by 20 to 50 % is 0.978 on daily counts of 60 to 5,000 and 0.902 on the hourly series of M4, where the median and MAD
of the same weekday or hour have 0.974 and 0.841. Long series without a season: `tails`. Low counts are judged by a
negative binomial with the dispersion of the past (Cameron and Trivedi, Regression Analysis of Count Data, ch. 3). The
degrees of freedom of the t tail match the residuals' kurtosis, 4 + 6/κ (Johnson, Kotz and Balakrishnan, ch. 28).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from posthog_mcp.analysis.stats.distributions import count_tails, t_ppf, t_two_sided
from posthog_mcp.analysis.stats.robust import anscombe
from posthog_mcp.analysis.stats.spread import Spread
from posthog_mcp.analysis.stats.tails import LEAST_PAST, LONG, judge_long

Scale = Literal["log", "root", "logit", "plain"]
SEASONS_BACK = 5
"""Seasons whose median a phase's share is."""
MEDIAN_VARIANCE = (1.0, 0.5, 0.449, 0.298, 0.287)
"""Of the median of 1 to 5 normal values (Sarhan and Greenberg, Contributions to Order Statistics, table 10C.1)."""
LEVEL = 7
"""Values that a level is the mean of, at least."""
LEAST_RESIDUALS = 12
FEW = 25
"""Below such a median, counts are judged as counts."""
UNUSUAL = 0.001
"""Chance below which a value is not taken into history as it is."""
STAYS = 4
"""Unusual values in a row, on one side, that are a new level."""
DAY = 24
PREDICTIVE = 1 + 1 / LEVEL + 1 / SEASONS_BACK
"""Variance of a Poisson count about an expectation that is itself estimated, in means."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One value: what was expected, the 95 % band of usual values, and the chance of one so far off."""

    at: int
    value: float
    expected: float
    low: float
    high: float
    p: float


@dataclass(frozen=True, slots=True)
class Measure:
    """The scale on which values are compared; `least` keeps logarithms finite."""

    scale: Scale
    least: float = 1.0

    def of(self, value: float, n: float = 0.0) -> float:
        """A value on the scale; `n` is a share's denominator."""
        if self.scale == "log":
            return math.log(max(value, 0.0) + self.least)
        if self.scale == "root":
            return anscombe(value)
        if self.scale == "logit":
            came, n = value * (n or 1000.0), n or 1000.0
            return math.log((came + 0.5) / (max(n - came, 0.0) + 0.5))
        return value

    def back(self, value: float) -> float:
        """What stands behind a place on the scale."""
        if self.scale == "log":
            return max(math.exp(min(value, 700.0)) - self.least, 0.0)
        if self.scale == "root":
            return max((max(value, 0.0) / 2) ** 2 - 0.375, 0.0)
        if self.scale == "logit":
            return 1 / (1 + math.exp(-max(min(value, 700.0), -700.0)))
        return value


def measure_for(values: Sequence[float], *, counts: bool, shares: bool) -> Measure:
    """The scale on which the spread does not depend on the level."""
    if shares:
        return Measure("logit")
    if counts:
        return Measure("root" if statistics.median(values) < FEW else "log")
    if all(value > 0 for value in values) and max(values) > 1.5 * min(values):
        return Measure("log", 1e-9)
    return Measure("plain")


@dataclass(slots=True)
class Past:
    """What came before, on the scale: as it was, as history has it, and what phases added to levels."""

    period: int
    real: list[float] = field(default_factory=list[float])
    taken: list[float] = field(default_factory=list[float])
    added: list[float | None] = field(default_factory=list["float | None"])
    spread: Spread = field(default_factory=Spread)
    run: list[int] = field(default_factory=list[int])
    """Unusual values just before, all on one side."""

    @property
    def level(self) -> float | None:
        window = max(self.period, LEVEL)
        return statistics.fmean(self.taken[-window:]) if len(self.taken) >= window else None

    @property
    def known(self) -> list[float]:
        """What the coming phase added in the last seasons."""
        places = [len(self.added) - back * self.period for back in range(1, SEASONS_BACK + 1)]
        return [each for place in places if place >= 0 and (each := self.added[place]) is not None]

    @property
    def share(self) -> float | None:
        """What the coming phase adds: 0 without a season, None where it is not known yet."""
        if self.period < 2:
            return 0.0
        known = self.known
        return statistics.median(known) if known else None

    @property
    def sureness(self) -> float:
        """The standard deviation of a residual in those of a value: the level is a mean, the share a median of few."""
        own = 1 + 1 / max(self.period, LEVEL)
        return math.sqrt(own if self.period < 2 else own * (1 + MEDIAN_VARIANCE[len(self.known) - 1]))

    def least_count(self, measure: Measure) -> float:
        """The least that a count is expected at: a quarter of what was usual at its phase. Half a count more keeps
        phases that were empty so far from making one count unheard of (Jeffreys's prior of a Poisson rate)."""
        step = self.period if self.period > 1 else 1
        places = range(len(self.taken) - step, -1, -step)[: 4 * LEVEL if step == 1 else SEASONS_BACK]
        known = [measure.back(self.taken[at]) for at in places]
        return max(statistics.fmean(known) / 4, 0.5 / len(known)) if known else 0.0

    @property
    def stays(self) -> int:
        """Unusual values in a row that are a new level; of hours a whole day, since an outage is no level."""
        return DAY if self.period % DAY == 0 else STAYS

    def take(self, value: float, judged: Judged | None, expected: float | None, sureness: float) -> None:
        """Make a value history."""
        level = self.level
        self.real.append(value)
        if judged is not None and judged.p < UNUSUAL and expected is not None:
            self.take_unusual(value > expected, expected, level)
            return
        self.run = []
        self.taken.append(value)
        self.added.append(None if level is None else value - level)
        if expected is not None:
            self.spread.add((value - expected) / sureness)

    def take_unusual(self, above: bool, expected: float, level: float | None) -> None:
        """Put it at what was expected, or take the run as it is where it has stayed."""
        at = len(self.real) - 1
        same = self.run and (self.real[self.run[-1]] > self.taken[self.run[-1]]) == above
        self.run = [*self.run, at] if same else [at]
        self.taken.append(expected)
        self.added.append(None if level is None else expected - level)
        if len(self.run) >= self.stays:
            for each in self.run:
                self.taken[each] = self.real[each]
            self.run = []


def judge(
    values: Sequence[float], period: int, *, counts: bool = False, shares: bool = False, of: Sequence[float] = ()
) -> list[Judged]:
    """Every value that has enough history: a season (7 values at least), the one after it, and a dozen residuals.

    `period` is the season's length, 1 for none; `of` are the denominators of shares. A thousand values or more without
    a season, as of minutes, are judged by the tails of their own past instead.
    """
    if period < 2 and len(values) >= LONG:
        return judged_long(values)
    measure = measure_for(values, counts=counts, shares=shares)
    past, found = Past(period), list[Judged]()
    for at, value in enumerate(values):
        n = of[at] if of else 0.0
        level, share = past.level, past.share
        expected = None if level is None or share is None else level + share
        here = measure.of(value, n)
        judged: Judged | None = None
        if expected is not None and past.spread.count >= LEAST_RESIDUALS:
            judged = judged_at(at, value, here - expected, expected, measure, past, n)
            found.append(judged)
        past.take(here, judged, expected, past.sureness if expected is not None else 1.0)
    return found


def judged_long(values: Sequence[float]) -> list[Judged]:
    """A long series without a season."""
    import numpy as np

    found = judge_long(np.array(values, dtype=np.float64))
    parts = (each.tolist() for each in (found.expected, found.low, found.high, found.p))
    rows = zip(values[LEAST_PAST:], *parts, strict=True)
    return [Judged(LEAST_PAST + at, *row) for at, row in enumerate(rows)]


def judged_at(
    at: int, value: float, residual: float, expected: float, measure: Measure, past: Past, n: float
) -> Judged:
    """One value against its past."""
    (noise, df), usual = past.spread.scale_and_df(), measure.back(expected)
    noise *= past.sureness
    if measure.scale == "root":
        usual = max(usual + min(noise**2, 1.0) / 4, past.least_count(measure))
        return judged_count(at, value, usual, max(noise**2, PREDICTIVE))
    if measure.scale == "log":
        noise = max(noise, 0.01, math.sqrt(PREDICTIVE / max(usual, 1.0)) if measure.least == 1.0 else 0.0)
    if measure.scale == "logit" and n:
        noise = max(noise, 1 / math.sqrt(max(n * usual * (1 - usual), 0.25)))
    noise = max(noise, 1e-12)
    wide = t_ppf(0.975, df) * noise
    p = t_two_sided(residual / noise, df)
    return Judged(at, value, usual, measure.back(expected - wide), measure.back(expected + wide), p)


def judged_count(at: int, value: float, usual: float, dispersion: float) -> Judged:
    """A low count: its tail probability, and the band from the same distribution."""
    below, above = count_tails(round(value), usual, dispersion)
    low, high = count_band(usual, dispersion)
    return Judged(at, value, usual, low, high, min(1.0, 2 * min(below, above)))


def count_band(mean: float, dispersion: float) -> tuple[float, float]:
    """The counts whose tails are at least 2.5 %, by bisection."""
    low, middle = 0, round(mean)
    high = middle + 1
    while count_tails(high, mean, dispersion)[1] >= 0.025:
        high = 2 * high
    top = bisected(middle, high, lambda k: count_tails(k, mean, dispersion)[1] >= 0.025)
    if count_tails(0, mean, dispersion)[0] < 0.025:
        low = 1 + bisected(0, middle, lambda k: count_tails(k, mean, dispersion)[0] < 0.025)
    return float(min(low, middle)), float(top)


def bisected(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The last whole number for which it holds; it does for `low`, and does not for `high`."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
