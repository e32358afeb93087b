"""Typed queries: which kinds are sent, what of them, and the HogQL inside them, checked before anything is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from keyed_host import Key, KeyedHost, serving
from starlette.responses import JSONResponse, Response

from posthog_mcp.backends.backend import QueryOptions
from posthog_mcp.backends.posthog.driver import PostHogDriver
from posthog_mcp.backends.posthog.kinds import runnable
from posthog_mcp.errors import HogQLResolutionError, HogQLSyntaxError, InvalidInput, PostHogMcpError
from posthog_mcp.results import Json
from posthog_mcp.settings import Settings

KEY = "phx_kinds"
Body = dict[str, Json]


async def typed_answer(method: str, path: str, body: Any) -> Response | None:
    """Rows for kinds that the embedded project does not know."""
    if method == "POST" and body["query"]["kind"] not in {"DatabaseSchemaQuery", "HogQLMetadata"}:
        return JSONResponse({"results": [], "is_cached": False})
    return None


@pytest.fixture(scope="module")
async def host_and_driver(demo_dir: Path) -> AsyncIterator[tuple[KeyedHost, PostHogDriver]]:
    host = KeyedHost({KEY: Key()}, before=typed_answer)
    async with serving(host, demo_dir) as address:
        driver = PostHogDriver(Settings.load(api_key=KEY, project_id=1, base_url=address, backend="posthog"))
        await driver.catalogue()
        yield host, driver
        await driver.aclose()


def trends(**more: Any) -> Body:
    return {"kind": "TrendsQuery", "series": [{"kind": "EventsNode", "event": "signed_up", "math": "dau"}], **more}


def series(**more: Any) -> Body:
    return trends(series=[{"kind": "EventsNode", "event": "signed_up", **more}])


def hogql_filter(text: str, **more: Any) -> Body:
    return {"type": "hogql", "key": text, **more}


PASS: dict[str, Body] = {
    "an insight": trends(dateRange={"date_from": "-7d"}, interval="day"),
    "an event's name is data": trends(series=[{"kind": "EventsNode", "event": "DROP TABLE (events)"}]),
    "math": series(math="hogql", math_hogql="sum(toFloat(properties.amount))"),
    "a property filter": trends(properties=[hogql_filter("properties.plan = 'pro' AND person.properties.plan != ''")]),
    "groups of filters": trends(
        properties={"type": "AND", "values": [{"type": "OR", "values": [hogql_filter("event != 'x'")]}]}
    ),
    "a plain filter": trends(properties=[{"type": "event", "key": "nothing (like) it", "operator": "exact", "value": "("}]),
    "a plain breakdown": trends(breakdownFilter={"breakdown_type": "event", "breakdown": "$browser (old)"}),
    "a breakdown": trends(breakdownFilter={"breakdown_type": "hogql", "breakdown": "upper(properties.plan)"}),
    "breakdowns": trends(breakdownFilter={"breakdowns": [{"type": "hogql", "property": "lower(properties.plan)"}]}),
    "a funnel": {"kind": "FunnelsQuery", "series": [{"kind": "EventsNode", "event": "signed_up"}]},
    "actors": {
        "kind": "ActorsQuery",
        "select": ["actor", "id", "upper(properties.plan)", "toDate(created_at) -- day"],
        "orderBy": ["toDate(created_at) DESC"],
    },
    "events": {
        "kind": "EventsQuery",
        "select": ["*", "event", "person", "properties.$browser", "count() -- how often", "coalesce(properties.plan, 'none')"],
        "where": ["event = 'signed_up'", "timestamp > now() - INTERVAL 1 DAY"],
        "orderBy": ["count() DESC"],
    },
}  # fmt: skip


@pytest.mark.parametrize("name", PASS)
async def test_what_checks_is_sent_as_it_is(host_and_driver: tuple[KeyedHost, PostHogDriver], name: str) -> None:
    host, driver = host_and_driver
    host.asked.clear()
    await driver.typed_query(PASS[name], QueryOptions("q"))
    assert [body["query"] for method, _, body in host.asked if method == "POST"] == [PASS[name]]


WRONG: list[tuple[str, Body, type[PostHogMcpError], str]] = [
    ("math", series(math_hogql="sum(toFloat(proprties.amount))"), HogQLResolutionError, r"line 1, column 13: query\.series\[0\]\.math_hogql: .*proprties"),
    ("a function", series(math_hogql="sun(1)"), HogQLResolutionError, r"math_hogql: .*sun"),
    ("a property filter", trends(properties=[hogql_filter("evnt = 'x'")]), HogQLResolutionError, r"query\.properties\[0\]\.key: .*evnt"),
    ("groups of filters", trends(properties={"type": "AND", "values": [{"type": "OR", "values": [hogql_filter("event in ('x'")]}]}), HogQLSyntaxError, r"properties\.values\[0\]\.values\[0\]\.key"),
    ("a series' filter", series(properties=[hogql_filter("length(persn_id) > 0")]), HogQLResolutionError, r"series\[0\]\.properties\[0\]\.key: .*persn_id"),
    ("a breakdown", trends(breakdownFilter={"breakdown_type": "hogql", "breakdown": "upper(evnt)"}), HogQLResolutionError, r"breakdownFilter\.breakdown: .*evnt"),
    ("one of a list of breakdowns", trends(breakdownFilter={"breakdown_type": "hogql", "breakdown": ["event", "upper(evnt)"]}), HogQLResolutionError, r"breakdown: .*evnt"),
    ("breakdowns", trends(breakdownFilter={"breakdowns": [{"type": "hogql", "property": "upper(evnt)"}]}), HogQLResolutionError, r"breakdowns\[0\]\.property: .*evnt"),
    ("a funnel's aggregation", {"kind": "FunnelsQuery", "funnelsFilter": {"funnelAggregateByHogQL": "lower(evnt)"}}, HogQLResolutionError, r"funnelAggregateByHogQL: .*evnt"),
    ("paths", {"kind": "PathsQuery", "pathsFilter": {"pathsHogQLExpression": "lower(evnt)"}}, HogQLResolutionError, r"pathsHogQLExpression: .*evnt"),
    ("actors' columns", {"kind": "ActorsQuery", "select": ["id", "upper(evnt)"]}, HogQLResolutionError, r"query\.select\[1\]: .*evnt"),
    ("actors are persons", {"kind": "ActorsQuery", "select": ["upper(event)"]}, HogQLResolutionError, r"select\[0\]: .*event"),
    ("actors' order", {"kind": "ActorsQuery", "orderBy": ["lower(evnt) DESC"]}, HogQLResolutionError, r"orderBy\[0\]: .*evnt"),
    ("events' where", {"kind": "EventsQuery", "where": ["event = 'x'", "evnt = 'x'"]}, HogQLResolutionError, r"query\.where\[1\]: .*evnt"),
    ("events' where, closed early", {"kind": "EventsQuery", "where": ["event = 'x' LIMIT 1) UNION ALL (SELECT 1"]}, HogQLSyntaxError, r"where\[0\]"),
    ("a source's HogQL", {"kind": "ActorsQuery", "source": {"kind": "HogQLQuery", "query": "SELECT evnt FROM events"}}, HogQLResolutionError, r"query\.source: .*evnt"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "query", "kind", "text"), WRONG, ids=[row[0] for row in WRONG])
async def test_hidden_hogql_that_does_not_check_is_named_and_not_sent(
    host_and_driver: tuple[KeyedHost, PostHogDriver], name: str, query: Body, kind: type[PostHogMcpError], text: str
) -> None:
    host, driver = host_and_driver
    host.asked.clear()
    with pytest.raises(kind, match=text) as raised:
        await driver.typed_query(query, QueryOptions("q"))
    assert host.asked == []
    assert "SELECT 1 FROM" not in raised.value.as_text()


@pytest.mark.parametrize("wrapper", ["InsightVizNode", "DataVisualizationNode", "DataTableNode"])
async def test_wrappers_are_taken_off(host_and_driver: tuple[KeyedHost, PostHogDriver], wrapper: str) -> None:
    host, driver = host_and_driver
    host.asked.clear()
    wrapped: Body = {"kind": wrapper, "source": trends(), "full": True}
    await driver.typed_query({"kind": wrapper, "source": wrapped}, QueryOptions("q"))
    assert [body["query"] for _, _, body in host.asked] == [trends()]


@pytest.mark.parametrize(
    "query",
    [
        {"kind": "HogQuery", "code": "return 1"},
        {"kind": "SuggestedQuestionsQuery"},
        {"kind": "trendsquery"},
        {"kind": None},
        {"kind": ["TrendsQuery"]},
        {"query": "SELECT 1"},
        {},
        {"kind": "InsightVizNode", "source": {"kind": "HogQuery", "code": "return 1"}},
        {"kind": "InsightVizNode", "source": "TrendsQuery"},
        {"kind": "InsightVizNode"},
        {"kind": "ActorsQuery", "source": {"kind": "HogQuery", "code": "return 1"}},
        {"kind": "TrendsQuery", "series": [{"kind": "ScriptNode"}]},
        {"kind": "TrendsQuery", "source": {"deep": [{"kind": "HogQuery"}]}},
    ],
)
async def test_other_kinds_are_refused_and_not_sent(
    host_and_driver: tuple[KeyedHost, PostHogDriver], query: Body
) -> None:
    host, driver = host_and_driver
    host.asked.clear()
    with pytest.raises(InvalidInput, match="are not sent"):
        await driver.typed_query(query, QueryOptions("q"))
    assert host.asked == []


@pytest.mark.parametrize("name", ["modifiers", "sendRawQuery", "connectionId"])
def test_what_changes_how_a_query_runs_is_dropped_at_any_depth(name: str) -> None:
    inner = {"kind": "TrendsQuery", "series": [{"kind": "EventsNode", "event": "a", name: 1}], name: {"a": 1}}
    hogql = {"kind": "HogQLQuery", "query": "SELECT 1", "values": {"modifiers": "kept"}, name: True}
    query = {"kind": "ActorsQuery", name: 1, "source": inner, "more": [[{"deep": hogql, name: 1}]]}
    sent = runnable(cast("Body", query))
    assert sent == {
        "kind": "ActorsQuery",
        "source": {"kind": "TrendsQuery", "series": [{"kind": "EventsNode", "event": "a"}]},
        "more": [[{"deep": {"kind": "HogQLQuery", "query": "SELECT 1", "values": {"modifiers": "kept"}}}]],
    }
    assert query[name] == 1, "the caller's own query stays as it is"


async def test_variables_override_those_of_the_query(host_and_driver: tuple[KeyedHost, PostHogDriver]) -> None:
    host, driver = host_and_driver
    host.asked.clear()
    await driver.typed_query(trends(), QueryOptions("q"), variables={"v": {"value": 1}})
    assert [body["variables_override"] for _, _, body in host.asked] == [{"v": {"value": 1}}]
