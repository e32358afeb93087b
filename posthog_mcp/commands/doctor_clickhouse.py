"""The `doctor`'s lines about a ClickHouse server: reachable, only read, and what it holds."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import anyio
from pydantic import SecretStr

from posthog_mcp.backends.local.clickhouse.address import read_address
from posthog_mcp.backends.local.clickhouse.server import Server
from posthog_mcp.commands.finding import Line
from posthog_mcp.errors import PostHogMcpError


async def clickhouse_findings(url: SecretStr) -> AsyncGenerator[Line, None]:
    """A line each; what fails is the last."""
    server = Server(read_address(url.get_secret_value()))
    try:
        for check in (server_line, grants_line, project_line):
            yield await check(server)
    except PostHogMcpError as error:
        yield Line("failed", "ClickHouse", error.message, error.fix)
    finally:
        with anyio.CancelScope(shield=True):
            await server.aclose()


async def server_line(server: Server) -> Line:
    client = await server.client()
    await server.may_read()
    return Line("ok", "ClickHouse", f"{server.address}, version {client.server_version}")


async def grants_line(server: Server) -> Line:
    more = await server.more_than_reading()
    if not more:
        return Line("ok", "grants", f"user {server.address.user} may only SELECT")
    mend = "Use a user with SELECT alone: `posthog-mcp local clickhouse-schema` prints one."
    return Line("warning", "grants", f"user {server.address.user} may do more: {'; '.join(more[:3])}", mend)


async def project_line(server: Server) -> Line:
    manifest = await server.manifest()
    until = f", until {manifest.date_range.last[:10]}" if manifest.date_range else ""
    return Line("ok", "project", f"{manifest.project.name}: {manifest.tables['events'].rows:,} events{until}")
