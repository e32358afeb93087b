"""One ClickHouse server: its client, its errors in our family's words, who may do what, and the manifest it holds."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import AsyncIterable, Mapping, Sequence
from typing import cast

import anyio
from pydantic import ValidationError

from posthog_mcp.backends.local.clickhouse.address import Address
from posthog_mcp.backends.local.clickhouse.client import Bound, Client, open_client, require_client
from posthog_mcp.backends.local.manifest import FORMAT, Manifest
from posthog_mcp.backends.local.processes import engine_error
from posthog_mcp.backends.local.schema import quoted
from posthog_mcp.errors import Forbidden, InvalidInput, PostHogMcpError, Unavailable
from posthog_mcp.results import Json

logger = logging.getLogger(__name__)

MANIFEST = "posthog_mcp_manifest"
FRESH_SECONDS = 5.0
"""How long a manifest is taken for the server's present one."""
OWN_SECONDS = 15.0
"""How long the small questions of our own may take; a server that hangs is as good as none."""
REFUSED = ("AUTHENTICATION_FAILED", "REQUIRED_PASSWORD", "UNKNOWN_USER", "ACCESS_DENIED", "READONLY")
BUSY = ("TOO_MANY_SIMULTANEOUS_QUERIES", "TOO_MANY_PARTS", "QUOTA_EXCEEDED")
ABSENT = ("UNKNOWN_TABLE", "UNKNOWN_DATABASE")
AROUND = re.compile(r"^Received ClickHouse exception, code: \d+, server response: |\s*\(for url [^)]*\)")
"""What clickhouse-connect puts around the server's words."""
READING = ("SELECT", "SHOW", "USAGE", "dictGet")


