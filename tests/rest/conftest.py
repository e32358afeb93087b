"""`posthog-mcp local serve` on a small demo of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """`posthog-mcp local serve` on a small demo of its own, because captures write."""
    data_dir = str(tmp_path_factory.mktemp("rest"))
    env = {**os.environ, "POSTHOG_MCP_DATA_DIR": data_dir, "PYTHONPATH": str(ROOT)}  # noqa: TID251
    run = [sys.executable, "-m", "posthog_mcp", "local"]
    subprocess.run(
        [*run, "demo-data", "--events", "3000", "--end", "2026-10-31"], env=env, check=True, capture_output=True
    )
    process = subprocess.Popen([*run, "serve", "--port", "0"], stderr=subprocess.PIPE, text=True, env=env)
    assert process.stderr is not None
    address = None
    while address is None:
        address = re.search(r"http://127\.0\.0\.1:\d+", process.stderr.readline())
    with httpx.Client(base_url=address.group(0), headers={"Authorization": "Bearer phx_local"}, timeout=60) as client:
        yield client
    process.terminate()
    assert process.wait(timeout=15) == 0
