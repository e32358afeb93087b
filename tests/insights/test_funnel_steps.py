"""Funnels on hand-made data: who reaches which step. Each answer is worked out in the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from posthog_mcp.errors import InvalidInput
from posthog_mcp.insights.frame import NONE, OTHER
from posthog_mcp.insights.funnel import Funnel
from posthog_mcp.insights.question import question_of
from posthog_mcp.insights.run import framed, run_insight
from posthog_mcp.project import Project
from tests.insights.funnel_data import DAY, Did, ask, people, person_id, project_of, question, who

DAYS_2 = {"funnel_window": 2}
STRICT, UNORDERED = {"funnel_order": "strict"}, {"funnel_order": "unordered"}


def letters(text: str) -> list[Did]:
    """An event a minute; a space is a minute without one."""
    return [(60 * at, letter) for at, letter in enumerate(text) if letter != " "]


CASES: list[tuple[str, Sequence[Did], str, dict[str, Any], int]] = [
    ("steps in order, others between them", letters("axbxc"), "abc", {}, 3),
    ("a step before its turn does not count", letters("bac"), "abc", {}, 1),
    ("a later step before the first one is nothing", letters("cb"), "abc", {}, 0),
    ("the second of two entries converts", [(0, "a"), (3 * DAY, "a"), (3 * DAY + 1, "b")], "ab", DAYS_2, 2),
    ("steps of two entries are not mixed", [(0, "a"), (DAY, "b"), (3 * DAY, "a"), (4 * DAY, "c")], "abc", DAYS_2, 2),
    ("the furthest of two entries counts", letters("abac"), "abc", {}, 3),
    ("at the very end of the window", [(0, "a"), (2 * DAY, "b")], "ab", DAYS_2, 2),
    ("a second after the window", [(0, "a"), (2 * DAY + 1, "b")], "ab", DAYS_2, 1),
    ("a microsecond after the window", [(0.000001, "a"), (2 * DAY + 0.000002, "b")], "ab", DAYS_2, 1),
    ("the window counts from the first step", [(0, "a"), (DAY, "b"), (2 * DAY + 1, "c")], "abc", DAYS_2, 2),
    ("both steps in one instant, written in the other order", [(5, "b"), (5, "a")], "ab", {}, 2),
    ("three steps in one instant", [(5, "c"), (5, "b"), (5, "a")], "abc", {}, 3),
    ("the same event twice takes two events", letters("a"), "aa", {}, 1),
    ("the same event twice, two events", letters("aa"), "aa", {}, 2),
    ("the same event twice, two events in one instant", [(5, "a"), (5, "a")], "aa", {}, 2),
    ("one event of an instant is not two of its steps", [(5, "a"), (5, "b")], "aba", {}, 2),
    ("an instant with enough events", [(5, "a"), (5, "b"), (5, "a")], "aba", {}, 3),
    ("the same event again at the end", letters("aba"), "aba", {}, 3),
    ("strict: one after the other", letters("xabcx"), "abc", STRICT, 3),
    ("strict: another event ends the attempt", letters("axbc"), "abc", STRICT, 1),
    ("strict: a later attempt counts", letters("axb abc"), "abc", STRICT, 3),
    ("strict: the first step again starts anew", letters("aab"), "ab", STRICT, 2),
    ("strict: the same step again is not another event", letters("abbc"), "abc", STRICT, 3),
    ("strict: another event in the same instant is none between", [(0, "a"), (5, "x"), (5, "b")], "ab", STRICT, 2),
    ("strict: another step ends the attempt", letters("acbc"), "abc", STRICT, 1),
    ("unordered: any order", letters("cab"), "abc", UNORDERED, 3),
    ("unordered: within one window", [(0, "c"), (DAY, "a"), (3 * DAY, "b")], "abc", UNORDERED | DAYS_2, 2),
    ("unordered: at the very end of the window", [(0, "b"), (2 * DAY, "a")], "ab", UNORDERED | DAYS_2, 2),
    ("unordered: a second after the window", [(0, "b"), (2 * DAY + 1, "a")], "ab", UNORDERED | DAYS_2, 1),
    ("unordered: the same event twice takes two events", letters("ab"), "aab", UNORDERED, 2),
    ("unordered: the same event twice, two events", letters("aba"), "aab", UNORDERED, 3),
]


@pytest.fixture(scope="module")
async def cases(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Project]:
    """A person a case, of its name; zed does all events before the range, so that the project knows them."""
    zed = [(-DAY, each) for each in "abcx"]
    done = {name: done for name, done, *_ in (*CASES, *EXCLUSIONS)}
    async with project_of(tmp_path_factory.mktemp("cases"), done | {"zed": zed}) as project:
        yield project


def only(name: str) -> dict[str, Any]:
    return {"filters": [{"key": "who", "value": name, "type": "person"}]}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
async def test_a_person_reaches(case: tuple[str, Sequence[Did], str, dict[str, Any], int], cases: Project) -> None:
    name, _, steps, more, reached = case
    expected = [1 if at < reached else 0 for at in range(len(steps))]
    assert await people(cases, steps, **more, **only(name)) == expected


def excluded(event: str, from_step: int = 1, to_step: int = 2) -> dict[str, Any]:
    return {"exclusions": [{"event": event, "from_step": from_step, "to_step": to_step}]}


EXCLUSIONS: list[tuple[str, Sequence[Did], str, dict[str, Any], list[int]]] = [
    ("between its steps it takes the person out", letters("axb"), "ab", excluded("x"), [0, 0]),
    ("before the first step it does nothing", letters("xab"), "ab", excluded("x"), [1, 1]),
    ("after the last step it does nothing", letters("abx"), "ab", excluded("x"), [1, 1]),
    ("after the first step without a second it takes them out", letters("ax"), "ab", excluded("x"), [0, 0]),
    ("after its steps it does nothing", letters("abxc"), "abc", excluded("x", 1, 2), [1, 1, 1]),
    ("between later steps", letters("abxc"), "abc", excluded("x", 2, 3), [0, 0, 0]),
    ("between later steps, not reached", letters("axb"), "abc", excluded("x", 2, 3), [1, 1, 0]),
    ("over all steps", letters("abxc"), "abc", excluded("x", 1, 3), [0, 0, 0]),
    ("a new entry makes good", letters("axbab"), "ab", excluded("x"), [1, 1]),
    ("a new entry that comes less far does not", letters("abxca"), "abc", excluded("x", 2, 3), [0, 0, 0]),
    ("a step that is excluded elsewhere", letters("acbc"), "abc", excluded("c", 1, 2), [0, 0, 0]),
    ("after the window, it does nothing", [(0, "a"), (3 * DAY, "x")], "ab", excluded("x") | DAYS_2, [1, 0]),
    ("in the instant of a step it does nothing", [(0, "a"), (0, "x"), (5, "b")], "ab", excluded("x"), [1, 1]),
    ("strict", letters("axb"), "ab", excluded("x") | STRICT, [0, 0]),
    ("unordered: empties what was done", letters("bxa"), "ab", excluded("x") | UNORDERED, [1, 0]),
    ("unordered: nothing after it", letters("bx"), "ab", excluded("x") | UNORDERED, [0, 0]),
    ("unordered: after all steps it does nothing", letters("bax"), "ab", excluded("x") | UNORDERED, [1, 1]),
]


@pytest.mark.parametrize("case", EXCLUSIONS, ids=lambda case: case[0])
async def test_an_exclusion(case: tuple[str, Sequence[Did], str, dict[str, Any], list[int]], cases: Project) -> None:
    name, _, steps, more, expected = case
    assert await people(cases, steps, **more, **only(name)) == expected


SHOP: Mapping[str, Sequence[Did]] = {
    "ann": [(0, "view"), (10, "cart"), (40, "buy")],
    "bob": [(0, "view"), (30, "cart")],
    "cem": [(5, "view"), (25, "cart"), (25, "buy")],  # bought in the same instant
    "dee": [(7, "view")],
    "eve": [(8, "cart"), (9, "buy")],  # never entered
}
STEPS = [{"event": "view"}, {"event": "cart"}, {"event": "buy"}]


async def test_the_table_has_counts_rates_and_times(tmp_path: Path) -> None:
    async with project_of(tmp_path, SHOP) as project:
        answer = (await ask(project, STEPS)).answer
    assert [column.name for column in answer.columns] == [
        "step", "name", "people", "conversion_from_start", "conversion_from_previous", "dropped", "avg_seconds",
        "median_seconds",
    ]  # fmt: skip
    assert answer.rows == [
        [1, "view", 4, 1.0, None, None, None, None],
        [2, "cart", 3, 0.75, 0.75, 1, 20.0, 20.0],  # 10, 30, 20
        [3, "buy", 2, 0.5, 0.666667, 1, 30.0, 30.0],  # 30; the 0 s of cem are left out
    ]
    assert answer.facts[:2] == (
        "2 of 4 people (50.0 %) went from view to buy within 14 days.",
        "Biggest drop-off: 1 of 4 people (25.0 %) after view, before cart.",
    )
    assert answer.facts[-1] == "Only 4 people entered; too few for rates to mean much."
    assert (answer.chart.type, answer.chart.column("step"), answer.chart.column("people")) == (
        "funnel", ["view", "cart", "buy"], [4, 3, 2],
    )  # fmt: skip


async def test_actors_are_those_who_reached_or_dropped(tmp_path: Path) -> None:
    async with project_of(tmp_path, SHOP) as project:
        assert await who(project, STEPS, 2) == {person_id(name) for name in ("ann", "bob", "cem")}
        assert await who(project, STEPS, 3, dropped=True) == {person_id("bob")}
        assert await who(project, STEPS, 2, dropped=True) == {person_id("dee")}
        frame = await framed(project, question_of(question(STEPS)))
        for step, dropped in ((0, False), (4, False), (1, True)):
            with pytest.raises(InvalidInput, match="There is no step"):
                Funnel().actors(frame, step, dropped)


async def test_events_of_two_ids_of_one_person_are_one_journey(tmp_path: Path) -> None:
    journeys = {"phone": [(0, "a")], "laptop": [(10, "b")]}
    async with project_of(tmp_path / "", journeys, merged={"phone": "laptop"}) as project:
        assert await people(project, "ab") == [1, 1]
    (tmp_path / "apart").mkdir()
    async with project_of(tmp_path / "apart", journeys) as project:
        assert await people(project, "ab") == [1, 0]


async def test_events_outside_the_range_do_not_count(tmp_path: Path) -> None:
    journeys = {
        "before": [(-1, "a"), (10, "b")],
        "after": [(14 * DAY - 1, "a"), (14 * DAY, "b")],
        "inside": [(0, "a"), (14 * DAY - 1, "b")],
    }
    async with project_of(tmp_path, journeys) as project:
        assert await people(project, "ab") == [2, 1]


async def test_a_breakdown_is_the_first_value_a_person_has(tmp_path: Path) -> None:
    journeys: dict[str, Sequence[Did]] = {
        "ann": [(0, "a"), (1, "b", {"plan": "pro"})],  # the first step has none: the next one that has
        "bob": [(0, "a", {"plan": "pro"}), (1, "b", {"plan": "free"})],
        "cem": [(0, "a", {"plan": "free"})],
        "dee": [(0, "a", {"plan": ""}), (1, "b", {"plan": None})],
        "eve": [(0, "x", {"plan": "max"}), (1, "a", {"plan": "pro"})],  # x is no step
    }
    by_plan = {"breakdowns": [{"property": "plan"}]}
    async with project_of(tmp_path, journeys) as project:
        answer = (await ask(project, "ab", **by_plan)).answer
        assert [row[:4] for row in answer.rows] == [
            ["pro", 1, "a", 3], ["pro", 2, "b", 2], [NONE, 1, "a", 1], [NONE, 2, "b", 1], ["free", 1, "a", 1],
            ["free", 2, "b", 0],
        ]  # fmt: skip
        assert (answer.columns[0].name, answer.chart.series) == ("plan", "plan")
        answer = (await ask(project, "ab", **by_plan, breakdown_limit=1)).answer
        assert [row[:4] for row in answer.rows] == [
            ["pro", 1, "a", 3], ["pro", 2, "b", 2], [OTHER, 1, "a", 2], [OTHER, 2, "b", 1],
        ]  # fmt: skip
        answer = (await ask(project, "ab", breakdowns=[{"property": "who", "type": "person"}])).answer
        assert [row[0] for row in answer.rows if row[3] and row[1] == 2] == ["ann", "bob", "dee"]


async def test_best_and_worst_value_are_told_of_enough_people_only(tmp_path: Path) -> None:
    journeys: dict[str, Sequence[Did]] = {}
    for plan, count, bought in (("free", 40, 10), ("pro", 30, 15), ("max", 29, 29)):
        for number in range(count):
            end: list[Did] = [(1, "b")] if number < bought else []
            journeys[f"{plan}{number}"] = [(0, "a", {"plan": plan}), *end]
    async with project_of(tmp_path, journeys) as project:
        facts = (await ask(project, "ab", breakdowns=[{"property": "plan"}])).answer.facts
    assert facts == (
        "54 of 99 people (54.5 %) went from a to b within 14 days.",
        "Biggest drop-off: 45 of 99 people (45.5 %) after a, before b.",
        "By plan: best pro 50.0 % of 30 people, worst free 25.0 % of 40 people (values with 30 people or more).",
    )


async def test_first_time_for_user_takes_the_first_event_ever(tmp_path: Path) -> None:
    journeys: dict[str, Sequence[Did]] = {
        "old": [(-DAY, "a"), (0, "a"), (1, "b")],
        "new": [(0, "a", {"plan": "pro"}), (1, "b")],
        "later": [(0, "a", {"plan": "free"}), (5, "a", {"plan": "pro"}), (6, "b")],
        "again": [(0, "a", {"plan": "pro"}), (3 * DAY, "a"), (3 * DAY + 1, "b")],
    }
    first = {"event": "a", "math": "first_time_for_user"}
    filtered = first | {"filters": [{"key": "plan", "value": "pro"}]}
    async with project_of(tmp_path, journeys) as project:
        assert await people(project, "ab", **DAYS_2) == [4, 4]
        assert await people(project, [first, {"event": "b"}], **DAYS_2) == [3, 2]
        assert await people(project, [filtered, {"event": "b"}], **DAYS_2) == [2, 1]


async def test_filters_hold_for_their_step_or_for_all(tmp_path: Path) -> None:
    journeys: dict[str, Sequence[Did]] = {
        "ann": [(0, "a", {"plan": "pro"}), (1, "b", {"plan": "pro"})],
        "bob": [(0, "a", {"plan": "pro"}), (1, "b", {"plan": "free"})],
        "cem": [(0, "a", {"plan": "free"}), (1, "b", {"plan": "free"})],
    }
    pro = [{"key": "plan", "value": "pro"}]
    async with project_of(tmp_path, journeys) as project:
        assert await people(project, [{"event": "a", "filters": pro}, {"event": "b"}]) == [2, 2]
        assert await people(project, "ab", filters=pro) == [2, 1]
        assert await people(project, "ab", filters=pro, funnel_order="strict") == [2, 1]
        # One event that is a step with a filter and one without.
        assert await people(project, [{"event": "a"}, {"event": "b", "filters": pro}, {"event": "b"}]) == [3, 1, 0]


async def test_an_optional_step_may_be_left_out(tmp_path: Path) -> None:
    journeys = {"all": letters("abc"), "without": letters("a c"), "half": letters("ab"), "late": letters("acb")}
    steps = [{"event": "a"}, {"event": "b", "optional": True}, {"event": "c"}]
    async with project_of(tmp_path, journeys) as project:
        rows = (await ask(project, steps)).answer.rows
        dropped = await who(project, steps, 3, dropped=True)
    assert rows == [
        [1, "a", 4, 1.0, None, None, None, None],
        [2, "b", 2, 0.5, 0.5, None, None, None],  # who did b after c had come to the end before
        [3, "c", 3, 0.75, 0.75, 1, 100.0, 120.0],  # from a: 120, 120, 60
    ]
    assert dropped == {person_id("half")}


async def test_a_funnel_that_nobody_entered_has_zeros(tmp_path: Path) -> None:
    async with project_of(tmp_path, {"ann": [(-DAY, "a"), (-DAY, "b"), (0, "x")]}) as project:
        answer = (await ask(project, "ab")).answer
        assert [row[2:] for row in answer.rows] == [[0, 0.0, None, None, None, None], [0, 0.0, 0.0, 0, None, None]]
        assert answer.facts == ("Nobody entered the funnel.",)
        assert (await ask(project, "ab", breakdowns=[{"property": "who", "type": "person"}])).answer.rows == []


async def test_a_sample_stands_for_all(tmp_path: Path) -> None:
    async with project_of(tmp_path, {f"p{number}": letters("ab") for number in range(400)}) as project:
        entered, converted = await people(project, "ab", sampling=0.25)
    assert entered == converted
    assert 300 < entered < 500
    assert entered % 4 == 0


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"series": [{"event": "a", "math": "dau"}, {"event": "b"}]}, "cannot have math 'dau'"),
    ({"breakdowns": [{"property": "plan"}, {"property": "who"}]}, "takes one breakdown"),
    ({"breakdowns": [{"property": "plan"}], "funnel_view": "time_to_convert"}, "has no breakdown"),
    (excluded("x", 2, 2), "from step 2 to 2 is not between the steps 1 to 2"),
    (excluded("x", 1, 3), "from step 1 to 3"),
    (excluded("b"), "'b' is a step"),
    (excluded("y"), "No event 'y'"),
    ({"series": [{"event": "a"}, {"event": "b"}, {"event": "x"}]} | excluded("c", 1, 2) | UNORDERED, "no order"),
    ({"series": [{"event": "a", "optional": True}, {"event": "b"}]}, "cannot be optional"),
    ({"series": [{"event": "a"}, {"event": "b", "optional": True}]}, "cannot be optional"),
    ({"series": [{"event": "a"}, {"event": "b", "optional": True}, {"event": "b"}]}, "the same as the step after"),
    ({"series": [{"event": "a"}, {"event": "x", "optional": True}, {"event": "b"}], "funnel_view": "trend"}, "view"),
    ({"series": [{"event": "a"}, {"event": "bb"}]}, "No event 'bb'"),
]


@pytest.fixture(scope="module")
async def alphabet(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Project]:
    done: list[Did] = [(0, each, {"plan": "pro"}) for each in "abcx"]
    async with project_of(tmp_path_factory.mktemp("alphabet"), {"ann": done}) as project:
        yield project


@pytest.mark.parametrize(("more", "told"), WRONG, ids=[told for _, told in WRONG])
async def test_what_cannot_be_asked_is_told(more: dict[str, Any], told: str, alphabet: Project) -> None:
    with pytest.raises(InvalidInput, match=told):
        await run_insight(alphabet, question_of(question("ab") | more))
