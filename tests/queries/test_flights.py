"""Equal queries at once run once; different ones do not wait for each other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from posthog_mcp.project import Project
from posthog_mcp.queries.run import run
from posthog_mcp.runtime import open_project
from posthog_mcp.settings import Settings
from posthog_mcp.state.flights import Flights

QUERY = "SELECT event, count() AS n FROM events GROUP BY event ORDER BY n DESC LIMIT 3"


@pytest.fixture
async def project(demo_dir: Path) -> AsyncIterator[Project]:
    async with open_project(Settings.load(data_dir=demo_dir, backend="local")) as opened:
        yield opened


async def test_ten_equal_queries_run_once(project: Project) -> None:
    cached: list[bool] = []
    rows: list[object] = []

    async def ask() -> None:
        result = await run(project, QUERY)
        cached.append(result.cached)
        rows.append(result.table.rows)

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(ask)
    assert sorted(cached) == [False] + [True] * 9
    assert all(each == rows[0] for each in rows)


async def test_refresh_runs_again(project: Project) -> None:
    assert not (await run(project, QUERY, refresh=True)).cached


async def test_turns_are_kept_by_key() -> None:
    flights, order = Flights(), list[str]()

    async def work(key: str, name: str, seconds: float) -> None:
        async with flights.turn(key):
            order.append(f"{name} in")
            await anyio.sleep(seconds)
            order.append(f"{name} out")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(work, "a", "first", 0.05)
        tasks.start_soon(work, "a", "second", 0)
        tasks.start_soon(work, "b", "other", 0)
    assert order.index("other out") < order.index("first out") < order.index("second in")
