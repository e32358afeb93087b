"""Queries as scripts in the sandbox (POSTHOG_MCP_EXECUTION=e2b), against the embedded project's REST API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from mcp import Client

from posthog_mcp.backends.backend import QueryOptions
from posthog_mcp.errors import HogQLResolutionError, HogQLSyntaxError, PostHogMcpError, QueryTimeout
from posthog_mcp.project import Project
from posthog_mcp.queries.sandboxed import answered
from posthog_mcp.results import Json
from posthog_mcp.runtime import open_project
from posthog_mcp.sandbox.access import PLACEHOLDER
from posthog_mcp.sandbox.sandboxes import open_sandboxes
from posthog_mcp.sandbox.warm import Job
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings
from tests.backends.posthog.fault_host import Answer, Host, http, listening
from tests.sandbox.calls import error, ok
from tests.sandbox.conftest import SettingsOf
from tests.sandbox.egress import Egress
from tests.sandbox.stand_in import StandIn, provide_python

KEY = "phx_local"
WEEK = "timestamp >= '2026-10-01' AND timestamp < '2026-10-08'"
COUNTS = f"SELECT event, count() AS n FROM events WHERE {WEEK} GROUP BY event ORDER BY event LIMIT 50"
SLOW = "SELECT count() FROM events AS a CROSS JOIN events AS b WHERE cityHash64(concat(a.properties, b.properties)) = 3 LIMIT 1"


@pytest.fixture
def e2b_settings(settings_of: SettingsOf, posthog_port: int) -> SettingsOf:
    """Settings that send queries to PostHog through the sandbox."""

    def made(**more: Any) -> Settings:
        flags = {
            "api_key": KEY,
            "project_id": 1,
            "base_url": f"http://127.0.0.1:{posthog_port}",
            "backend": "posthog",
            "execution": "e2b",
        }
        return settings_of(**(flags | more))

    return made


@pytest.fixture
async def project(e2b_settings: SettingsOf) -> AsyncIterator[Project]:
    async with open_project(e2b_settings()) as opened:
        yield opened


def failed_job(**told: str) -> Answer:
    return http(200, {"query_status": {"id": "job", "error": True, **told}})


def hogql(query: str) -> dict[str, Json]:
    return {"kind": "HogQLQuery", "query": query, "values": {}}


@pytest.mark.parametrize(
    ("query", "values"),
    [
        (COUNTS, {}),
        (f"SELECT uuid, timestamp, properties FROM events WHERE {WEEK} ORDER BY uuid", {}),
        (
            "SELECT {text} AS text, NULL AS nothing, '' AS empty, [1, 2] AS list, 1 / 0 AS endless",
            {"text": 'it\'s "a"\r\n😀 {x}'},
        ),
        ("SELECT 1 AS n WHERE n = 2", {}),
    ],
)
async def test_rows_are_the_same_as_asked_directly(
    e2b_settings: SettingsOf, e2b: StandIn, tmp_path: Path, query: str, values: dict[str, str]
) -> None:
    direct_settings = e2b_settings(execution="direct", data_dir=tmp_path / "direct")
    async with Client(build_server(e2b_settings())) as there, Client(build_server(direct_settings)) as direct:
        asked = await ok(there, "execute_hogql", query=query, values=values)
        expected = await ok(direct, "execute_hogql", query=query, values=values)

    for name in ("rows", "columns", "hogql", "truncated", "next", "row_count", "warnings"):
        assert asked[name] == expected[name]
    assert [body["metadata"]["purpose"] for body in e2b.made] == ["scripts"]


async def test_the_result_is_kept_and_equal_queries_share_one_sandbox(e2b_settings: SettingsOf, e2b: StandIn) -> None:
    async with Client(build_server(e2b_settings())) as client:
        first = await ok(client, "execute_hogql", query=COUNTS)
        again = await ok(client, "execute_hogql", query=COUNTS)
        await ok(client, "execute_hogql", query=COUNTS, refresh=True)
        run = await ok(client, "run_python", code="int(df.n.sum())", inputs=[first["query_id"]])
    assert (first["cached"], again["cached"]) == (False, True)
    assert run["result"] == sum(n for _, n in first["rows"])
    assert sorted(body["metadata"]["purpose"] for body in e2b.made) == ["analysis", "scripts"]
    started = [body for line, body in e2b.requests if "/process.Process/Start" in line and b"script.py" in body]
    assert [b"--refresh" in body for body in started] == [False, True]
    assert e2b.boxes == {}


async def test_a_key_that_egress_cannot_add_is_in_the_one_command_only(
    project: Project, e2b: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    assert (await answered(project, hogql(COUNTS), QueryOptions("key-1"))).table.rows

    assert project.sandboxes is not None
    environment = Job("env > left", {"code.py": ""}, "left", 5, 10_000)
    ran = await project.sandboxes.scripts.run(environment)

    assert ran.output is not None
    assert b"POSTHOG" not in ran.output
    holding = [line.split("?")[0] for line, body in e2b.requests if KEY in line or KEY.encode() in body]
    assert holding == ["POST /process.Process/Start"]
    assert "rules" not in e2b.made[0]["network"]
    assert caplog.records
    assert not [line for line in caplog.messages if KEY in line or "e2b_stand_in" in line]


@pytest.fixture
async def egress(e2b: StandIn, posthog_port: int, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Egress]:
    """E2B's egress rules played by a proxy; this machine reaches posthog.test through it as well."""
    proxy = Egress(e2b, {"posthog.test": posthog_port, "elsewhere.test": posthog_port})
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    e2b.egress = f"127.0.0.1:{port}"
    monkeypatch.setenv("HTTP_PROXY", f"http://outside:x@{e2b.egress}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, proxy)
        yield proxy
        tasks.cancel_scope.cancel()


async def test_a_key_that_egress_adds_never_enters_the_sandbox(
    e2b_settings: SettingsOf, e2b: StandIn, egress: Egress
) -> None:
    async with Client(build_server(e2b_settings(base_url="http://posthog.test"))) as client:
        found = await ok(client, "execute_hogql", query=COUNTS)

    assert found["row_count"] > 10
    assert found["warnings"] == []
    holding = [line.split("?")[0] for line, body in e2b.requests if KEY in line or KEY.encode() in body]
    assert holding == ["POST /v2/sandboxes"]
    assert e2b.made[0]["network"] == {
        "allowOut": ["posthog.test"],
        "denyOut": ["0.0.0.0/0"],
        "allowPublicTraffic": False,
        "rules": {"posthog.test": [{"transform": {"headers": {"Authorization": f"Bearer {KEY}"}}}]},
    }
    assert e2b.made[0].get("envVars", {}) == {}
    assert ("posthog.test", f"Bearer {PLACEHOLDER}") in egress.seen


async def test_a_script_reaches_no_other_host(e2b_settings: SettingsOf, egress: Egress) -> None:
    sandboxes = open_sandboxes(e2b_settings(base_url="http://posthog.test"))
    assert sandboxes is not None
    code = "import httpx; print(httpx.get('http://elsewhere.test/').status_code)"
    ran = await sandboxes.scripts.run(Job("python3 code.py", {"code.py": code}, "left", 20, 10))
    await sandboxes.aclose()
    assert ran.stdout == "403\n"
    assert egress.seen == [("elsewhere.test", "refused")]


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("SELECT 1 +", HogQLSyntaxError),
        ("SELECT nosuch FROM events LIMIT 1", HogQLResolutionError),
    ],
)
async def test_what_posthog_refuses_is_told_as_without_a_sandbox(
    project: Project, query: str, kind: type[PostHogMcpError]
) -> None:
    with pytest.raises(kind) as direct:
        await project.driver.query(hogql(query), QueryOptions("refused-1"))
    with pytest.raises(kind) as there:
        await answered(project, hogql(query), QueryOptions("refused-2"))
    assert there.value.as_text() == direct.value.as_text()


