"""What changes is read again, and only that; two readers at once share nothing; a team's cache; a PostHog over HTTP."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
import uvicorn

from posthog_mcp.backends.backend import Captures
from posthog_mcp.backends.local.driver import LocalDriver
from posthog_mcp.backends.local.ingest import capture
from posthog_mcp.project import Project
from posthog_mcp.rest.app import rest_app
from posthog_mcp.runtime import open_project
from posthog_mcp.settings import Settings
from posthog_mcp.state.text_cache import InProcess, InRedis, TextCache
from posthog_mcp.state.trace_themes.store import ThemeStore
from posthog_mcp.traces.clusters import cluster
from posthog_mcp.traces.running import run_theme
from posthog_mcp.traces.themes import find_theme
from tests.themes.planted import KINDS

TOTAL = sum(count for _, count in KINDS.values()) + 2


async def test_a_trace_with_a_new_event_is_read_again_and_its_summary_replaced(project: Project) -> None:
    theme = await find_theme(project, "error_analysis")
    await run_theme(project, theme)
    assert isinstance(project.driver, Captures)
    late = {
        "event": "$ai_feedback",
        "distinct_id": "user0",
        "timestamp": datetime.now(UTC).isoformat(),
        "properties": {"$ai_trace_id": "well-0", "$ai_feedback_text": "It was wrong, the weather was bad."},
    }
    await project.driver.capture_events([late])
    report = await run_theme(project, theme)
    assert [(each.trace_id, each.relevant) for each in report.summaries] == [("well-0", True)]
    kept = await project.themes.summaries(1, theme_id=theme.id, trace_id="well-0")
    assert [each.title for each in kept] == ["bad feedback: It was wrong, the weather was bad."]


async def test_readers_at_once_share_no_trace(tmp_path: Path) -> None:
    """Eight stores on one file, as of eight processes, each wanting every trace."""
    wanted = {f"t{number}": ("print", "{}") for number in range(120)}
    got: list[set[str]] = []

    async def reader(number: int) -> None:
        store = ThemeStore(tmp_path)
        part = dict(list(wanted.items())[number * 5 :] + list(wanted.items())[: number * 5])
        got.append(await store.lease(1, "theme", dict(list(part.items())[:60]), f"batch{number}", 60.0))
        await store.aclose()

    await ThemeStore(tmp_path).marks(1, "theme", [])
    async with anyio.create_task_group() as tasks:
        for number in range(8):
            tasks.start_soon(reader, number)
    every = [name for each in got for name in each]
    assert len(every) == len(set(every))
    assert len(every) >= 60


async def test_projects_and_themes_are_apart(tmp_path: Path) -> None:
    store = ThemeStore(tmp_path)
    for project_id, theme in ((1, "a"), (2, "a"), (1, "b")):
        assert await store.lease(project_id, theme, {"t": ("print", "{}")}, f"{project_id}{theme}", 60.0) == {"t"}
    assert await store.lease(1, "a", {"t": ("print", "{}")}, "late", 60.0) == set()
    await store.aclose()


def test_texts_are_kept_up_to_a_size_and_a_time() -> None:
    noise = [os.urandom(400).hex() for _ in range(10)]
    cache = TextCache(InProcess(most_bytes=2_500))
    for number, text in enumerate(noise):
        cache.put((str(number),), text, 60.0)
    found = [cache.get((str(number),)) for number in range(10)]
    assert found[-1] == noise[-1]
    assert 0 < sum(each is not None for each in found) < 10
    cache.put(("short",), "gone \ud800 soon", 0.0)
    assert cache.get(("short",)) is None
    cache.put(("lone",), "a lone \ud800 surrogate", 60.0)
    assert cache.get(("lone",)) == "a lone \ud800 surrogate"


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.skipif(not listens(6379), reason="no Redis at 127.0.0.1:6379")
def test_a_team_shares_texts_in_redis() -> None:
    key = (os.urandom(8).hex(),)
    TextCache(InRedis("redis://127.0.0.1:6379/11")).put(key, "read once", 60.0)
    assert TextCache(InRedis("redis://127.0.0.1:6379/11")).get(key) == "read once"


def test_redis_that_does_not_answer_is_a_miss() -> None:
    cache = TextCache(InRedis("redis://127.0.0.1:9/0"))
    cache.put(("x",), "text", 60.0)
    assert cache.get(("x",)) is None
    assert cache.hit_rate == 0


@asynccontextmanager
async def over_http(data_dir: Path, state: Path, **settings: Any) -> AsyncIterator[tuple[LocalDriver, Project]]:
    """A PostHog that is the embedded project's REST API, and a project that knows its address and keys only."""
    driver = LocalDriver(data_dir)
    listener = socket.create_server(("127.0.0.1", 0))
    app = rest_app(driver, partial(capture, driver.store))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    remote = Settings.load(
        api_key="phx_local", project_id=1, base_url=address, backend="posthog", data_dir=state, **settings
    )
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve, [listener])
        while not server.started:  # noqa: ASYNC110 (uvicorn tells it in no other way)
            await anyio.sleep(0.02)
        async with open_project(remote) as project:
            yield driver, project
        server.should_exit = True
    await driver.aclose()


async def test_a_theme_runs_on_a_posthog_over_http(data_dir: Path, tmp_path: Path) -> None:
    async with over_http(data_dir, tmp_path / "state", allow_writes=True) as (_, project):
        theme = await find_theme(project, "error_analysis")
        report = await run_theme(project, theme)
        body: Any = await cluster(project, theme, theme.clustering)
        again = await run_theme(project, theme)
    assert (report.read, report.events, again.read) == (TOTAL, TOTAL, 0)
    link = body["clusters"][0]["examples"][0]["link"]
    assert link.startswith("http://127.0.0.1:")
    assert "/project/1/ai-observability/traces/" in link
    assert "?timestamp=20" in link
