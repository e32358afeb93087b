"""The host's own check is asked and merged; either check may fail without the other."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import anyio
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from posthog_mcp.backends.posthog.driver import PostHogDriver
from posthog_mcp.project import Project
from posthog_mcp.queries.check import Check, check_everywhere
from posthog_mcp.settings import Settings

TABLES = {
    "events": {
        "type": "posthog",
        "id": "events",
        "name": "events",
        "fields": {
            name: {"name": name, "hogql_value": name, "type": kind, "schema_valid": True}
            for name, kind in (
                ("event", "string"),
                ("timestamp", "datetime"),
                ("properties", "json"),
                ("uuid", "string"),
            )
        },
    }
}


@dataclass
class Host:
    """A host that answers as PostHog does where its public API says so; `metadata` is its check's answer."""

    metadata: Callable[[str], Response]
    asked: list[str] = field(default_factory=list)

    async def query(self, request: Request) -> Response:
        query = json.loads(await request.body())["query"]
        if query["kind"] == "DatabaseSchemaQuery":
            return JSONResponse({"tables": TABLES, "joins": []})
        assert query["kind"] == "HogQLMetadata"
        assert query["language"] == "hogQL"
        self.asked.append(query["query"])
        return self.metadata(query["query"])

    async def empty(self, request: Request) -> Response:
        return JSONResponse({"count": 0, "next": None, "previous": None, "results": []})

    async def project(self, request: Request) -> Response:
        return JSONResponse({"id": 1, "name": "Host", "timezone": "UTC", "week_start_day": 0})

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route(
                    "/api/projects/1/query/", cast("Callable[..., Awaitable[Response]]", self.query), methods=["POST"]
                ),
                Route("/api/projects/1/", self.project),
                Route("/api/projects/1/{rest:path}", self.empty),
            ]
        )


@asynccontextmanager
async def checked_by(host: Host) -> AsyncIterator[Callable[..., Awaitable[Check]]]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(host.app(), log_level="warning", access_log=False))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve, [listener])
        while not server.started:  # noqa: ASYNC110 (uvicorn tells it in no other way)
            await anyio.sleep(0.02)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = Settings.load(api_key="phx_test", project_id=1, base_url=address, backend="posthog")
        driver = PostHogDriver(settings)
        project = cast("Project", type("OnlyDriver", (), {"driver": driver})())

        async def check(query: str, **options: Any) -> Check:
            return await check_everywhere(project, query, **options)

        yield check
        await driver.aclose()
        server.should_exit = True


def answering(**found: list[dict[str, object]]) -> Callable[[str], Response]:
    def metadata(query: str) -> Response:
        lists = {name: found.get(name, []) for name in ("errors", "warnings", "notices")}
        return JSONResponse({"isValid": not lists["errors"], "query": query, **lists})

    return metadata


async def test_what_the_host_finds_is_merged_and_marked() -> None:
    query = "select event from events where event = 'pageview' limit 1"
    start = query.index("'pageview'")
    warning = {"message": "Event 'pageview' was not found.", "start": start, "end": start + 10, "fix": "'$pageview'"}
    host = Host(answering(warnings=[warning]))
    async with checked_by(host) as check:
        found = await check(query)
    assert host.asked == [query]
    theirs = [each for each in found.checked.warnings if each.source == "posthog"]
    assert [(each.text, each.message) for each in theirs] == [("'pageview'", "Event 'pageview' was not found.")]
    assert theirs[0].edit is not None
    assert theirs[0].edit.on(query) == query.replace("'pageview'", "'$pageview'")
    assert theirs[0].as_json()["source"] == "posthog"


async def test_an_error_that_only_the_host_finds_makes_the_query_invalid() -> None:
    query = "select event, uuid from events limit 1"
    error = {"message": "Access to uuid is denied.", "start": 14, "end": 18, "fix": None}
    async with checked_by(Host(answering(errors=[error]))) as check:
        found = await check(query)
    assert [(each.source, each.text) for each in found.checked.errors] == [("posthog", "uuid")]


async def test_what_both_find_is_told_once() -> None:
    query = "select evnt from events limit 1"
    error = {"message": "Unable to resolve field: evnt", "start": 7, "end": 11, "fix": None}
    async with checked_by(Host(answering(errors=[error]))) as check:
        found = await check(query)
    assert [each.source for each in found.checked.errors] == [""]
    assert found.checked.corrected == "select event from events limit 1"


@pytest.mark.parametrize("status", [400, 403, 500])
async def test_without_the_hosts_check_ours_stands_and_says_so(status: int) -> None:
    host = Host(lambda query: JSONResponse({"type": "server_error", "detail": "no such query"}, status))
    async with checked_by(host) as check:
        found = await check("select event from events limit 1", bounded=True)
    assert not found.checked.errors
    assert "did not answer" in found.not_checked
    assert "INTERVAL 30 DAY" in found.forms["bounded"]
