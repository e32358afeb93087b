"""The invented projects, imported once, and a way to ask it a page's blocks."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from posthog_mcp.backends.local.importing import import_exports
from posthog_mcp.backends.local.manifest import ProjectSettings
from posthog_mcp.backends.local.storage import Store
from posthog_mcp.project import Project
from posthog_mcp.queries.run import run
from posthog_mcp.runtime import open_project
from posthog_mcp.settings import Settings
from tests.knowledge.patterns.world import END, WORLDS, current, export

KNOWLEDGE = Path(__file__).parents[3] / "knowledge"
PAGES = {path.stem: path for kind in ("patterns/*", "guide/metric-*") for path in KNOWLEDGE.glob(f"{kind}.md")}
"""Pages that are proven here, by their id."""
BLOCK = re.compile(r"```hogql\n(.*?)\n```", re.DOTALL)
Rows: TypeAlias = "list[dict[str, Any]]"
Asked = Callable[..., Awaitable[Rows]]


def blocks(name: str) -> list[str]:
    """The queries of a page."""
    return BLOCK.findall(PAGES[name].read_text(encoding="utf-8"))


def at_the_end(query: str) -> str:
    """The query with the world's last moment for its clock."""
    return query.replace("now()", f"toDateTime('{END:%Y-%m-%d %H:%M:%S}')")


@pytest.fixture(scope="session", params=WORLDS, ids=lambda world: world.zone)
async def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Project]:
    """An invented project, open; what Python computes is of the same one."""
    current[0] = request.param
    folder = tmp_path_factory.mktemp("world")
    (folder / "events.jsonl").write_text(export(request.param))
    settings = ProjectSettings(name="World", timezone=request.param.zone, week_start_day=1)
    await import_exports(Store(folder / "data" / "local"), [folder / "events.jsonl"], project=settings)
    async with open_project(Settings.load(data_dir=folder / "data", backend="local")) as project:
        yield project


@pytest.fixture
def asked(world: Project) -> Asked:
    """Rows of a page's block, as dicts."""

    async def ask(name: str, block: int = 0) -> Rows:
        result = await run(world, at_the_end(blocks(name)[block]))
        names = [column.name for column in result.table.columns]
        assert not result.truncated
        return [dict(zip(names, row, strict=True)) for row in result.table.rows]

    return ask
