"""Shared fixtures: the async backend; bigger parts live beside the tests that use them."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests and fixtures on asyncio, the loop the MCP SDK runs on."""
    return "asyncio"
