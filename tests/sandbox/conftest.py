"""A stand-in of E2B, settings that lead to it, and the embedded project's REST API in PostHog's place."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
import uvicorn

from posthog_mcp.backends.local.driver import LocalDriver
from posthog_mcp.rest.app import rest_app
from posthog_mcp.sandbox.sandboxes import Sandboxes, open_sandboxes
from posthog_mcp.settings import Settings
from tests.sandbox.stand_in import Running, StandIn

SettingsOf = Callable[..., Settings]


@pytest.fixture
def e2b(tmp_path: Path) -> Iterator[StandIn]:
    (tmp_path / "boxes").mkdir()
    with Running(tmp_path / "boxes") as stand_in:
        yield stand_in


@pytest.fixture
def settings_of(e2b: StandIn, tmp_path: Path) -> SettingsOf:
    """Settings that lead to the stand-in, with a data folder of their own."""

    def made(**more: Any) -> Settings:
        flags = {
            "data_dir": tmp_path / "data",
            "e2b_api_key": "e2b_stand_in",
            "e2b_api_url": e2b.url,
            "e2b_sandbox_url": e2b.url,
        }
        return Settings.load(**(flags | more))

    return made


@pytest.fixture
async def sandboxes(settings_of: SettingsOf) -> AsyncIterator[Sandboxes]:
    opened = open_sandboxes(settings_of(sandbox_idle=60))
    assert opened is not None
    yield opened
    await opened.aclose()


@pytest.fixture(scope="session")
def demo_copy(demo_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo project with a history and results of its own."""
    folder = tmp_path_factory.mktemp("analyst")
    (folder / "local").symlink_to(demo_dir / "local")
    return folder


@pytest.fixture(scope="module")
async def posthog_port(demo_dir: Path) -> AsyncIterator[int]:
    """The embedded project behind PostHog's REST API; its key is phx_local."""
    driver = LocalDriver(demo_dir)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(rest_app(driver), log_level="error", access_log=False))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve, [listener])
        while not server.started:  # noqa: ASYNC110 (uvicorn tells it in no other way)
            await anyio.sleep(0.02)
        yield listener.getsockname()[1]
        server.should_exit = True
    await driver.aclose()
