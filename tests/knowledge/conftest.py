"""A client on the demo project, its clock the real one, and the demo as a project of the library."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthog_mcp.project import Project
from posthog_mcp.runtime import open_project
from posthog_mcp.settings import Settings


@pytest.fixture(scope="session")
async def demo(demo_dir: Path) -> AsyncIterator[Project]:
    async with open_project(Settings.load(data_dir=demo_dir, backend="local")) as project:
        yield project
