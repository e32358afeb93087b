"""The people behind one cell of an insight's answer."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from posthog_mcp.backends.backend import Progress
from posthog_mcp.errors import InvalidInput
from posthog_mcp.insights.kinds import KINDS
from posthog_mcp.insights.question import Question
from posthog_mcp.insights.run import framed
from posthog_mcp.project import Project
from posthog_mcp.queries.run import QueryResult
from posthog_mcp.queries.run import run as run_hogql


async def people_behind(
    project: Project, question: Question, cell: Mapping[str, Any], limit: int, progress: Progress | None = None
) -> QueryResult:
    """Persons with id, e-mail, name and when they came, newest first; `cell` says which, as the kind takes
    it (trends: period, series, breakdown; funnel: step, dropped; retention: cohort, period; lifecycle: interval,
    status; stickiness: intervals, series).

    Raises:
        InvalidInput: the kind has no people behind its cells, or there is no such cell.
    """
    kind = KINDS[question.kind]
    actors = getattr(kind, "actors", None)
    if actors is None:
        raise InvalidInput(
            f"{question.kind} counts visits, not people.", fix="Ask for a funnel of these steps instead."
        )
    taken = inspect.signature(actors).parameters
    names = [name for name in taken if name != "frame"]
    for name in cell:
        if name not in names:
            raise InvalidInput(f"A cell of {question.kind} has no {name!r}.", fix=f"Give {', '.join(names)}.")
    lacking = [name for name in names if name not in cell and taken[name].default is inspect.Parameter.empty]
    if lacking:
        raise InvalidInput(f"A cell of {question.kind} needs {', '.join(lacking)}.", fix=f"Give {', '.join(names)}.")
    chosen = actors(await framed(project, question), **cell)
    text = (
        "SELECT id AS person_id, properties.email AS email, properties.name AS name, created_at FROM persons "
        f"WHERE id IN (SELECT person_id FROM ({chosen})) ORDER BY created_at DESC, id"
    )
    return await run_hogql(project, text, limit=limit, progress=progress)
