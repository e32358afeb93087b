"""A project on a ClickHouse server: the same answers, read only, and every way in which it can fail."""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from threading import Thread
from typing import Any

import anyio
import pytest
from mcp import Client
from starlette.testclient import TestClient

from posthog_mcp.backends.backend import QueryOptions
from posthog_mcp.backends.local.clickhouse.address import read_address
from posthog_mcp.backends.local.clickhouse.ddl import schema
from posthog_mcp.backends.local.clickhouse.loading import describe
from posthog_mcp.backends.local.clickhouse.server import Server
from posthog_mcp.backends.local.driver import LocalDriver
from posthog_mcp.backends.local.manifest import ProjectSettings
from posthog_mcp.cli import main
from posthog_mcp.commands.doctor_clickhouse import clickhouse_findings
from posthog_mcp.errors import Forbidden, InvalidInput, PostHogMcpError, QueryTimeout, Unavailable
from posthog_mcp.results import Json
from posthog_mcp.server.app import build_server
from posthog_mcp.server.http import http_app
from posthog_mcp.settings import Settings
from tests.backends.conftest import Host
from tests.running import apart

SLOW = "SELECT count() FROM events AS a CROSS JOIN events AS b WHERE cityHash64(concat(a.properties, b.properties)) = 3"
QUESTIONS = [
    "SELECT toStartOfWeek(timestamp) AS week, count(), uniqExact(person_id) FROM events GROUP BY week ORDER BY week",
    "SELECT properties.$browser AS b, count() AS n FROM events WHERE event = '$pageview' GROUP BY b ORDER BY n DESC, b",
    "SELECT person.properties.plan AS plan, sum(properties.amount) FROM events GROUP BY plan ORDER BY plan",
    "SELECT session.$channel_type AS c, avg(session.$session_duration) FROM events GROUP BY c ORDER BY c",
    "SELECT count() FROM events WHERE person_id IN COHORT 'Came from paid social'",
    "SELECT organization.properties.plan AS p, count() FROM events GROUP BY p ORDER BY p",
    "SELECT level, count() FROM (SELECT windowFunnel(86400)(toDateTime(timestamp), event = 'signed_up', event = '$pageview')"
    " AS level FROM events GROUP BY person_id) GROUP BY level ORDER BY level",
    "SELECT model, count(), sum(input_tokens) FROM posthog.ai_events GROUP BY model ORDER BY model",
    "SELECT id, name, created_at FROM system.insights ORDER BY id",
    "SELECT uuid, timestamp, properties, elements_chain FROM events ORDER BY timestamp, uuid LIMIT 20",
    "SELECT 'it''s \\\\ %s {x} \\n ü', [1, NULL], NULL IN (NULL, 1), 1 / 0, toDateTime('2026-03-29 01:30:00')",
    "SELECT count() FROM events WHERE properties.$browser IN ('Chrome', 'Safari, ü', 'Firefox')",
    "SELECT count() FROM raw_cohort_people WHERE sign = 1",
]


@pytest.fixture(scope="module")
async def here(demo_dir: Path) -> AsyncIterator[LocalDriver]:
    driver = LocalDriver(demo_dir)
    yield driver
    await driver.aclose()


@pytest.fixture(scope="module")
async def there(demo_dir: Path, clickhouse: Host) -> AsyncIterator[LocalDriver]:
    driver = LocalDriver(demo_dir, clickhouse=clickhouse.url())
    yield driver
    await driver.aclose()


async def ask(driver: LocalDriver, query: str, seconds: float = 30.0) -> Any:
    body: dict[str, Json] = {"kind": "HogQLQuery", "query": query}
    return (await driver.query(body, QueryOptions("server", timeout_seconds=seconds))).table


@pytest.mark.parametrize("query", QUESTIONS)
async def test_answers_equal_chdb_s(here: LocalDriver, there: LocalDriver, query: str) -> None:
    found = await ask(there, query)
    assert found.rows
    assert found == await ask(here, query)


