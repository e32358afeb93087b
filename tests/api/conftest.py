"""A demo project of this folder's own, because calls write, directly and behind its REST API."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
import uvicorn
from mcp import Client

from posthog_mcp.backends.local.driver import LocalDriver
from posthog_mcp.rest.app import rest_app
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings
from tests.copies import copied

SettingsOf = Callable[..., Settings]


@pytest.fixture(scope="module")
async def served(demo_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Path, str]]:
    """The data folder, and the address of its REST API."""
    folder = tmp_path_factory.mktemp("api") / "data"
    copied(demo_dir, folder)
    driver = LocalDriver(folder)
    listener = socket.create_server(("127.0.0.1", 0))
    app = rest_app(driver, files=driver.downloads.file)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve, [listener])
        while not server.started:  # noqa: ASYNC110 (uvicorn tells it in no other way)
            await anyio.sleep(0.02)
        yield folder, f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
    await driver.aclose()


@pytest.fixture(scope="module", params=["embedded", "over HTTP"])
def settings_of(
    request: pytest.FixtureRequest, served: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> SettingsOf:
    folder, address = served
    other = tmp_path_factory.mktemp("state")

    def made(**more: Any) -> Settings:
        if request.param == "embedded":
            return Settings.load(data_dir=folder, backend="local", toolsets="all", **more)
        host: dict[str, Any] = {"base_url": address, "api_key": "phx_local", "rate_limit": "10000/s"}
        return Settings.load(data_dir=other, toolsets="all", **host, **more)

    return made


@pytest.fixture(scope="module")
async def reader(settings_of: SettingsOf) -> AsyncIterator[Client]:
    async with Client(build_server(settings_of())) as connected:
        yield connected


@pytest.fixture(scope="module")
async def writer(settings_of: SettingsOf) -> AsyncIterator[Client]:
    async with Client(build_server(settings_of(allow_writes=True))) as connected:
        yield connected
