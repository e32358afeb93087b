"""Queries against a host that answers as PostHog does: jobs that are polled, told of, cancelled; old hosts' prefixes."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from posthog_mcp.backends.backend import ListOptions, QueryOptions
from posthog_mcp.backends.posthog.driver import PostHogDriver
from posthog_mcp.errors import NotFound, QueryTimeout
from posthog_mcp.results import Json
from posthog_mcp.settings import Settings

BODY: dict[str, Json] = {"kind": "HogQLQuery", "query": "select 1", "modifiers": {"x": 1}, "sendRawQuery": True}
ROWS = {"results": [[1]], "columns": ["1"], "types": [["1", "UInt8"]]}


@dataclass
class Host:
    """`polls` answers come before the result; None: never. `prefix` is where it has its project."""

    polls: int | None = 0
    prefix: str = "projects"
    asked: list[dict[str, Json]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        path = request.url.path
        self.paths.append(f"{request.method} {path}")
        if path == "/api/projects/1/":
            return JSONResponse({"id": 1, "name": "Host", "timezone": "UTC", "week_start_day": 0})
        if not path.startswith(f"/api/{self.prefix}/1/"):
            return JSONResponse({"type": "invalid_request", "code": "not_found", "detail": "Not found."}, 404)
        if request.method == "DELETE":
            self.deleted.append(path.rstrip("/").rpartition("/")[2])
            return Response(status_code=204)
        if request.method == "POST":
            self.asked.append(json.loads(await request.body()))
            if self.polls == 0:
                return JSONResponse(ROWS)
            return JSONResponse(self.job(), 202)
        if "/query/" in path:
            if self.polls is not None:
                self.polls -= 1
            done = {"query_status": {"id": "job", "complete": True, "results": ROWS}}
            return JSONResponse(done) if self.polls == 0 else JSONResponse(self.job(), 202)
        return JSONResponse({"count": 1, "next": None, "previous": None, "results": [{"id": 7}]})

    def job(self) -> dict[str, object]:
        progress = {"rows_read": 250, "estimated_rows_total": 1000, "bytes_read": 1, "time_elapsed": 1}
        return {"query_status": {"id": "job", "complete": False, "query_async": True, "query_progress": progress}}


@asynccontextmanager
async def driver_of(host: Host) -> AsyncIterator[PostHogDriver]:
    app = Starlette(routes=[Route("/{path:path}", host.answer, methods=["GET", "POST", "DELETE"])])
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve, [listener])
        while not server.started:  # noqa: ASYNC110 (uvicorn tells it in no other way)
            await anyio.sleep(0.02)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        driver = PostHogDriver(Settings.load(api_key="phx_test", project_id=1, base_url=address, backend="posthog"))
        yield driver
        await driver.aclose()
        server.should_exit = True


async def test_a_job_is_polled_and_told_of() -> None:
    host, told = Host(polls=2), list[tuple[float, str]]()
    async with driver_of(host) as driver:
        options = QueryOptions("q1", progress=lambda part, text: told.append((part, text)))
        answer = await driver.query(BODY, options)
    assert answer.table.rows == [[1]]
    assert (0.25, "PostHog has read 250 of about 1,000 rows") in told
    assert str(host.asked[0]["client_query_id"]).startswith("q1-")
    assert host.asked[0]["query"] == {"kind": "HogQLQuery", "query": "select 1"}


async def test_a_job_without_end_is_stopped_on_the_host() -> None:
    host = Host(polls=None)
    async with driver_of(host) as driver:
        with pytest.raises(QueryTimeout, match=r"longer than 0\.7 s"):
            await driver.query(BODY, QueryOptions("q2", timeout_seconds=0.7))
    assert host.deleted == ["job"]


async def test_a_cancelled_call_leaves_no_query_running() -> None:
    host = Host(polls=None)
    async with driver_of(host) as driver:
        with anyio.move_on_after(0.8):
            await driver.query(BODY, QueryOptions("q3"))
    assert host.deleted == ["job"]


async def test_an_old_hosts_prefix_is_found_once_and_kept() -> None:
    host = Host(prefix="environments")
    async with driver_of(host) as driver:
        assert (await driver.query(BODY, QueryOptions("q4"))).table.rows == [[1]]
        assert (await driver.list("insights", ListOptions())).items == [{"id": 7}]
    assert [path for path in host.paths if path.startswith("POST")] == [
        "POST /api/projects/1/query/",
        "POST /api/environments/1/query/",
    ]


async def test_what_is_nowhere_is_not_found() -> None:
    host = Host(prefix="nowhere")
    async with driver_of(host) as driver:
        with pytest.raises(NotFound):
            await driver.list("insights", ListOptions())
    assert len([path for path in host.paths if "insights" in path]) == 2