async def test_a_client_sees_where_it_runs(
    demo_dir: Path, clickhouse: Host, here: LocalDriver, there: LocalDriver
) -> None:
    settings = Settings.load(data_dir=demo_dir, backend="local", clickhouse_url=clickhouse.url(), audit="off")
    steps = [{"event": "signed_up"}, {"event": "$pageview"}]
    async with Client(build_server(settings)) as client:
        funnel = await client.call_tool("run_insight", {"kind": "funnel", "series": steps, "date_from": "2026-06-01"})
        content = funnel.structured_content
        assert content is not None
        script = await client.call_tool("show_last_script", {})
    assert content["project"]["host"] == f"clickhouse://127.0.0.1:{clickhouse.port}/ph_test"
    assert (await ask(there, content["hogql"])) == (await ask(here, content["hogql"]))
    assert "s3cr3t" not in f"{funnel} {script}"


async def running(host: Host) -> int:
    """Slow queries on the server."""
    server = Server(read_address(host.url("loader").get_secret_value()))
    try:
        select = "SELECT count() FROM system.processes WHERE query LIKE '%cityHash64%' AND query NOT LIKE '%processes%'"
        return int(str((await server.rows(select))[0][0]))
    finally:
        await server.aclose()


async def test_a_slow_query_ends_on_the_server_too(there: LocalDriver, clickhouse: Host) -> None:
    started = time.monotonic()
    with pytest.raises(QueryTimeout, match=r"longer than 0\.5 s"):
        await ask(there, SLOW, seconds=0.5)
    assert time.monotonic() - started < 4
    assert await running(clickhouse) == 0


async def test_a_cancelled_query_is_killed(there: LocalDriver, clickhouse: Host) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, there, SLOW)
        with anyio.fail_after(5):
            while not await running(clickhouse):  # noqa: ASYNC110 (only the server knows)
                await anyio.sleep(0.05)
        tasks.cancel_scope.cancel()
    assert await running(clickhouse) == 0
    assert (await ask(there, "SELECT 1")).rows == [[1]]


async def test_queries_run_beside_each_other(there: LocalDriver) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, there, SLOW)
        await anyio.sleep(0.2)
        with anyio.fail_after(5):
            assert (await ask(there, "SELECT 1")).rows == [[1]]
        tasks.cancel_scope.cancel()


async def complaint(driver: LocalDriver, query: str = "SELECT 1") -> PostHogMcpError:
    with pytest.raises(PostHogMcpError) as caught:
        await ask(driver, query)
    await driver.aclose()
    return caught.value


