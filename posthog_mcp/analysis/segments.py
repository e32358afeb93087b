"""Every dimension's segments with their exact parts, and the segments that changed otherwise than the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from posthog_mcp.analysis.cubes import Side, Whole, name_of
from posthog_mcp.analysis.explanation import Dimension, Driver, Finding, Segment
from posthog_mcp.analysis.sources import Source
from posthog_mcp.analysis.stats.contributions import Part, contributions, divergence
from posthog_mcp.analysis.stats.cube import Amounts, Cube, Values, size_of
from posthog_mcp.analysis.stats.distributions import chi2_sf
from posthog_mcp.analysis.stats.drivers import Found, drivers, named, statistic_of, twins
from posthog_mcp.analysis.stats.multiple import benjamini_hochberg
from posthog_mcp.insights.facts import percent, shown
from posthog_mcp.insights.frame import NONE, OTHER

LEAST = 20
"""Observations of a segment that is tested, both times together."""
GONE = 0.01
"""A part of what a value had, or has, below which it is new or vanished."""
TURNED, MET, MET_BY_NEW = 0.3, 0.6, 0.2
"""Parts of the larger of gains and losses: of one new or vanished value, and of the smaller one."""


@dataclass(frozen=True, slots=True)
class Split:
    """A side with its segments' parts."""

    side: Side
    dimension: Dimension
    replaced: bool
    """New values took the place of old ones, as versions do: it says nothing of the whole."""


def splits_of(source: Source, whole: Whole, sides: Sequence[Side]) -> list[Split]:
    """Every dimension, the most telling first; q-values are corrected over all their segments."""
    tests = [(at, key, each) for at, side in enumerate(sides) for key, each in side.cube.along(0).items()]
    size = size_of(source.nature != "counts")
    chances: list[float] = []
    for at, _, each in tests:
        cube = sides[at].cube
        known = size(each) >= LEAST * cube.unit and size(cube.whole) - size(each) >= LEAST * cube.unit
        chances.append(chi2_sf(statistic_of(cube, each, cube.whole - each, any_way=True), 1) if known else 1.0)
    adjusted = {(at, key): q for (at, key, _), q in zip(tests, benjamini_hochberg(chances), strict=True)}
    found = [
        split_of(source, side, {key: adjusted[at, key] for key in side.cube.along(0)}) for at, side in enumerate(sides)
    ]
    return sorted(found, key=lambda each: (each.replaced, -each.dimension.power))


def split_of(source: Source, side: Side, q: dict[Values, float]) -> Split:
    cells, cube = side.cube.along(0), side.cube
    parts = contributions(cube, cells)
    made = [
        segment(source, cube, key[0], each, parts[key], q[key])
        for key, each in cells.items()
        if size_of(cube.shares)(each)
    ]
    made.sort(key=lambda each: (each.value == OTHER, -abs(each.contribution)))
    size = size_of(cube.shares)
    whole = cube.whole
    known = [each for each in cells.values() if size(each) >= LEAST * cube.unit]
    power = max((statistic_of(cube, each, whole - each) for each in known), default=0.0)
    if cube.shares:
        surprise = divergence([each.before_of for each in cells.values()], [each.after_of for each in cells.values()])
    else:
        surprise = divergence(
            [max(each.before, 0) for each in cells.values()], [max(each.after, 0) for each in cells.values()]
        )
    dimension = Dimension(name_of(side.dimension), tuple(made), surprise, power)
    return Split(side, dimension, replaced(cube, made))


def segment(source: Source, cube: Cube, value: str, each: Amounts, part: Part, q: float) -> Segment:
    """One value in the metric's unit."""
    times = source.times
    before, after = (each.rate_before, each.rate_after) if cube.shares else (each.before * cube.scale, each.after)
    n = (each.before_of, each.after_of) if cube.shares else (each.before, each.after)
    return Segment(
        value=value,
        before=before * times,
        after=after * times,
        contribution=part.whole * times,
        mix=part.mix * times,
        rate=part.rate * times,
        q=q,
        before_n=n[0],
        after_n=n[1],
        status=status_of(cube, n, value),
    )


def status_of(cube: Cube, n: tuple[float, float], value: str) -> Literal["", "new", "vanished"]:
    """New or vanished: hardly there before, or now."""
    if value == OTHER:
        return ""
    if n[1] >= LEAST and n[0] * cube.scale <= GONE * n[1]:
        return "new"
    return "vanished" if n[0] * cube.scale >= LEAST and n[1] <= GONE * n[0] * cube.scale else ""


def replaced(cube: Cube, segments: Sequence[Segment]) -> bool:
    """New values took the place of old ones, as releases do: much of the gains or losses is of values that are new or
    vanished, and gains stand against losses (less is needed where both kinds are there)."""
    if cube.shares:
        return False
    gain = sum(each.contribution for each in segments if each.contribution > 0)
    loss = -sum(each.contribution for each in segments if each.contribution < 0)
    turned = max((abs(each.contribution) for each in segments if each.status), default=0.0)
    both = {"new", "vanished"} <= {each.status for each in segments}
    met = min(gain, loss) >= (MET_BY_NEW if both else MET) * max(gain, loss)
    return turned >= TURNED * max(gain, loss) > 0 and met


def values_of(splits: Sequence[Split], after_n: float, rates: bool) -> list[Finding]:
    """New and vanished values of at least a hundredth of the metric."""
    found: list[tuple[float, Finding]] = []
    for split in splits:
        for each in split.dimension.segments:
            weight = max(each.before_n, each.after_n)
            if not each.status or weight < 0.01 * after_n or each.value == NONE:
                continue
            text = f"{split.dimension.name} = {each.value} {'is new' if each.status == 'new' else 'has vanished'}"
            count = f"{shown(each.after_n)} now" if each.status == "new" else f"{shown(each.before_n)} before"
            rate = f", {percent(each.after)} of them" if rates and each.status == "new" else ""
            found.append((weight, Finding(f"value_{each.status}", f"{text} ({count}{rate})")))
    return [each for _, each in sorted(found, key=lambda pair: -pair[0])[:8]]


def told_drivers(cube: Cube, source: Source, change: float) -> tuple[list[Driver], int]:
    """The drivers in the metric's unit, and how many segments were tried."""
    found = drivers(cube)
    tried = max((each.tried for each in found), default=0)
    return [driver(cube, source, each, change) for each in found], tried


def driver(cube: Cube, source: Source, found: Found, change: float) -> Driver:
    each = found.amounts
    before, after = (each.rate_before, each.rate_after) if cube.shares else (each.before * cube.scale, each.after)
    effect = found.effect * source.times
    return Driver(
        where=named(cube, found.where),
        before=before * source.times,
        after=after * source.times,
        effect=effect,
        share=effect / change if change else 0.0,
        q=found.p,
        n=each.before_of + each.after_of if cube.shares else each.before + each.after,
        twins=tuple(twins(cube, found.where)),
    )
