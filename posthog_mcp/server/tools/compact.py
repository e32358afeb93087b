"""Compact mode: two tools stand for all, for clients that pay for every schema in every conversation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from mcp.types import CallToolResult
from pydantic import Field

from posthog_mcp.errors import NotFound
from posthog_mcp.hogql.suggest import nearest
from posthog_mcp.server.answers import Ctx, answer
from posthog_mcp.server.registry import Published


def compact_tools(tools: Sequence[Published]) -> list[Published]:
    """`find_tool` and `use_tool` over these tools."""
    known = {tool.name: tool for tool in tools}

    async def find_tool(
        ctx: Ctx, need: Annotated[str, Field(description="what you want to do; empty: all tools")] = ""
    ) -> CallToolResult:
        """Find the tools for a need, with their arguments. Then call one with use_tool."""
        del ctx
        words = [word for word in need.lower().split() if len(word) > 2]
        scored = [(score(tool, words), tool) for tool in tools]
        best = [tool for points, tool in sorted(scored, key=lambda pair: -pair[0]) if points or not words]
        chosen = (best or list(tools))[: 3 if words else len(tools)]
        content: dict[str, Any] = {
            "tools": [
                {"name": tool.name, "description": tool.description, "arguments": tool.parameters} for tool in chosen
            ]
        }
        return answer(content)

    async def use_tool(
        ctx: Ctx,
        name: Annotated[str, Field(description="a tool's name, from find_tool")],
        arguments: Annotated[dict[str, Any], Field(description="its arguments")] = {},  # noqa: B006
    ) -> CallToolResult:
        """Call a tool that find_tool named.

        Raises:
            NotFound: there is no such tool.
        """
        if name not in known:
            near = nearest(name, known) or list(known)
            raise NotFound(f"There is no tool {name!r}.", fix=f"Use one of: {', '.join(near)}.")
        return await known[name].call(ctx, arguments)

    writes = any(not tool.read_only for tool in tools)
    return [
        Published(find_tool, "Find a tool", open_world=False),
        Published(use_tool, "Use a tool", read_only=not writes, idempotent=not writes),
    ]


def score(tool: Published, words: Sequence[str]) -> int:
    text = f"{tool.name} {tool.title} {tool.description}".lower()
    return sum(text.count(word) for word in words)
