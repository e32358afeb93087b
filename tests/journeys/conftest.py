"""Real server processes: their command and environment."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from mcp import StdioServerParameters

ROOT = Path(__file__).parents[2]


@pytest.fixture
def server_process(demo_dir: Path) -> StdioServerParameters:
    """`posthog-mcp` over stdio on the small demo project."""
    env = {"POSTHOG_MCP_DATA_DIR": str(demo_dir), "PYTHONPATH": str(ROOT), "POSTHOG_MCP_BACKEND": "local"}
    return StdioServerParameters(command=sys.executable, args=["-m", "posthog_mcp"], env=env)
