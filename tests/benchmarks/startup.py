"""stdio: from spawn to the first `tools/list` answer, against a bare one-tool MCPServer. Aim: at most 1.25×."""

from __future__ import annotations

import sys
from pathlib import Path

from mcp import Client, StdioServerParameters

from tests.benchmarks.measure import alternate, ratio, table


def listing(command: list[str], env: dict[str, str], mode: str):
    async def run() -> None:
        parameters = StdioServerParameters(command=sys.executable, args=command, env=env)
        async with Client(parameters, mode=mode) as client:
            await client.list_tools()

    return run


async def report(data_dir: Path, times: int = 9) -> str:
    env = {"POSTHOG_MCP_DATA_DIR": str(data_dir), "PYTHONPATH": str(Path.cwd())}
    rows: list[list[object]] = []
    for mode in ("legacy", "auto"):
        ours = listing(["-m", "posthog_mcp"], env, mode)
        bare = listing([str(Path(__file__).with_name("echo_server.py"))], env, mode)
        milliseconds, reference = await alternate([ours, bare], times)
        rows.append([mode, f"{milliseconds:.0f}", f"{reference:.0f}", ratio(milliseconds, reference)])
    return table(
        "stdio start to first tools/list", ["client", "posthog-mcp ms", "one-tool MCPServer ms", "ratio"], rows
    )
