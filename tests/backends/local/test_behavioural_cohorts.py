"""Cohorts of what people did hold just who PostHog's definition says, on the driver and through the REST facade."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
import uvicorn

from posthog_mcp.backends.backend import Driver, QueryOptions
from posthog_mcp.backends.local.driver import LocalDriver
from posthog_mcp.backends.local.importing import import_exports
from posthog_mcp.backends.local.manifest import ProjectSettings
from posthog_mcp.backends.local.storage import Store
from posthog_mcp.backends.posthog.driver import PostHogDriver
from posthog_mcp.rest.app import rest_app
from posthog_mcp.settings import Settings
from tests.insights.made import Did, person_id, written

NOW = datetime.now(UTC).replace(microsecond=0)


def bought(who: str, *days: float, **properties: Any) -> list[Did]:
    """Purchases so many days ago."""
    return [Did(who, "bought", (NOW - timedelta(days=each)).isoformat(), properties, {"plan": who[0]}) for each in days]


EVENTS = [
    *bought("a1", 1, 2, 3, amount=10),
    *bought("a2", 5, amount=99),
    *bought("a3", 40),
    *bought("b1", 20, 60),
    *bought("b2", 2, 60, 61),
    Did("b3", "looked", (NOW - timedelta(days=1)).isoformat(), {}, {"plan": "b"}),
]
BOUGHT = {"type": "behavioral", "key": "bought", "event_type": "events"}
MONTH = {"time_value": 30, "time_interval": "day"}
WEEK = {"seq_time_value": 1, "seq_time_interval": "week"}
TWICE = {**BOUGHT, "value": "performed_event_multiple", "explicit_datetime": "-30d", "operator_value": 2}
CASES: dict[str, tuple[list[dict[str, Any]], str, set[str]]] = {
    "performed": ([{**BOUGHT, **MONTH, "value": "performed_event"}], "AND", {"a1", "a2", "b1", "b2"}),
    "explicit": ([{**BOUGHT, "value": "performed_event", "explicit_datetime": "-1w"}], "AND", {"a1", "a2", "b2"}),
    "hours": ([{**BOUGHT, "value": "performed_event", "explicit_datetime": "-30h"}], "AND", {"a1"}),
    "at least": ([{**TWICE, "operator": "gte"}], "AND", {"a1"}),
    "at most": ([{**TWICE, "operator": "lt"}], "AND", {"a2", "b1", "b2"}),
    "exactly": ([{**TWICE, "operator": "exact", "operator_value": 3}], "AND", {"a1"}),
    "first time": ([{**BOUGHT, **MONTH, "value": "performed_event_first_time"}], "AND", {"a1", "a2"}),
    "stopped": ([{**BOUGHT, **MONTH, **WEEK, "value": "stopped_performing_event"}], "AND", {"b1"}),
    "restarted": ([{**BOUGHT, **MONTH, **WEEK, "value": "restarted_performing_event"}], "AND", {"b2"}),
    "filtered": (
        [
            {
                **BOUGHT,
                **MONTH,
                "value": "performed_event",
                "event_filters": [{"type": "event", "key": "amount", "value": 50, "operator": "gt"}],
            }
        ],
        "AND",
        {"a2"},
    ),
    "with a property": (
        [
            {**BOUGHT, **MONTH, "value": "performed_event"},
            {"type": "person", "key": "plan", "value": "b", "operator": "exact"},
        ],
        "AND",
        {"b1", "b2"},
    ),
    "not done": (
        [
            {"type": "person", "key": "plan", "value": "b", "operator": "exact"},
            {**BOUGHT, **MONTH, "value": "performed_event", "negation": True},
        ],
        "AND",
        {"b3"},
    ),
    "either": (
        [{**TWICE, "operator": "gte"}, {"type": "person", "key": "plan", "value": "b", "operator": "exact"}],
        "OR",
        {"a1", "b1", "b2", "b3"},
    ),
    "regularly": ([{**BOUGHT, **MONTH, "value": "performed_event_regularly"}], "AND", set()),
    "minutes": ([{**BOUGHT, "value": "performed_event", "time_value": 3, "time_interval": "minute"}], "AND", set()),
    "zero times": ([{**TWICE, "operator_value": 0}], "AND", set()),
    "an end": ([{**TWICE, "explicit_datetime_to": "-3d"}], "AND", set()),
}


@pytest.fixture(scope="module")
async def local(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalDriver]:
    folder: Path = tmp_path_factory.mktemp("behaviour")
    export = folder / "events.jsonl"
    export.write_text(written(EVENTS, "UTC"))
    await import_exports(Store(folder / "data" / "local"), [export], project=ProjectSettings(name="Made"))
    driver = LocalDriver(folder / "data")
    yield driver
    await driver.aclose()


@pytest.fixture(scope="module")
async def numbers(local: LocalDriver) -> dict[str, Any]:
    """The cohorts' ids by case; written at once, so that they are worked out in one go."""
    bodies = [{"name": name, "filters": filters(conditions, kind)} for name, (conditions, kind, _) in CASES.items()]
    made = [await anyio.to_thread.run_sync(local.objects.create, "cohorts", body) for body in bodies]
    return {str(each["name"]): each["id"] for each in made}


def filters(conditions: list[dict[str, Any]], kind: str = "AND") -> dict[str, Any]:
    return {"properties": {"type": "OR", "values": [{"type": kind, "values": conditions}]}}


async def people_in(driver: Driver, cohort: Any) -> set[str]:
    query = f"SELECT toString(id) FROM persons WHERE id IN COHORT {cohort} LIMIT 100"
    answer = await driver.query({"kind": "HogQLQuery", "query": query}, QueryOptions("behaviour"))
    return {str(row[0]) for row in answer.table.rows}


@pytest.mark.parametrize("name", CASES)
async def test_it_holds_just_these_people(local: LocalDriver, numbers: dict[str, Any], name: str) -> None:
    assert await people_in(local, numbers[name]) == {person_id(each) for each in CASES[name][2]}


@pytest.mark.parametrize("name", [name for name, (*_, who) in CASES.items() if not who])
async def test_what_would_be_guessed_says_why(local: LocalDriver, numbers: dict[str, Any], name: str) -> None:
    await people_in(local, numbers[name])

    cohort = await anyio.to_thread.run_sync(local.objects.get, "cohorts", str(numbers[name]))
    assert "cannot work out" in str(cohort["last_error"])


async def test_our_http_driver_makes_the_same_cohort(local: LocalDriver, numbers: dict[str, Any]) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(rest_app(local), log_level="warning", access_log=False))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve, [listener])
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/api/"
        remote = PostHogDriver(Settings.load(api_key="phx_local", project_id=1, base_url=address, backend="posthog"))
        made = await remote.create("cohorts", {"name": "Remote", "filters": filters(CASES["at least"][0])})
        assert made["count"] == len(CASES["at least"][2])
        assert await people_in(remote, made["id"]) == await people_in(local, numbers["at least"])
        await remote.aclose()
        server.should_exit = True


async def test_a_new_event_changes_who_is_in(local: LocalDriver, numbers: dict[str, Any]) -> None:
    assert person_id("a2") not in await people_in(local, numbers["at least"])
    event: dict[str, Any] = {
        "event": "bought",
        "distinct_id": "a2",
        "timestamp": NOW.isoformat(),
        "properties": {"amount": 1},
    }

    await local.capture_events([event])

    assert await people_in(local, numbers["at least"]) == {person_id("a1"), person_id("a2")}
