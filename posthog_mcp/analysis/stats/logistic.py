"""Logistic regression with a small ridge, how well it tells cases apart, and whether its chances are right.

Sources: iteratively reweighted least squares (McCullagh and Nelder, Generalized Linear Models, 2.5; le Cessie and van
Houwelingen, Applied Statistics 41 (1992), for the ridge). AUC as the rank statistic (Hanley and McNeil, Radiology 143
(1982)). Brier score: Brier, Monthly Weather Review 78 (1950).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from posthog_mcp.analysis.stats.proportions import wilson

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RIDGE = 1.0
ROUNDS = 25
BINS = 5


@dataclass(frozen=True, slots=True)
class Model:
    """Weights of standardised features; `middle` and `spread` standardise them."""

    intercept: float
    weights: tuple[float, ...]
    middle: tuple[float, ...]
    spread: tuple[float, ...]

    def parts(self, features: Sequence[float]) -> list[float]:
        """What each feature adds to the log odds, against the average case."""
        known = zip(features, self.weights, self.middle, self.spread, strict=True)
        return [weight * (value - middle) / spread for value, weight, middle, spread in known]

    def chance(self, features: Sequence[float]) -> float:
        """The chance of the case."""
        return 1 / (1 + math.exp(-max(min(self.intercept + sum(self.parts(features)), 30.0), -30.0)))


@dataclass(frozen=True, slots=True)
class Bin:
    """Cases of about the same chance: the mean chance told, and the share that it came true for, with its interval."""

    told: float
    came: float
    low: float
    high: float
    n: int


def fitted(rows: Sequence[Sequence[float]], cases: Sequence[bool]) -> Model:
    """The model of these rows. At least one row is needed."""
    import numpy as np

    table: NDArray[np.float64] = np.array(rows, dtype=np.float64)
    middle = table.mean(axis=0)
    spread = table.std(axis=0)
    spread[spread < 1e-9] = 1.0
    design = np.ones((len(rows), table.shape[1] + 1))
    design[:, 1:] = (table - middle) / spread
    wanted = np.array(cases, dtype=np.float64)
    penalty = np.eye(design.shape[1]) * RIDGE
    penalty[0, 0] = 1e-6
    weights = solved(design, wanted, penalty)
    return Model(
        float(weights[0]),
        tuple(float(each) for each in weights[1:]),
        tuple(float(each) for each in middle),
        tuple(float(each) for each in spread),
    )


def solved(
    design: NDArray[np.float64], wanted: NDArray[np.float64], penalty: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Newton steps until they are small."""
    import numpy as np

    found: NDArray[np.float64] = np.zeros(int(design.shape[1]), dtype=np.float64)
    for _ in range(ROUNDS):
        chance: NDArray[np.float64] = 1 / (1 + np.exp(-np.minimum(np.maximum(design @ found, -30.0), 30.0)))
        slope: NDArray[np.float64] = design.T @ (wanted - chance) - penalty @ found
        curve: NDArray[np.float64] = (design * (chance * (1 - chance))[:, None]).T @ design + penalty
        step: NDArray[np.float64] = np.linalg.solve(curve, slope).astype(np.float64)
        np.add(found, step, out=found)
        if float(np.abs(step).max()) < 1e-8:
            break
    return found


def auc(scores: Sequence[float], cases: Sequence[bool]) -> float:
    """The chance that a case scores above one that is none; ties count half. 0.5 where there is only one kind."""
    order = sorted(range(len(scores)), key=lambda at: scores[at])
    ranks, at = [0.0] * len(scores), 0
    while at < len(order):
        end = at
        while end + 1 < len(order) and scores[order[end + 1]] == scores[order[at]]:
            end += 1
        for place in range(at, end + 1):
            ranks[order[place]] = (at + end) / 2 + 1
        at = end + 1
    came = sum(cases)
    if came in (0, len(cases)):
        return 0.5
    total = sum(rank for rank, case in zip(ranks, cases, strict=True) if case)
    return (total - came * (came + 1) / 2) / (came * (len(cases) - came))


def brier(scores: Sequence[float], cases: Sequence[bool]) -> float:
    """The mean squared error of chances."""
    return sum((score - case) ** 2 for score, case in zip(scores, cases, strict=True)) / len(scores)


def calibration(scores: Sequence[float], cases: Sequence[bool], bins: int = BINS) -> list[Bin]:
    """Equally many cases a bin, by their chance."""
    order = sorted(range(len(scores)), key=lambda at: scores[at])
    found: list[Bin] = []
    for number in range(bins):
        places = order[number * len(order) // bins : (number + 1) * len(order) // bins]
        if places:
            came = sum(cases[at] for at in places)
            told = sum(scores[at] for at in places) / len(places)
            found.append(Bin(told, came / len(places), *wilson(came, len(places)), len(places)))
    return found