PENDING = http(202, {"query_status": {"id": "job", "complete": False}})


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ([PENDING, failed_job(error_message="Memory limit exceeded")], "Memory limit exceeded"),
        ([PENDING, failed_job()], "gives no reason"),
        ([http(400, {"type": "validation_error", "code": "hogql_query_error", "detail": "x" * 5000})], "x" * 2000),
        ([http(200, {"error": "It broke", "results": [], "columns": []})], "It broke"),
        ([http(429, {"type": "throttled_error", "detail": "Expected available in 1 seconds."})], "1 seconds"),
        ([http(502, b"<html>away</html>")], "HTTP 502"),
    ],
)
async def test_what_fails_on_the_host_is_told_as_without_a_sandbox(
    settings_of: SettingsOf, answers: list[Answer], says: str
) -> None:
    told: list[PostHogMcpError] = []
    for execution in ("direct", "e2b"):
        project = http(200, {"id": 1, "name": "Host", "timezone": "UTC"})
        async with listening(Host([project, *answers]).serve) as port:
            address = f"http://127.0.0.1:{port}"
            settings = settings_of(api_key=KEY, project_id=1, base_url=address, backend="posthog", execution=execution)
            async with open_project(settings) as opened:
                await opened.driver.project()
                with pytest.raises(PostHogMcpError) as caught:
                    await answered(opened, hogql("SELECT 1"), QueryOptions("job"))
            told.append(caught.value)
    direct, there = told
    assert (there.code, there.message.partition(": ")[2]) == (direct.code, direct.message.partition(": ")[2])
    assert says in there.message


