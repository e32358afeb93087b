"""Small projects made of a few events, and questions asked of them."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from posthog_mcp.backends.local.importing import import_exports
from posthog_mcp.backends.local.manifest import ProjectSettings
from posthog_mcp.backends.local.storage import Store
from posthog_mcp.insights.question import question_of
from posthog_mcp.insights.run import Insight, run_insight
from posthog_mcp.project import Project
from posthog_mcp.runtime import open_project
from posthog_mcp.settings import Settings


@dataclass(frozen=True)
class Did:
    """One event: who, what, when (wall time of the project's zone, or with an offset)."""

    who: str
    event: str
    at: str
    properties: dict[str, Any] = field(default_factory=dict)
    person: dict[str, Any] = field(default_factory=dict)


def person_id(who: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, who))


def moment(text: str, zone: str) -> datetime:
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def written(events: Sequence[Did], zone: str) -> str:
    """The events as a batch export in JSON lines. Ids follow the order, so that same instants have one."""
    lines: list[str] = []
    for number, each in enumerate(events):
        at = moment(each.at, zone).isoformat()
        row = {
            "uuid": str(uuid.UUID(int=number + 1)),
            "event": each.event,
            "distinct_id": each.who,
            "person_id": person_id(each.who),
            "properties": each.properties,
            "person_properties": each.person,
            "elements_chain": "",
            "timestamp": at,
            "created_at": at,
        }
        lines.append(json.dumps(row))
    return "\n".join(lines) + "\n"


@asynccontextmanager
async def project_of(
    folder: Path, events: Sequence[Did], *, zone: str = "UTC", monday: bool = False
) -> AsyncIterator[Project]:
    """An embedded project that holds just these events."""
    export = folder / "events.jsonl"
    export.write_text(written(events, zone))
    settings = ProjectSettings(name="Made", timezone=zone, week_start_day=1 if monday else 0)
    await import_exports(Store(folder / "data" / "local"), [export], project=settings)
    async with open_project(Settings.load(data_dir=folder / "data", backend="local")) as project:
        yield project


async def asked(project: Project, **question: Any) -> Insight:
    return await run_insight(project, question_of(question))


def table(found: Insight) -> list[list[Any]]:
    return found.answer.rows
