"""Toolset `traces`: LLM traces, themes, summaries and clusters.

What they do is imported at the first call (`trace_answers.py`): every start of the server would pay for it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from mcp.types import CallToolResult
from pydantic import Field

from posthog_mcp.server.answers import Ctx
from posthog_mcp.server.registry import Published
from posthog_mcp.server.tools.discover import ProjectId
from posthog_mcp.server.tools.themes import TOOLS as THEMES


async def list_traces(
    ctx: Ctx,
    date_from: Annotated[str, Field(description="-7d, 2026-01-31, all")] = "-7d",
    date_to: str = "",
    errors: Annotated[bool, Field(description="only with errors")] = False,
    feedback: Annotated[bool, Field(description="only with feedback")] = False,
    model: str = "",
    user: Annotated[str, Field(description="distinct_id")] = "",
    search: Annotated[str, Field(description="part of a name, error or feedback")] = "",
    order: Literal["newest", "cost", "latency", "tokens", "errors"] = "newest",
    limit: Annotated[int, Field(ge=1, le=500)] = 20,
    offset: Annotated[int, Field(ge=0)] = 0,
    project_id: ProjectId = 0,
) -> CallToolResult:
    """LLM traces with tokens, cost, latency, errors, feedback and models. Then read_trace.
    Example: {"errors": true, "order": "cost"}"""
    given = {name: value for name, value in locals().items() if name != "ctx" and value}
    from posthog_mcp.server.tools.trace_answers import TraceFilters, list_answer

    filters = TraceFilters(date_from, date_to, errors, feedback, model, user, search, order)
    return await list_answer(ctx, filters, limit, offset, given, project_id)


async def read_trace(
    ctx: Ctx,
    trace_id: Annotated[str, Field(min_length=1)],
    detail: Annotated[Literal["outline", "full"], Field(description="outline: a line a message")] = "full",
    around: Annotated[str, Field(description="an anchor: m12, e3")] = "",
    offset: Annotated[int, Field(ge=0, description="from `next`")] = 0,
    budget_tokens: Annotated[int, Field(ge=0, description="abridge: errors first; 0: whole")] = 0,
    project_id: ProjectId = 0,
) -> CallToolResult:
    """One LLM trace as text, of any provider: steps, messages (each once, numbered m1...), tool calls with results,
    tokens, cost, errors, feedback. Paged by `next`. Long: begin with the outline."""
    from posthog_mcp.server.tools.trace_answers import Asked, read_answer

    return await read_answer(ctx, Asked(trace_id, detail, around, offset, budget_tokens), project_id)


TOOLS: tuple[Published, ...] = (
    Published(list_traces, "List LLM traces"),
    Published(read_trace, "Read an LLM trace"),
    *THEMES,
)