async def test_a_key_that_posthog_does_not_know_is_told_as_without_a_sandbox(
    e2b_settings: SettingsOf, project: Project
) -> None:
    other = e2b_settings(api_key="phx_unknown_to_it")
    sandboxes = open_sandboxes(other)
    assert sandboxes is not None
    project.settings, project.sandboxes = other, sandboxes
    with pytest.raises(PostHogMcpError) as there:
        await answered(project, hogql(COUNTS), QueryOptions("unknown"))
    await sandboxes.aclose()
    assert there.value.code == "forbidden"
    assert "Check POSTHOG_API_KEY" in there.value.fix
    assert "phx_unknown_to_it" not in there.value.as_text()


@pytest.fixture
async def host(posthog_port: int) -> AsyncIterator[httpx.AsyncClient]:
    address = f"http://127.0.0.1:{posthog_port}/api/projects/1/query/"
    async with httpx.AsyncClient(base_url=address, headers={"Authorization": f"Bearer {KEY}"}) as client:
        yield client


async def is_running(host: httpx.AsyncClient, query_id: str) -> None:
    while (await host.get(f"{query_id}/")).status_code != 202:  # noqa: ASYNC110 (the host tells it in no other way)
        await anyio.sleep(0.1)


async def test_a_cancelled_query_ends_in_the_sandbox_and_on_the_host(
    project: Project, e2b: StandIn, host: httpx.AsyncClient
) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(answered, project, hogql(SLOW), QueryOptions("cancelled"))
        await is_running(host, "cancelled")
        tasks.cancel_scope.cancel()

    assert (await host.get("cancelled/")).status_code == 404
    (box,) = e2b.boxes.values()
    assert list((box.folder / "runs").iterdir()) == []
    assert (await answered(project, hogql("SELECT 1 LIMIT 1"), QueryOptions("after", 20))).table.rows == [[1]]
    assert (len(e2b.made), e2b.killed) == (1, [])


async def test_a_query_beyond_its_time_ends_on_the_host_too(project: Project, host: httpx.AsyncClient) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(is_running, host, "late")
        with pytest.raises(QueryTimeout, match="longer than 3 s in the sandbox"):
            await answered(project, hogql(SLOW), QueryOptions("late", 3))
    assert (await host.get("late/")).status_code == 404


async def test_without_a_sandbox_a_query_fails_unless_the_settings_let_it_run_directly(
    e2b_settings: SettingsOf, e2b: StandIn, tmp_path: Path
) -> None:
    e2b.refuse = (400, "no machines left")
    async with Client(build_server(e2b_settings())) as strict:
        text = await error(strict, "execute_hogql", query=COUNTS)
    assert text.startswith("[unavailable] E2B makes no sandbox")
    assert "no machines left" in text

    lenient = e2b_settings(sandbox_fallback=True, data_dir=tmp_path / "lenient")
    async with Client(build_server(lenient)) as client:
        found = await ok(client, "execute_hogql", query=COUNTS)
        assert "[unavailable]" in await error(client, "run_python", code="1")
    assert found["row_count"] > 10
    (warning,) = found["warnings"]
    assert warning["code"] == "sandbox_fallback"
    assert "no machines left" in warning["message"]


async def test_without_a_key_of_e2b_queries_run_directly_and_say_so(e2b_settings: SettingsOf, e2b: StandIn) -> None:
    settings = Settings.load(**(e2b_settings().model_dump() | {"e2b_api_key": None, "api_key": KEY}))
    async with Client(build_server(settings)) as client:
        found = await ok(client, "execute_hogql", query=COUNTS)
        assert "run_python" not in {tool.name for tool in (await client.list_tools()).tools}
    assert found["row_count"] > 10
    assert [warning["code"] for warning in found["warnings"]] == ["sandbox_off"]
    assert e2b.requests == []


async def test_the_embedded_project_is_asked_directly(settings_of: SettingsOf, e2b: StandIn, demo_copy: Path) -> None:
    settings = settings_of(execution="e2b", backend="local", data_dir=demo_copy)
    async with Client(build_server(settings)) as client:
        found = await ok(client, "execute_hogql", query=f"{COUNTS} -- directly")
    assert found["row_count"] > 10
    assert e2b.requests == []


async def test_a_template_without_httpx_gets_it_carried_along(project: Project, e2b: StandIn) -> None:
    provide_python(e2b.root, "-S")
    expected = await project.driver.query(hogql(COUNTS), QueryOptions("direct"))
    for query_id in ("carried-1", "carried-2"):
        found = await answered(project, hogql(COUNTS), QueryOptions(query_id))
        assert found.table.rows == expected.table.rows
    uploads = [b"httpx.zip" in body for line, body in e2b.requests if line.startswith("POST /files?")]
    assert uploads == [False, True, True]
