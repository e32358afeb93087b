"""One parser process and one tiny project for all HogQL tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from small_project import SmallProject

from posthog_mcp.hogql.parsing import Parser


@pytest.fixture(scope="session")
async def project() -> AsyncIterator[SmallProject]:
    """The small project; its parser lives as long as the tests."""
    parser = Parser(plain=False)
    yield SmallProject(parser)
    await parser.aclose()
