"""Traces of a project as a table: one HogQL over `events`, whose light columns tell tokens, cost, latency and errors.

What was said is not among them: PostHog keeps it in `posthog.ai_events`, which `fetch.py` reads by id.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from posthog_mcp.backends.backend import Progress
from posthog_mcp.errors import InvalidInput
from posthog_mcp.insights.dates import span_of
from posthog_mcp.insights.run import first_event
from posthog_mcp.project import Project
from posthog_mcp.queries.run import QueryResult, run
from posthog_mcp.results import Json

Order = Literal["newest", "cost", "latency", "tokens", "errors"]
ORDERS: dict[Order, str] = {
    "newest": "started",
    "cost": "cost_usd",
    "latency": "seconds",
    "tokens": "input_tokens + output_tokens",
    "errors": "errors",
}
EVENTS = "('$ai_trace', '$ai_span', '$ai_generation', '$ai_embedding', '$ai_metric', '$ai_feedback', '$ai_evaluation')"
FAILED = "lower(toString(properties.$ai_is_error)) IN ('true', '1')"
SPOKEN = "event IN ('$ai_generation', '$ai_embedding')"


@dataclass(frozen=True, slots=True)
class TraceFilters:
    """What to list. Dates as everywhere; empty texts filter nothing."""

    date_from: str = "-7d"
    date_to: str = ""
    errors: bool = False
    feedback: bool = False
    model: str = ""
    user: str = ""
    search: str = ""
    """Part of a trace's or step's name, of an error, or of feedback."""
    order: Order = "newest"


async def list_traces(
    project: Project, filters: TraceFilters, *, limit: int = 20, progress: Progress | None = None
) -> QueryResult:
    """Traces with steps in the range, one a row.

    Raises:
        InvalidInput: a date or the order cannot be read.
        PostHogMcpError: what the backend says.
    """
    if filters.order not in ORDERS:
        raise InvalidInput(f"order {filters.order!r} is unknown.", fix=f"Use: {', '.join(ORDERS)}.")
    query, values = await listing_query(project, filters)
    found = await run(project, query, values=values, limit=limit, progress=progress)
    return replace(found, warnings=tuple(each for each in found.warnings if not each.code.startswith("unknown_")))


async def listing_query(project: Project, filters: TraceFilters) -> tuple[str, dict[str, Json]]:
    """The HogQL and its values. Groups by trace, so that a filter on one step keeps the whole trace's sums."""
    info = await project.driver.project()
    now = datetime.now(UTC).astimezone(ZoneInfo(info.timezone))
    earliest = await first_event(project) if filters.date_from == "all" else None
    span = span_of(filters.date_from or "-7d", filters.date_to, "day", now, earliest)
    values: dict[str, Json] = {"from": f"{span.start:%Y-%m-%d %H:%M:%S}", "to": f"{span.end:%Y-%m-%d %H:%M:%S}"}
    kept = having(filters, values)
    query = f"""SELECT properties.$ai_trace_id AS trace_id,
    min(timestamp) AS started,
    argMinIf(coalesce(properties.$ai_trace_name, properties.$ai_span_name), timestamp,
        event = '$ai_trace' OR notEmpty(toString(properties.$ai_trace_name))) AS name,
    any(distinct_id) AS user,
    round(coalesce(maxIf(toFloat(properties.$ai_latency), event = '$ai_trace'),
        sumIf(toFloat(properties.$ai_latency), event = '$ai_generation')), 2) AS seconds,
    countIf(event = '$ai_generation') AS generations,
    sumIf(toFloat(properties.$ai_input_tokens), {SPOKEN}) AS input_tokens,
    sumIf(toFloat(properties.$ai_output_tokens), {SPOKEN}) AS output_tokens,
    round(sumIf(toFloat(properties.$ai_total_cost_usd), {SPOKEN}), 6) AS cost_usd,
    countIf({FAILED}) AS errors,
    countIf(event IN ('$ai_feedback', '$ai_metric')) AS feedback,
    arrayStringConcat(groupUniqArrayIf(toString(properties.$ai_model), event = '$ai_generation'), ', ') AS models
FROM events
WHERE event IN {EVENTS} AND timestamp >= {{from}} AND timestamp <= {{to}} AND notEmpty(properties.$ai_trace_id)
GROUP BY trace_id{kept}
ORDER BY {ORDERS[filters.order]} DESC, trace_id"""
    return query, values


def having(filters: TraceFilters, values: dict[str, Json]) -> str:
    """Conditions on a whole trace."""
    found: list[str] = []
    if filters.errors:
        found.append("errors > 0")
    if filters.feedback:
        found.append("feedback > 0")
    if filters.model:
        found.append("countIf(toString(properties.$ai_model) ILIKE {model}) > 0")
        values["model"] = f"%{filters.model}%"
    if filters.user:
        found.append("countIf(distinct_id = {user}) > 0")
        values["user"] = filters.user
    if filters.search:
        names = ("$ai_trace_name", "$ai_span_name", "$ai_error", "$ai_feedback_text")
        parts = " OR ".join(f"toString(properties.{name}) ILIKE {{search}}" for name in names)
        found.append(f"countIf({parts}) > 0")
        values["search"] = f"%{filters.search}%"
    return f"\nHAVING {' AND '.join(found)}" if found else ""


async def recent_ids(project: Project, limit: int) -> list[str]:
    """Ids of the newest traces of the last 30 days."""
    found = await list_traces(project, TraceFilters(date_from="-30d"), limit=limit)
    return [str(row[0]) for row in found.table.rows]
