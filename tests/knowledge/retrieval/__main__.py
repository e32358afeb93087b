"""Print the retrieval figures: `python -m tests.knowledge.retrieval [--dev]`."""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import anyio

from posthog_mcp.backends.local.demo.generate import generate_demo
from posthog_mcp.backends.local.objects import Objects
from posthog_mcp.backends.local.storage import Store
from posthog_mcp.runtime import open_project
from posthog_mcp.settings import Settings
from tests.knowledge.retrieval import questions
from tests.knowledge.retrieval.measure import measured


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "local")
        await generate_demo(store, Objects(store.root), seed=7, events=20_000, end=datetime(2026, 11, 1, tzinfo=UTC))
        async with open_project(Settings.load(data_dir=Path(folder), backend="local")) as project:
            for held_out in (False, True):
                figures = await measured(project, [each for each in questions() if each.held_out == held_out])
                print("held out" if held_out else "dev", figures)
                for miss in figures.misses if "--dev" in sys.argv and not held_out else ():
                    print("   ", miss)


anyio.run(main)
