"""Resident memory of the server and its workers: at rest, after a first query, after the questions. Aim: 120 MB at rest."""

from __future__ import annotations

import sys
from pathlib import Path

import anyio
import psutil
from mcp import Client, StdioServerParameters

from tests.benchmarks.measure import table
from tests.benchmarks.questions import QUESTIONS


def resident(marker: str) -> tuple[float, float]:
    """Megabytes of (the server process, all its descendants) started with this data folder."""
    for process in psutil.Process().children(recursive=True):
        if marker in process.environ().get("POSTHOG_MCP_DATA_DIR", "") and "posthog_mcp" in process.cmdline():
            workers = sum(child.memory_info().rss for child in process.children(recursive=True))
            return process.memory_info().rss / 1e6, workers / 1e6
    raise SystemExit("the server process was not found")


async def report(data_dir: Path) -> str:
    env = {"POSTHOG_MCP_DATA_DIR": str(data_dir), "PYTHONPATH": str(Path.cwd())}
    server = StdioServerParameters(command=sys.executable, args=["-m", "posthog_mcp"], env=env)
    rows: list[list[object]] = []
    async with Client(server) as client:
        await client.list_tools()
        await anyio.sleep(1)
        rows.append(["at rest, after tools/list", *(f"{mb:.0f}" for mb in resident(str(data_dir)))])
        await client.call_tool("execute_hogql", {"query": "SELECT count() FROM events"})
        rows.append(["after the first query", *(f"{mb:.0f}" for mb in resident(str(data_dir)))])
        for question in QUESTIONS:
            await client.call_tool("execute_hogql", {"query": question.hogql})
        rows.append(["after the ten questions", *(f"{mb:.0f}" for mb in resident(str(data_dir)))])
    return table("Resident memory (MB)", ["moment", "server", "workers"], rows)
