"""Saved insights and dashboards through an MCP client: found by any name, computed whatever their age, saved when asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from posthog_mcp.backends.local.objects import Objects
from posthog_mcp.backends.local.storage import Store
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings
from tests.api.calls import text_of
from tests.copies import copied

OLD = {
    "name": "Old one",
    "query": None,
    "filters": {"insight": "TRENDS", "events": [{"id": "signed_up"}], "date_from": "-90d"},
}
BROKEN = {
    "name": "Broken",
    "query": {"kind": "DataVisualizationNode", "source": {"kind": "HogQLQuery", "query": "SELECT nope FROM events"}},
}
VARIABLES: dict[str, Any] = {
    "name": "With a variable",
    "query": {
        "kind": "DataVisualizationNode",
        "source": {
            "kind": "HogQLQuery",
            "query": "SELECT count() FROM events WHERE event = {variables.event_name}",
            "variables": {"v1": {"code_name": "event_name", "value": "signed_up"}},
        },
    },
}


@pytest.fixture(scope="module")
async def folder(demo_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo with an insight in old words, one that is broken, one with a variable, and a dashboard of all."""
    folder = copied(demo_dir, tmp_path_factory.mktemp("saved") / "data")
    objects = Objects(Store(folder / "local").root)
    made = [objects.create("insights", body) for body in (OLD, BROKEN, VARIABLES)]
    tiles: list[Any] = [{"id": place, "insight": each["id"]} for place, each in enumerate(made, 1)]
    tiles.append({"id": 9, "text": {"body": "## Read me"}})
    variables = {"v1": {"code_name": "event_name", "value": "$pageview"}}
    objects.create("dashboards", {"name": "Mixed", "tiles": tiles, "variables": variables})
    objects.create("insights", {"name": "Twin", "query": VARIABLES["query"]})
    objects.create("insights", {"name": "Twin", "query": VARIABLES["query"]})
    objects.close()
    return folder


@pytest.fixture(scope="module")
async def client(folder: Path) -> AsyncIterator[Client]:
    async with Client(build_server(Settings.load(data_dir=folder, backend="local", allow_writes=True))) as connected:
        yield connected


