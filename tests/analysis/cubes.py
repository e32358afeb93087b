"""Synthetic cubes with known causes: segments of one or two dimensions that changed otherwise than the rest."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from posthog_mcp.analysis.stats.cube import Amounts, Cube
from posthog_mcp.analysis.stats.drivers import Where, drivers


@dataclass(frozen=True)
class Made:
    cube: Cube
    causes: frozenset[Where]


def made(seed: int, *, causes: int | None = None, shares: bool | None = None) -> Made:
    """Three to five dimensions of 2 to 8 values, some of them dependent; 3,000 to 60,000 observations a time; a common
    change of up to a fifth; no cause to two causes, each a drop or rise by 35 % or more (a segment may also be new or
    vanish); segments drift a little on their own."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(3, 6))
    sizes = [int(each) for each in rng.integers(2, 9, count)]
    names = tuple("abcde"[:count])
    weights = [rng.dirichlet(np.full(size, 1.5)) for size in sizes]
    depends = rng.random() < 0.5
    shift = rng.dirichlet(np.full(sizes[1], 1.0), sizes[0])
    share = bool(rng.random() < 0.4) if shares is None else shares
    wanted = int(rng.choice([0, 1, 1, 1, 2])) if causes is None else causes
    n = float(np.exp(rng.uniform(np.log(3_000), np.log(60_000))))
    common = float(np.exp(rng.uniform(-0.2, 0.2)))
    keys = list(product(*[range(size) for size in sizes]))

    def weight(key: tuple[int, ...]) -> float:
        second = shift[key[0]][key[1]] if depends else weights[1][key[1]]
        return float(weights[0][key[0]] * second * np.prod([weights[at][key[at]] for at in range(2, count)]))

    parts = {key: weight(key) for key in keys}
    chosen = chosen_causes(rng, parts, sizes, wanted)
    base = {key: float(np.clip(rng.normal(0.35, 0.03), 0.05, 0.9)) for key in keys}
    cells: list[tuple[tuple[str, ...], Amounts]] = []
    for key, part in parts.items():
        factor = float(np.prod([by for where, by in chosen if all(key[at] == value for at, value in where)] or [1.0]))
        before = float(rng.poisson(n * part))
        after = float(rng.poisson(n * part * common * (1.0 if share else factor)))
        names_of = tuple(str(each) for each in key)
        if not share:
            cells.append((names_of, Amounts(before, after)))
            continue
        rate = min(base[key] * factor, 0.95)
        came = float(rng.binomial(int(before), base[key])), float(rng.binomial(int(after), rate))
        cells.append((names_of, Amounts(*came, before, after)))
    return Made(Cube(names, cells, share), frozenset(tuple((at, str(v)) for at, v in where) for where, _ in chosen))


def chosen_causes(
    rng: np.random.Generator, parts: dict[tuple[int, ...], float], sizes: list[int], wanted: int
) -> list[tuple[tuple[tuple[int, int], ...], float]]:
    """Segments of 3 to 50 % of everything, not one within the other."""
    found: list[tuple[tuple[tuple[int, int], ...], float]] = []
    for _ in range(200):
        if len(found) == wanted:
            break
        order = int(rng.choice([1, 1, 2]))
        places = sorted(int(each) for each in rng.choice(len(sizes), order, replace=False))
        where = tuple((at, int(rng.integers(sizes[at]))) for at in places)
        part = sum(each for key, each in parts.items() if all(key[at] == value for at, value in where))
        if not 0.03 <= part <= 0.5 or any({*where} & {*other} for other, _ in found):
            continue
        if found and {at for at, _ in found[0][0]} & {at for at, _ in where}:
            continue
        found.append((where, float(rng.choice([0.02, 0.3, 0.5, 0.65, 1.5, 1.9]))))
    return found


def judged(cases: int, first: int = 0) -> tuple[float, float, int]:
    """Precision and recall of the drivers over so many cases, and how many pure-noise cases had any."""
    right = told = there = false = 0
    for seed in range(first, first + cases):
        case = made(seed)
        found = {each.where for each in drivers(case.cube)}
        right += len(found & case.causes)
        told += len(found)
        there += len(case.causes)
        false += bool(found) and not case.causes
    return right / max(told, 1), right / max(there, 1), false
