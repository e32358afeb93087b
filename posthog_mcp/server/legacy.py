"""What protocol versions before 2026-07-28 let a client ask, and the SDK answers only through its low-level server.

`logging/setLevel` is accepted and changes nothing: this server sends no log messages to clients, its logs go to
stderr. The conformance suite for 2025-11-25 requires the answer.
"""

from __future__ import annotations

from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import MCPServer
from mcp.types import EmptyResult, SetLevelRequestParams


def accept_log_levels(server: MCPServer[Any]) -> None:
    """Answer `logging/setLevel` in the versions that have it."""

    async def accept(ctx: ServerRequestContext[Any], params: SetLevelRequestParams) -> EmptyResult:
        del ctx, params
        return EmptyResult()

    lowlevel = server._lowlevel_server  # pyright: ignore[reportPrivateUsage]  # the way that the SDK documents
    lowlevel.add_request_handler("logging/setLevel", SetLevelRequestParams, accept)
