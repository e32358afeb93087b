"""A sync: everything arrives once, it goes on where it was stopped, and the key goes to PostHog only."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
import uvicorn
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send

from posthog_mcp.backends.backend import QueryOptions
from posthog_mcp.backends.local.demo.generate import generate_demo
from posthog_mcp.backends.local.driver import LocalDriver
from posthog_mcp.backends.local.objects import Objects
from posthog_mcp.backends.local.storage import Store
from posthog_mcp.backends.posthog.driver import PostHogDriver
from posthog_mcp.errors import Forbidden, PostHogMcpError, Unavailable
from posthog_mcp.rest.app import rest_app
from posthog_mcp.settings import Settings
from posthog_mcp.sync import run as syncing
from posthog_mcp.sync.run import Pauses, Synced, sync

ROOT = Path(__file__).parents[2]
QUICK = Pauses(first=0.01, longest=0.02, busy=0.02, patience=5)
DAYS = 13
"""Two spans of at most a week, each for events and for persons."""
COUNT = "SELECT count(), uniqExact(uuid), uniqExact(person_id), min(timestamp), max(timestamp) FROM events"


@dataclass
class Host:
    """PostHog's side: the embedded project, and what it does wrong in between."""

    app: Any
    address: str = ""
    waits: int = 1
    """Looks that every run answers with Running."""
    busy: int = 0
    """Runs that are refused because too many are under way."""
    failing: list[str] = field(default_factory=list)
    """Statuses that runs end with, one after another, before any succeeds."""
    cut: int = 0
    """Downloads that break off in the middle."""
    scope: bool = True
    looks: dict[str, int] = field(default_factory=dict)
    started: list[dict[str, Any]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    file_headers: list[dict[str, str]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        path, headers = scope["path"], {name.decode(): value.decode() for name, value in scope["headers"]}
        run = path.partition("file_download_batch_exports/")[2].strip("/")
        if path.startswith("/files/"):
            self.file_headers.append(headers)
            if self.cut:
                self.cut -= 1
                return await self.app(scope, receive, half(send))
        elif "file_download_batch_exports" in path and scope["method"] == "POST" and not run:
            answer = self.refusal()
            if answer is not None:
                return await answer(scope, receive, send)
            receive = await self.noted(receive)
        elif run and "/" not in run:
            self.looks[run] = self.looks.get(run, 0) + 1
            if self.looks[run] <= self.waits:
                return await JSONResponse({"status": "Running"})(scope, receive, send)
            if self.failing:
                failed = {"status": self.failing.pop(0), "error": "Out of memory"}
                return await JSONResponse(failed)(scope, receive, send)
        elif run.endswith("/cancel"):
            self.cancelled.append(run.partition("/")[0])
            return await JSONResponse({"status": "Cancelled"})(scope, receive, send)
        return await self.app(scope, receive, send)

    def refusal(self) -> Response | None:
        if not self.scope:
            detail = "API key missing required scope 'batch_export:write'"
            return JSONResponse({"code": "permission_denied", "detail": detail}, 403)
        if self.busy:
            self.busy -= 1
            detail = "Too many concurrent file download batch exports for this team."
            return JSONResponse({"code": "too_many", "detail": detail}, 429, {"Retry-After": "0"})
        return None

    async def noted(self, receive: Receive) -> Receive:
        message = await receive()
        self.started.append(json.loads(message["body"]))
        messages = [message]

        async def again() -> Message:
            return messages.pop() if messages else await receive()

        return again


def half(send: Send) -> Send:
    """Half of the first piece, then the end of the connection."""

    async def cut(message: Message) -> None:
        if message["type"] == "http.response.body":
            await send({**message, "body": message["body"][: len(message["body"]) // 2], "more_body": True})
            raise ConnectionError("cut")
        await send(message)

    return cut


@pytest.fixture(scope="module")
async def source(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalDriver]:
    """A demo that ends now, since a sync asks for the last days."""
    folder = tmp_path_factory.mktemp("source")
    store = Store(folder / "local")
    await generate_demo(store, Objects(store.root), seed=7, events=6000, days=60)
    driver = LocalDriver(folder)
    yield driver
    await driver.aclose()


@pytest.fixture
async def host(source: LocalDriver) -> AsyncIterator[Host]:
    host = Host(rest_app(source, files=source.downloads.file))
    listener = socket.create_server(("127.0.0.1", 0))
    host.address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(host, log_level="critical", access_log=False))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve, [listener])
        while not server.started:  # noqa: ASYNC110 (uvicorn tells it in no other way)
            await anyio.sleep(0.02)
        yield host
        server.should_exit = True


async def synced(host: Host, folder: Path, days: int = DAYS, pauses: Pauses = QUICK) -> Synced:
    settings = Settings.load(api_key="phx_local", base_url=host.address, data_dir=folder, rate_limit="10000/s")
    driver = PostHogDriver(settings)
    try:
        return await sync(driver.api, folder, days=days, progress=lambda *_: None, pauses=pauses)
    finally:
        await driver.aclose()


async def rows(driver: LocalDriver, text: str) -> list[list[Any]]:
    return (await driver.query({"kind": "HogQLQuery", "query": text}, QueryOptions("sync"))).table.rows


async def held(folder: Path, text: str = COUNT) -> list[list[Any]]:
    driver = LocalDriver(folder)
    try:
        return await rows(driver, text)
    finally:
        await driver.aclose()


async def since(source: LocalDriver, days: int) -> list[list[Any]]:
    begun = (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%d 00:00:00")
    return await rows(source, f"{COUNT} WHERE created_at >= toDateTime('{begun}', 'UTC')")


async def test_what_posthog_has_is_there_afterwards(host: Host, source: LocalDriver, tmp_path: Path) -> None:
    done = await synced(host, tmp_path)
    assert done.report is not None
    assert not done.report.failed
    assert not done.report.rejected_count
    assert await held(tmp_path) == await since(source, DAYS)
    weeks = [(each["data_interval_start"], each["data_interval_end"]) for each in host.started]
    assert len(weeks) == done.pieces == 4
    assert all(
        datetime.fromisoformat(end) - datetime.fromisoformat(start) <= timedelta(weeks=1) for start, end in weeks
    )
    assert list((tmp_path / "sync").rglob("*.parquet")) == []


async def test_the_next_sync_asks_for_the_last_hour_only(host: Host, tmp_path: Path) -> None:
    await synced(host, tmp_path)
    before = await held(tmp_path)
    host.started.clear()
    again = await synced(host, tmp_path)
    assert again.pieces == 2
    assert all(each["data_interval_start"] > each["data_interval_end"][:10] for each in host.started)
    assert await held(tmp_path) == before
    longer = await synced(host, tmp_path, days=DAYS + 3)
    assert longer.pieces == 4
    assert (await held(tmp_path))[0][0] > before[0][0]


async def test_the_key_goes_to_posthog_only(host: Host, tmp_path: Path) -> None:
    await synced(host, tmp_path)
    assert host.file_headers
    assert not any("authorization" in headers or "phx_local" in str(headers) for headers in host.file_headers)
    for path in (tmp_path / "sync").rglob("*"):
        assert path.is_dir() or b"phx_local" not in path.read_bytes()


async def test_it_waits_where_posthog_is_busy_and_fetches_again_what_was_cut(
    host: Host, source: LocalDriver, tmp_path: Path
) -> None:
    host.busy, host.cut, host.waits = 2, 2, 3
    await synced(host, tmp_path)
    assert await held(tmp_path) == await since(source, DAYS)


@pytest.mark.parametrize("status", ["Failed", "FailedBilling", "TimedOut"])
async def test_a_failed_run_is_told_and_the_next_sync_goes_on(
    host: Host, source: LocalDriver, tmp_path: Path, status: str
) -> None:
    host.failing = [status]
    with pytest.raises(Unavailable, match=f"{status}: Out of memory"):
        await synced(host, tmp_path, days=6)
    await synced(host, tmp_path, days=6)
    assert await held(tmp_path) == await since(source, 6)


async def test_a_sync_that_was_stopped_goes_on_where_it_was(host: Host, source: LocalDriver, tmp_path: Path) -> None:
    host.waits = 2
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(stop_after, host, 3, scope)
            await synced(host, tmp_path, pauses=Pauses(first=0.15, longest=0.15))
    assert scope.cancelled_caught
    begun = len(host.started)
    assert begun == 3
    await synced(host, tmp_path)
    # Asked again: at most the run whose id was not known yet; new are two spans of the seconds since.
    assert len(host.started) <= 4 + 1 + 2
    assert await held(tmp_path) == await since(source, DAYS)


async def stop_after(host: Host, runs: int, scope: anyio.CancelScope) -> None:
    while len(host.started) < runs:  # noqa: ASYNC110 (another task's state)
        await anyio.sleep(0.01)
    scope.cancel()


async def test_a_run_that_never_ends_is_given_up_and_cancelled(host: Host, tmp_path: Path) -> None:
    host.waits = 10_000
    with pytest.raises(Unavailable, match="not ready"):
        await synced(host, tmp_path, pauses=Pauses(first=0.02, longest=0.05, patience=3))
    assert len(host.cancelled) == 1


async def test_a_missing_scope_is_named(host: Host, tmp_path: Path) -> None:
    host.scope = False
    with pytest.raises(Forbidden, match="batch_export:write"):
        await synced(host, tmp_path)


async def test_a_damaged_state_is_told(host: Host, tmp_path: Path) -> None:
    await synced(host, tmp_path, days=1)
    state = next((tmp_path / "sync").rglob("state.json"))
    state.write_text("{")
    with pytest.raises(PostHogMcpError, match="cannot be read") as raised:
        await synced(host, tmp_path, days=1)
    assert "Delete it" in raised.value.fix


def test_a_host_names_a_folder_of_its_own() -> None:
    assert syncing.safe("../evil:80/x") == ".._evil_80_x"


async def test_the_command(host: Host, tmp_path: Path) -> None:
    flags = {"POSTHOG_API_KEY": "phx_local", "POSTHOG_BASE_URL": host.address, "POSTHOG_MCP_DATA_DIR": str(tmp_path)}
    env = {**os.environ, **flags, "PYTHONPATH": str(ROOT)}  # noqa: TID251
    host.waits = 0
    run = [sys.executable, "-m", "posthog_mcp", "local", "sync", "--days", str(DAYS)]
    done = await anyio.run_process(run, env=env, check=False)
    assert done.returncode == 0, done.stderr
    assert b"4 downloads" in done.stdout
    assert b"--backend local" in done.stdout
    refused = await anyio.run_process(run, env={**env, "POSTHOG_API_KEY": ""}, check=False)
    assert refused.returncode == 2
    assert b"POSTHOG_API_KEY" in refused.stderr
