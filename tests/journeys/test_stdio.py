"""A real process over stdio, as a stranger's client would use it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import anyio
import psutil
import pytest
from mcp import Client, StdioServerParameters

from tests.processes import workers

SLOW = """SELECT count() FROM events AS a CROSS JOIN events AS b
WHERE cityHash64(concat(a.properties, b.properties)) % 7 = 3 LIMIT 1"""
ROOT = Path(__file__).parents[2]


async def ok(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_discover_describe_validate_run(server_process: StdioServerParameters, mode: str) -> None:
    async with Client(server_process, mode=mode) as client:  # pyright: ignore[reportArgumentType]
        assert (await ok(client, "discover_objects"))["project"]["name"] == "Demo"
        fields = await ok(client, "get_object_fields", name="signed_up")
        assert "channel" in [row[0] for row in fields["fields"]]
        wrong = "SELECT properties.channel AS channel, count() FROM evnts GROUP BY channel"
        checked = await ok(client, "validate_hogql", query=wrong)
        assert "events" in checked["errors"][0]["fix"]
        right = wrong.replace("evnts", "events") + " ORDER BY channel LIMIT 10"
        done = await ok(client, "execute_hogql", query=right)
        assert "paid_social" in [row[0] for row in done["rows"]]


async def test_a_cancelled_call_leaves_no_query_running(server_process: StdioServerParameters) -> None:
    others = workers("engine")
    async with Client(server_process) as client:
        await ok(client, "execute_hogql", query="SELECT 1")
        with anyio.move_on_after(1.5):
            await client.call_tool("execute_hogql", {"query": SLOW})
        await anyio.sleep(1)
        [engine] = [each for each in workers("engine") if each not in others]
        before = engine.cpu_times()
        await anyio.sleep(0.5)
        after = engine.cpu_times()
        assert after.user - before.user < 0.3
        assert (await ok(client, "execute_hogql", query="SELECT 2"))["rows"] == [[2]]


async def test_a_killed_engine_is_replaced(server_process: StdioServerParameters) -> None:
    others = workers("engine")
    async with Client(server_process) as client:
        await ok(client, "execute_hogql", query="SELECT 1")
        [engine] = [each for each in workers("engine") if each not in others]
        engine.kill()
        await client.call_tool("execute_hogql", {"query": "SELECT 3"})
        assert (await ok(client, "execute_hogql", query="SELECT 4"))["rows"] == [[4]]


async def test_two_servers_share_one_folder(server_process: StdioServerParameters) -> None:
    async with Client(server_process) as one, Client(server_process) as two:
        query = "SELECT count() FROM events"
        first, second = await ok(one, "execute_hogql", query=query), await ok(two, "execute_hogql", query=query)
        assert first["rows"] == second["rows"]
        saved = await ok(one, "save_query", query_id=first["query_id"], name="shared")
        found = await ok(two, "query_history", search="shared", favourites=True)
        assert [row[0] for row in found["queries"]] == [saved["query_id"]]


def start(demo_dir: Path) -> subprocess.Popen[bytes]:
    env = {**os.environ, "POSTHOG_MCP_DATA_DIR": str(demo_dir), "PYTHONPATH": str(ROOT)}  # noqa: TID251
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-m", "posthog_mcp"], stdin=pipe, stdout=pipe, stderr=pipe, env=env)
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "0"}}
    send(process, {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello})
    assert receive(process)["result"]["serverInfo"]["name"] == "posthog-mcp"
    send(process, {"jsonrpc": "2.0", "method": "notifications/initialized"})
    arguments = {"name": "execute_hogql", "arguments": {"query": "SELECT 1"}}
    send(process, {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": arguments})
    assert receive(process)["id"] == 2
    return process


def send(process: subprocess.Popen[bytes], message: dict[str, Any]) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(message).encode() + b"\n")
    process.stdin.flush()


def receive(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """The next answer; every line on stdout must be protocol."""
    assert process.stdout is not None
    while True:
        message = json.loads(process.stdout.readline())
        if "id" in message:
            return message


@pytest.mark.parametrize("how", ["eof", "sigterm"])
def test_the_process_ends_cleanly_with_its_workers(demo_dir: Path, how: str) -> None:
    process = start(demo_dir)
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    started = time.monotonic()
    if how == "eof":
        assert process.stdin is not None
        process.stdin.close()
    else:
        process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0
    assert time.monotonic() - started < 8
    assert not psutil.wait_procs(children, timeout=3)[1]
    assert process.stderr is not None
    assert b"Traceback" not in process.stderr.read()
