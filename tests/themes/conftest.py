"""The planted project, imported once; tests that write use a copy, others share one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mcp import Client

from posthog_mcp.project import Project
from posthog_mcp.runtime import open_project
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings
from posthog_mcp.traces.running import run_theme
from posthog_mcp.traces.themes import built_in
from tests.copies import copied
from tests.insights.made import project_of
from tests.themes.planted import planted


@pytest.fixture(scope="session")
async def planted_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the planted traces; no theme has run. Copy it."""
    folder = tmp_path_factory.mktemp("planted")
    async with project_of(folder, planted()):
        pass
    return folder / "data"


@pytest.fixture
def data_dir(planted_dir: Path, tmp_path: Path) -> Path:
    return copied(planted_dir, tmp_path / "data")


@pytest.fixture
async def client(data_dir: Path) -> AsyncIterator[Client]:
    async with Client(build_server(Settings.load(data_dir=data_dir, backend="local"))) as connected:
        yield connected


@pytest.fixture
async def project(data_dir: Path) -> AsyncIterator[Project]:
    async with open_project(Settings.load(data_dir=data_dir, backend="local")) as opened:
        yield opened


@pytest.fixture(scope="session")
async def shared(planted_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    """A client for tests that do not mind what others have read: refusals, and batches of any traces."""
    folder = copied(planted_dir, tmp_path_factory.mktemp("shared") / "data")
    async with Client(build_server(Settings.load(data_dir=folder, backend="local"))) as connected:
        yield connected


@pytest.fixture(scope="session")
async def analysed_dir(planted_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The planted project after a run of error_analysis. Clusterings may be added."""
    folder = copied(planted_dir, tmp_path_factory.mktemp("analysed") / "data")
    async with open_project(Settings.load(data_dir=folder, backend="local")) as opened:
        await run_theme(opened, built_in()["error_analysis"])
    return folder


@pytest.fixture(scope="session")
async def analysed(analysed_dir: Path) -> AsyncIterator[Client]:
    async with Client(build_server(Settings.load(data_dir=analysed_dir, backend="local"))) as connected:
        yield connected


@pytest.fixture(scope="session")
async def analysed_project(analysed_dir: Path) -> AsyncIterator[Project]:
    async with open_project(Settings.load(data_dir=analysed_dir, backend="local")) as opened:
        yield opened
