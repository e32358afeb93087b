"""`python -m tests.benchmarks.drivers`: segments found as causes, beside Adtributor and the largest contribution.

Two generators, each with its own seeds: `tests/analysis/cubes.py` and `tests/analysis/ripples.py`, 200 cases each,
counts and shares; and 200 cubes without a cause. A cause is found where exactly its segment is named. Adtributor is our
own short version of Bhagwan et al., Adtributor: Revenue Debugging in Advertising Systems, NSDI (2014): within a
dimension, values are taken by their surprise while each explains more than a tenth, until two thirds are explained; of
those dimensions the one of the most surprise answers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from posthog_mcp.analysis.stats.contributions import contributions
from posthog_mcp.analysis.stats.cube import Amounts, Cube
from posthog_mcp.analysis.stats.drivers import Where, drivers
from tests.analysis.cubes import Made, made
from tests.analysis.ripples import rippled
from tests.benchmarks.measure import table

CASES = 200
EACH, ALL = 0.1, 0.67
"""The least that a value must explain, and that a dimension's values must explain together (the paper's)."""
Finder = Callable[[Cube], set[Where]]


def ours(cube: Cube) -> set[Where]:
    return {each.where for each in drivers(cube)}


def largest(cube: Cube) -> set[Where]:
    """The one largest contribution of all dimensions."""
    parts = {
        ((at, key[0]),): abs(each.whole)
        for at in range(len(cube.dimensions))
        for key, each in contributions(cube, cube.along(at)).items()
    }
    return {max(parts, key=lambda where: parts[where])}


def adtributor(cube: Cube) -> set[Where]:
    """The values of the most surprising dimension that explains the change."""
    answers: list[tuple[float, set[Where]]] = []
    for at in range(len(cube.dimensions)):
        cells = {key[0]: each for key, each in cube.along(at).items()}
        powers, surprises = explained(cube, cells), surprised(cube, cells)
        chosen, power, surprise = set[Where](), 0.0, 0.0
        for value in sorted(cells, key=lambda each: -surprises[each]):
            if powers[value] > EACH:
                chosen.add(((at, value),))
                power, surprise = power + powers[value], surprise + surprises[value]
            if power > ALL:
                answers.append((surprise, chosen))
                break
    return max(answers, key=lambda pair: pair[0], default=(0.0, set[Where]()))[1]


def explained(cube: Cube, cells: dict[str, Amounts]) -> dict[str, float]:
    """Explanatory power: a value's part of the change (of a quotient, by the finite difference of the paper's 4.3)."""
    whole = cube.whole
    if cube.shares:
        moved = {
            value: (each.after - each.before) * whole.before_of - (each.after_of - each.before_of) * whole.before
            for value, each in cells.items()
        }
    else:
        moved = {value: each.after - each.before * cube.scale for value, each in cells.items()}
    change = sum(moved.values())
    return {value: each / change if change else 0.0 for value, each in moved.items()}


def surprised(cube: Cube, cells: dict[str, Amounts]) -> dict[str, float]:
    """A value's term of the Jensen-Shannon divergence; of a quotient, of both its parts."""
    whole = cube.whole
    return {
        value: surprise(each.before, whole.before, each.after, whole.after)
        + (surprise(each.before_of, whole.before_of, each.after_of, whole.after_of) if cube.shares else 0.0)
        for value, each in cells.items()
    }


def surprise(before: float, all_before: float, after: float, all_after: float) -> float:
    p, q = before / all_before if all_before else 0.0, after / all_after if all_after else 0.0
    return sum(x * math.log(2 * x / (p + q)) for x in (p, q) if x) / 2


def scored(find: Finder, cases: Iterable[Made]) -> tuple[float, float, float]:
    """Precision, recall and F1."""
    right = told = there = 0
    for case in cases:
        found = find(case.cube)
        right, told, there = right + len(found & case.causes), told + len(found), there + len(case.causes)
    return right / max(told, 1), right / max(there, 1), 2 * right / max(told + there, 1)


def compared(title: str, cases: Sequence[Made]) -> str:
    finders = {"ours": ours, "Adtributor": adtributor, "largest contribution": largest}
    rows = [(name, *(f"{each:.3f}" for each in scored(find, cases))) for name, find in finders.items()]
    return table(title, ["method", "precision", "recall", "F1"], rows)


def main() -> None:
    print(compared(f"Drivers: {CASES} cubes", [made(seed) for seed in range(CASES)]))
    for shares in (False, True):
        kind = "shares" if shares else "counts"
        cases = [rippled(seed, shares=shares) for seed in range(CASES)]
        print(compared(f"Drivers: {CASES} cubes of noisy leaves, {kind}", cases))
        for order in (1, 2, 3):
            part = sum(len(where) == order for case in cases for where in case.causes)
            found = sum(len(where) == order for case in cases for where in ours(case.cube) & case.causes)
            print(f"of {order} dimension(s): {found} of {part} found")
    quiet = {
        "cubes": [made(seed, causes=0) for seed in range(1000, 1000 + CASES)],
        "noisy leaves, counts": [rippled(seed, anomalies=0) for seed in range(1000, 1000 + CASES)],
        "noisy leaves, shares": [rippled(seed, anomalies=0, shares=True) for seed in range(1000, 1000 + CASES)],
    }
    rows = [(name, f"{sum(bool(drivers(case.cube)) for case in cases) / CASES:.3f}") for name, cases in quiet.items()]
    print(table(f"{CASES} cubes without a cause: any driver told", ["cubes", "rate"], rows))


if __name__ == "__main__":
    main()
