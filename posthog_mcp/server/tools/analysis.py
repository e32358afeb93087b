"""Toolset `analysis`: why, is it normal, what next, which is better, who will leave.

What they do is imported at the first call (`analysis_answers.py`): every start of the server would pay for it.
"""

from __future__ import annotations

from typing import Annotated, Any

from mcp.types import CallToolResult
from pydantic import Field

from posthog_mcp.insights.words import Interval
from posthog_mcp.server.answers import Ctx
from posthog_mcp.server.registry import Published
from posthog_mcp.server.tools.discover import ProjectId

Metric = Annotated[
    Any,
    Field(
        description="insight call {kind, series, ...} as in run_insight; saved insight (id or name); team definition; "
        '{"hogql": "SELECT toStartOfDay(timestamp) AS day, count() ..."}; or a query_id'
    ),
]
KnownDays = Annotated[list[str], Field(description="dates, or a country (DE, US-CA) for its holidays")]
From = Annotated[str, Field(description="-90d, 2026-01-31 or 2026-01-31 14:00")]


async def explain_change(
    ctx: Ctx,
    metric: Metric,
    date_from: Annotated[str, Field(description="start of what changed; empty: newest complete week")] = "",
    date_to: str = "",
    baseline: Annotated[str, Field(description="previous (same weekdays before), -4w, or from..to")] = "",
    dimensions: Annotated[list[str], Field(description="person:x, $os; empty: found by itself")] = [],  # noqa: B006
    known_days: KnownDays = [],  # noqa: B006
    project_id: ProjectId = 0,
) -> CallToolResult:
    """Why a metric changed: data quality, whether it is more than season and noise, since when, which segments and
    funnel step it sits in (parts sum to the whole), new values, releases and flags; established, likely, unknown.
    Example: {"metric": {"kind": "trends", "series": [{"event": "paid"}]}, "date_from": "-7d"}"""
    from posthog_mcp.server.tools.analysis_answers import explained

    return await explained(ctx, metric, date_from, date_to, baseline, dimensions, known_days, project_id)


async def detect_anomalies(
    ctx: Ctx,
    metric: Metric,
    date_from: From = "",
    date_to: str = "",
    known_days: KnownDays = [],  # noqa: B006
    alpha: Annotated[float, Field(gt=0, lt=0.5, description="false discovery rate")] = 0.05,
    project_id: ProjectId = 0,
) -> CallToolResult:
    """Is it normal: intervals that do not fit trend and seasons, level shifts with the interval of their date, missing
    data. Corrected for how many intervals are looked at."""
    from posthog_mcp.server.tools.analysis_answers import anomalies_found

    return await anomalies_found(ctx, metric, date_from, date_to, known_days, alpha, project_id)


async def forecast_metric(
    ctx: Ctx,
    metric: Metric,
    horizon: Annotated[int, Field(ge=0, le=366, description="intervals ahead")] = 0,
    level: Annotated[float, Field(ge=0.5, le=0.99)] = 0.95,
    date_from: From = "",
    date_to: str = "",
    project_id: ProjectId = 0,
) -> CallToolResult:
    """What comes next, with intervals and the back-test's error against repeating the last season."""
    from posthog_mcp.server.tools.analysis_answers import forecast_made

    return await forecast_made(ctx, metric, horizon, level, date_from, date_to, project_id)


async def compare_groups(
    ctx: Ctx,
    metric: Metric = "",
    split: Annotated[str, Field(description="experiment:<name>, flag:<key>, or a property ($os, person:plan)")] = "",
    data: Annotated[
        list[dict[str, Any]], Field(description="instead: [{name, n, conversions}] or {name, n, mean, sd}")
    ] = [],  # noqa: B006
    control: str = "",
    effect: Annotated[float, Field(gt=0, le=10, description="relative effect worth finding")] = 0.1,
    date_from: From = "",
    date_to: str = "",
    project_id: ProjectId = 0,
) -> CallToolResult:
    """Which group or variant is better: difference with interval, chance to win, reading safe under peeking, sample
    ratio, how long to run. The metric is what each person did: one series, a funnel, or retention.
    Example: {"metric": {"kind": "trends", "series": [{"event": "paid"}]}, "split": "experiment:Checkout"}"""
    from posthog_mcp.server.tools.analysis_answers import groups_compared

    return await groups_compared(ctx, metric, split, data, control, effect, (date_from, date_to), project_id)


async def correlate_metrics(
    ctx: Ctx,
    metrics: Annotated[list[Any], Field(description="metrics as elsewhere, at least two")] = [],  # noqa: B006
    dashboards: Annotated[list[str], Field(description="all metrics of these")] = [],  # noqa: B006
    interval: Interval = "day",
    date_from: From = "",
    date_to: str = "",
    max_lag: Annotated[int, Field(ge=0, le=30)] = 7,
    project_id: ProjectId = 0,
) -> CallToolResult:
    """Which metrics move together beyond trend and season, with lag, false discoveries controlled, third metrics
    checked. Needs 60 intervals in common. It never shows a cause."""
    from posthog_mcp.server.tools.analysis_answers import correlations_found

    return await correlations_found(ctx, metrics, dashboards, interval, (date_from, date_to), max_lag, project_id)


async def score_churn(
    ctx: Ctx,
    unit: Annotated[str, Field(description="person, or a group type such as organization")] = "person",
    event: Annotated[str, Field(description="what counts as active; empty: anything")] = "",
    horizon_days: Annotated[int, Field(ge=7, le=180)] = 28,
    limit: Annotated[int, Field(ge=1, le=200)] = 20,
    project_id: ProjectId = 0,
) -> CallToolResult:
    """Who will leave: risk of no activity within the horizon, with reasons; AUC and calibration of a back-test."""
    from posthog_mcp.server.tools.analysis_answers import churn_scored

    return await churn_scored(ctx, unit, event, horizon_days, limit, project_id)


TOOLS = (
    Published(explain_change, "Explain a change"),
    Published(detect_anomalies, "Detect anomalies"),
    Published(forecast_metric, "Forecast a metric"),
    Published(compare_groups, "Compare groups"),
    Published(correlate_metrics, "Correlate metrics"),
    Published(score_churn, "Score churn"),
)
