"""The server's own product analytics: off by default; on, it tells tools and times to a real capture endpoint."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from starlette.types import Message, Receive, Scope, Send

from posthog_mcp.backends.backend import QueryOptions
from posthog_mcp.backends.local.driver import LocalDriver
from posthog_mcp.backends.local.ingest import capture
from posthog_mcp.rest.app import rest_app
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings
from tests.insights.served import serving
from tests.safety.planted import make

PLANTED = "planted-argument-3391"


class Host:
    """The embedded project in PostHog's place, which keeps what is sent to it."""

    def __init__(self, app: Any) -> None:
        self.app, self.bodies, self.paths = app, b"", list[str]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def noting() -> Message:
            message = await receive()
            self.bodies += message.get("body", b"")
            return message

        self.paths.append(scope.get("path", ""))
        await self.app(scope, noting, send)


async def use(data: Path, **settings: Any) -> None:
    given = {"data_dir": data, "backend": "local", **settings}
    async with Client(build_server(Settings.load(**given))) as client:
        await client.call_tool("execute_hogql", {"query": f"SELECT '{PLANTED}'"})
        await client.call_tool("execute_hogql", {"query": f"SELECT {PLANTED} FROM nothing"})


@pytest.fixture(scope="module")
async def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return await make(tmp_path_factory.mktemp("own"))


async def test_tool_calls_arrive_without_arguments_and_by_default_nothing_does(data: Path) -> None:
    driver = LocalDriver(data)
    host = Host(rest_app(driver, partial(capture, driver.store)))
    async with serving(host) as address:
        await use(data, telemetry_host=address)
        assert host.paths.count("/batch/") == 0
        await use(data, telemetry_host=address, telemetry_key="phc_local")
    batch = json.loads(host.bodies)["batch"]
    told = [each["properties"] for each in batch]

    assert {each["event"] for each in batch} == {"mcp_tool_called"}
    assert [(each["tool"], each["ok"], each["outcome"]) for each in told] == [
        ("execute_hogql", True, "ok"),
        ("execute_hogql", False, told[1]["outcome"]),
    ]
    assert told[1]["outcome"].startswith("hogql")
    assert all(each["duration_ms"] >= 0 and each["client"] for each in told)
    assert len({each["distinct_id"] for each in batch}) == 1
    assert "local" not in batch[0]["distinct_id"]
    assert PLANTED not in host.bodies.decode()
    kept = await driver.query(
        {"kind": "HogQLQuery", "query": "SELECT count() FROM events WHERE event = 'mcp_tool_called'"},
        QueryOptions("own"),
    )
    assert kept.table.rows == [[2]], "it arrived as events that can be asked for"
    await driver.aclose()


async def test_a_host_that_is_away_costs_no_call(data: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings.load(
        data_dir=data, backend="local", telemetry_host="http://127.0.0.1:9", telemetry_key="phc_local"
    )
    async with Client(build_server(settings)) as client:
        answer = await client.call_tool("query_history", {})
        begun = time.monotonic()

    assert not answer.is_error
    assert time.monotonic() - begun < 8
    assert "phc_local" not in caplog.text
