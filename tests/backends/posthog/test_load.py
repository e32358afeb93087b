"""Fifty callers at once through one server: three queries run at a time, no window is overfull, nobody is lost or late."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
from keyed_host import Key, KeyedHost, refusal, serving
from mcp import Client
from starlette.responses import JSONResponse, Response

from posthog_mcp.project import Project
from posthog_mcp.runtime import open_project
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings

KEY = "phx_load"
CALLERS = 50
PER_SECOND = 15


@dataclass
class Busy:
    """Answers queries for a number with that number: every fifth as a job, others at once. Refuses some of the first tries."""

    refuses: bool
    order: list[int] = field(default_factory=list)
    """The numbers, as their queries were taken."""
    moments: list[float] = field(default_factory=list)
    refused: set[int] = field(default_factory=set)
    jobs: dict[str, int] = field(default_factory=dict)
    running: int = 0
    most: int = 0

    async def answer(self, method: str, path: str, body: Any) -> Response | None:
        self.moments.append(time.monotonic())
        if method == "GET" and "/query/" in path:
            return self.look(path.rstrip("/").rpartition("/")[2])
        if method == "POST" and body["query"]["kind"] == "HogQLQuery":
            found = re.search(r"caller(\d+)", body["query"]["query"])
            assert found
            return await self.take(int(found[1]), body["client_query_id"])
        return None

    async def take(self, number: int, query_id: str) -> Response:
        if self.refuses and number % 7 == 3 and number not in self.refused:
            self.refused.add(number)
            if number % 2:
                return refusal(503, "Queries are at capacity.", "at_capacity")
            return refusal(429, "Request was throttled.", "throttled")
        self.order.append(number)
        self.running += 1
        self.most = max(self.most, self.running)
        if number % 5 == 0:
            self.jobs[query_id] = number
            return JSONResponse({"query_status": {"id": query_id, "complete": False}}, 202)
        await anyio.sleep(0.03)
        self.running -= 1
        return JSONResponse(rows(number))

    def look(self, query_id: str) -> Response:
        self.running -= 1
        done = {"id": query_id, "complete": True, "results": rows(self.jobs.pop(query_id))}
        return JSONResponse({"query_status": done})


def rows(number: int) -> dict[str, Any]:
    return {"results": [[f"caller{number}"]], "columns": ["who"], "types": [["who", "String"]]}


@pytest.mark.parametrize("refuses", [False, True], ids=["a good host", "a host that refuses some"])
async def test_fifty_callers_are_answered_inside_the_limits_in_order(
    demo_dir: Path, tmp_path: Path, refuses: bool
) -> None:
    busy = Busy(refuses)
    answers: dict[int, Any] = {}

    async def call(client: Client, number: int) -> None:
        done = await client.call_tool("execute_hogql", {"query": f"SELECT 'caller{number}' AS who LIMIT 1"})
        assert not done.is_error, done.content
        assert done.structured_content is not None
        answers[number] = done.structured_content["rows"]

    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(serving(KeyedHost({KEY: Key()}, before=busy.answer), demo_dir))
        settings = Settings.load(
            api_key=KEY,
            project_id=1,
            base_url=address,
            backend="posthog",
            data_dir=tmp_path,
            rate_limit=f"{PER_SECOND}/s",
        )
        project = await stack.enter_async_context(open_project(settings))
        await project.driver.checker.check("SELECT 1")
        await anyio.sleep(1)
        busy.moments.clear()

        @asynccontextmanager
        async def shared(settings: Settings) -> AsyncGenerator[Project]:
            yield project

        server = build_server(settings, open_with=shared)
        clients = [await stack.enter_async_context(Client(server)) for _ in range(CALLERS)]
        async with anyio.create_task_group() as tasks:
            for number, client in enumerate(clients):
                tasks.start_soon(call, client, number)

    assert answers == {number: [[f"caller{number}"]] for number in range(CALLERS)}
    assert sorted(busy.order) == list(range(CALLERS))
    assert busy.most == 3
    spans = [later - first for first, later in zip(busy.moments, busy.moments[PER_SECOND:], strict=False)]
    assert spans
    assert min(spans) > 0.75, "the limit is kept before the host says so"
    late = [abs(place - number) for place, number in enumerate(busy.order) if number not in busy.refused]
    assert max(late) <= 8
    assert len(busy.refused) == (7 if refuses else 0)
