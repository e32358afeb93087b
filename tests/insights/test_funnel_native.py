"""PostHog's own funnel query for a question, and its response as the same answer as the embedded project's.

The shapes of responses are those of PostHog's tests (`hogql_queries/insights/funnels/test`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest

from posthog_mcp.errors import InvalidInput
from posthog_mcp.insights.answer import Answer
from posthog_mcp.insights.frame import NONE, OTHER, Frame
from posthog_mcp.insights.funnel import Funnel
from posthog_mcp.insights.headline import headlined
from posthog_mcp.insights.question import question_of
from posthog_mcp.insights.run import framed
from posthog_mcp.project import Project
from tests.insights.funnel_data import DAY, Did, ask, project_of, question

JOURNEYS: Mapping[str, Sequence[Did]] = {
    "ann": [(0, "a", {"plan": "pro"}), (10, "b"), (40, "c")],
    "bob": [(0, "a", {"plan": "pro"}), (30, "b")],
    "cem": [(5, "a", {"plan": "max"}), (25, "b")],
    "dee": [(DAY, "a")],
    "eve": [(-DAY, "x")],  # before the range
}


@pytest.fixture(scope="module")
async def project(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Project]:
    async with project_of(tmp_path_factory.mktemp("native"), JOURNEYS) as opened:
        yield opened


async def frame_of(project: Project, steps: Any = "abc", **more: Any) -> Frame:
    return await framed(project, question_of(question(steps, **more)))


async def both(project: Project, results: Any, steps: Any = "abc", **more: Any) -> tuple[Answer, Answer]:
    """The answer of the embedded project, and that of PostHog's response."""
    frame = await frame_of(project, steps, **more)
    response = {"results": results, "is_cached": False}
    return (await ask(project, steps, **more)).answer, headlined(frame.question, Funnel().read_native(frame, response))


def step(order: int, count: int, average: float | None, middle: float | None, **more: Any) -> dict[str, Any]:
    name = "abc"[order]
    return {
        "action_id": name,
        "name": name,
        "custom_name": None,
        "order": order,
        "people": [],
        "count": count,
        "type": "events",
        "average_conversion_time": average,
        "median_conversion_time": middle,
    } | more


async def test_steps_read_the_same_either_way(project: Project) -> None:
    results = [step(0, 4, None, None), step(1, 3, 20.0, 20.0), step(2, 1, 30.0, 30.0)]
    own, native = await both(project, results)
    assert own == native
    assert [row[2] for row in native.rows] == [4, 3, 1]


async def test_breakdowns_read_the_same_either_way(project: Project) -> None:
    def of(value: str, counts: Sequence[int], average: float | None, last: float | None) -> list[dict[str, Any]]:
        named = {"breakdown": [value], "breakdown_value": [value]}
        times = [None, average, last]
        return [step(at, count, times[at], times[at], **named) for at, count in enumerate(counts)]

    results = [of("pro", [2, 2, 1], 20.0, 30.0), of("max", [1, 1, 0], 20.0, None), of("", [1, 0, 0], None, None)]
    own, native = await both(project, results, breakdowns=[{"property": "plan"}])
    assert own == native
    assert [row[0] for row in native.rows[::3]] == ["pro", "max", NONE]
    results = [of("pro", [2, 2, 1], 20.0, 30.0), of("Other", [2, 1, 0], 20.0, None)]
    own, native = await both(project, results, breakdowns=[{"property": "plan"}], breakdown_limit=1)
    assert own == native
    assert [row[0] for row in native.rows[::3]] == ["pro", OTHER]


async def test_times_of_optional_steps_are_put_where_they_belong(project: Project) -> None:
    steps = [{"event": "a"}, {"event": "b", "optional": True}, {"event": "c"}]
    # PostHog lists the only time, from a to c, at the second step.
    results = [step(0, 4, None, None), step(1, 3, 40.0, 40.0), step(2, 1, None, None)]
    own, native = await both(project, results, steps)
    assert own == native
    assert [row[-2] for row in native.rows] == [None, None, 40.0]


async def test_unordered_steps_have_the_names_of_counts(project: Project) -> None:
    results = [step(at, count, 20.0 if at == 1 else None, 20.0 if at == 1 else None, action_id=None, name=name)
               for at, (count, name) in enumerate([(4, "Completed 1 step"), (3, "Completed 2 steps")])]  # fmt: skip
    own, native = await both(project, results, "ba", funnel_order="unordered")
    assert own == native
    assert [row[1] for row in native.rows] == ["1 step done", "2 steps done"]


async def test_time_to_convert_reads_the_same_either_way(project: Project) -> None:
    results = {"average_conversion_time": 20.0, "bins": [[10, 1], [20, 1], [30, 1]]}
    own, native = await both(project, results, "ab", funnel_view="time_to_convert")
    assert own == native
    nobody = {"average_conversion_time": None, "bins": [[0, 0], [60, 0]]}
    own, native = await both(project, nobody, "ca", funnel_view="time_to_convert")
    assert own == native


