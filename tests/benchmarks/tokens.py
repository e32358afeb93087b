"""Size of `tools/list`, in o200k tokens as counted by rs-bpe (`pip install rs-bpe`). Aim: about 180 a tool."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from mcp import Client, StdioServerParameters

from tests.benchmarks.measure import table


async def report(data_dir: Path) -> str:
    from rs_bpe.bpe import openai  # only this page needs it

    tokenizer = openai.o200k_base()
    rows: list[list[object]] = []
    for mode in ("tools", "compact"):
        env = {"POSTHOG_MCP_DATA_DIR": str(data_dir), "PYTHONPATH": str(Path.cwd()), "POSTHOG_MCP_MODE": mode}
        server = StdioServerParameters(command=sys.executable, args=["-m", "posthog_mcp"], env=env)
        async with Client(server) as client:
            listed = (await client.list_tools()).tools
        texts = [json.dumps(tool.model_dump(by_alias=True, exclude_none=True)) for tool in listed]
        tokens = sum(tokenizer.count(text) for text in texts)
        rows.append([mode, len(listed), tokens, round(tokens / len(listed))])
    return table("tools/list in o200k tokens (rs-bpe)", ["mode", "tools", "tokens", "a tool"], rows)
