"""A cached query through the whole server against an echo tool returning as many characters. Aim: at most 1.5×."""

from __future__ import annotations

import sys
from pathlib import Path

from mcp import Client, StdioServerParameters

from tests.benchmarks.measure import alternate, ratio, table

QUERY = {"query": "SELECT event, count() FROM events GROUP BY event ORDER BY count() DESC LIMIT 5"}


async def report(data_dir: Path, times: int = 200) -> str:
    env = {"POSTHOG_MCP_DATA_DIR": str(data_dir), "PYTHONPATH": str(Path.cwd())}
    ours = StdioServerParameters(command=sys.executable, args=["-m", "posthog_mcp"], env=env)
    bare = StdioServerParameters(
        command=sys.executable, args=[str(Path(__file__).with_name("echo_server.py"))], env=env
    )
    async with Client(ours) as product, Client(bare) as echo:
        first = await product.call_tool("execute_hogql", QUERY)
        text = "x" * sum(len(getattr(block, "text", "")) for block in first.content)

        async def cached() -> None:
            await product.call_tool("execute_hogql", QUERY)

        async def echoed() -> None:
            await echo.call_tool("echo", {"text": text})

        milliseconds, reference = await alternate([cached, echoed], times)
    row = [f"{milliseconds:.2f}", f"{reference:.2f}", ratio(milliseconds, reference)]
    return table("A cached query over stdio", ["execute_hogql ms", "echo ms", "ratio"], [row])
