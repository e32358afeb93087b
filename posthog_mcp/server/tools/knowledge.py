"""Toolset `knowledge`: from a question to the right query.

What they do is imported at the first call (`knowledge_answers.py`): every start of the server would pay for it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from mcp.types import CallToolResult
from pydantic import Field

from posthog_mcp.server.answers import Ctx
from posthog_mcp.server.registry import Published
from posthog_mcp.server.tools.discover import ProjectId
from posthog_mcp.settings import Settings

EntryKinds = Literal["", "guide", "template", "workflow", "pattern", "api", "practice", "definition"]


async def plan_question(
    ctx: Ctx,
    question: Annotated[str, Field(min_length=1, description="as the person said it, in any words or language")],
    project_id: ProjectId = 0,
) -> CallToolResult:
    """From a question to the queries that answer it: intents, what to ask back, templates filled with this project's
    names and checked, a workflow where several steps are needed. Start here when the way is not plain.
    Example: {"question": "why are sales dropping?"}"""
    from posthog_mcp.server.tools.knowledge_answers import plan_answer

    return await plan_answer(ctx, question, project_id)


async def search_knowledge(
    ctx: Ctx,
    query: Annotated[str, Field(description="words; empty lists all")] = "",
    kind: EntryKinds = "",
    tag: str = "",
    limit: Annotated[int, Field(ge=1, le=50)] = 10,
    project_id: ProjectId = 0,
) -> CallToolResult:
    """Find guides, templates, workflows, HogQL patterns, good practice, API facts, and the team's definitions.
    Example: {"query": "retention by early behaviour", "kind": "template"}"""
    from posthog_mcp.server.tools.knowledge_answers import search_answer

    return await search_answer(ctx, query, kind, tag, limit, project_id)


async def read_knowledge(
    ctx: Ctx, id: str, offset: Annotated[int, Field(ge=0)] = 0, project_id: ProjectId = 0
) -> CallToolResult:
    """One entry in full: its text, HogQL, parameters and steps. Example: {"id": "cohort-retention"}"""
    from posthog_mcp.server.tools.knowledge_answers import read_answer

    return await read_answer(ctx, id, offset, project_id)


async def fill_template(
    ctx: Ctx,
    id: Annotated[str, Field(description="of a template or workflow")],
    params: Annotated[dict[str, Any], Field(description="what is left out is taken from the entry's defaults")] = {},  # noqa: B006
    project_id: ProjectId = 0,
) -> CallToolResult:
    """A template with its parameters as checked HogQL, or a workflow's steps; nothing runs.
    Example: {"id": "popular-features", "params": {"days": 90}}"""
    from posthog_mcp.server.tools.knowledge_answers import fill_answer

    return await fill_answer(ctx, id, params, project_id)


async def save_definition(
    ctx: Ctx,
    name: Annotated[str, Field(min_length=1, max_length=100, description="as people say it")],
    kind: Annotated[Literal["event", "metric", "entry"], Field(description="entry: a text of your own")],
    hogql: Annotated[str, Field(description="metric: a formula over events; event: a condition")] = "",
    events: Annotated[list[str], Field(description="event: any of these; metric: only these count")] = [],  # noqa: B006
    description: Annotated[str, Field(description="Markdown; of an entry its text")] = "",
    tags: list[str] = [],  # noqa: B006
    project_id: ProjectId = 0,
) -> CallToolResult:
    """Keep what the team means by a word, checked; plans and analyses use it by name. An old one is replaced.
    Example: {"name": "activation rate", "kind": "metric", "hogql": "uniqIf(person_id, event = 'created_project') /
    uniqIf(person_id, event = 'signed_up')"}"""
    from posthog_mcp.server.tools.knowledge_answers import save_answer

    return await save_answer(ctx, name, kind, hogql, events, description, tags, project_id)


async def delete_definition(ctx: Ctx, name: str, project_id: ProjectId = 0) -> CallToolResult:
    """Delete a definition or entry of the team by name or id; the answer holds it, to save it again."""
    from posthog_mcp.server.tools.knowledge_answers import delete_answer

    return await delete_answer(ctx, name, project_id)


def writes(settings: Settings) -> bool:
    return settings.allow_writes


TOOLS: tuple[Published, ...] = (
    Published(plan_question, "Plan a question", open_world=False),
    Published(search_knowledge, "Search the knowledge base", open_world=False),
    Published(read_knowledge, "Read an entry", open_world=False),
    Published(fill_template, "Fill a template", open_world=False),
    Published(
        save_definition, "Save a definition", read_only=False, open_world=False, destructive=True, offered=writes
    ),
    Published(
        delete_definition, "Delete a definition", read_only=False, open_world=False, destructive=True, offered=writes
    ),
)
