"""What the tools of `insights` do."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from mcp.types import CallToolResult

from posthog_mcp.charts.look import Theme
from posthog_mcp.insights import saved as saving
from posthog_mcp.insights.actors import people_behind
from posthog_mcp.insights.arguments import as_question
from posthog_mcp.insights.dashboards import compute_dashboard
from posthog_mcp.insights.question import question_of
from posthog_mcp.insights.run import run_insight
from posthog_mcp.queries import shape
from posthog_mcp.results import Json
from posthog_mcp.server.answers import Ctx, answer, project_of, reporting
from posthog_mcp.server.tools.chart_answers import Asked, chart_for, chart_result, drawn
from posthog_mcp.server.tools.insight_saving import store_dashboard, store_insight
from posthog_mcp.server.tools.insight_texts import dashboard_content, insight_content, saved_content

MAX_PEOPLE = 1_000


async def insight_answer(
    ctx: Ctx, arguments: dict[str, Any], refresh: bool, chart: bool, actors: Mapping[str, Any], offset: int
) -> CallToolResult:
    """An insight, with its picture where it is asked for; or the people behind one of its cells."""
    given = {name: value for name, value in arguments.items() if value}
    project = await project_of(ctx).select(given.get("project_id", 0))
    question = question_of(as_question({name: value for name, value in given.items() if name != "project_id"}))
    if actors:
        behind = await reporting(ctx, lambda progress: people_behind(project, question, actors, MAX_PEOPLE, progress))
        content = shape.structured(behind, offset=offset, repeat={**given, "actors": dict(actors)})
        return answer(content, shape.as_text(behind, content))
    found = await reporting(ctx, lambda progress: run_insight(project, question, refresh=refresh, progress=progress))
    content, text = insight_content(found, given, offset)
    return await drawn(found.answer.chart, content, text) if chart else answer(content, text)


async def chart_answer(
    ctx: Ctx, query_id: str, columns: list[str], rows: list[list[Json]], theme: Theme, **parts: str
) -> CallToolResult:
    """A result drawn."""
    project = project_of(ctx)
    chart = await chart_for(project, query_id, rows, columns, Asked(**parts))
    return await chart_result(project, chart, theme, f"chart-{query_id or secrets.token_hex(6)}")


async def saved_answer(ctx: Ctx, insight: str, refresh: bool, project_id: int) -> CallToolResult:
    """A saved insight, computed."""
    project = await project_of(ctx).select(project_id)
    found = await saving.find(project, "insights", insight)
    query = saving.query_of(found)
    result = await reporting(ctx, lambda progress: saving.compute(project, query, refresh=refresh, progress=progress))
    info = (await project.driver.project()).as_json()
    return answer(*saved_content(found, result, saving.url_of(project, found, "insights"), info))


async def dashboard_answer(ctx: Ctx, dashboard: str, refresh: bool, project_id: int) -> CallToolResult:
    """A dashboard, all of it computed."""
    project = await project_of(ctx).select(project_id)
    found = await saving.find(project, "dashboards", dashboard)
    computed = await reporting(
        ctx, lambda progress: compute_dashboard(project, found, refresh=refresh, progress=progress)
    )
    info = (await project.driver.project()).as_json()
    return answer(*dashboard_content(computed, saving.url_of(project, found, "dashboard"), info))


async def save_insight_answer(
    ctx: Ctx,
    insight: str,
    fields: Mapping[str, Json],
    question: Mapping[str, Any],
    hogql: str,
    token: str,
    project_id: int,
) -> CallToolResult:
    """An insight saved, or its plan."""
    project = await project_of(ctx).select(project_id)
    asked = as_question(question)
    done = await reporting(
        ctx, lambda progress: store_insight(project, insight, fields, asked, hogql, token, ctx, progress)
    )
    return answer(*done)


async def save_dashboard_answer(
    ctx: Ctx, dashboard: str, fields: Mapping[str, Json], insights: Sequence[str], token: str, project_id: int
) -> CallToolResult:
    """A dashboard saved, or its plan."""
    project = await project_of(ctx).select(project_id)
    done = await reporting(ctx, lambda _: store_dashboard(project, dashboard, fields, insights, token, ctx))
    return answer(*done)
