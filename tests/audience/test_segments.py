"""A segment holds just who it should, says which cohort it becomes and why, and is made only once it was seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from posthog_mcp.results import Json
from posthog_mcp.runtime import open_project
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings
from tests.audience.conftest import PEOPLE, answered, call, made, people, refused

FUNNEL = {"kind": "funnel", "series": [{"event": "signed_up"}, {"event": "paid"}], "date_from": "-30d"}
UNSUBSCRIBED = "SELECT person_id FROM events WHERE event = 'unsubscribed' AND timestamp > now() - INTERVAL 90 DAY"
FREE, PAID = {"key": "plan", "value": "free"}, {"event": "paid", "days": 30}
WAYS: list[tuple[dict[str, Any], str, Any]] = [
    ({"criteria": [FREE]}, "dynamic", [n for n in range(PEOPLE) if n % 4]),
    ({"criteria": [PAID]}, "behavioural", range(0, PEOPLE, 2)),
    ({"criteria": [FREE, {**PAID, "times": 0}]}, "behavioural", range(1, PEOPLE, 2)),
    ({"criteria": [{"event": "paid", "days": 5, "times": 0}]}, "query", range(PEOPLE)),
    ({"hogql": UNSUBSCRIBED}, "query", [7]),
    ({"insight": FUNNEL, "actors": {"step": 2, "dropped": True}}, "static", range(1, PEOPLE, 2)),
]


@pytest.mark.parametrize(("how", "cohort", "who"), WAYS, ids=range(len(WAYS)))
async def test_a_segment_holds_just_these_people(client: Client, how: dict[str, Any], cohort: str, who: Any) -> None:
    segment = await made(client, f"Segment {json.dumps(how)[:60]}", **how)

    query = f"SELECT toString(id) FROM persons WHERE id IN COHORT {segment['id']} LIMIT 200"
    assert {row[0] for row in (await call(client, "execute_hogql", query=query))["rows"]} == people(who)
    assert (segment["size"], segment["cohort"]) == (len(people(who)), cohort)


async def test_the_cohort_has_posthogs_own_filters(client: Client) -> None:
    segment = await made(client, "Filters", criteria=[FREE, {**PAID, "times": 3}])

    query = f"SELECT filters FROM system.cohorts WHERE id = {segment['id']}"
    filters = json.loads((await call(client, "execute_hogql", query=query))["rows"][0][0])
    free, paid = filters["properties"]["values"][0]["values"]
    assert free == {"type": "person", "key": "plan", "value": "free", "operator": "exact"}
    assert (paid["type"], paid["value"], paid["event_type"]) == ("behavioral", "performed_event_multiple", "events")
    assert (paid["operator"], paid["operator_value"], paid["explicit_datetime"]) == ("gte", 3, "-30d")


async def test_the_plan_says_the_kind_and_nothing_is_made(client: Client) -> None:
    content, text = await answered(client, "create_segment", name="Never", criteria=[PAID])

    assert not content["changed"]
    assert "behavioural (dynamic) cohort" in text
    assert "Never" not in json.dumps(await call(client, "list_segments"))


async def test_a_plan_that_holds_nobody_says_where_to_look(client: Client) -> None:
    content, text = await answered(client, "create_segment", name="None", criteria=[{"key": "plan", "value": "Free"}])

    assert (content["size"], content["examples"]) == (0, [])
    assert "get_object_fields" in content["next"]
    assert content["next"] in text


async def test_segments_are_listed_with_size_and_trend(client: Client, settings: Settings) -> None:
    segment = await made(client, "Pro", criteria=[{"key": "plan", "value": "pro"}])
    async with open_project(settings) as project:
        kept = await project.desk.documents.get("segment_size", 1, str(segment["id"]))
        assert kept is not None
        await project.desk.documents.put("segment_size", 1, str(segment["id"]), {**kept.body, "2026-01-01": 7})

    rows = (await call(client, "list_segments", search="Pro"))["rows"]

    assert [segment["id"], "Pro", False, 25, 7, "2026-01-01"] in rows


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({}, "0 ways"),
        ({"criteria": [FREE], "hogql": "SELECT person_id FROM events"}, "2 ways"),
        ({"criteria": [{"event": "paid", "operator": "about"}]}, "no such count"),
        ({"criteria": [{"event": "paid", "days": 0}]}, "days"),
        ({"criteria": [FREE, {"event": "payed", "times": 0}]}, "Nearest: paid"),
        ({"criteria": [{"key": "plan", "event": "paid"}]}, "key or an event"),
        ({"hogql": "SELECT event FROM events"}, "person_id"),
        ({"churn": {"horizon": 14}}, "churn.horizon"),
        ({"cluster": {"theme": "none", "cluster": "x"}}, "no cluster"),
    ],
)
async def test_what_cannot_be_chosen_is_told(client: Client, wrong: dict[str, Any], told: str) -> None:
    assert told in await refused(client, "create_segment", name="X", **wrong)


async def test_a_clusters_users_become_a_static_cohort(client: Client, settings: Settings) -> None:
    clusters: list[Json] = [
        {"label": "Refund fails", "members": ["trace-1", "trace-4"]},
        {"label": "Export", "members": ["trace-2"]},
    ]
    async with open_project(settings) as project:
        await project.themes.save_clustering(1, "failures", "run-1", {"clusters": clusters})

    plan = await call(client, "create_segment", name="R", cluster={"theme": "failures", "cluster": "Refund fails"})

    assert (plan["size"], plan["cohort"]) == (2, "static")
    assert {row[0] for row in plan["examples"]} == people([1, 4])


async def test_those_at_risk_become_a_static_cohort(demo_dir: Path, tmp_path: Path) -> None:
    """The same people as the list that score_churn gives."""
    state = f"sqlite:///{tmp_path / 'state.sqlite'}"
    own = Settings.load(data_dir=demo_dir, backend="local", state_url=state, allow_writes=True, toolsets="all")
    async with Client(build_server(own)) as demo:
        when = {"horizon_days": 14}
        scored = await call(demo, "score_churn", limit=5, **when)
        plan = await call(demo, "create_segment", name="At risk", churn={"limit": 5, **when})
        risky = await call(demo, "create_segment", name="Risky", churn={"limit": 5, "risk": 0.5, **when})

    assert (plan["size"], plan["cohort"]) == (5, "static")
    assert {row[0] for row in plan["examples"]} == {row[0] for row in scored["rows"]}
    assert risky["size"] == 5


async def test_a_list_that_would_be_cut_is_refused(settings: Settings) -> None:
    from posthog_mcp.audience.segments import Source, segment_of
    from posthog_mcp.errors import InvalidInput

    small = settings.model_copy(update={"max_rows": 10})
    async with open_project(small) as project:
        with pytest.raises(InvalidInput, match="a part would be wrong"):
            await segment_of(project, "Cut", Source(insight=FUNNEL, actors={"step": 2, "dropped": True}))
