"""SELECTs on the server: limits, cancelling, and the answer as `engine.Engine` gives it."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping

import anyio

from posthog_mcp.backends.local.cells import read_table
from posthog_mcp.backends.local.clickhouse.client import Bound
from posthog_mcp.backends.local.clickhouse.inline import Inline
from posthog_mcp.backends.local.clickhouse.server import Server
from posthog_mcp.backends.local.engine import KILL_SECONDS, EngineAnswer, answer_settings, overran, statistics
from posthog_mcp.errors import PostHogMcpError
from posthog_mcp.results import Json

logger = logging.getLogger(__name__)

MAX_QUERY_BYTES = 64 << 20
"""Text of a query, with the rows that it carries; ClickHouse's own limit is 256 KiB."""
GRACE_SECONDS = 1.0
ARRAY = re.compile(r"\{(\w+):Array\(String\)\}")


class ServerEngine:
    """Runs printed SQL on one server. `inline` gives the rows of this side."""

    def __init__(self, server: Server, inline: Callable[[], Awaitable[Inline]]) -> None:
        self._server = server
        self._inline = inline

    async def run(
        self, sql: str, parameters: Mapping[str, str], *, timeout_seconds: float, timezone: str
    ) -> EngineAnswer:
        """Run one SELECT whose `{name:Type}` parameters are bound. Cancelling stops it on the server first.

        Raises:
            QueryTimeout: after `timeout_seconds` of wall time.
            Unavailable: the server does not answer.
            PostHogMcpError: the server's own complaint, in words.
        """
        started = time.perf_counter()
        inline = await self._inline()
        filled = await anyio.to_thread.run_sync(inline.fill, sql)
        try:
            with anyio.fail_after(timeout_seconds):
                payload = await self._ask(filled, bound(sql, parameters), timeout_seconds, timezone)
        except TimeoutError:
            too_long = overran(timeout_seconds)
            raise too_long from None
        table = await anyio.to_thread.run_sync(read_table, payload, timezone)
        rows_read, bytes_read = statistics(payload)
        return EngineAnswer(table, (time.perf_counter() - started) * 1000, rows_read, bytes_read)

    async def _ask(self, sql: str, parameters: Bound, timeout_seconds: float, timezone: str) -> bytes:
        query_id = f"posthog-mcp-{uuid.uuid4().hex}"
        settings: dict[str, Json] = {
            **answer_settings(timezone),
            "query_id": query_id,
            "log_comment": "posthog-mcp",
            "max_execution_time": timeout_seconds + GRACE_SECONDS,
            "max_query_size": MAX_QUERY_BYTES,
            "cancel_http_readonly_queries_on_client_close": 1,
        }
        answered = False
        try:
            answer = await self._server.read(sql, parameters, settings)
            answered = True
            return answer
        except PostHogMcpError:
            answered = True
            raise
        finally:
            if not answered:
                await self._kill(query_id)

    async def _kill(self, query_id: str) -> None:
        """Stop a query that nobody waits for; the server's own limits stop it where this fails."""
        with anyio.move_on_after(KILL_SECONDS, shield=True):
            try:
                await self._server.command(f"KILL QUERY WHERE query_id = '{query_id}' SYNC")
            except PostHogMcpError as error:
                logger.warning("a query was left to its time limit: %s", error.message)

    async def aclose(self) -> None:
        """Close the connections; safe to call twice."""
        await self._server.aclose()


def bound(sql: str, parameters: Mapping[str, str]) -> Bound:
    """Values as the client takes them, which escapes texts itself: the printer's arrays hold texts without escapes."""
    arrays = set(ARRAY.findall(sql))
    return {name: value[2:-2].split("', '") if name in arrays else value for name, value in parameters.items()}
