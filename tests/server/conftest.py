"""An in-memory MCP client on the small demo project."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mcp import Client

from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings


@pytest.fixture(scope="module")
async def client(demo_dir: Path) -> AsyncIterator[Client]:
    """A client of a server with every default."""
    async with Client(build_server(Settings.load(data_dir=demo_dir, backend="local"))) as connected:
        yield connected
