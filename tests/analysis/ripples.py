"""Cubes with noisy leaves and causes of up to three dimensions, that every leaf below a cause shares.

After the synthetic sets of Li et al., Generic and Robust Localization of Multi-dimensional Root Causes, ISSRE (2019),
and Kalander, RiskLoc, arXiv 2205.10004 (2022): leaves of a Weibull distribution, a part of them empty, each with an
error of its own; one to three anomalies, each of one or two values of the same dimensions, that take the same part of
all their leaves (the ripple effect) but for a small deviation; all in one direction. Smaller than theirs, in counts,
and with an earlier time without any cause, from which the product learns how much segments drift.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from statistics import median

import numpy as np
from numpy.typing import NDArray

from posthog_mcp.analysis.cubes import drift
from posthog_mcp.analysis.stats.cube import Amounts, Cube
from posthog_mcp.analysis.stats.drivers import Where
from tests.analysis.cubes import Made

SIZES = (7, 6, 5, 4)
LEAF = 60.0
"""The Weibull's scale of a leaf, in observations."""
Rng = np.random.Generator
Line = NDArray[np.float64]
Key = tuple[int, ...]


@dataclass(frozen=True)
class Anomaly:
    """Values of the same dimensions that lost, or gained, a part of what they had."""

    elements: tuple[tuple[tuple[int, int], ...], ...]
    severity: float
    deviation: float

    def holds(self, key: Key) -> bool:
        return any(all(key[at] == value for at, value in where) for where in self.elements)


def rippled(seed: int, *, anomalies: int | None = None, shares: bool = False) -> Made:
    """A cube and its causes: a random number of anomalies, from one to three, unless given."""
    rng = np.random.default_rng([7, seed])
    keys = list(product(*map(range, SIZES)))
    noise, empty, alpha = rng.uniform(0, 0.25), rng.uniform(0, 0.25), rng.uniform(0.5, 1.0)
    usual = LEAF * rng.weibull(alpha, len(keys)) * (rng.uniform(size=len(keys)) > empty)
    wanted = int(rng.integers(1, 4)) if anomalies is None else anomalies
    chosen = anomalies_of(rng, wanted, noise)
    falls = bool(rng.integers(2))
    earlier, before, after = (usual * off(rng, noise, len(keys)) for _ in range(3))
    parts = np.ones(len(keys))
    for each in chosen:
        inside = np.array([each.holds(key) for key in keys])
        parts = np.where(inside, 1 - rng.normal(each.severity, each.deviation, len(keys)), parts)
    low = np.clip(parts, 0.0, 1.0)
    earlier, before, after = (earlier, before, after * low) if falls else (earlier * low, before * low, after)
    cells = shared(rng, usual, (earlier, before, after)) if shares else counted(rng, (earlier, before, after))
    names = tuple("abcd")
    now = Cube(names, [(named(key), new) for key, (_, new) in zip(keys, cells, strict=True)], shares)
    then = replace(now, cells=[(named(key), old) for key, (old, _) in zip(keys, cells, strict=True)])
    drifts = [drift(Cube((name,), list(then.along(at).items()), shares)) for at, name in enumerate(names)]
    where: frozenset[Where] = frozenset(
        tuple((at, str(value)) for at, value in element) for each in chosen for element in each.elements
    )
    return Made(replace(now, drift=median(drifts)), where)


def off(rng: Rng, noise: float, n: int) -> Line:
    """Each leaf's own error, which is no cause."""
    return np.maximum(1 + rng.normal(0, noise, n), 0.0)


def counted(rng: Rng, means: tuple[Line, Line, Line]) -> list[tuple[Amounts, Amounts]]:
    """Earlier to before, and before to after."""
    rows = [rng.poisson(mean).astype(float).tolist() for mean in means]
    return [(Amounts(old, before), Amounts(before, new)) for old, before, new in zip(*rows, strict=True)]


def shared(rng: Rng, usual: Line, means: tuple[Line, Line, Line]) -> list[tuple[Amounts, Amounts]]:
    """Of ten times as many people a part came: the noise and the causes are in the rate."""
    rows: list[list[float]] = []
    for mean in means:
        of = rng.poisson(10 * usual)
        rate = np.clip(0.3 * mean / np.maximum(usual, 1e-9), 0.0, 0.95)
        rows += [rng.binomial(of, rate).astype(float).tolist(), of.astype(float).tolist()]
    return [(Amounts(a, b, n, m), Amounts(b, c, m, k)) for a, n, b, m, c, k in zip(*rows, strict=True)]


def anomalies_of(rng: Rng, wanted: int, noise: float) -> list[Anomaly]:
    """Of one to three dimensions, no two over the same value of a dimension, each of one or two elements."""
    found: list[Anomaly] = []
    while len(found) < wanted:
        order, count = int(rng.integers(1, 4)), int(rng.integers(1, 3))
        places = sorted(int(each) for each in rng.choice(len(SIZES), order, replace=False))
        elements = {tuple((at, int(rng.integers(SIZES[at]))) for at in places) for _ in range(count)}
        taken = {pair for each in found for element in each.elements for pair in element}
        if any(pair in taken for element in elements for pair in element):
            continue
        severity = min(float(rng.uniform(0.2, 1.0) + noise), 1.0)
        found.append(Anomaly(tuple(sorted(elements)), severity, float(rng.uniform(0, 0.1))))
    return found


def named(key: Key) -> tuple[str, ...]:
    return tuple(map(str, key))
