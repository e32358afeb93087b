"""Which segments changed otherwise than everything else, of one to three dimensions.

A scan: among all segments, the one whose split of the data into itself and the rest fits best, that is with the largest
likelihood ratio against one common change (Kulldorff, A spatial scan statistic, Communications in Statistics 26, 1997);
then the same without it, until nothing is left that chance would not give. Counts are compared by the G-test of segment
and rest before and after; shares by the homogeneity of their odds ratios. The chance is corrected for
all segments tried (Bonferroni), and allows for how much segments drift without a cause: by what is known of an earlier
time, and by how much single cells scatter beyond chance, which few cells do not average out. A finer segment is
preferred only where it fits better by more than the number of finer segments explains.

Measured on synthetic cubes with known causes beside naming the largest contribution: see
`tests/benchmarks/drivers.py`.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from posthog_mcp.analysis.stats.cube import Amounts, Cube, Values, size_of
from posthog_mcp.analysis.stats.distributions import chi2_sf

ALPHA = 0.01
MOST = 4
"""Drivers that are looked for, one after the other."""
LEAST = 10
"""Observations of a segment, before and after together."""
ORDERS = 3
"""Dimensions of a segment, at most."""
CELLS, CELL_ERROR, MEDIAN_CHI2 = 12, 0.25, 0.455
"""Cells that tell a scatter, and the most variance by chance of one that does; the median of χ² of one degree of
freedom."""
Where = tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """Cells that share some values: their sum, and the sum of the squares of their sizes."""

    where: Where
    amounts: Amounts
    squares: float


@dataclass(frozen=True, slots=True)
class Found:
    """A segment by dimension numbers and values. `statistic` is its likelihood ratio (χ² of one degree of freedom) and
    `p` its chance, corrected for `tried` segments. `effect` is how far it lies from where it would be, had it changed
    as the rest, in the metric's unit."""

    where: Where
    amounts: Amounts
    statistic: float
    p: float
    tried: int
    effect: float


def drivers(cube: Cube, alpha: float = ALPHA) -> list[Found]:
    """The segments that stand out, the strongest first; none where all changed alike or too little is known."""
    found: list[Found] = []
    rest = cube
    while len(found) < MOST:
        best, tried = strongest(rest)
        if best is None:
            break
        where, amounts, statistic = best
        p = min(1.0, chi2_sf(statistic, 1) * tried)
        if p > alpha:
            break
        remaining = rest.without(where)
        effect = effect_of(cube, amounts, remaining.whole)
        found.append(Found(where, amounts, statistic, p, tried, effect))
        rest = remaining
    return found


def strongest(cube: Cube) -> tuple[tuple[Where, Amounts, float] | None, int]:
    """The segment of the largest penalised likelihood ratio, and how many were tried; those that are the same
    observations (`$os` and `$lib`) once."""
    whole, size, scatter = cube.whole, size_of(cube.shares), scatter_of(cube)
    squares = sum(size(each) ** 2 for _, each in cube.cells)
    best: tuple[Where, Amounts, float] | None = None
    height, seen = 0.0, set[Amounts]()
    for order in range(1, min(ORDERS, len(cube.dimensions)) + 1):
        level = [
            each
            for chosen in combinations(range(len(cube.dimensions)), order)
            for each in grouped(cube, chosen)
            if size(each.amounts) >= LEAST * cube.unit and size(whole) - size(each.amounts) >= LEAST * cube.unit
        ]
        seen |= {each.amounts for each in level}
        penalty = 2 * math.log(max(len(level), 1))
        for each in level:
            rest = whole - each.amounts
            own, other = each.squares / size(each.amounts) ** 2, (squares - each.squares) / size(rest) ** 2
            drift = math.sqrt(cube.drift**2 + scatter * (own + max(other, 0.0)))
            if cube.shares and not cube.variance and apart(each.amounts, rest, drift) < height / 2:
                continue
            statistic = statistic_of(replace(cube, drift=drift), each.amounts, rest)
            if statistic - penalty > height:
                best, height = (each.where, each.amounts, statistic), statistic - penalty
    return best, len(seen)


