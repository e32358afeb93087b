"""Toolset `reports`: reports and alerts. What they do is imported at the first call (`report_answers.py`)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from mcp.types import CallToolResult
from pydantic import Field

from posthog_mcp.server.answers import Ctx
from posthog_mcp.server.registry import Published
from posthog_mcp.server.tools.discover import ProjectId
from posthog_mcp.server.tools.insights import Token, writes

ALERT = (
    *("name", "rule", "metric", "line", "interval", "lower", "upper", "change", "direction", "theme", "after"),
    *("hysteresis", "cooldown_hours", "quiet_hours", "muted_until", "enabled", "targets"),
)
"""Arguments of save_alert that an alert consists of."""


async def build_report(
    ctx: Ctx,
    kind: Literal["daily", "weekly"] = "weekly",
    dashboards: Annotated[list[str], Field(description="names or ids; empty: those of the team")] = [],  # noqa: B006
    days: Annotated[int, Field(ge=0, le=180, description="0: 1 or 7")] = 0,
    project_id: ProjectId = 0,
) -> CallToolResult:
    """Daily or weekly report over the last complete days: what moved beyond chance, why, who stays, errors, gaps,
    experiments; ranked findings and Markdown. Sends nothing. Example: {"kind": "weekly"}"""
    from posthog_mcp.server.tools.report_answers import report_answer

    return await report_answer(ctx, kind, dashboards, days, project_id)


async def send_report(
    ctx: Ctx,
    target: Annotated[str, Field(description="name of a configured target, or slack, email, webhook, file")],
    report: Annotated[str, Field(description="id of build_report, or latest")] = "latest",
    dry_run: Annotated[bool, Field(description="true: show exactly what would go where")] = True,
    approval_code: Annotated[str, Field(description="once the person has approved it")] = "",
    project_id: ProjectId = 0,
) -> CallToolResult:
    """Send a built report to a target of the person's own list, once. A dry run unless dry_run is false; then the
    person is asked, or types `posthog-mcp approve CODE`."""
    from posthog_mcp.server.tools.report_answers import send_answer

    return await send_answer(ctx, target, report, dry_run, approval_code, project_id)


async def save_alert(
    ctx: Ctx,
    name: str = "",
    rule: Literal["", "anomaly", "absolute", "relative", "theme_growth"] = "",
    metric: Annotated[Any, Field(description="insight call, saved insight's name, or {hogql}")] = None,
    line: Annotated[str, Field(description="of a broken-down metric")] = "",
    interval: Literal["", "hour", "day", "week", "month"] = "",
    lower: Annotated[str, Field(description="absolute: fires below")] = "",
    upper: Annotated[str, Field(description="absolute: fires above")] = "",
    change: Annotated[float, Field(ge=0, description="relative, theme_growth: 0.3 is 30 %")] = 0.0,
    direction: Literal["", "up", "down", "both"] = "",
    theme: str = "",
    after: Annotated[int, Field(ge=0, description="intervals in a row")] = 0,
    hysteresis: Annotated[float, Field(ge=0, le=1)] = 0.0,
    cooldown_hours: Annotated[float, Field(ge=-1, description="-1: 24")] = -1.0,
    quiet_hours: Annotated[str, Field(description="22-7")] = "",
    muted_until: str = "",
    enabled: bool = True,
    targets: Annotated[list[str], Field(description="names of configured targets")] = [],  # noqa: B006
    alert: Annotated[str, Field(description="id or name of one to change")] = "",
    confirm_token: Token = "",
) -> CallToolResult:
    """Save or change an alert on a metric. It is tried on the past first ("would have fired 3 times"); saved when
    called again with the plan's confirm_token."""
    from posthog_mcp.server.tools.alert_answers import save_alert_answer

    given = {key: value for key, value in locals().items() if key in ALERT}
    return await save_alert_answer(ctx, given, alert, confirm_token)


async def check_alerts(
    ctx: Ctx,
    alerts: Annotated[list[str], Field(description="ids or names; empty: all")] = [],  # noqa: B006
    project_id: ProjectId = 0,
) -> CallToolResult:
    """Alerts with their state as of now, each explained. Changes and sends nothing; `posthog-mcp alerts check` does."""
    from posthog_mcp.server.tools.alert_answers import check_alerts_answer

    return await check_alerts_answer(ctx, alerts, project_id)


TOOLS = (
    Published(build_report, "Build a report", idempotent=False),
    Published(send_report, "Send a report", read_only=False, offered=writes),
    Published(save_alert, "Save an alert", read_only=False, idempotent=False, offered=writes),
    Published(check_alerts, "Check alerts"),
)
