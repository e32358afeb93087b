"""Call a tool and expect an answer, or an error."""

from __future__ import annotations

from typing import Any

from mcp import Client
from mcp.types import TextContent


def text_of(result: Any) -> str:
    return "".join(block.text for block in result.content if isinstance(block, TextContent))


async def ok(client: Client, path: str, **more: Any) -> dict[str, Any]:
    result = await client.call_tool("call_api", {"path": path, **more})
    assert not result.is_error, text_of(result)
    assert result.structured_content is not None
    return {**result.structured_content, "text": text_of(result)}


async def refused(client: Client, path: str, **more: Any) -> str:
    result = await client.call_tool("call_api", {"path": path, **more})
    assert result.is_error, text_of(result)
    return text_of(result)


async def confirmed(client: Client, path: str, **more: Any) -> dict[str, Any]:
    """Both steps of a change."""
    plan = await ok(client, path, **more)
    assert plan["changed"] is False
    return await ok(client, path, **more, confirm_token=plan["confirm_token"])
