"""Ask a template of a project as of a fixed moment, and get its rows as dicts.

`await ask(project, "popular-features", at=END, days=90)`: filled, checked, run. Insight calls and `now()` use `at`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeAlias

from posthog_mcp.insights.kinds import KINDS
from posthog_mcp.insights.run import framed
from posthog_mcp.knowledge.entries import entry_of
from posthog_mcp.knowledge.filling import Filled, fill
from posthog_mcp.knowledge.models import Template
from posthog_mcp.knowledge.running import as_dicts, checked, question_in
from posthog_mcp.project import Project
from posthog_mcp.queries.run import run
from posthog_mcp.results import Json

Rows: TypeAlias = "list[dict[str, Any]]"


async def ask(project: Project, template: str, *, at: datetime | None = None, **params: Json) -> Rows:
    """The rows of a template with these params; `at` (with a zone) stands for the present moment."""
    filled = fill(entry_of(template, Template), params)
    await checked(project, filled)
    return await (asked_hogql if filled.hogql else asked_insight)(project, filled, at)


async def asked_hogql(project: Project, filled: Filled, at: datetime | None) -> Rows:
    query = filled.hogql.replace("now()", f"toDateTime('{at:%Y-%m-%d %H:%M:%S}')") if at else filled.hogql
    result = await run(project, query)
    assert not result.truncated, "the template's LIMIT cuts rows"
    return as_dicts(result.table)


async def asked_insight(project: Project, filled: Filled, at: datetime | None) -> Rows:
    question = question_in(filled)
    frame = await framed(project, question, at)
    kind = KINDS[question.kind]
    result = await run(project, kind.hogql(frame), limit=50_000)
    answer = kind.read(frame, result.table.rows)
    names = [column.name for column in answer.columns]
    return [dict(zip(names, row, strict=True)) for row in answer.rows]
