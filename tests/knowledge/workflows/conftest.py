"""A client on a demo that is large enough for a story to stand out of the noise."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mcp import Client

from posthog_mcp.backends.local.demo.generate import generate_demo
from posthog_mcp.backends.local.objects import Objects
from posthog_mcp.backends.local.storage import Store
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings


@pytest.fixture(scope="module")
async def client(large_demo: Path) -> AsyncIterator[Client]:
    async with Client(build_server(Settings.load(data_dir=large_demo, backend="local"))) as connected:
        yield connected


@pytest.fixture(scope="session")
async def large_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seed 7, 150,000 events, 180 days up to 2026-11-01. Read it only."""
    data_dir = tmp_path_factory.mktemp("large_demo")
    store = Store(data_dir / "local")
    await generate_demo(store, Objects(store.root), seed=7, events=150_000, end=datetime(2026, 11, 1, tzinfo=UTC))
    return data_dir
