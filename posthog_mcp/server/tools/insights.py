"""Toolset `insights`: typed questions, saved insights and dashboards, charts.

What they do is imported at the first call (`insight_answers.py`): every start of the server would pay for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal, cast

from mcp.types import CallToolResult
from pydantic import Field

from posthog_mcp.insights.words import Interval
from posthog_mcp.server.answers import Ctx
from posthog_mcp.server.registry import Published
from posthog_mcp.server.tools.discover import ProjectId
from posthog_mcp.server.tools.insight_arguments import (
    Breakdowns,
    Filters,
    FunnelWindow,
    Kind,
    Options,
    SeriesList,
)
from posthog_mcp.settings import Settings

ARGUMENTS = frozenset(
    "kind series breakdown interval date_from date_to compare filters funnel_window options project_id".split()  # noqa: SIM905
)
"""Those of run_insight that say what is asked."""
Token = Annotated[str, Field(description="of the plan that the first call gave")]
Named = Annotated[str, Field(min_length=1, description="id, short_id or name")]


async def run_insight(
    ctx: Ctx,
    kind: Kind,
    series: SeriesList = [],  # noqa: B006
    breakdown: Breakdowns = [],  # noqa: B006
    interval: Interval = "day",
    date_from: Annotated[str, Field(description="-7d, mStart, 2026-01-31, all")] = "",
    date_to: Annotated[str, Field(description="empty: now")] = "",
    compare: Annotated[str, Field(description="previous, or -1y")] = "",
    filters: Filters = [],  # noqa: B006
    funnel_window: FunnelWindow = 0,
    options: Options = {},  # noqa: B006
    refresh: bool = False,
    chart: Annotated[bool, Field(description="also draw it")] = False,
    actors: Annotated[dict[str, Any], Field(description="a cell: the people behind it")] = {},  # noqa: B006
    offset: Annotated[int, Field(ge=0)] = 0,
    project_id: ProjectId = 0,
) -> CallToolResult:
    """Trends, funnel, retention, lifecycle, stickiness, paths or web overview as PostHog computes them: a table, what
    stands out, and the HogQL. Prefer it to writing HogQL.
    Example: {"kind": "funnel", "series": [{"event": "signed_up"}, {"event": "paid"}], "date_from": "-30d"}"""
    from posthog_mcp.server.tools.insight_answers import insight_answer

    arguments = {name: value for name, value in locals().items() if name in ARGUMENTS}
    return await insight_answer(ctx, arguments, refresh, chart, actors, offset)


async def render_chart(
    ctx: Ctx,
    query_id: Annotated[str, Field(description="of execute_hogql, run_insight or run_python")] = "",
    columns: Annotated[list[str], Field(description="with rows, instead of query_id")] = [],  # noqa: B006
    rows: list[list[Any]] = [],  # noqa: B006
    type: Annotated[
        str, Field(description="auto, line, bar, area, pie, scatter, histogram, box, funnel, ...")
    ] = "auto",
    x: str = "",
    y: str = "",
    series: str = "",
    title: Annotated[str, Field(description="what it shows, best as a finding")] = "",
    theme: Literal["light", "dark"] = "light",
) -> CallToolResult:
    """Draw a result: PNG, Vega-Lite spec, text picture; clients with MCP Apps show it interactively.
    Example: {"query_id": "<id>", "title": "Sign-ups doubled in October"}"""
    from posthog_mcp.server.tools.insight_answers import chart_answer

    return await chart_answer(ctx, query_id, columns, rows, theme, type=type, x=x, y=y, series=series, title=title)


async def get_insight(ctx: Ctx, insight: Named, refresh: bool = False, project_id: ProjectId = 0) -> CallToolResult:
    """A saved insight, computed now: any kind, also older ones. Example: {"insight": "Weekly sign-ups"}"""
    from posthog_mcp.server.tools.insight_answers import saved_answer

    return await saved_answer(ctx, insight, refresh, project_id)


async def get_dashboard(ctx: Ctx, dashboard: Named, refresh: bool = False, project_id: ProjectId = 0) -> CallToolResult:
    """A dashboard with every tile computed, each with its change against the period before; a tile that fails says
    why."""
    from posthog_mcp.server.tools.insight_answers import dashboard_answer

    return await dashboard_answer(ctx, dashboard, refresh, project_id)


async def save_insight(
    ctx: Ctx,
    name: str = "",
    question: Annotated[dict[str, Any], Field(description="arguments of run_insight")] = {},  # noqa: B006
    hogql: Annotated[str, Field(description="or a HogQL query")] = "",
    insight: Annotated[str, Field(description="id, short_id or name of one to change")] = "",
    description: str = "",
    tags: list[str] = [],  # noqa: B006
    confirm_token: Token = "",
    project_id: ProjectId = 0,
) -> CallToolResult:
    """Save an insight in PostHog, or change what is named of one. It is computed first; the change is shown with its
    plan, and made when called again with the plan's confirm_token."""
    from posthog_mcp.server.tools.insight_answers import save_insight_answer

    fields: dict[str, Any] = {"name": name, "description": description, "tags": tags}
    return await save_insight_answer(ctx, insight, fields, question, hogql, confirm_token, project_id)