class Server:
    """Connects with the first call; safe to share between tasks of one event loop."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._client: Client | None = None
        self._opening = anyio.Lock()
        self._manifest: tuple[float, Manifest] | None = None

    async def client(self) -> Client:
        """The open client.

        Raises:
            Unavailable: clickhouse-connect is missing, or the server does not answer.
            Forbidden: the server refuses user and password.
        """
        require_client()
        async with self._opening:
            if self._client is None:
                self._client = await self._open()
            return self._client

    async def _open(self) -> Client:
        try:
            with anyio.fail_after(OWN_SECONDS):
                return await open_client(self.address)
        except Exception as error:
            worded = self.worded(error)
            raise worded from None

    async def insert(
        self, table: str, columns: Sequence[str], block: bytes | AsyncIterable[bytes], file_format: str
    ) -> None:
        """Send rows as they lie in a file.

        Raises:
            PostHogMcpError: the server's complaint, in words.
        """
        client = await self.client()
        try:
            await client.raw_insert(table, columns, block, fmt=file_format)
        except Exception as error:
            worded = self.worded(error)
            raise worded from None

    async def read(
        self, sql: str, parameters: Bound | None = None, settings: Mapping[str, Json] | None = None
    ) -> bytes:
        """The JSONCompact answer of one SELECT, run with `readonly=1`.

        Raises:
            PostHogMcpError: the server's complaint, in words.
        """
        client = await self.client()
        sent = {"readonly": 1, "wait_end_of_query": 1, **(settings or {})}
        try:
            return await client.raw_query(sql, dict(parameters) if parameters else None, sent, "JSONCompact")
        except Exception as error:
            worded = self.worded(error)
            if worded.context.get("clickhouse_error") == "UNKNOWN_IDENTIFIER":
                self._manifest = None  # the tables may have been exchanged since
            raise worded from None

    async def rows(self, sql: str, *, seconds: float = OWN_SECONDS) -> list[list[Json]]:
        """The rows of one SELECT of ours.

        Raises:
            Unavailable: no answer came in time.
        """
        try:
            with anyio.fail_after(seconds):
                return cast("list[list[Json]]", json.loads(await self.read(sql))["data"])
        except TimeoutError as error:
            worded = self.worded(error)
            raise worded from None

    async def command(self, sql: str, settings: Mapping[str, Json] | None = None) -> None:
        """Run a statement that gives no rows.

        Raises:
            PostHogMcpError: the server's complaint, in words.
        """
        client = await self.client()
        try:
            await client.command(sql, settings=dict(settings or {}))
        except Exception as error:
            worded = self.worded(error)
            raise worded from None

    async def may_read(self) -> None:
        """Refuse a profile that leaves no way to send limits, or that lets them be lifted.

        Raises:
            InvalidInput: the user's own profile is read-only.
        """
        found = (await self.client()).server_settings.get("readonly")
        if found is not None and str(found.value) != "0":
            message = f"The ClickHouse user {self.address.user!r} has a profile with readonly={found.value}."
            fix = (
                "Give it SELECT grants and a profile with readonly=0: each query is sent with readonly=1 and its "
                "limits. `posthog-mcp local clickhouse-schema` prints such a user."
            )
            raise InvalidInput(message, fix=fix)

    async def more_than_reading(self) -> list[str]:
        """Grants of the user beyond SELECT, as the server prints them; an empty list is what should be."""
        try:
            rows = await self.rows("SHOW GRANTS FINAL")
        except PostHogMcpError:
            rows = await self.rows("SHOW GRANTS")
        return [str(row[0]) for row in rows if not only_reads(str(row[0]))]

    async def manifest(self) -> Manifest:
        """The manifest of the data that the server holds now.

        Raises:
            Unavailable: nothing was loaded there yet.
            InvalidInput: another version of posthog-mcp wrote it.
        """
        if self._manifest and time.monotonic() - self._manifest[0] < FRESH_SECONDS:
            return self._manifest[1]
        await self.may_read()
        table = f"{quoted(self.address.database)}.{MANIFEST}"
        rows = await self.rows(f"SELECT manifest FROM {table} ORDER BY loaded_at DESC LIMIT 1")
        if not rows:
            raise self.empty()
        found = read_manifest(str(rows[0][0]))
        if self._manifest and self._manifest[1].id == found.id:
            found = self._manifest[1]
        self._manifest = (time.monotonic(), found)
        return found

    def empty(self) -> Unavailable:
        return Unavailable(
            f"The ClickHouse database {self.address} holds no project.",
            fix="Fill it: set POSTHOG_MCP_CLICKHOUSE_LOAD_URL and run `posthog-mcp local clickhouse-load`.",
        )

    def worded(self, error: Exception) -> PostHogMcpError:
        """Whatever the client raised, in our family's words; the password is cut out should a text repeat it."""
        if isinstance(error, PostHogMcpError):
            return error
        text = hidden(AROUND.sub("", str(error)), self.address.password)
        known = engine_error(text)
        name = getattr(error, "name", None) or str(known.context.get("clickhouse_error"))
        if name in REFUSED:
            fix = "Check user, password and grants: `posthog-mcp local clickhouse-schema` prints the ones needed."
            return Forbidden(f"ClickHouse at {self.address} refuses user {self.address.user!r} ({name}).", fix=fix)
        if name in ABSENT:
            return self.empty()
        if name in BUSY:
            return Unavailable(f"ClickHouse at {self.address} is too busy ({name}).", fix="Ask again later.")
        if getattr(error, "code", None) is None and name == "UNKNOWN":
            fix = (
                "Check that it runs, POSTHOG_MCP_CLICKHOUSE_URL (its HTTP port, mostly 8123 or 8443), and the network."
            )
            return Unavailable(f"ClickHouse at {self.address} does not answer.", fix=fix)
        return known

    async def aclose(self) -> None:
        """Close the connections; safe to call twice."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()


def read_manifest(text: str) -> Manifest:
    """A manifest from its JSON.

    Raises:
        InvalidInput: another version of posthog-mcp wrote it.
    """
    try:
        found = Manifest.model_validate_json(text)
    except ValidationError:
        found = None
    if found is None or found.format != FORMAT:
        message = f"The ClickHouse database was loaded by another version of posthog-mcp (this is layout {FORMAT})."
        raise InvalidInput(message, fix="Run `posthog-mcp local clickhouse-load` of this version.")
    return found


def only_reads(grant: str) -> bool:
    """Whether a line of SHOW GRANTS gives nothing but reading. Column lists hold commas, so brackets go first."""
    if " ON " not in grant:
        return False
    words = grant.removeprefix("GRANT ").partition(" ON ")[0]
    while "(" in words:
        head, _, tail = words.partition("(")
        words = head + tail.partition(")")[2]
    return all(part.strip().startswith(READING) for part in words.split(","))


def hidden(text: str, secret: str) -> str:
    return text.replace(secret, "***") if len(secret) > 3 else text
