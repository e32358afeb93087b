"""Built reports, kept so that what is sent is what was read; the oldest are dropped."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import cast

from posthog_mcp.delivery.message import Message, Picture, Section
from posthog_mcp.errors import NotFound
from posthog_mcp.project import Project
from posthog_mcp.results import Json

KIND = "report"
KEPT = 100


async def keep(project: Project, message: Message) -> None:
    """Keep a report's message under its id."""
    info = await project.driver.project()
    await project.desk.documents.put(KIND, info.id, message.subject_id, as_body(message))
    for old in (await project.desk.documents.list(KIND, info.id, limit=10 * KEPT))[KEPT:]:
        await project.desk.documents.delete(KIND, info.id, old.id)


async def load(project: Project, report_id: str) -> Message:
    """A kept report; `latest` is the last one built.

    Raises:
        NotFound: there is none of this id.
    """
    info = await project.driver.project()
    if report_id == "latest":
        newest = await project.desk.documents.list(KIND, info.id, limit=1)
        report_id = newest[0].id if newest else ""
    kept = await project.desk.documents.get(KIND, info.id, report_id)
    if kept is None:
        raise NotFound(f"There is no report {report_id!r}.", fix="Build one with build_report.")
    return message_from(kept.body)


def as_body(message: Message) -> dict[str, Json]:
    sections: list[Json] = [
        {
            "title": each.title,
            "paragraphs": [*each.paragraphs],
            "points": [*each.points],
            "pictures": [
                {"title": one.title, "alt": one.alt, "png": base64.b64encode(one.png).decode()} for one in each.pictures
            ],
        }
        for each in message.sections
    ]
    shown: dict[str, Json] = {"id": message.subject_id, "title": message.title, "footer": message.footer}
    return {**shown, "sections": sections, "facts": dict(message.facts)}


def message_from(body: Mapping[str, Json]) -> Message:
    """The message as it was kept."""
    sections = tuple(section_from(each) for each in cast("list[dict[str, Json]]", body["sections"]))
    facts = cast("dict[str, Json]", body["facts"])
    return Message(str(body["id"]), str(body["title"]), sections, str(body["footer"]), facts)


def section_from(body: Mapping[str, Json]) -> Section:
    pictures = tuple(
        Picture(each["title"], each["alt"], base64.b64decode(each["png"]))
        for each in cast("list[dict[str, str]]", body["pictures"])
    )
    paragraphs, points = cast("list[str]", body["paragraphs"]), cast("list[str]", body["points"])
    return Section(str(body["title"]), tuple(paragraphs), tuple(points), pictures)
