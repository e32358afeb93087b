"""Tiny projects written by hand, and questions asked of them: for retention, lifecycle and stickiness."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from posthog_mcp.backends.local.importing import import_exports
from posthog_mcp.backends.local.manifest import ProjectSettings
from posthog_mcp.backends.local.storage import Store
from posthog_mcp.insights.answer import Answer
from posthog_mcp.insights.frame import Frame
from posthog_mcp.insights.question import question_of
from posthog_mcp.insights.run import Insight, framed, run_insight
from posthog_mcp.queries.run import run
from posthog_mcp.results import Json
from posthog_mcp.runtime import open_project
from posthog_mcp.settings import Settings

Done = tuple[str, str] | tuple[str, str, str] | tuple[str, str, str, dict[str, Json]]
"""Who, when (wall time of the project's zone, or with an offset), what (`visit`), and with which properties."""


def person_id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def instant(when: str, zone: str) -> str:
    """A time in UTC; wall times are the zone's."""
    moment = datetime.fromisoformat(when)
    return (moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))).astimezone(ZoneInfo("UTC")).isoformat()


def event_row(number: int, done: Done, zone: str) -> dict[str, Json]:
    who, when, what, more = (*done, "visit", {})[:4] if len(done) == 2 else (*done, {})[:4]
    at = instant(str(when), zone)
    assert isinstance(more, dict)
    return {
        "uuid": str(uuid.UUID(int=number + 1, version=4)),
        "event": str(what),
        "distinct_id": str(who),
        "person_id": person_id(str(who)),
        "properties": {name: value for name, value in more.items() if name != "person"},
        "person_properties": more.get("person", {}),
        "elements_chain": "",
        "timestamp": at,
        "created_at": at,
    }


def person_row(name: str, created: str, zone: str, of: str = "", **properties: Json) -> dict[str, Json]:
    """A row of the persons model; `of`: the person that this distinct_id was merged into."""
    return {
        "distinct_id": name,
        "person_id": person_id(of or name),
        "properties": properties,
        "person_distinct_id_version": 1,
        "person_version": 1,
        "created_at": instant(created, zone),
        "is_deleted": False,
    }


async def project_of(
    folder: Path,
    events: Sequence[Done],
    *,
    zone: str = "UTC",
    week_start_day: Literal[0, 1] = 0,
    created: Mapping[str, str] | None = None,
    merged: Mapping[str, str] | None = None,
) -> Path:
    """A data folder. Who is not in `created` was created with their first event; `merged`: distinct_id → person."""
    files = written(folder, events, zone, created or {}, merged or {})
    settings = ProjectSettings(timezone=zone, week_start_day=week_start_day)
    await import_exports(Store(folder / "data" / "local"), files, project=settings)
    return folder / "data"


def written(
    folder: Path, events: Sequence[Done], zone: str, created: Mapping[str, str], merged: Mapping[str, str]
) -> list[Path]:
    """The exports."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = {"events": [event_row(number, each, zone) for number, each in enumerate(events)]}
    lines["persons"] = [person_row(name, when, zone) for name, when in created.items()]
    lines["persons"] += [person_row(name, created[of], zone, of) for name, of in merged.items()]
    files = [folder / f"{model}.jsonl" for model, rows in lines.items() if rows]
    for file in files:
        file.write_text("".join(f"{json.dumps(row)}\n" for row in lines[file.stem]))
    return files


async def ask(data_dir: Path, **question: Any) -> Insight:
    """The public way: the question checked, run and answered."""
    async with open_project(Settings.load(data_dir=data_dir, backend="local")) as project:
        return await run_insight(project, question_of(question))


async def frame_of(data_dir: Path, now: datetime | None = None, **question: Any) -> Frame:
    """The question in its project, at another present time where one is given."""
    async with open_project(Settings.load(data_dir=data_dir, backend="local")) as project:
        return await framed(project, question_of(question), now)


async def rows_of(data_dir: Path, hogql: str) -> list[list[Json]]:
    """The rows of a query."""
    return (await all_rows(data_dir, [hogql]))[0]


async def all_rows(data_dir: Path, queries: Sequence[str]) -> list[list[list[Json]]]:
    """The rows of several."""
    async with open_project(Settings.load(data_dir=data_dir, backend="local")) as project:
        return [(await run(project, each, limit=50_000)).table.rows for each in queries]


def table(answer: Answer) -> dict[str, list[Json]]:
    """Rows by their first cell."""
    return {str(row[0]): row[1:] for row in answer.rows}


def visits(who: str, *times: str) -> list[Done]:
    return [(who, when) for when in times]
