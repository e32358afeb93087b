"""Check a filled template without running it, and run one: HogQL by `queries`, an insight call by `insights`."""

from __future__ import annotations

from dataclasses import dataclass

from posthog_mcp.hogql.diagnostics import Diagnostic
from posthog_mcp.insights.arguments import as_question
from posthog_mcp.insights.kinds import KINDS
from posthog_mcp.insights.question import Question, question_of
from posthog_mcp.insights.run import framed, run_insight
from posthog_mcp.knowledge.filling import Filled
from posthog_mcp.project import Project
from posthog_mcp.queries.check import check
from posthog_mcp.queries.run import run
from posthog_mcp.results import Json, Table


@dataclass(frozen=True, slots=True)
class Ready:
    """A filled template that checks: its HogQL (of an insight call too), and what the check warns of."""

    filled: Filled
    hogql: str
    warnings: tuple[Diagnostic, ...] = ()


def question_in(filled: Filled) -> Question:
    """The insight call as a question.

    Raises:
        InvalidInput: the call is wrong.
    """
    return question_of(as_question(filled.insight))


async def checked(project: Project, filled: Filled) -> Ready:
    """The filled template, its names and types checked against the project; nothing runs.

    Raises:
        HogQLSyntaxError: it does not parse.
        HogQLResolutionError: a name or type is wrong.
        InvalidInput: the insight call is wrong.
    """
    hogql = filled.hogql
    if not hogql:
        question = question_in(filled)
        hogql = KINDS[question.kind].hogql(await framed(project, question))
    found = await check(project, hogql, {})
    found.raise_for_errors()
    return Ready(filled, hogql, tuple(found.warnings))


async def rows_of(project: Project, filled: Filled) -> list[dict[str, Json]]:
    """A filled template's rows by column name: run as a person who takes it from a plan would.

    Raises:
        PostHogMcpError: it does not check, or what the backend says.
    """
    if filled.hogql:
        return as_dicts((await run(project, filled.hogql)).table)
    answer = (await run_insight(project, question_in(filled))).answer
    names = [column.name for column in answer.columns]
    return [dict(zip(names, row, strict=True)) for row in answer.rows]


def as_dicts(table: Table) -> list[dict[str, Json]]:
    names = [column.name for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in table.rows]
