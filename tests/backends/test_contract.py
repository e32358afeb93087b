"""One contract: the embedded project on chDB and on a ClickHouse server, and our HTTP driver against a REST facade."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest
import uvicorn

from posthog_mcp.backends.backend import Driver, ListOptions, QueryOptions, Resource
from posthog_mcp.backends.local.driver import LocalDriver
from posthog_mcp.backends.posthog.driver import PostHogDriver
from posthog_mcp.errors import (
    Forbidden,
    HogQLResolutionError,
    HogQLSyntaxError,
    NotFound,
    PostHogMcpError,
    QueryTimeout,
    Unavailable,
)
from posthog_mcp.rest.app import rest_app
from posthog_mcp.results import Json
from posthog_mcp.settings import Settings

WEEK = "timestamp >= '2026-10-01' AND timestamp < '2026-10-08'"
SLOW = "SELECT count() FROM events AS a CROSS JOIN events AS b WHERE cityHash64(concat(a.properties, b.properties)) = 3 LIMIT 1"


@pytest.fixture(scope="module")
async def facade(demo_dir: Path) -> AsyncIterator[tuple[LocalDriver, str]]:
    """The embedded project and the address of its REST API."""
    driver = LocalDriver(demo_dir)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(rest_app(driver), log_level="warning", access_log=False))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve, [listener])
        while not server.started:  # noqa: ASYNC110 (uvicorn tells it in no other way)
            await anyio.sleep(0.02)
        yield driver, f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
    await driver.aclose()


@pytest.fixture(scope="module", params=["local", "clickhouse", "posthog"])
async def driver(
    request: pytest.FixtureRequest, facade: tuple[LocalDriver, str], demo_dir: Path
) -> AsyncIterator[Driver]:
    local, address = facade
    if request.param == "local":
        yield local
        return
    if request.param == "clickhouse":
        remote = LocalDriver(demo_dir, clickhouse=request.getfixturevalue("clickhouse").url())
    else:
        remote = PostHogDriver(over_http(address))
    yield remote
    await remote.aclose()


def over_http(address: str, key: str = "phx_local", project: int | None = 1) -> Settings:
    return Settings.load(api_key=key, project_id=project, base_url=f"{address}/api/", backend="posthog")


async def rows(driver: Driver, query: str, **more: Json) -> list[list[Json]]:
    body: dict[str, Json] = {"kind": "HogQLQuery", "query": query, **more}
    return (await driver.query(body, QueryOptions("contract"))).table.rows


async def test_project_is_named(driver: Driver) -> None:
    info = await driver.project()
    assert (info.id, info.name, info.timezone, info.backend) == (1, "Demo", "UTC", driver.kind)


async def test_the_same_rows_come_back(driver: Driver, facade: tuple[LocalDriver, str]) -> None:
    query = f"SELECT event, count() AS n, uniqExact(person_id) FROM events WHERE {WEEK} GROUP BY event ORDER BY event LIMIT 50"
    found = await rows(driver, query)
    assert found == await rows(facade[0], query)
    assert len(found) > 10


async def test_columns_keep_names_and_types(driver: Driver) -> None:
    query: dict[str, Json] = {
        "kind": "HogQLQuery",
        "query": f"SELECT event AS e, count() FROM events WHERE {WEEK} GROUP BY e",
    }
    columns = (await driver.query(query, QueryOptions("columns"))).table.columns
    assert [(column.name, column.type) for column in columns] == [("e", "String"), ("count()", "UInt64")]


async def test_values_are_bound(driver: Driver) -> None:
    query = f"SELECT count() FROM events WHERE event IN {{names}} AND {WEEK} LIMIT 1"
    assert await rows(driver, query, values={"names": ["signed_up", "it's"]}) == await rows(
        driver, f"SELECT count() FROM events WHERE event = 'signed_up' AND {WEEK} LIMIT 1"
    )


@pytest.mark.parametrize(
    ("query", "kind"),
    [("SELECT 1 +", HogQLSyntaxError), ("SELECT nosuch FROM events LIMIT 1", HogQLResolutionError)],
)
async def test_bad_queries_are_told_apart(driver: Driver, query: str, kind: type[PostHogMcpError]) -> None:
    with pytest.raises(kind):
        await rows(driver, query)


async def test_the_catalogue_holds_names_and_types(driver: Driver) -> None:
    catalogue = await driver.catalogue()
    assert catalogue.events["$pageview"] > 0
    assert catalogue.event_properties["amount"] == "Numeric"
    assert catalogue.person_properties["plan"] == "String"
    assert catalogue.group_types == ("organization",)
    assert catalogue.tables["events"].joins["person"] == "persons"
    assert set(catalogue.cohorts.values()) >= {"Came from paid social"}


@pytest.mark.parametrize(
    "resource",
    ["event_definitions", "property_definitions", "insights", "cohorts", "annotations", "persons", "members"],
)
async def test_pages_cover_everything_once(driver: Driver, resource: Resource) -> None:
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(5):
        page = await driver.list(resource, ListOptions(limit=7, cursor=cursor))
        seen += [str(item["id"]) for item in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert seen
    assert len(seen) == len(set(seen))


async def test_objects_live_and_die(driver: Driver) -> None:
    made = await driver.create("annotations", {"content": "contract", "date_marker": "2026-10-01T00:00:00Z"})
    object_id = str(made["id"])
    assert (await driver.get("annotations", object_id))["content"] == "contract"
    assert (await driver.update("annotations", object_id, {"content": "changed"}))["content"] == "changed"
    await driver.delete("annotations", object_id)
    page = await driver.list("annotations", ListOptions(search="changed"))
    assert page.items == []


async def test_property_values_come_with_counts(driver: Driver) -> None:
    values = dict(await driver.property_values("event", "$browser"))
    assert values["Chrome"] > values["Firefox"] > 0


async def test_missing_objects_are_not_found(driver: Driver) -> None:
    with pytest.raises(NotFound):
        await driver.get("insights", "999999")


async def test_a_slow_query_is_stopped_at_its_time(driver: Driver) -> None:
    body: dict[str, Json] = {"kind": "HogQLQuery", "query": SLOW}
    with pytest.raises(QueryTimeout):
        await driver.query(body, QueryOptions("slow-one", timeout_seconds=1.0))
    assert await rows(driver, "SELECT 1") == [[1]]


async def test_a_wrong_key_is_forbidden_and_never_shown(facade: tuple[LocalDriver, str]) -> None:
    remote = PostHogDriver(over_http(facade[1], key="phx_secret_value"))
    with pytest.raises(Forbidden) as caught:
        await remote.ready()
    assert "phx_secret_value" not in caught.value.as_text()
    await remote.aclose()


async def test_an_unknown_project_lists_the_ones_there_are(facade: tuple[LocalDriver, str]) -> None:
    remote = PostHogDriver(over_http(facade[1], project=77))
    with pytest.raises(NotFound, match="77") as caught:
        await remote.project()
    assert "1 Demo" in caught.value.fix
    await remote.aclose()


async def test_an_unreachable_host_says_what_to_check() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    remote = PostHogDriver(over_http(f"http://127.0.0.1:{port}"))
    with pytest.raises(Unavailable, match="cannot be reached"):
        await remote.ready()
    await remote.aclose()
