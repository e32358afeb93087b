"""`local clickhouse-…`: the embedded project's tables on a ClickHouse server."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import anyio

from posthog_mcp.commands.progress import progress_bar
from posthog_mcp.errors import InvalidInput
from posthog_mcp.settings import Settings


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Dispatch on the second word."""
    return anyio.run({"schema": schema, "fill": fill}[arguments.action], settings, arguments)


async def schema(settings: Settings, arguments: argparse.Namespace) -> int:
    """Print the statements that make the tables, with the hot columns of the project in the data folder."""
    del arguments
    from posthog_mcp.backends.local.clickhouse.address import read_address
    from posthog_mcp.backends.local.clickhouse.ddl import schema as statements
    from posthog_mcp.backends.local.storage import Store

    url = settings.clickhouse_load_url or settings.clickhouse_url
    database = read_address(url.get_secret_value()).database if url else "posthog"
    snapshot = await anyio.to_thread.run_sync(Store(settings.data_dir / "local").current)
    for statement in statements(database, snapshot.manifest if snapshot else None):
        sys.stdout.write(f"{statement};\n\n")
    return 0


async def fill(settings: Settings, arguments: argparse.Namespace) -> int:
    """Copy the data folder's project, or describe the tables that are there.

    Raises:
        InvalidInput: no server is named.
    """
    if settings.clickhouse_load_url is None:
        fix = "Set POSTHOG_MCP_CLICKHOUSE_LOAD_URL to clickhouse://USER:PASSWORD@HOST:PORT/DATABASE."
        raise InvalidInput("A ClickHouse user that may create and insert is needed.", fix=fix)
    return await (describe(settings, arguments) if arguments.own_tables else copy(settings))


async def copy(settings: Settings) -> int:
    """Copy the project to the server of POSTHOG_MCP_CLICKHOUSE_LOAD_URL; nothing where that is not set.

    Raises:
        InvalidInput: the data folder is empty.
    """
    from posthog_mcp.backends.local.clickhouse.address import read_address
    from posthog_mcp.backends.local.clickhouse.loading import load_snapshot
    from posthog_mcp.backends.local.clickhouse.server import Server
    from posthog_mcp.backends.local.storage import Store

    if settings.clickhouse_load_url is None:
        return 0
    snapshot = await anyio.to_thread.run_sync(Store(settings.data_dir / "local").current)
    if snapshot is None:
        raise InvalidInput("The data folder holds no project.", fix="Run `posthog-mcp local import` or `demo-data`.")
    server = Server(read_address(settings.clickhouse_load_url.get_secret_value()))
    try:
        with progress_bar("loading") as watch:
            rows = await load_snapshot(server, snapshot, watch)
    finally:
        with anyio.CancelScope(shield=True):
            await server.aclose()
    return told(str(server.address), rows)


async def describe(settings: Settings, arguments: argparse.Namespace) -> int:
    """Read what the team's own tables hold.

    Raises:
        InvalidInput: there is no such time zone.
    """
    from posthog_mcp.backends.local.clickhouse.address import read_address
    from posthog_mcp.backends.local.clickhouse.loading import describe as read_tables
    from posthog_mcp.backends.local.clickhouse.server import Server
    from posthog_mcp.backends.local.manifest import ProjectSettings

    try:
        ZoneInfo(arguments.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        raise InvalidInput(f"There is no time zone {arguments.timezone!r}.", fix="Write Europe/Berlin.") from None
    assert settings.clickhouse_load_url is not None
    server = Server(read_address(settings.clickhouse_load_url.get_secret_value()))
    try:
        project = ProjectSettings(name=arguments.name, timezone=arguments.timezone)
        manifest = await read_tables(server, project)
    finally:
        with anyio.CancelScope(shield=True):
            await server.aclose()
    return told(str(server.address), {name: table.rows for name, table in manifest.tables.items()})


def told(address: str, rows: Mapping[str, int]) -> int:
    holds = ", ".join(f"{count:,} {table}" for table, count in rows.items() if count)
    sys.stdout.write(f"{address} holds {holds or 'no rows'}.\n")
    return 0
