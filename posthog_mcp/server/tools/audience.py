"""Toolset `audience`: segments and campaigns. What they do is imported at the first call (`audience_answers.py`)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from mcp.types import CallToolResult
from pydantic import Field

from posthog_mcp.server.answers import Ctx
from posthog_mcp.server.registry import Published
from posthog_mcp.server.tools.discover import ProjectId
from posthog_mcp.server.tools.insights import Token, writes

CAMPAIGN = (
    *("name", "segment", "target", "subject", "body", "variants", "send_at", "conversion_event", "cap_messages"),
)
"""Arguments that a campaign consists of."""
Variants = Annotated[list[dict[str, Any]], Field(description="A/B: {key, share, subject, body} each")]
Body = Annotated[str, Field(description="paragraphs; {{name | there}} is a person's property")]
Name = Annotated[str, Field(min_length=1, description="id or name")]


async def create_segment(
    ctx: Ctx,
    name: str,
    criteria: Annotated[
        list[dict[str, Any]], Field(description="{key, value, operator} or {event, days, times, operator}; all hold")
    ] = [],  # noqa: B006
    hogql: Annotated[str, Field(description="or SELECT person_id FROM ...")] = "",
    insight: Annotated[dict[str, Any], Field(description="or run_insight arguments")] = {},  # noqa: B006
    actors: Annotated[dict[str, Any], Field(description="its cell: {step: 2, dropped: true}")] = {},  # noqa: B006
    churn: Annotated[dict[str, Any], Field(description="or {risk, limit, horizon_days}")] = {},  # noqa: B006
    cluster: Annotated[dict[str, Any], Field(description="or {theme, cluster}")] = {},  # noqa: B006
    confirm_token: Token = "",
    project_id: ProjectId = 0,
) -> CallToolResult:
    """Make a PostHog cohort of chosen people. Answers first with size and examples; made when called again with the
    plan's confirm_token. Example: {"name": "Free", "criteria": [{"key": "plan", "value": "free"}]}"""
    from posthog_mcp.audience.segments import Source
    from posthog_mcp.server.tools.audience_answers import segment_answer

    source = Source(criteria, hogql, insight, actors, churn, cluster)
    return await segment_answer(ctx, name, source, confirm_token, project_id)


async def list_segments(
    ctx: Ctx, search: str = "", limit: Annotated[int, Field(ge=1, le=200)] = 50, project_id: ProjectId = 0
) -> CallToolResult:
    """Cohorts with their size now and how it moved since it was looked at before."""
    from posthog_mcp.server.tools.audience_answers import segments_answer

    return await segments_answer(ctx, search, limit, project_id)


async def draft_campaign(
    ctx: Ctx,
    name: str,
    segment: Annotated[int, Field(description="cohort id")],
    target: Annotated[str, Field(description="configured target with campaigns: true")],
    subject: str = "",
    body: Body = "",
    variants: Variants = [],  # noqa: B006
    send_at: Annotated[str, Field(description="2026-01-31T09:00; empty: at once")] = "",
    conversion_event: str = "",
    cap_messages: Annotated[int, Field(description="that a person may get a week")] = 2,
) -> CallToolResult:
    """Draft a message to a segment; sends nothing. Shows the audience (without those who refused) and each variant."""
    from posthog_mcp.server.tools.campaign_answers import draft_answer

    return await draft_answer(ctx, {key: value for key, value in locals().items() if key in CAMPAIGN})


async def update_campaign(
    ctx: Ctx,
    campaign: Name,
    action: Literal["", "pause", "resume", "complete", "cancel"] = "",
    changes: Annotated[
        dict[str, Any], Field(description="of draft_campaign; conversion_days, cap_days, address_property")
    ] = {},  # noqa: B006
    suppress: Annotated[list[str], Field(description="addresses or person ids that never get any")] = [],  # noqa: B006
) -> CallToolResult:
    """Change a draft, or pause, resume, complete or cancel a campaign. A changed text needs the person's agreement
    again."""
    from posthog_mcp.server.tools.campaign_answers import update_answer

    return await update_answer(ctx, campaign, action, changes, suppress)


async def send_campaign(
    ctx: Ctx,
    campaign: Name,
    dry_run: Annotated[bool, Field(description="true: show exactly what would go where")] = True,
    test: Annotated[bool, Field(description="to the target's own addresses only")] = False,
    approval_code: Annotated[str, Field(description="once the person has approved it")] = "",
) -> CallToolResult:
    """Send or schedule a campaign, once a person. A dry run unless dry_run is false; then the person is asked, or
    types `posthog-mcp approve CODE`. Calling again goes on where it stopped."""
    from posthog_mcp.server.tools.campaign_answers import send_campaign_answer

    return await send_campaign_answer(ctx, campaign, dry_run, test, approval_code)


async def campaign_stats(ctx: Ctx, campaign: Name) -> CallToolResult:
    """Sent, delivered, opened, clicked and converted by variant, and which variant did better, if that can be told."""
    from posthog_mcp.server.tools.campaign_answers import stats_answer

    return await stats_answer(ctx, campaign)


TOOLS = (
    Published(create_segment, "Make a segment", read_only=False, idempotent=False, offered=writes),
    Published(list_segments, "Segments"),
    Published(draft_campaign, "Draft a campaign", read_only=False, idempotent=False),
    Published(update_campaign, "Change a campaign", read_only=False),
    Published(send_campaign, "Send a campaign", read_only=False, offered=writes),
    Published(campaign_stats, "How a campaign went"),
)
