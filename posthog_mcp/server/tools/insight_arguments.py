"""The arguments of run_insight, short enough to be read by every model in every conversation."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from posthog_mcp.insights.words import InsightKind

Kind = InsightKind
SeriesList = Annotated[
    list[dict[str, Any]],
    Field(
        description="{event (empty: any) or action, math, math_property, name, filters}; math: total, dau, "
        "weekly_active, monthly_active, unique_session, sum|avg|median|p90|min|max of math_property, hogql, ...; "
        "funnel: its steps; retention: target, then returning"
    ),
]
Breakdowns = Annotated[
    list[str], Field(max_length=3, description="property, person:x, session:x, group_0:x, cohort:id")
]
Filters = Annotated[
    list[dict[str, Any]],
    Field(description="{key, value, operator: exact|is_not|icontains|regex|gt|lt|is_set, type: event|person|cohort}"),
]
Options = Annotated[
    dict[str, Any],
    Field(
        description="trends: formula (A/B), smoothing, cumulative, aggregate; funnel: funnel_window, "
        "funnel_window_unit, funnel_order, funnel_view, exclusions; retention: period, periods, retention_type, "
        "unbounded; paths: start, end, path_events, step_limit; breakdown_limit"
    ),
]