async def test_rates_read_the_same_either_way(project: Project) -> None:
    days = [f"2026-03-{day:02d}" for day in range(2, 16)]
    line = {"count": 14, "data": [33.33, *[0.0] * 13], "days": days, "labels": days}
    own, native = await both(project, [line], funnel_view="trend")
    assert own == native
    assert native.rows[0] == ["2026-03-02", 0.3333]
    lines = [
        line | {"data": [50.0, *[0.0] * 13], "breakdown_value": ["pro"]},
        line | {"data": [0.0] * 14, "breakdown_value": ["max"]},
        line | {"data": [0.0] * 14, "breakdown_value": [""]},
    ]
    own, native = await both(project, lines, funnel_view="trend", breakdowns=[{"property": "plan"}])
    assert own == native


async def test_hours_read_the_same_either_way(project: Project) -> None:
    days = [f"2026-03-02 {hour:02d}:00:00" for hour in range(24)]
    line = {"count": 24, "data": [66.67, *[0.0] * 23], "days": days, "labels": days}
    more = {"funnel_view": "trend", "interval": "hour", "date_to": "2026-03-02"}
    own, native = await both(project, [line | {"data": [100.0, *[0.0] * 23]}], "ab", **more)
    assert own == native


async def test_an_empty_response_is_nobody(project: Project) -> None:
    frame = await frame_of(project)
    assert Funnel().read_native(frame, {"results": []}).facts == ("Nobody entered the funnel.",)
    frame = await frame_of(project, breakdowns=[{"property": "plan"}])
    assert Funnel().read_native(frame, {"results": []}).rows == []


async def test_cohorts_are_called_by_their_names(project: Project) -> None:
    frame = await frame_of(project, breakdowns=[{"property": "all", "type": "cohort"}])
    results = [[step(at, 4 - at, None, None, breakdown="all users", breakdown_value=0) for at in range(3)]]
    native = Funnel().read_native(frame, {"results": results})
    own = (await ask(project, "abc", breakdowns=[{"property": "all", "type": "cohort"}])).answer
    assert [row[0] for row in native.rows] == [row[0] for row in own.rows] == ["all"] * 3
    assert own.facts == ("all: 1 of 4 people (25.0 %) went from a to c within 14 days.",)


async def test_the_query_is_posthog_s(project: Project) -> None:
    steps = [
        {"event": "a", "math": "first_time_for_user"},
        {"event": "b", "optional": True, "name": "B"},
        {"event": "c"},
    ]
    more = {
        "funnel_order": "strict",
        "funnel_window": 3,
        "funnel_window_unit": "hour",
        "exclusions": [{"event": "b", "from_step": 1, "to_step": 3}],
        "breakdowns": [{"property": "plan"}],
        "breakdown_limit": 5,
        "filters": [{"key": "plan", "value": "pro"}],
    }
    steps[1]["filters"] = [{"key": "plan", "operator": "is_set"}]
    assert Funnel().native(await frame_of(project, steps, **more)) == {
        "kind": "FunnelsQuery",
        "dateRange": {"date_from": "2026-03-02 00:00:00", "date_to": "2026-03-15 23:59:59", "explicitDate": True},
        "properties": [{"type": "event", "key": "plan", "value": "pro", "operator": "exact"}],
        "interval": "day",
        "series": [
            {"kind": "EventsNode", "event": "a", "math": "first_time_for_user"},
            {
                "kind": "EventsNode",
                "event": "b",
                "custom_name": "B",
                "properties": [{"type": "event", "key": "plan", "value": None, "operator": "is_set"}],
                "optionalInFunnel": True,
            },
            {"kind": "EventsNode", "event": "c"},
        ],
        "funnelsFilter": {
            "funnelVizType": "steps",
            "funnelOrderType": "strict",
            "funnelWindowInterval": 3,
            "funnelWindowIntervalUnit": "hour",
            "exclusions": [{"kind": "EventsNode", "event": "b", "funnelFromStep": 0, "funnelToStep": 2}],
            "breakdownAttributionType": "first_touch",
        },
        "breakdownFilter": {"breakdown_type": "event", "breakdown": "plan", "breakdown_limit": 5},
    }


async def test_a_funnel_of_many_steps_has_a_row_each(project: Project) -> None:
    answer = (await ask(project, "abc" * 2)).answer
    assert [row[:3] for row in answer.rows[:3]] == [[1, "a", 4], [2, "b", 3], [3, "c", 1]]
    assert [row[1] for row in answer.rows[3:]] == ["a (step 4)", "b (step 5)", "c (step 6)"]


async def test_a_funnel_too_long_for_one_query_is_told(project: Project) -> None:
    steps = [{"event": "a"}, *[{"event": "b", "optional": True}] * 8, {"event": "c"}]
    with pytest.raises(InvalidInput, match="too long for one query"):
        await ask(project, steps, exclusions=[{"event": "x", "from_step": 1, "to_step": 10}])
