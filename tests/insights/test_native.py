"""PostHog's shapes: what is asked of it, what its answers mean, and what saved queries of any age ask."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from posthog_mcp.errors import InvalidInput
from posthog_mcp.insights.from_filters import query_from_filters
from posthog_mcp.insights.from_native import question_from
from posthog_mcp.insights.headline import headlined
from posthog_mcp.insights.kinds import KINDS
from posthog_mcp.insights.question import question_of
from posthog_mcp.insights.run import framed
from posthog_mcp.project import Project
from tests.insights.made import asked, project_of
from tests.insights.test_trends import EVENTS, MARCH


@pytest.fixture(scope="module")
async def project(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Project]:
    async with project_of(tmp_path_factory.mktemp("native"), EVENTS) as opened:
        yield opened


def line(order: int, data: list[float], **more: Any) -> dict[str, Any]:
    """A series of a TrendsQuery's response."""
    days = [f"2026-03-0{day}" for day in range(2, 7)]
    return {"action": {"order": order}, "data": data, "days": days, "labels": days, "count": sum(data), **more}


async def test_both_ways_give_the_same_answer(project: Project) -> None:
    asking: dict[str, Any] = {"kind": "trends", "series": [{"event": "buy"}, {"event": "view", "math": "dau"}], **MARCH}
    ours = await asked(project, **asking)
    frame = await framed(project, question_of(asking))
    response = {"results": [line(0, [3, 0, 2, 0, 1]), line(1, [0, 2, 0, 0, 0])]}
    assert KINDS["trends"].read_native(frame, response) == ours.answer


async def test_comparison_breakdown_and_formula_both_ways(project: Project) -> None:
    asking: dict[str, Any] = {"kind": "trends", "series": [{"event": "buy"}], "compare": "previous", **MARCH}
    ours = await asked(project, **asking)
    frame = await framed(project, question_of(asking))
    earlier = {
        **line(0, [0, 0, 0, 0, 1]),
        "days": ["2026-02-25", "2026-02-26", "2026-02-27", "2026-02-28", "2026-03-01"],
    }
    lines = [line(0, [3, 0, 2, 0, 1], compare_label="current"), {**earlier, "compare_label": "previous"}]
    native = KINDS["trends"].read_native(frame, {"results": lines})
    assert headlined(frame.question, native) == ours.answer

    asking = {
        "kind": "trends",
        "series": [{"event": "buy"}],
        "breakdowns": [{"property": "plan"}],
        "breakdown_limit": 2,
        **MARCH,
    }
    ours = await asked(project, **asking)
    frame = await framed(project, question_of(asking))
    other = line(0, [1, 0, 1, 0, 0], breakdown_value=["$$_posthog_breakdown_other_$$"])
    lines = [
        line(0, [2, 0, 0, 0, 0], breakdown_value=["free"]),
        line(0, [0, 0, 1, 0, 1], breakdown_value=["max"]),
        other,
    ]
    assert KINDS["trends"].read_native(frame, {"results": lines}) == ours.answer

    asking = {"kind": "trends", "series": [{"event": "buy"}, {"event": "view"}], "formula": "A*2", **MARCH}
    ours = await asked(project, **asking)
    frame = await framed(project, question_of(asking))
    formula = {**line(0, [6, 0, 4, 0, 2]), "action": None}
    assert KINDS["trends"].read_native(frame, {"results": [formula]}) == ours.answer


async def test_one_value_both_ways(project: Project) -> None:
    asking: dict[str, Any] = {"kind": "trends", "series": [{"event": "buy"}], "aggregate": True, **MARCH}
    ours = await asked(project, **asking)
    frame = await framed(project, question_of(asking))
    response = {"results": [{"action": {"order": 0}, "data": [], "days": [], "aggregated_value": 6}]}
    assert KINDS["trends"].read_native(frame, response) == ours.answer


async def test_the_native_query_says_what_was_asked(project: Project) -> None:
    question = question_of(
        {
            "kind": "trends",
            "series": [{"event": "buy", "math": "p90", "math_property": "price", "name": "Price"}],
            "breakdowns": [{"property": "country", "type": "person"}],
            "filters": [{"key": "plan", "value": ["pro"]}],
            "compare": "-1y",
            "smoothing": 7,
            "filter_test_accounts": True,
            **MARCH,
        }
    )
    assert KINDS["trends"].native(await framed(project, question)) == {
        "kind": "TrendsQuery",
        "dateRange": {"date_from": "2026-03-02 00:00:00", "date_to": "2026-03-06 23:59:59", "explicitDate": True},
        "properties": [{"type": "event", "key": "plan", "value": ["pro"], "operator": "exact"}],
        "filterTestAccounts": True,
        "interval": "day",
        "series": [
            {
                "kind": "EventsNode",
                "event": "buy",
                "custom_name": "Price",
                "math": "p90",
                "math_property": "price",
                "math_property_type": "event_properties",
            }
        ],
        "trendsFilter": {"display": "ActionsLineGraph", "smoothingIntervals": 7},
        "breakdownFilter": {"breakdowns": [{"property": "country", "type": "person"}], "breakdown_limit": 10},
        "compareFilter": {"compare": True, "compare_to": "-1y"},
    }


