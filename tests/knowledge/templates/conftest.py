"""The invented projects, each imported when its first proof asks for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TypeAlias

import pytest

from posthog_mcp.backends.local.importing import import_exports
from posthog_mcp.backends.local.manifest import ProjectSettings
from posthog_mcp.backends.local.storage import Store
from posthog_mcp.project import Project
from posthog_mcp.runtime import open_project
from posthog_mcp.settings import Settings
from tests.knowledge.templates.product import product
from tests.knowledge.templates.small import accounts, assistant, export, site, tracking

WORLDS = {"product": product, "site": site, "accounts": accounts, "assistant": assistant, "tracking": tracking}
Opened: TypeAlias = "Callable[[str], Awaitable[Project]]"


@pytest.fixture(scope="session")
async def opened(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Opened]:
    """A project by its world's name."""
    projects: dict[str, Project] = {}
    async with AsyncExitStack() as stack:

        async def of(name: str) -> Project:
            if name not in projects:
                folder = tmp_path_factory.mktemp(name)
                (folder / "events.jsonl").write_text(export(WORLDS[name]()))
                settings = ProjectSettings(name=name, timezone="UTC", week_start_day=1)
                await import_exports(Store(folder / "data" / "local"), [folder / "events.jsonl"], project=settings)
                loaded = Settings.load(data_dir=folder / "data", backend="local")
                projects[name] = await stack.enter_async_context(open_project(loaded))
            return projects[name]

        yield of
