"""Toolset `api`: find an endpoint of PostHog's API, and call it."""

from __future__ import annotations

from typing import Annotated, Any

from mcp.types import CallToolResult
from pydantic import Field

from posthog_mcp.api.calls import Proposed, Request
from posthog_mcp.api.calls import call_api as make
from posthog_mcp.endpoints.search import search
from posthog_mcp.endpoints.table import Method
from posthog_mcp.server.answers import Ctx, answer, project_of, reporting
from posthog_mcp.server.confirming import asking
from posthog_mcp.server.registry import Published
from posthog_mcp.server.tools.api_texts import called_content, found_content, proposed_content, question
from posthog_mcp.server.tools.discover import ProjectId


async def search_api(
    ctx: Ctx,
    question: Annotated[str, Field(min_length=2, description="what you want to do, in plain words")],
    limit: Annotated[int, Field(ge=1, le=20)] = 5,
) -> CallToolResult:
    """Find endpoints of PostHog's REST API (some 350: flags, experiments, surveys, recordings, errors, exports, audit
    log, ...) with scope, parameters and fields; also tells what PostHog does not have. Then use call_api.
    Example: {"question": "who changed this feature flag"}"""
    del ctx
    return answer(*found_content(question, search(question, limit)))


async def call_api(
    ctx: Ctx,
    path: Annotated[str, Field(min_length=1, description="as search_api gives it, with ids: insights/7/")],
    method: Method = "GET",
    params: Annotated[dict[str, Any], Field(description="path and query parameters")] = {},  # noqa: B006
    body: Annotated[dict[str, Any], Field(description="fields of a POST or PATCH")] = {},  # noqa: B006
    fields: Annotated[list[str], Field(description='members to show; ["*"]: all')] = [],  # noqa: B006
    confirm_token: Annotated[str, Field(description="of the plan that a change was answered with")] = "",
    project_id: ProjectId = 0,
) -> CallToolResult:
    """Call one endpoint of PostHog's API. Reading is always allowed. A change is answered with its plan first and made
    when called again with that plan's confirm_token. Queries: use execute_hogql.
    Example: {"path": "feature_flags/", "params": {"search": "beta"}}"""
    project = await project_of(ctx).select(project_id)
    request = Request(method, path, params, body, fields, confirm_token)
    done = await reporting(ctx, lambda progress: make(project, request, asking(ctx, question), progress))
    return answer(*(proposed_content(done) if isinstance(done, Proposed) else called_content(done, request)))


TOOLS = (
    Published(search_api, "Find an API endpoint", open_world=False),
    Published(call_api, "Call PostHog's API", read_only=False, idempotent=False, destructive=True),
)