async def test_a_wrong_password_is_forbidden_and_never_shown(
    tmp_path: Path, clickhouse: Host, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = clickhouse.url(password="hunter2-hunter2")
    error = await complaint(LocalDriver(tmp_path, clickhouse=url))
    lines = [line async for line in clickhouse_findings(url)]
    assert isinstance(error, Forbidden)
    assert [line.state for line in lines] == ["failed"]
    assert "hunter2" not in f"{error.as_text()} {error.context} {lines} {caplog.text} {error.__cause__!r}"


@pytest.mark.parametrize("hangs_up", [False, True])
async def test_no_server_says_what_to_check(tmp_path: Path, hangs_up: bool) -> None:
    """Nothing listens, or something else does that ends the connection."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        host = Host(taken.getsockname()[1])
        Thread(target=hang_up, args=(taken,), daemon=True).start()
        driver = LocalDriver(tmp_path, clickhouse=host.url())
        if not hangs_up:
            taken.close()
        with pytest.raises(Unavailable, match="does not answer") as caught:
            await driver.ready()
    assert "POSTHOG_MCP_CLICKHOUSE_URL" in caught.value.fix
    await driver.aclose()


def hang_up(listener: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            listener.accept()[0].close()


async def test_an_empty_database_says_how_to_fill_it(tmp_path: Path, clickhouse: Host) -> None:
    error = await complaint(LocalDriver(tmp_path, clickhouse=clickhouse.url(database="nothing")))
    assert isinstance(error, Unavailable)
    assert "clickhouse-load" in error.fix


async def test_a_read_only_profile_is_refused(tmp_path: Path, clickhouse: Host) -> None:
    error = await complaint(LocalDriver(tmp_path, clickhouse=clickhouse.url("fixed")))
    assert isinstance(error, InvalidInput)
    assert "readonly=1" in error.message


async def test_nothing_can_be_written(there: LocalDriver, clickhouse: Host) -> None:
    """Even with a user who may: each query goes out with readonly=1."""
    server = Server(read_address(clickhouse.url("loader").get_secret_value()))
    for sql in ("CREATE TABLE ph_test.x (a Int8) ENGINE = Memory", "SELECT * FROM url('http://127.0.0.1:1/', CSV)"):
        with pytest.raises((Forbidden, InvalidInput)):
            await server.read(sql)
    await server.aclose()
    assert "capture" not in there.capabilities
    with pytest.raises(Forbidden):
        await there.capture_events([{"event": "x"}])


async def test_the_doctor_tells_of_too_many_rights(clickhouse: Host) -> None:
    good = [line async for line in clickhouse_findings(clickhouse.url())]
    assert [line.state for line in good] == ["ok", "ok", "ok"]
    assert "events" in good[2].found
    bad = [line async for line in clickhouse_findings(clickhouse.url("loader"))]
    assert [line.state for line in bad] == ["ok", "warning", "ok"]
    assert "s3cr3t" not in f"{good} {bad}"


async def test_own_tables_are_read_for_names_and_types(here: LocalDriver, clickhouse: Host, tmp_path: Path) -> None:
    """A team that fills the printed tables itself gets the types that an import finds in the same rows."""
    own = Server(read_address(clickhouse.url("loader", database="own").get_secret_value()))
    with pytest.raises(InvalidInput, match="missing"):
        await describe(own, ProjectSettings(name="Own"))
    for statement in schema("own"):
        if not statement.startswith("--"):
            await own.command(statement)
    for table in ("events", "persons", "person_distinct_ids", "groups", "sessions"):
        names = [
            str(row[0])
            for row in await own.rows(f"SELECT name FROM system.columns WHERE database = 'own' AND table = '{table}'")
        ]
        listed = ", ".join(f"`{name}`" for name in names)
        await own.command(f"INSERT INTO own.{table} ({listed}) SELECT {listed} FROM ph_test.{table}")
    found = await describe(own, ProjectSettings(name="Own", timezone="Europe/Berlin"))
    await own.aclose()
    known = (await here.snapshot()).manifest.definitions
    assert {name: each.type for name, each in found.definitions.event_properties.items()} == {
        name: each.type for name, each in known.event_properties.items()
    }
    assert found.definitions.events == known.events
    driver = LocalDriver(tmp_path, clickhouse=clickhouse.url(database="own"))
    query = "SELECT properties.$browser AS b, count(), sum(properties.amount) FROM events GROUP BY b ORDER BY b"
    assert (await ask(driver, query)).rows == (await ask(here, query)).rows
    assert (await driver.project()).timezone == "Europe/Berlin"
    await driver.aclose()


def test_the_printed_schema_names_the_database_and_no_password(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("POSTHOG_MCP_CLICKHOUSE_LOAD_URL", "clickhouse://u:hunter2@h:8123/shop")
    assert apart(lambda: main(["local", "clickhouse-schema", "--data-dir", str(tmp_path)])) == 0
    printed = capsys.readouterr().out
    assert "CREATE TABLE IF NOT EXISTS `shop`.`events`" in printed
    assert "GRANT SELECT ON `shop`.* TO posthog_mcp;" in printed
    assert "hunter2" not in printed


def test_operator_pages_say_where_it_runs(demo_dir: Path, clickhouse: Host) -> None:
    settings = Settings.load(data_dir=demo_dir, backend="local", clickhouse_url=clickhouse.url(), audit="off")
    with TestClient(http_app(build_server(settings), "127.0.0.1", 8000), "http://127.0.0.1:8000") as client:
        assert client.get("/ready").json() == {"status": "ready"}
        assert client.get("/api/info").json()["engine"] == "clickhouse"
    broken = Settings.load(
        data_dir=demo_dir, backend="local", clickhouse_url=clickhouse.url(password="no"), audit="off"
    )
    with TestClient(http_app(build_server(broken), "127.0.0.1", 8000), "http://127.0.0.1:8000") as client:
        answer = client.get("/ready")
        assert (answer.status_code, answer.json()["detail"].split()[0]) == (503, "[forbidden]")
