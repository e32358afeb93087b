"""Streamable HTTP on a real port: both protocol eras, health pages, and what is refused."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from mcp import Client

from posthog_mcp.settings import DEFAULT_TOOLSETS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def address(demo_dir: Path) -> Iterator[str]:
    """`posthog-mcp serve --transport http` on a free port."""
    env = {**os.environ, "POSTHOG_MCP_DATA_DIR": str(demo_dir), "PYTHONPATH": str(ROOT)}  # noqa: TID251
    command = [sys.executable, "-m", "posthog_mcp", "serve", "--transport", "http", "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env)
    assert process.stderr is not None
    found = re.search(r"http://127\.0\.0\.1:\d+", process.stderr.readline())
    assert found
    yield found.group(0)
    process.terminate()
    assert process.wait(timeout=15) == 0


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_both_eras_call_tools(address: str, mode: str) -> None:
    async with Client(f"{address}/mcp", mode=mode) as client:  # pyright: ignore[reportArgumentType]
        assert len((await client.list_tools()).tools) >= 8
        done = await client.call_tool("execute_hogql", {"query": "SELECT count() FROM events"})
        assert done.structured_content is not None
        assert done.structured_content["rows"][0][0] > 10_000


def test_operator_pages_answer(address: str) -> None:
    assert httpx.get(f"{address}/health").json() == {"status": "ok"}
    assert httpx.get(f"{address}/ready").json() == {"status": "ready"}
    info = httpx.get(f"{address}/api/info").json()
    assert (info["name"], info["backend"], info["toolsets"]) == ("posthog-mcp", "local", [*DEFAULT_TOOLSETS])
    assert "posthog_mcp_tool_calls_total" in httpx.get(f"{address}/metrics").text


def test_foreign_hosts_and_origins_are_refused(address: str) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    headers = {"accept": "application/json, text/event-stream"}
    assert httpx.post(f"{address}/mcp", json=body, headers={**headers, "host": "evil.example"}).status_code == 421
    assert (
        httpx.post(f"{address}/mcp", json=body, headers={**headers, "origin": "http://evil.example"}).status_code == 403
    )


def test_a_header_narrows_the_tool_list(address: str) -> None:
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta}}
    headers = {
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/list",
        "x-mcp-toolsets": "discover",
    }
    answer = httpx.post(f"{address}/mcp", json=body, headers=headers).json()
    assert [tool["name"] for tool in answer["result"]["tools"]] == ["discover_objects", "get_object_fields"]
