"""Small projects for funnels: who did what when, and what a funnel of it answers."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from posthog_mcp.backends.local.importing import import_exports
from posthog_mcp.backends.local.manifest import ProjectSettings
from posthog_mcp.backends.local.storage import Store
from posthog_mcp.insights.funnel import Funnel
from posthog_mcp.insights.question import question_of
from posthog_mcp.insights.run import Insight, framed, run_insight
from posthog_mcp.project import Project
from posthog_mcp.queries.run import run
from posthog_mcp.runtime import open_project
from posthog_mcp.settings import Settings

START = datetime(2026, 3, 2)
"""A Monday; times of events are seconds after it."""
RANGE = {"date_from": "2026-03-02", "date_to": "2026-03-15"}
DAY = 86_400
Did = tuple[float, str] | tuple[float, str, dict[str, Any]]
"""When, what, and with which properties."""


def person_id(who: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, who))


def event_row(number: int, who: str, did: Did) -> dict[str, Any]:
    at = f"{START + timedelta(seconds=did[0]):%Y-%m-%dT%H:%M:%S.%f}+00:00"
    return {
        "uuid": str(uuid.UUID(int=number + 1)),
        "event": did[1],
        "distinct_id": who,
        "person_id": person_id(who),
        "properties": did[2] if len(did) == 3 else {},
        "person_properties": {"who": who},
        "elements_chain": "",
        "timestamp": at,
        "created_at": at,
    }


def person_row(who: str, of: str) -> dict[str, Any]:
    return {
        "distinct_id": who,
        "person_id": person_id(of),
        "properties": {"who": of},
        "person_distinct_id_version": 1,
        "person_version": 1,
        "created_at": f"{START:%Y-%m-%dT%H:%M:%S}+00:00",
        "is_deleted": False,
    }


@asynccontextmanager
async def project_of(
    folder: Path, people: Mapping[str, Sequence[Did]], *, merged: Mapping[str, str] | None = None, zone: str = "UTC"
) -> AsyncIterator[Project]:
    """An embedded project with just these people; `merged`: a distinct_id and the person it became."""
    each = [(who, did) for who, done in people.items() for did in done]
    rows = {"events": [event_row(number, who, did) for number, (who, did) in enumerate(each)]}
    if merged:
        rows["persons"] = [person_row(who, merged.get(who, who)) for who in people]
    files = [folder / f"{model}.jsonl" for model in rows]
    for file in files:
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows[file.stem]))
    settings = ProjectSettings(timezone=zone, week_start_day=1)
    await import_exports(Store(folder / "data" / "local"), files, project=settings)
    async with open_project(Settings.load(data_dir=folder / "data", backend="local")) as project:
        yield project


def question(steps: str | Sequence[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A funnel's question; steps are events, a letter each, or series."""
    series = [{"event": each} if isinstance(each, str) else each for each in steps]
    return {"kind": "funnel", "series": series, **RANGE, **more}


async def ask(project: Project, steps: str | Sequence[dict[str, Any]], **more: Any) -> Insight:
    return await run_insight(project, question_of(question(steps, **more)))


async def people(project: Project, steps: str | Sequence[dict[str, Any]], **more: Any) -> list[int]:
    """People at each step."""
    found = await ask(project, steps, **more)
    at = [column.name for column in found.answer.columns].index("people")
    return [row[at] for row in found.answer.rows]


async def rates(project: Project, steps: str, **more: Any) -> dict[str, float]:
    """The conversion rates that are not 0, by entry."""
    found = await ask(project, steps, funnel_view="trend", **more)
    return {row[0]: row[1] for row in found.answer.rows if row[1]}


async def who(
    project: Project, steps: str | Sequence[dict[str, Any]], step: int, dropped: bool = False, **more: Any
) -> set[str]:
    """The ids of those who reached a step, or dropped before it."""
    frame = await framed(project, question_of(question(steps, **more)))
    found = await run(project, Funnel().actors(frame, step, dropped), limit=1000)
    return {str(row[0]) for row in found.table.rows}
