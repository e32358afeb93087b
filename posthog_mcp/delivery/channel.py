"""What every channel has: how a message would look there, handing it over once, and whether one has arrived."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from posthog_mcp.delivery.message import Message
from posthog_mcp.delivery.targets import Target
from posthog_mcp.results import Json


class NotDelivered(Exception):
    """One attempt failed. `again`: another may succeed, after `wait` seconds at least (None: as usual). `arrived`: it
    may have arrived nevertheless, so another attempt could be a duplicate."""

    def __init__(self, reason: str, *, again: bool, wait: float | None = None, arrived: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.again = again
        self.wait = wait
        self.arrived = arrived


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message on its way to a target. `key` is its idempotency key; `to` overrides the target's addresses."""

    message: Message
    target: Target
    key: str
    to: tuple[str, ...] = ()


def apart(parcel: Parcel) -> list[Parcel]:
    """One parcel for each channel that a Slack bot posts to, each with a key of its own: another attempt at one does
    not post again in the others."""
    target = parcel.target
    if target.channel != "slack" or target.url or len(parcel.to or target.to) < 2:
        return [parcel]
    return [replace(parcel, key=f"{parcel.key} {each}", to=(each,)) for each in dict.fromkeys(parcel.to or target.to)]


def attached(message: Message) -> list[dict[str, Json]]:
    """The pictures as every channel names them, in their order, by their size."""
    return [
        {"name": picture_name(number), "title": each.title, "alt": each.alt, "bytes": len(each.png)}
        for number, each in enumerate(message.pictures, 1)
    ]


def picture_name(number: int) -> str:
    return f"chart-{number}.png"


class Channel(Protocol):
    """One way out."""

    dedupes: bool
    """A second handing over under the same key does nothing."""

    def preview(self, parcel: Parcel) -> dict[str, Json]:
        """Exactly what would go where; secrets left out."""
        ...

    async def hand_over(self, parcel: Parcel) -> str:
        """Send it; what the destination said.

        Raises:
            NotDelivered: it did not go.
            PostHogMcpError: it may not go, or the target is not set up.
        """
        ...

    async def arrived(self, parcel: Parcel) -> bool | None:
        """Whether this key has arrived before; None where the destination cannot be asked."""
        ...
