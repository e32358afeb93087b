"""Toolset `traces`, second half: themes over many LLM traces, their summaries, clusters and search.

What they do is imported at the first call (`theme_answers.py`). All but events that a run may write change local state
only.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from mcp.types import CallToolResult
from pydantic import Field

from posthog_mcp.server.answers import Ctx
from posthog_mcp.server.registry import Published
from posthog_mcp.server.tools.discover import ProjectId

ThemeName = Annotated[str, Field(min_length=1, description="name or id")]
DateFrom = Annotated[str, Field(description="instead of the theme's: -30d, 2026-01-31, all")]


async def list_themes(
    ctx: Ctx,
    theme: Annotated[str, Field(description="one, in full")] = "",
    project_id: ProjectId = 0,
) -> CallToolResult:
    """Themes: questions asked of many LLM traces, with what was read so far. Built in: error_analysis, ux_issues,
    feature_requests, performance_issues, success_patterns."""
    from posthog_mcp.server.tools.theme_answers import list_answer

    return await list_answer(ctx, theme, project_id)


async def save_theme(
    ctx: Ctx,
    name: Annotated[str, Field(min_length=1)],
    prompt: Annotated[str, Field(description="what a reader looks for")] = "",
    description: str = "",
    base_filters: Annotated[list[str], Field(description="HogQL conditions; all hold")] = [],  # noqa: B006
    theme_filters: Annotated[list[str], Field(description="any makes a trace likely")] = [],  # noqa: B006
    options: Annotated[
        dict[str, Any],
        Field(
            description="sample_rate, seed, quiet_rate, date_from, date_to, schedule, trace_tokens, answer_fields, "
            "clustering"
        ),
    ] = {},  # noqa: B006
    like: Annotated[str, Field(description="a theme to start from")] = "",
    delete: bool = False,
    project_id: ProjectId = 0,
) -> CallToolResult:
    """Make, change or delete a theme of your own (local). Filters are compiled first.
    Example: {"name": "Refunds", "prompt": "Find refused refunds.", "theme_filters":
    ["properties.$ai_span_name = 'refund'"]}"""
    from posthog_mcp.server.tools.theme_answers import save_answer

    fields: dict[str, Any] = {"prompt": prompt, "description": description}
    fields |= {"base_filters": base_filters, "theme_filters": theme_filters, **options}
    return await save_answer(ctx, name, fields, like, delete, project_id)


async def preview_theme(
    ctx: Ctx, theme: ThemeName, date_from: DateFrom = "", date_to: str = "", project_id: ProjectId = 0
) -> CallToolResult:
    """What a theme would read: matching traces, sample size, estimated tokens and cost. Reads no contents."""
    from posthog_mcp.server.tools.theme_answers import preview_answer

    return await preview_answer(ctx, theme, {"date_from": date_from, "date_to": date_to}, project_id)


async def collect_theme(
    ctx: Ctx,
    theme: ThemeName,
    limit: Annotated[int, Field(ge=1, le=50)] = 5,
    budget_tokens: Annotated[int, Field(ge=300, le=100_000)] = 1_500,
    date_from: DateFrom = "",
    date_to: str = "",
    rewind: Annotated[bool, Field(description="read all again")] = False,
    project_id: ProjectId = 0,
) -> CallToolResult:
    """Traces for you to read: instructions, answer schema, texts. Answer with save_trace_summaries; repeat until
    `traces` is empty. Unanswered ones come back after half an hour."""
    from posthog_mcp.server.tools.theme_answers import collect_answer

    dates = {"date_from": date_from, "date_to": date_to}
    return await collect_answer(ctx, theme, dates, limit, budget_tokens, rewind, project_id)


async def save_trace_summaries(
    ctx: Ctx,
    theme: ThemeName,
    batch_id: Annotated[str, Field(min_length=1, description="of collect_theme")],
    answers: Annotated[list[dict[str, Any]], Field(min_length=1, description="by its answer_schema")],
    project_id: ProjectId = 0,
) -> CallToolResult:
    """Store your answers to a batch. What is not valid is refused with its field named; send that again."""
    from posthog_mcp.server.tools.theme_answers import saved_answer

    return await saved_answer(ctx, theme, batch_id, answers, project_id)


async def run_theme(
    ctx: Ctx,
    theme: ThemeName,
    limit: Annotated[int, Field(ge=1, le=50_000)] = 500,
    max_cost_usd: Annotated[float, Field(ge=0)] = 1.0,
    date_from: DateFrom = "",
    date_to: str = "",
    rewind: Annotated[bool, Field(description="read all again")] = False,
    project_id: ProjectId = 0,
) -> CallToolResult:
    """Read a theme's new traces without you: by the configured model, else by rules (extractive). Then
    cluster_summaries."""
    from posthog_mcp.server.tools.theme_answers import run_answer

    dates = {"date_from": date_from, "date_to": date_to}
    return await run_answer(ctx, theme, dates, limit, max_cost_usd, rewind, project_id)


async def cluster_summaries(
    ctx: Ctx,
    theme: ThemeName,
    algorithm: Literal["", "kmeans", "hdbscan", "dbscan"] = "",
    k: Annotated[int, Field(ge=0, le=500, description="0: chosen")] = 0,
    min_users: Annotated[int, Field(ge=0, description="smaller groups are withheld")] = 0,
    days: Annotated[int, Field(ge=0, description="a trend's period")] = 0,
    labels: Annotated[dict[str, str], Field(description="cluster_id -> label")] = {},  # noqa: B006
    issue: Annotated[int, Field(ge=-1, description="a cluster_id")] = -1,
    tracker: Literal["github", "linear"] = "github",
    map: Annotated[bool, Field(description="draw it")] = False,
    project_id: ProjectId = 0,
) -> CallToolResult:
    """Group a theme's findings: size, users, cost, latency, trend, label, examples. `labels` renames the newest groups;
    `issue` writes one as an issue."""
    given = {name: value for name, value in locals().items() if name not in ("ctx", "theme", "project_id")}
    from posthog_mcp.server.tools.cluster_answers import cluster_answer

    return await cluster_answer(ctx, theme, given, project_id)


async def search_summaries(
    ctx: Ctx,
    query: str = "",
    theme: Annotated[str, Field(description="empty: all")] = "",
    trace_id: Annotated[str, Field(description="all that is said of it")] = "",
    limit: Annotated[int, Field(ge=1, le=100)] = 10,
    project_id: ProjectId = 0,
) -> CallToolResult:
    """Find summaries of LLM traces by meaning. Example: {"query": "agent forgets the customer's name"}"""
    from posthog_mcp.server.tools.cluster_answers import search_answer

    return await search_answer(ctx, query, theme, trace_id, limit, project_id)


TOOLS: tuple[Published, ...] = (
    Published(list_themes, "Themes of LLM traces", open_world=False),
    Published(save_theme, "Save a theme", read_only=False),
    Published(preview_theme, "Preview a theme"),
    Published(collect_theme, "Collect traces of a theme", read_only=False, idempotent=False),
    Published(save_trace_summaries, "Save summaries", read_only=False),
    Published(run_theme, "Run a theme", read_only=False, idempotent=False),
    Published(cluster_summaries, "Cluster summaries", read_only=False),
    Published(search_summaries, "Search summaries"),
)
