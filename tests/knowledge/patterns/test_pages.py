"""What holds for every pattern and metric: its blocks are clean and run on the demo project, and each has its proof."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthog_mcp.backends.backend import QueryOptions
from posthog_mcp.backends.local.driver import LocalDriver
from tests.knowledge.patterns.conftest import PAGES, at_the_end, blocks


@pytest.fixture(scope="module")
async def driver(demo_dir: Path) -> AsyncIterator[LocalDriver]:
    made = LocalDriver(demo_dir)
    yield made
    await made.aclose()


@pytest.mark.parametrize("name", sorted(PAGES))
async def test_every_block_is_clean_and_runs_on_the_demo_project(driver: LocalDriver, name: str) -> None:
    for block in blocks(name):
        checked = await driver.checker.check(block)
        assert [(each.code, each.message) for each in (*checked.errors, *checked.warnings)] == []
        query = {"kind": "HogQLQuery", "query": at_the_end(block)}
        answer = await driver.query(query, QueryOptions(name, timeout_seconds=30))
        assert answer.table.rows or name == "renamed-event", "the demo renames nothing"


def test_every_page_is_proven() -> None:
    proofs = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    missing = [name for name in PAGES for at in range(len(blocks(name))) if call(name, at) not in proofs]
    assert missing == []


def call(name: str, block: int) -> str:
    """How a test asks for a block."""
    return f'asked("{name}", {block})' if block else f'asked("{name}")'
