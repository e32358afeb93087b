"""Send a kept report: what would go where, and the deliveries."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from posthog_mcp.delivery.channel import Parcel, apart
from posthog_mcp.delivery.message import Message, Picture, Section
from posthog_mcp.delivery.outbox import Outbox, open_outbox
from posthog_mcp.delivery.targets import Target, chosen, load_targets
from posthog_mcp.project import Project
from posthog_mcp.results import Json
from posthog_mcp.state.desk.deliveries import Delivery


async def targets_for(project: Project, message: Message, wanted: str) -> list[Target]:
    """Where this report goes: a target by name, or those of a channel that its dashboards are mapped to.

    Raises:
        NotFound: there is no such target.
        InvalidInput: the file of targets is wrong.
    """
    dashboards = message.facts.get("dashboards")
    names = [str(each) for each in dashboards] if isinstance(dashboards, list) else []
    return chosen(await load_targets(project.settings), wanted, names)


def parcels_of(message: Message, targets: Sequence[Target], key: str = "") -> list[Parcel]:
    """One parcel a target and Slack channel. The key is the report's own, so that it goes once."""
    whole = [Parcel(message, each, key or f"report:{message.subject_id}") for each in targets]
    return [each for one in whole for each in apart(one)]


async def previews(project: Project, parcels: Sequence[Parcel]) -> list[dict[str, Json]]:
    """Exactly what would go where.

    Raises:
        InvalidInput: a target is not set up.
    """
    async with open_outbox(project) as outbox:
        return [outbox.preview(discreet(project, each)) for each in parcels]


async def send(project: Project, parcels: Sequence[Parcel], outbox: Outbox | None = None) -> list[Delivery]:
    """Deliver one after another.

    Raises:
        PostHogMcpError: the state database does not answer.
    """
    if outbox is not None:
        return [await outbox.deliver(discreet(project, each)) for each in parcels]
    async with open_outbox(project) as opened:
        return [await opened.deliver(discreet(project, each)) for each in parcels]


def discreet(project: Project, parcel: Parcel) -> Parcel:
    """The parcel as it goes: names of projects, dashboards and alerts hold whatever people wrote in them."""
    masking, message = project.masking, parcel.message
    if masking is None:
        return parcel
    sections = tuple(
        Section(
            masking.text(each.title),
            tuple(map(masking.text, each.paragraphs)),
            tuple(map(masking.text, each.points)),
            tuple(Picture(masking.text(one.title), masking.text(one.alt), one.png) for one in each.pictures),
        )
        for each in message.sections
    )
    facts = {name: masking.under(name, value) for name, value in message.facts.items()}
    title, footer = masking.text(message.title), masking.text(message.footer)
    return replace(parcel, message=Message(message.subject_id, title, sections, footer, facts))


def digest_of(parcels: Sequence[Parcel]) -> str:
    """Of the content and where it goes: what an approval stands for."""
    parts = [f"{each.message.digest()} {each.target.digest()} {each.key} {each.to}" for each in parcels]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
