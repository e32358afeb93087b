"""Product analytics of this server itself, to the operator's own PostHog: which tools are used, how fast, how well.

Off unless POSTHOG_MCP_TELEMETRY_KEY is set. An event holds a tool's name, its time, its outcome and the client's name;
no argument, no value, no query. Who called is a keyed hash. Events wait in a short queue, are sent beside the calls,
and are dropped where the host does not take them: a call never waits for them and never fails by them.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import uuid
from collections.abc import Container
from datetime import UTC, datetime

import anyio

from posthog_mcp import __version__
from posthog_mcp.backends.posthog.capture import send_events
from posthog_mcp.errors import PostHogMcpError
from posthog_mcp.results import Json
from posthog_mcp.safety.installation import derived
from posthog_mcp.settings import Settings
from posthog_mcp.state.audit import Record

logger = logging.getLogger(__name__)
EVENT = "mcp_tool_called"
SEND_AFTER, LAST_SECONDS = 5.0, 4.0
MOST_WAITING = 1_000
CLIENT = re.compile(r"[^\w .()/-]")


class OwnEvents:
    """The events of one server."""

    def __init__(self, settings: Settings, known: Container[str]) -> None:
        token = settings.telemetry_key
        self._token = token.get_secret_value() if token else ""
        self._host, self._known = settings.telemetry_host or settings.host, known
        self._key = derived(settings, "telemetry") if self._token else b""
        self._waiting: list[dict[str, Json]] = []
        self.dropped = 0

    def tell(self, record: Record, client: str) -> None:
        """Note a tool call, where the operator wants that."""
        if not self._token:
            return
        if len(self._waiting) >= MOST_WAITING:
            self.dropped += 1
            return
        properties: dict[str, Json] = {
            "tool": record.action if record.action in self._known else "unknown",
            "duration_ms": round(record.elapsed_ms),
            "ok": record.decision == "ok",
            "outcome": record.decision,
            "cached": record.cached,
            "client": CLIENT.sub("", client)[:60],
            "$lib": "posthog-mcp",
            "$lib_version": __version__,
            "$process_person_profile": False,
            "$geoip_disable": True,
        }
        self._waiting.append(
            {
                "event": EVENT,
                "uuid": str(uuid.uuid4()),
                "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "distinct_id": self._pseudonym(record.principal),
                "properties": properties,
            }
        )

    def _pseudonym(self, principal: str) -> str:
        return f"mcp_{hmac.new(self._key, principal.encode(), hashlib.sha256).hexdigest()[:24]}"

    async def keep_sending(self) -> None:
        """Send what waits every few seconds, for as long as the server runs."""
        while self._token:
            await anyio.sleep(SEND_AFTER)
            await self.send()

    async def send(self) -> None:
        """Send what waits; what is not taken is dropped and told in the log."""
        events, self._waiting = self._waiting, []
        if not events:
            return
        try:
            await send_events(self._host, self._token, events)
        except PostHogMcpError as error:
            self.dropped += len(events)
            logger.warning("%d events of the server's own use were dropped: %s", len(events), error.message)

    async def aclose(self) -> None:
        """Send the last ones, in seconds at most."""
        with anyio.move_on_after(LAST_SECONDS, shield=True):
            await self.send()