def apart(each: Amounts, rest: Amounts, drift: float) -> float:
    """The squared difference of log odds ratios in its variance: near the likelihood ratio, and much cheaper."""
    (own, error), (other, more) = log_odds_ratio(each), log_odds_ratio(rest)
    return (own - other) ** 2 / (error + more + drift**2)


def grouped(cube: Cube, chosen: tuple[int, ...]) -> list[Segment]:
    """The segments by the values of these dimensions."""
    size = size_of(cube.shares)
    sums: dict[Values, list[float]] = {}
    for values, each in cube.cells:
        kept = sums.setdefault(tuple([values[at] for at in chosen]), [0.0] * 5)
        kept[0] += each.before
        kept[1] += each.after
        kept[2] += each.before_of
        kept[3] += each.after_of
        kept[4] += size(each) ** 2
    return [
        Segment(tuple(zip(chosen, values, strict=True)), Amounts(*kept[:4]), kept[4]) for values, kept in sums.items()
    ]


def scatter_of(cube: Cube) -> float:
    """The variance of single cells' logarithmic changes beyond chance, by medians, which causes in the lesser part of
    the cells do not move (as DerSimonian and Laird, Controlled Clinical Trials 7 (1986), between studies)."""
    if cube.variance:
        return 0.0
    known = [log_odds_ratio(each) if cube.shares else log_ratio(cube, each) for _, each in cube.cells]
    known = [(moved, error) for moved, error in known if error < CELL_ERROR]
    if len(known) < CELLS:
        return 0.0
    middle = statistics.median(moved for moved, _ in known)
    spread = statistics.median((moved - middle) ** 2 - MEDIAN_CHI2 * error for moved, error in known) / MEDIAN_CHI2
    return max(spread, 0.0)


def statistic_of(cube: Cube, each: Amounts, rest: Amounts, *, any_way: bool = False) -> float:
    """The likelihood ratio of a segment against the rest; 0 where the rest changed more than it, unless `any_way`."""
    if cube.shares:
        if not any_way and abs(each.rate_after - each.rate_before) < abs(rest.rate_after - rest.rate_before):
            return 0.0
        return mean_statistic(cube, each, rest) if cube.variance else share_statistic(cube, each, rest)
    own, error = log_ratio(cube, each)
    other, error_rest = log_ratio(cube, rest)
    if not any_way and abs(own) < abs(other):
        return 0.0
    variance = error + error_rest
    return g_test(cube, each, rest) * variance / (variance + cube.drift**2)


def share_statistic(cube: Cube, each: Amounts, rest: Amounts) -> float:
    """The likelihood ratio of two odds ratios (now against before) against one common one: the homogeneity of odds
    ratios over strata (Breslow and Day, Statistical Methods in Cancer Research I (1980), 4.4, by likelihood). Unlike
    the difference of logarithms it does not lose its power where a share falls to 0."""
    strata = [stratum(each), stratum(rest)]
    wanted = sum(table[0] for table in strata)
    low, high = -12.0, 12.0
    for _ in range(45):
        middle = (low + high) / 2
        fitted = sum(fitted_after(table, math.exp(middle)) for table in strata)
        low, high = (middle, high) if fitted < wanted else (low, middle)
    ratio = math.exp((low + high) / 2)
    statistic = sum(deviance(table, fitted_after(table, ratio)) for table in strata)
    variance = log_odds_ratio(each)[1] + log_odds_ratio(rest)[1]
    return statistic * variance / (variance + cube.drift**2)


def stratum(each: Amounts) -> tuple[float, float, float, float]:
    """Came and not, now; came and not, before."""
    return (
        each.after,
        max(each.after_of - each.after, 0.0),
        each.before,
        max(each.before_of - each.before, 0.0),
    )


def fitted_after(table: tuple[float, float, float, float], ratio: float) -> float:
    """Who would have come now, the margins and the odds ratio being what they are: the root of a quadratic."""
    now, came = table[0] + table[1], table[0] + table[2]
    before = table[2] + table[3]
    a, b, c = ratio - 1, -(ratio * (now + came) + before - came), ratio * now * came
    if abs(a) < 1e-9:
        return -c / b if b else 0.0
    root = math.sqrt(max(b * b - 4 * a * c, 0.0))
    return 2 * c / (-b + root) if -b + root else 0.0