async def save_dashboard(
    ctx: Ctx,
    name: str = "",
    dashboard: Annotated[str, Field(description="id or name of one to change")] = "",
    insights: Annotated[list[str], Field(description="insights to put on it: ids, short_ids or names")] = [],  # noqa: B006
    description: str = "",
    pinned: bool = False,
    confirm_token: Token = "",
    project_id: ProjectId = 0,
) -> CallToolResult:
    """Make a dashboard in PostHog, or change what is named of one, and put insights on it. Answered with a plan first,
    done when called again with its confirm_token."""
    from posthog_mcp.server.tools.insight_answers import save_dashboard_answer

    fields: dict[str, Any] = {"name": name, "description": description, **({"pinned": True} if pinned else {})}
    return await save_dashboard_answer(ctx, dashboard, fields, insights, confirm_token, project_id)


def folded(arguments: dict[str, Any]) -> dict[str, Any]:
    """A call of run_insight in its one spelling."""
    from posthog_mcp.insights import arguments as insight

    return insight.folded(arguments)


def renamed(names: Mapping[str, str], arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments by the names that they have here; numbers are read as ids."""
    return {names.get(name, name): str(value) if name in names else value for name, value in arguments.items()}


def charted(arguments: dict[str, Any]) -> dict[str, Any]:
    """Rows as objects, or without names of their columns."""
    rows = cast("list[object]", arguments["rows"]) if isinstance(arguments.get("rows"), list) else []
    if not rows or arguments.get("columns"):
        return arguments
    if isinstance(rows[0], dict):
        objects = [cast("dict[str, Any]", row) for row in rows if isinstance(row, dict)]
        names = list(objects[0])
        return {**arguments, "columns": names, "rows": [[row.get(name) for name in names] for row in objects]}
    width = len(cast("list[object]", rows[0])) if isinstance(rows[0], list) else 0
    given = [str(arguments[part]) for part in ("x", "y", "series") if arguments.get(part)]
    return {**arguments, "columns": [*given, *(f"column {at + 1}" for at in range(len(given), width))][:width]}


def writes(settings: Settings) -> bool:
    return settings.allow_writes


TOOLS = (
    Published(run_insight, "Ask an insight", rewrite=folded),
    Published(render_chart, "Draw a chart", open_world=False, rewrite=charted),
    Published(
        get_insight,
        "Saved insight",
        rewrite=partial(renamed, {"id": "insight", "short_id": "insight", "name": "insight"}),
    ),
    Published(get_dashboard, "Dashboard", rewrite=partial(renamed, {"id": "dashboard", "name": "dashboard"})),
    Published(save_insight, "Save an insight", read_only=False, idempotent=False, offered=writes),
    Published(save_dashboard, "Save a dashboard", read_only=False, idempotent=False, offered=writes),
)
