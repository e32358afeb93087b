"""Funnels of random small projects against plain Python that tries every sequence of a person's events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.insights.funnel_data import DAY, Did, ask, project_of
from tests.running import run as run_apart

WINDOW = 5
STEPS = ("abc", "aab", "aba", "abb")
Event = tuple[float, str]
Journeys = dict[str, list[Event]]
PEOPLE, MOST_EVENTS, SECONDS = 60, 8, 15
BY_WHO = {"breakdowns": [{"property": "who", "type": "person"}], "breakdown_limit": 100}
FEW = settings(max_examples=2, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
"""Each example is a project of many people and several funnels; making it smaller would take minutes."""
seeds = st.integers(0, 2**32)
SHORT: dict[str, Any] = {"funnel_window": WINDOW, "funnel_window_unit": "second"}


def sequences(events: Sequence[Event], steps: str, strict: bool) -> Iterator[list[float]]:
    """The times of every way to do the first steps within the window: one event a step, none before the step it
    follows. Strict: only events of the same step lie between two steps."""

    def grow(taken: list[int]) -> Iterator[list[float]]:
        if taken:
            yield [events[at][0] for at in taken]
        if len(taken) == len(steps):
            return
        for at, (time, event) in enumerate(events):
            if event != steps[len(taken)] or at in taken:
                continue
            if taken and not time - events[taken[-1]][0] >= 0:
                continue
            if taken and time - events[taken[0]][0] > WINDOW:
                continue
            if taken and strict and any(each != steps[len(taken) - 1] for _, each in events[taken[-1] + 1 : at]):
                continue
            yield from grow([*taken, at])

    return grow([])


def furthest(events: Sequence[Event], steps: str, strict: bool) -> list[float]:
    """Of the longest ways the one that was there first; then the one that began last; then the earliest steps."""
    found = list(sequences(events, steps, strict))
    if not found:
        return []
    longest = max(map(len, found))
    return min((each for each in found if len(each) == longest), key=lambda each: (each[-1], -each[0], each))


def most_in_window(events: Sequence[Event], steps: str) -> int:
    """The most steps whose events lie in one window, one event a step."""
    wanted = Counter(steps)
    counts = [0]
    for start, _ in events:
        inside = Counter(event for time, event in events if start <= time <= start + WINDOW)
        counts.append(sum(min(inside[event], count) for event, count in wanted.items()))
    return max(counts)


async def by_person(project: Any, steps: str, **more: Any) -> dict[str, list[list[Any]]]:
    """Person → (people, average seconds, median seconds) of each step."""
    found = await ask(project, steps, **SHORT, **BY_WHO, **more)
    rows: dict[str, list[list[Any]]] = {}
    for row in found.answer.rows:
        rows.setdefault(str(row[0]), []).append([row[3], row[-2], row[-1]])
    return rows


def expected(chain: Sequence[float], steps: str) -> list[list[Any]]:
    gaps = [None, *(later - earlier or None for earlier, later in pairwise(chain))]
    return [[1, gaps[at], gaps[at]] if at < len(chain) else [0, None, None] for at in range(len(steps))]


def known(journeys: Journeys) -> dict[str, Sequence[Did]]:
    """With somebody who did all events before the range, so that the project has them."""
    return {**journeys, "zed": [(-DAY, each) for each in "abcx"]}


async def compare(journeys: Journeys, tried: Sequence[str]) -> None:
    with TemporaryDirectory() as folder:
        async with project_of(Path(folder), known(journeys)) as project:
            for steps in tried:
                entered = {who: furthest(events, steps, strict=False) for who, events in journeys.items()}
                wanted = {who: expected(chain, steps) for who, chain in entered.items() if chain}
                assert await by_person(project, steps) == wanted, steps
                await compare_totals(project, steps, list(entered.values()))


async def compare_totals(project: Any, steps: str, chains: Sequence[Sequence[float]]) -> None:
    """The same people in one funnel: sums, averages and medians."""
    rows = (await ask(project, steps, **SHORT)).answer.rows
    assert [row[2] for row in rows] == [sum(len(chain) > at for chain in chains) for at in range(len(steps))]
    for at in range(1, len(steps)):
        gaps = [gap for chain in chains if len(chain) > at and (gap := chain[at] - chain[at - 1])]
        wanted = [round(sum(gaps) / len(gaps), 3), median(gaps)] if gaps else [None, None]
        assert rows[at][-2:] == wanted


async def compare_orders(journeys: Journeys) -> None:
    with TemporaryDirectory() as folder:
        async with project_of(Path(folder), known(journeys)) as project:
            for steps in STEPS:
                strict = {who: furthest(sorted(events), steps, strict=True) for who, events in journeys.items()}
                found = await by_person(project, steps, funnel_order="strict")
                assert found == {who: expected(chain, steps) for who, chain in strict.items() if chain}, steps
                most = {who: most_in_window(events, steps) for who, events in journeys.items()}
                found = await by_person(project, steps, funnel_order="unordered")
                counts = {who: sum(row[0] for row in rows) for who, rows in found.items()}
                assert counts == {who: count for who, count in most.items() if count}, steps


async def compare_rates(journeys: Journeys) -> None:
    """A second of the other tests is an hour here, a day six of them: entries lie in three days."""
    spread = {who: [(each[0] * 3600 * 4, each[1]) for each in events] for who, events in journeys.items()}
    with TemporaryDirectory() as folder:
        async with project_of(Path(folder), known(spread)) as project:
            for steps in STEPS:
                entered, came = Counter[str](), Counter[str]()
                for events in journeys.values():
                    ways = list(sequences(sorted(events), steps, strict=False))
                    entered.update({day_of(each[0]) for each in ways})
                    came.update({day_of(each[0]) for each in ways if len(each) == len(steps)})
                window = {"funnel_window": 4 * WINDOW, "funnel_window_unit": "hour"}
                found = await ask(project, steps, funnel_view="trend", **window)
                rates = {day: round(came[day] / count, 4) for day, count in entered.items()}
                assert found.answer.rows == [[row[0], rates.get(str(row[0]), 0.0)] for row in found.answer.rows], steps


def day_of(time: float) -> str:
    return f"2026-03-{2 + int(time * 4 // 24):02d}"


def journeys_of(seed: int, *, ties: bool = False) -> Journeys:
    """People with up to eight events each, in few seconds; `ties`: several may be in one."""
    chance = Random(seed)
    found: Journeys = {}
    for number in range(PEOPLE):
        count = chance.randint(0, MOST_EVENTS)
        at = [chance.randrange(SECONDS) for _ in range(count)] if ties else chance.sample(range(SECONDS), count)
        found[f"p{number}"] = [(time, chance.choice("aabbcx")) for time in at]
    return found


@FEW
@given(seeds)
def test_ordered_funnels_find_what_trying_all_ways_finds(seed: int) -> None:
    run_apart(partial(compare, journeys_of(seed), (*STEPS, "bxac")))


@FEW
@given(seeds)
def test_events_of_one_instant_are_taken_in_the_order_of_the_steps(seed: int) -> None:
    """Of different steps: of equal ones PostHog takes the newest entry, and may use up an event that a step needed."""
    run_apart(partial(compare, journeys_of(seed, ties=True), ("abc",)))


@FEW
@given(seeds)
def test_strict_and_unordered_funnels_find_what_trying_all_ways_finds(seed: int) -> None:
    run_apart(partial(compare_orders, journeys_of(seed)))


@FEW
@given(seeds)
def test_rates_by_entry_are_those_of_trying_all_ways_from_each_day(seed: int) -> None:
    run_apart(partial(compare_rates, journeys_of(seed)))