def deviance(table: tuple[float, float, float, float], fitted: float) -> float:
    """2 Σ O ln(O/E) of one stratum with this fitted count."""
    now, came, before = table[0] + table[1], table[0] + table[2], table[2] + table[3]
    expected = (fitted, now - fitted, came - fitted, before - came + fitted)
    return 2 * sum(o * math.log(o / max(e, 1e-9)) for o, e in zip(table, expected, strict=True) if o > 0)


def mean_statistic(cube: Cube, each: Amounts, rest: Amounts) -> float:
    """The squared difference of the differences of means in its variance; 0 where one time has none."""
    counts = (each.before_of, each.after_of, rest.before_of, rest.after_of)
    if not all(counts):
        return 0.0
    off = (each.rate_after - each.rate_before) - (rest.rate_after - rest.rate_before)
    return off**2 / (cube.variance * sum(1 / count for count in counts))


def log_ratio(cube: Cube, each: Amounts) -> tuple[float, float]:
    """Logarithm of after over before in equal times, and its variance."""
    before, after = each.before / cube.unit + 0.5, each.after / cube.unit + 0.5
    return math.log(after / before / cube.scale), 1 / before + 1 / after


def log_odds_ratio(each: Amounts) -> tuple[float, float]:
    """Of a share after against before, with half a case added to each count, and its variance."""
    counts = (
        each.after + 0.5,
        max(each.after_of - each.after, 0.0) + 0.5,
        each.before + 0.5,
        max(each.before_of - each.before, 0.0) + 0.5,
    )
    a, b, c, d = counts
    return math.log(a * d / (b * c)), sum(1 / count for count in counts)


def g_test(cube: Cube, each: Amounts, rest: Amounts) -> float:
    """2 Σ O ln(O/E) of segment and rest before and after, in observations."""
    table = [max(value, 0.0) / cube.unit for value in (each.before, each.after, rest.before, rest.after)]
    rows, columns = (table[0] + table[1], table[2] + table[3]), (table[0] + table[2], table[1] + table[3])
    total = sum(table)
    if not all((*rows, *columns)):
        return 0.0
    expected = [row * column / total for row in rows for column in columns]
    return 2 * sum(o * math.log(o / e) for o, e in zip(table, expected, strict=True) if o > 0)


def effect_of(cube: Cube, each: Amounts, rest: Amounts) -> float:
    """How far the segment put the whole off, compared with changing as the rest."""
    if cube.shares:
        after_of = cube.whole.after_of
        usual = min(max(each.rate_before + rest.rate_after - rest.rate_before, 0.0), 1.0)
        usual = usual if each.before_of else rest.rate_after
        return (each.rate_after - usual) * each.after_of / after_of if after_of else 0.0
    ratio = rest.after / rest.before if rest.before else cube.scale
    return each.after - each.before * ratio


def named(cube: Cube, where: Where) -> tuple[tuple[str, str], ...]:
    """A segment with its dimensions' names."""
    return tuple((cube.dimensions[at], value) for at, value in where)


def twins(cube: Cube, where: Where, alike: float = 0.97) -> list[tuple[str, str]]:
    """Values of other dimensions that are the same observations (`$lib` for `$os`)."""
    size = size_of(cube.shares)
    own = [(values, each) for values, each in cube.cells if all(values[at] == value for at, value in where)]
    here = sum(size(each) for _, each in own)
    found: list[tuple[str, str]] = []
    for at in other_places(cube, where):
        inside: dict[str, float] = {}
        for values, each in own:
            inside[values[at]] = inside.get(values[at], 0.0) + size(each)
        value, most = max(inside.items(), key=lambda pair: pair[1], default=("", 0.0))
        everywhere = sum(size(each) for values, each in cube.cells if values[at] == value)
        if here and most >= alike * here and most >= alike * everywhere:
            found.append((cube.dimensions[at], value))
    return found


def other_places(cube: Cube, where: Where) -> Sequence[int]:
    taken = {at for at, _ in where}
    return [at for at in range(len(cube.dimensions)) if at not in taken]