QUESTIONS: list[dict[str, Any]] = [
    {"kind": "trends", "series": [{"event": "buy"}, {"event": "view", "math": "dau", "name": "V"}], "formula": "A/B"},
    {"kind": "trends", "series": [{"event": "buy", "math": "sum", "math_property": "price"}], "cumulative": True},
    {
        "kind": "trends",
        "series": [{"event": "buy"}],
        "breakdowns": [{"property": "plan"}, {"property": "country", "type": "person"}],
    },
    {"kind": "trends", "series": [{"event": "buy"}], "aggregate": True, "interval": "week", "compare": "previous"},
    {"kind": "paths", "start": "/a", "end": "/b", "exclude": ["/c"], "step_limit": 7, "path_groups": ["/x*"]},
]


@pytest.mark.parametrize("given", QUESTIONS, ids=str)
async def test_a_question_comes_back_from_its_own_query(project: Project, given: dict[str, Any]) -> None:
    question = question_of({**given, **MARCH})
    again = question_from(KINDS[question.kind].native(await framed(project, question)))
    kept = {"date_from", "date_to"}
    assert again.model_dump(exclude=kept) == question.model_dump(exclude=kept)
    assert (await framed(project, again)).span.start == (await framed(project, question)).span.start


OLD = {
    "insight": "TRENDS",
    "events": [
        {"id": "view", "order": 1, "math": "dau"},
        {"id": "buy", "order": 0, "properties": [{"key": "plan", "value": "pro"}]},
    ],
    "date_from": "-14d",
    "interval": "week",
    "breakdown": "plan",
    "breakdown_type": "event",
    "formula": "A/B",
    "compare": True,
    "properties": {
        "type": "AND",
        "values": [{"type": "AND", "values": [{"key": "country", "type": "person", "value": "US"}]}],
    },
}


def test_old_filters_ask_the_same() -> None:
    question = question_from(query_from_filters(OLD))
    assert [each.event for each in question.series] == ["buy", "view"]
    assert (question.series[0].filters[0].key, question.series[1].math) == ("plan", "dau")
    assert (question.date_from, question.interval, question.formula, question.compare) == (
        "-14d",
        "week",
        "A/B",
        "previous",
    )
    assert (question.breakdowns[0].property, question.filters[0].type) == ("plan", "person")


@pytest.mark.parametrize(
    ("filters", "field", "wanted"),
    [
        ({"insight": "FUNNELS", "events": [{"id": "a"}, {"id": "b"}], "funnel_window_interval": 3, "funnel_window_interval_unit": "hour"}, "funnel_window", 3),
        ({"insight": "FUNNELS", "events": [{"id": "a"}, {"id": "b"}], "exclusions": [{"id": "c", "funnel_from_step": 0, "funnel_to_step": 1}]}, "exclusions", [{"event": "c", "from_step": 1, "to_step": 2}]),
        ({"insight": "RETENTION", "target_entity": {"id": "a", "type": "events"}, "returning_entity": {"id": "b", "type": "events"}, "period": "Month", "retention_type": "retention_first_time"}, "retention_type", "first_time"),
        ({"insight": "STICKINESS", "events": [{"id": "a"}]}, "kind", "stickiness"),
        ({"insight": "LIFECYCLE", "events": [{"id": "a"}]}, "kind", "lifecycle"),
        ({"insight": "PATHS", "start_point": "/a", "step_limit": 4}, "step_limit", 4),
    ],
    ids=lambda value: value.get("insight") if isinstance(value, dict) else None,
)  # fmt: skip
def test_old_filters_of_every_kind(filters: dict[str, Any], field: str, wanted: Any) -> None:
    assert question_from(query_from_filters(filters)).model_dump()[field] == wanted


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"kind": "WebOverviewQuery"}, "no insight"),
        ({"kind": "TrendsQuery", "series": [{"kind": "DataWarehouseNode", "id": "x"}]}, "DataWarehouseNode"),
        (
            {
                "kind": "TrendsQuery",
                "series": [{"kind": "EventsNode", "event": "a"}],
                "properties": {"type": "OR", "values": [{"key": "a", "value": 1}, {"key": "b", "value": 2}]},
            },
            "OR",
        ),
    ],
)
def test_what_cannot_be_said_is_told(query: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        question_from(query)