async def ok(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, text_of(result)
    assert result.structured_content is not None
    return {**result.structured_content, "text": text_of(result)}


async def error(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return text_of(result)


async def confirmed(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    plan = await ok(client, tool, **arguments)
    assert plan["changed"] is False
    return await ok(client, tool, **arguments, confirm_token=plan["confirm_token"])


async def test_every_demo_insight_computes(client: Client) -> None:
    for number in range(1, 9):
        found = await ok(client, "get_insight", insight=str(number))
        assert found["row_count"] > 0, found["insight"]["name"]
        assert found["hogql"]


async def test_an_insight_is_found_by_id_short_id_and_name(client: Client) -> None:
    by_id = await ok(client, "get_insight", insight="2")
    assert (await ok(client, "get_insight", insight=by_id["insight"]["short_id"]))["rows"] == by_id["rows"]
    assert (await ok(client, "get_insight", insight="weekly ACTIVE people"))["insight"]["id"] == 2


async def test_names_that_are_not_clear_list_the_candidates(client: Client) -> None:
    text = await error(client, "get_insight", insight="Twin")
    assert "2 insights fit" in text
    assert "Give the id" in text
    assert "Weekly active people" in await error(client, "get_insight", insight="Weekly aktive peple")


async def test_old_filters_compute(client: Client) -> None:
    found = await ok(client, "get_insight", insight="Old one")
    counted = await ok(client, "run_insight", kind="trends", series=[{"event": "signed_up"}], date_from="-90d")
    assert found["rows"] == counted["rows"]


async def test_a_dashboard_computes_all_and_a_broken_tile_hides_none(client: Client) -> None:
    found = await ok(client, "get_dashboard", dashboard="Mixed")
    tiles = {tile.get("name", "text"): tile for tile in found["tiles"]}
    assert (found["tile_count"], found["failed"]) == (4, 1)
    assert "nope" in tiles["Broken"]["error"]
    assert tiles["text"]["text"] == "## Read me"
    assert "signed_up" in str(tiles["Old one"]["summary"])
    assert "(earlier)" in str(tiles["Old one"]["columns"])
    assert all(name in found["text"] for name in ("Broken", "Old one", "Read me"))


async def test_a_dashboards_variables_reach_its_tiles(client: Client) -> None:
    tile = next(
        tile
        for tile in (await ok(client, "get_dashboard", dashboard="Mixed"))["tiles"]
        if tile.get("name") == "With a variable"
    )
    views = await ok(client, "execute_hogql", query="SELECT count() FROM events WHERE event = '$pageview'")
    own = await ok(client, "get_insight", insight="With a variable")
    assert tile["rows"] == views["rows"] != own["rows"]


async def test_an_insight_is_computed_and_then_saved(client: Client) -> None:
    question = {"kind": "trends", "series": [{"event": "signed_up"}], "date_from": "-30d", "breakdown": ["$browser"]}
    done = await confirmed(client, "save_insight", name="By browser", question=question, description="d")
    assert done["computed"]["rows"] == 31
    again = await ok(client, "get_insight", insight=str(done["id"]))
    asked = await ok(client, "run_insight", **question)
    assert again["rows"] == asked["rows"]
    listed = await ok(client, "discover_objects", kind="insight", search="By browser")
    assert listed["items"][0][0] == done["id"]


async def test_what_does_not_compute_is_not_saved(client: Client) -> None:
    text = await error(client, "save_insight", name="Bad", hogql="SELECT nope FROM events")
    assert "nope" in text
    assert "[not_found]" in await error(client, "get_insight", insight="Bad one that is not there at all")
    assert "needs a query" in await error(client, "save_insight", name="Nothing")


async def test_only_what_is_named_changes(client: Client) -> None:
    made = await confirmed(client, "save_insight", name="Count", hogql="SELECT count() FROM events", description="kept")
    await confirmed(client, "save_insight", insight="Count", name="Counted")
    found = await ok(client, "get_insight", insight=str(made["id"]))
    assert (found["insight"]["name"], found["insight"]["description"]) == ("Counted", "kept")
    assert found["rows"][0][0] > 0


async def test_a_dashboard_is_made_of_insights(client: Client) -> None:
    done = await confirmed(client, "save_dashboard", name="Mine", insights=["2", "Weekly retention"], description="x")
    found = await ok(client, "get_dashboard", dashboard="Mine")
    assert found["dashboard"]["id"] == done["id"]
    assert [tile["name"] for tile in found["tiles"]] == ["Weekly active people", "Weekly retention"]
    await confirmed(client, "save_dashboard", dashboard="Mine", insights=["1"])
    assert len((await ok(client, "get_dashboard", dashboard="Mine"))["tiles"]) == 3


async def test_writes_are_off_by_default(folder: Path) -> None:
    async with Client(build_server(Settings.load(data_dir=folder, backend="local"))) as reader:
        names = {tool.name for tool in (await reader.list_tools()).tools}
        assert {"run_insight", "get_insight", "get_dashboard"} <= names
        assert not {"save_insight", "save_dashboard"} & names


async def test_the_people_behind_a_value(client: Client) -> None:
    question: dict[str, Any] = {
        "kind": "trends",
        "series": [{"event": "signed_up"}],
        "date_from": "2026-10-01",
        "date_to": "2026-10-31",
    }
    found = await ok(client, "run_insight", **question)
    day, count = max(found["rows"], key=lambda row: row[1])
    behind = await ok(client, "run_insight", **question, actors={"period": day})
    assert behind["row_count"] == count
    assert "Give period" in await error(client, "run_insight", **question, actors={"day": day})
    assert "There is no day" in await error(client, "run_insight", **question, actors={"period": "2020-01-01"})
