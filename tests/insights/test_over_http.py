"""Insights over HTTP: a host that runs native queries is asked so, one that does not gets the HogQL; numbers agree."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send

from posthog_mcp.backends.local.driver import LocalDriver
from posthog_mcp.insights.question import question_of
from posthog_mcp.insights.run import run_insight
from posthog_mcp.project import Project
from posthog_mcp.rest.app import rest_app
from posthog_mcp.runtime import open_project
from posthog_mcp.settings import Settings
from tests.insights.served import serving

RANGE = {"date_from": "2026-09-01", "date_to": "2026-09-07"}
VIEWS: dict[str, Any] = {"kind": "trends", "series": [{"event": "$pageview"}], **RANGE}


class Native:
    """The embedded API, which also answers TrendsQuery with fixed numbers and keeps what it was asked."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.asked: list[dict[str, Any]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].endswith("/query/"):
            return await self.app(scope, receive, send)
        body = b""
        more = True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        request = json.loads(body)
        if request["query"]["kind"] == "TrendsQuery":
            self.asked.append(request)
            days = [f"2026-09-0{day}" for day in range(1, 8)]
            series = {"action": {"order": 0}, "data": [1, 2, 3, 4, 5, 6, 7], "days": days}
            return await JSONResponse({"results": [series], "is_cached": True})(scope, receive, send)
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return messages.pop() if messages else await receive()

        return await self.app(scope, again, send)


@asynccontextmanager
async def remote(address: str, folder: Path) -> AsyncIterator[Project]:
    settings = Settings.load(api_key="phx_local", base_url=address, data_dir=folder, rate_limit="10000/s")
    async with open_project(settings) as opened:
        yield opened


@pytest.fixture(scope="module")
async def embedded(demo_dir: Path) -> AsyncIterator[LocalDriver]:
    driver = LocalDriver(demo_dir)
    yield driver
    await driver.aclose()


async def test_the_native_query_runs_where_the_host_has_it(embedded: LocalDriver, tmp_path: Path) -> None:
    native = Native(rest_app(embedded))
    async with serving(native) as address, remote(address, tmp_path) as project:
        found = await run_insight(project, question_of(VIEWS))
        assert [row[1] for row in found.answer.rows] == [1, 2, 3, 4, 5, 6, 7]
        assert (found.ran, found.cached, found.project.backend) == ("native", True, "posthog")
        sent = native.asked[0]["query"]
        assert (sent["kind"], sent["series"][0]["event"]) == ("TrendsQuery", "$pageview")
        assert "SELECT" in found.hogql
        kept = await project.stored.load(found.query_id)
        assert kept[0].rows == found.answer.rows
        assert (await project.history.get(found.query_id)).status == "ok"


KINDS: list[dict[str, Any]] = [
    VIEWS,
    {"kind": "funnel", "series": [{"event": "signed_up"}, {"event": "created_project"}], "date_from": "2026-08-01", "date_to": "2026-09-30"},
    {"kind": "retention", "series": [{"event": "$pageview"}], "date_from": "2026-08-02", "date_to": "2026-09-30", "periods": 5},
    {"kind": "lifecycle", "series": [{"event": "$pageview"}], "interval": "week", "date_from": "2026-08-02", "date_to": "2026-09-30"},
    {"kind": "stickiness", "series": [{"event": "$pageview"}], **RANGE},
    {"kind": "paths", **RANGE},
    {"kind": "web", **RANGE},
]  # fmt: skip


@pytest.mark.parametrize("asking", KINDS, ids=lambda each: each["kind"])
async def test_a_host_without_native_queries_gets_the_hogql(
    embedded: LocalDriver, demo_dir: Path, tmp_path: Path, asking: dict[str, Any]
) -> None:
    question = question_of(asking)
    async with serving(rest_app(embedded)) as address, remote(address, tmp_path) as project:
        there = await run_insight(project, question)
    async with open_project(Settings.load(data_dir=demo_dir, backend="local")) as project:
        here = await run_insight(project, question)
    assert there.answer.rows == here.answer.rows
    assert len(here.answer.rows) > 0
    assert there.ran == "hogql"
    assert [note.code for note in there.warnings][:1] == ([] if asking["kind"] == "web" else ["not_native"])
