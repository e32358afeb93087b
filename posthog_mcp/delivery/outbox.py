"""The only way out: claim, limits, attempts, mark.

A delivery that a dead process left behind is looked up at its destination; where that cannot be asked, it is told as
uncertain and not repeated.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field, replace

import anyio

from posthog_mcp.delivery.channel import Channel, NotDelivered, Parcel
from posthog_mcp.delivery.files import Files
from posthog_mcp.delivery.mail import Mail
from posthog_mcp.delivery.slack import Slack
from posthog_mcp.delivery.targets import Target
from posthog_mcp.delivery.webhook import Webhook
from posthog_mcp.errors import InvalidInput, PostHogMcpError
from posthog_mcp.observing.spans import span
from posthog_mcp.project import Project
from posthog_mcp.results import Json
from posthog_mcp.settings import Settings
from posthog_mcp.state.desk.deliveries import Cap, Delivery, State

ATTEMPTS = 4
MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Outbox:
    """The channels of these settings. `pause` is the first wait between attempts, in seconds; it doubles."""

    project: Project
    channels: Mapping[str, Channel]
    pause: float = 1.0
    minute: float = field(default=MINUTE)

    def preview(self, parcel: Parcel) -> dict[str, Json]:
        """Exactly what would go where."""
        return {"target": parcel.target.name, "channel": parcel.target.channel, **self._channel(parcel).preview(parcel)}

    async def deliver(self, parcel: Parcel, *, person: str = "", variant: str = "", cap: Cap | None = None) -> Delivery:
        """Send it, unless it went already or the person's cap holds it back; the delivery as the ledger has it then.

        Raises:
            PostHogMcpError: the state database does not answer.
        """
        parcel = opened(parcel, self.project.settings)
        self._channel(parcel)
        ledger, key = self.project.desk.deliveries, ledger_key(parcel)
        info = await self.project.driver.project()
        wanted = Delivery(key, info.id, parcel.message.subject_id, parcel.target.name, person, variant)
        claim = await ledger.claim(wanted, cap)
        if not claim.yours:
            return claim.delivery
        if claim.before == "sending":
            before = await self._left_behind(parcel)
            if before is not None:
                await ledger.mark(key, *before)
                return await self._now(key, claim.delivery)
        with span("delivery", {"posthog_mcp.channel": parcel.target.channel}) as traced:
            state, detail, tried = await self._attempts(parcel, key)
            traced.set_attribute("posthog_mcp.state", state)
            traced.set_attribute("posthog_mcp.tries", tried)
        await ledger.mark(key, state, detail, tried=tried)
        return await self._now(key, claim.delivery)

    async def _now(self, key: str, claimed: Delivery) -> Delivery:
        return await self.project.desk.deliveries.get(key) or claimed

    async def _left_behind(self, parcel: Parcel) -> tuple[State, str] | None:
        """What is known of one that a dead process may have sent; None: it may be sent."""
        channel = self._channel(parcel)
        arrived = False if channel.dedupes else await channel.arrived(parcel)
        if arrived is False:
            return None
        if arrived:
            return "sent", "found at the destination after an interruption"
        return "uncertain", "interrupted while sending; look at the destination before sending it again"

    async def _attempts(self, parcel: Parcel, key: str) -> tuple[State, str, int]:
        """State, what was said, number of attempts."""
        channel, reason = self._channel(parcel), ""
        try:
            for attempt in range(1, ATTEMPTS + 1):
                await self._turn(parcel.target)
                await self.project.desk.deliveries.mark(key, "sending")
                try:
                    return "sent", await channel.hand_over(parcel), attempt
                except NotDelivered as error:
                    reason = error.reason
                    doubtful = error.arrived and not safe_again(parcel)
                    if not doubtful and (not error.again or attempt == ATTEMPTS):
                        return "failed", reason, attempt
                    await self.project.desk.deliveries.mark(key, "sending" if doubtful else "claimed", reason)
                    await anyio.sleep(self._wait(attempt, error.wait))
                    there = await channel.arrived(parcel) if doubtful else False
                    if there:
                        return "sent", f"{reason} It was found at the destination.", attempt
                    if there is None or attempt == ATTEMPTS:
                        return "uncertain", f"{reason} It may have arrived.", attempt
        except PostHogMcpError as error:
            return "failed", error.as_text(), 1
        return "failed", reason, ATTEMPTS

    def _wait(self, attempt: int, asked: float | None) -> float:
        """What the destination asks for, else a doubling pause with some chance in it."""
        return asked if asked is not None else self.pause * 2 ** (attempt - 1) * random.uniform(0.8, 1.2)

    async def _turn(self, target: Target) -> None:
        """Wait until the target's limit of messages a minute has room."""
        while True:
            now = time.time()
            times = await self.project.desk.deliveries.times_of(target.name, now - self.minute)
            if len(times) < target.per_minute:
                return
            await anyio.sleep(max(times[-target.per_minute] + self.minute - now, 0.01))

    def _channel(self, parcel: Parcel) -> Channel:
        """The parcel's channel.

        Raises:
            InvalidInput: only campaigns can go that way.
        """
        if parcel.target.channel not in self.channels:
            text = f"The target {parcel.target.name!r} is for campaigns; no single message can go there."
            raise InvalidInput(text, fix="Use a slack, email, webhook or file target.")
        return self.channels[parcel.target.channel]


def ledger_key(parcel: Parcel) -> str:
    """What was delivered where, as the ledger knows it."""
    return f"{parcel.key}→{parcel.target.name}"[:300]


def safe_again(parcel: Parcel) -> bool:
    """Whether the same parcel may be handed over again after a broken connection: a webhook has its Idempotency-Key."""
    return parcel.target.channel in ("webhook", "file")


def opened(parcel: Parcel, settings: Settings) -> Parcel:
    """With the setting that opens the own network."""
    if not settings.allow_private_targets:
        return parcel
    return replace(parcel, target=parcel.target.model_copy(update={"allow_private": True}))


@contextlib.asynccontextmanager
async def open_outbox(project: Project, *, pause: float = 1.0) -> AsyncGenerator[Outbox]:
    """An outbox with its HTTP connections."""
    import httpx

    settings = project.settings
    # No connection is kept: one to an address was made for one name's certificate, and another name may share it.
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(trust_env=False, follow_redirects=False, limits=limits) as client:
        channels: dict[str, Channel] = {
            "slack": Slack(client, settings),
            "email": Mail(settings),
            "webhook": Webhook(client),
            "file": Files(settings.data_dir / "reports"),
        }
        yield Outbox(project, channels, pause)
