"""Shared fixtures: the async backend; bigger parts live beside the tests that use them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from posthog_mcp.backends.local.demo.generate import generate_demo
from posthog_mcp.backends.local.objects import Objects
from posthog_mcp.backends.local.storage import Store


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests and fixtures on asyncio, the loop the MCP SDK runs on."""
    return "asyncio"


@pytest.fixture(scope="session")
async def demo_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a small demo project: seed 7, 20,000 events, 180 days up to 2026-11-01. Read it only."""
    data_dir = tmp_path_factory.mktemp("demo")
    store = Store(data_dir / "local")
    await generate_demo(store, Objects(store.root), seed=7, events=20_000, end=datetime(2026, 11, 1, tzinfo=UTC))
    return data_dir


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-snapshots", action="store_true", help="rewrite the tool snapshots")
