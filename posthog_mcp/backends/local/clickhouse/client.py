"""The part of clickhouse-connect that is used here, typed, and how a connection is opened."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterable, Mapping, Sequence
from typing import Protocol, cast

from posthog_mcp.backends.local.clickhouse.address import Address
from posthog_mcp.errors import Unavailable
from posthog_mcp.results import Json

INSTALL = 'pip install "posthog-mcp[clickhouse]"'
CONNECT_SECONDS = 5.0
LONGEST_SECONDS = 660.0
Bound = Mapping[str, str | list[str]]
"""Values of a query's `{name:Type}` parameters."""


class Setting(Protocol):
    value: str


class Client(Protocol):
    """clickhouse-connect's `AsyncClient`."""

    server_version: str
    server_settings: Mapping[str, Setting]

    async def raw_query(
        self, query: str, parameters: dict[str, str | list[str]] | None, settings: dict[str, Json], fmt: str
    ) -> bytes: ...

    async def command(self, cmd: str, *, settings: dict[str, Json]) -> object: ...

    async def raw_insert(
        self, table: str, column_names: Sequence[str], insert_block: bytes | AsyncIterable[bytes], *, fmt: str
    ) -> object: ...

    async def close(self) -> None: ...


def require_client() -> None:
    """Say what to install where the client library is missing.

    Raises:
        Unavailable: it is not installed.
    """
    if any(importlib.util.find_spec(name) is None for name in ("clickhouse_connect", "aiohttp")):
        raise Unavailable("POSTHOG_MCP_CLICKHOUSE_URL needs clickhouse-connect.", fix=f"Run: {INSTALL}")


async def open_client(at: Address) -> Client:
    """A connected client; raises what clickhouse-connect raises."""
    from clickhouse_connect.driver import create_async_client  # pyright: ignore[reportUnknownVariableType]

    opened = await create_async_client(
        host=at.host,
        port=at.port,
        username=at.user,
        password=at.password,
        secure=at.secure,
        interface="https" if at.secure else "http",
        database=None,  # a database that is missing should not look like a login that failed
        autogenerate_session_id=False,  # queries of one session would wait for each other
        connect_timeout=CONNECT_SECONDS,
        send_receive_timeout=LONGEST_SECONDS,
        client_name="posthog-mcp",
        query_retries=0,
    )
    return cast("Client", opened)
