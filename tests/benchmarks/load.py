"""200 clients at once over HTTP on the embedded project, against a bare `mcp` server with an echo tool.

`python -m tests.benchmarks.load [--clients 200] [--seconds 120]` prints answers a second, p50, p95, p99,
errors and memory. The aim: no error, at least 0.6 times the echo's answers for cached queries, flat memory. The echo runs
twice: on asyncio and h11, which is all that `pip install mcp` brings, and on the loop and HTTP parser that we serve with.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx
import psutil

from tests.remote.calls import META, headers

ROOT = Path(__file__).parents[2]
ECHO = """
import sys, uvicorn
from mcp.server.mcpserver import MCPServer
server = MCPServer("echo", log_level="ERROR")
@server.tool(structured_output=False)
async def echo(text: str) -> str:
    return text
app, port, loop, http = server.streamable_http_app(stateless_http=True), int(sys.argv[1]), *sys.argv[2:]
uvicorn.run(app, port=port, log_level="error", loop=loop, http=http)
"""
STACKS = (("asyncio", "h11"), ("uvloop", "httptools"))
OURS, ECHOED = "a cached query", 2_000
CACHED = {"query": "SELECT event, count() AS n FROM events GROUP BY event ORDER BY n DESC LIMIT 10"}


@dataclass
class Measured:
    """What the clients of one server saw; times in seconds, memory in bytes of the server process."""

    times: list[float] = field(default_factory=list[float])
    errors: int = 0
    memory: list[int] = field(default_factory=list[int])

    def line(self, what: str, seconds: float) -> str:
        ordered = sorted(self.times) or [0.0]
        p50, p95, p99 = (ordered[int((len(ordered) - 1) * share)] * 1000 for share in (0.5, 0.95, 0.99))
        memory = f"{self.memory[0] >> 20} to {self.memory[-1] >> 20} MB" if self.memory else ""
        rate = len(self.times) / seconds
        return f"{what:<34} {rate:8.0f}/s  p50 {p50:6.0f}  p95 {p95:6.0f}  p99 {p99:6.0f} ms  {self.errors} errors  {memory}"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


async def measured(
    url: str, tool: str, arguments: dict[str, Any], clients: int, seconds: float, process: psutil.Process
) -> Measured:
    """Every client asks again as soon as it has its answer."""
    found, until = Measured(), time.monotonic() + seconds
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": tool, "arguments": arguments, "_meta": META}}  # fmt: skip
    body, sent, context = json.dumps(call).encode(), headers("tools/call", tool), ssl.create_default_context()

    async def one() -> None:
        # A connection each, as clients have; one pool of 200 costs its process more than an answer costs the server.
        async with httpx.AsyncClient(timeout=120, verify=context) as client:
            while (begun := time.monotonic()) < until:
                try:
                    answer = await client.post(url, content=body, headers=sent)
                    failed = answer.status_code != 200 or bool(answer.json()["result"].get("isError"))
                except httpx.HTTPError:
                    failed = True
                found.errors += failed
                found.times.append(time.monotonic() - begun)

    async def watch() -> None:
        while time.monotonic() < until:
            found.memory.append(process.memory_info().rss)
            await anyio.sleep(1)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        for _ in range(clients):
            tasks.start_soon(one)
    return found


async def answering(url: str) -> None:
    async with httpx.AsyncClient() as client:
        for _ in range(600):
            try:
                await client.get(url)
                return
            except httpx.TransportError:
                await anyio.sleep(0.1)


def started(command: list[str]) -> subprocess.Popen[bytes]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "POSTHOG_MCP_REQUEST_RATE": "100000000/min",  # noqa: TID251
           "POSTHOG_MCP_RATE_LIMIT": "100000000/min", "POSTHOG_MCP_CACHE_TTL": "3600"}  # fmt: skip
    return subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)


async def with_demo(data: Path) -> Path:
    """The data folder, with a demo project of 100,000 events where it has none."""
    demo = [sys.executable, "-m", "posthog_mcp", "local", "demo-data", "--events", "100000", "--data-dir", str(data)]
    if not (data / "local").exists():
        await anyio.to_thread.run_sync(lambda: subprocess.run(demo, check=True, capture_output=True, cwd=ROOT))
    return data


def served_on(port: int, data: Path, *more: str) -> list[str]:
    """The command that serves this folder over HTTP."""
    return [sys.executable, "-m", "posthog_mcp", "serve", "--transport", "http", "--port", str(port), "--backend",
            "local", "--data-dir", str(data), *more]  # fmt: skip


@dataclass
class Contender:
    """A server, what is asked of it, and what its clients saw."""

    what: str
    command: list[str]
    port: int
    tool: str
    arguments: dict[str, Any]
    seen: Measured = field(default_factory=Measured)

    async def asked(self, server: subprocess.Popen[bytes], clients: int, seconds: float) -> Measured:
        url = f"http://127.0.0.1:{self.port}/mcp"
        return await measured(url, self.tool, self.arguments, clients, seconds, psutil.Process(server.pid))


def contenders(data: Path) -> list[Contender]:
    ours = free_port()
    found = [Contender(OURS, served_on(ours, data), ours, "execute_hogql", CACHED)]
    for loop, http in STACKS:
        port = free_port()
        command = [sys.executable, "-c", ECHO, str(port), loop, http]
        found.append(Contender(f"bare mcp server on {loop}, {http}", command, port, "echo", {"text": "x" * ECHOED}))
    return found


async def main(given: argparse.Namespace) -> None:
    """Measure in turns, so that what else the machine does falls on all of them."""
    every = contenders(await with_demo(given.data or Path(tempfile.mkdtemp())))
    servers = [started(each.command) for each in every]
    try:
        for each, server in zip(every, servers, strict=True):
            await answering(f"http://127.0.0.1:{each.port}/health")
            await each.asked(server, 4, 3)
        for _ in range(given.turns):
            for each, server in zip(every, servers, strict=True):
                seen = await each.asked(server, given.clients, given.seconds / given.turns)
                each.seen.times += seen.times
                each.seen.memory += seen.memory
                each.seen.errors += seen.errors
    finally:
        for server in servers:
            server.terminate()
            server.wait(timeout=30)
    for each in every:
        ratio = f"  {len(every[0].seen.times) / max(1, len(each.seen.times)):.2f}x" if each.what != OURS else ""
        print(each.seen.line(each.what, given.seconds) + ratio)
    print(f"{given.clients} clients, {given.seconds:g} s each in {given.turns} turns; echoes of {ECHOED:,} characters")


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--clients", type=int, default=200)
    options.add_argument("--seconds", type=float, default=120.0)
    options.add_argument("--turns", type=int, default=4)
    options.add_argument("--data", type=Path, default=None)
    anyio.run(main, options.parse_args())
