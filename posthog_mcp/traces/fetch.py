"""Traces by their ids, with the heavy columns that hold what was said.

PostHog strips inputs and outputs from `events` and keeps them in `posthog.ai_events`, ordered by trace id, for 30 days;
older and self-hosted projects, and the embedded one, have them among the properties of `events`. Source: PostHog's
`products/ai_observability` (the ai_events table and its retention).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import cast

from posthog_mcp.backends.backend import QueryOptions
from posthog_mcp.errors import HogQLResolutionError, InvalidInput
from posthog_mcp.project import Project
from posthog_mcp.queries.sandboxed import answered
from posthog_mcp.results import Json
from posthog_mcp.traces.trace import Trace, TraceEvent, trace_of

HEAVY = ("input", "output", "output_choices", "input_state", "output_state", "tools")
"""Columns of `posthog.ai_events`; each is the property `$ai_…` elsewhere."""
BATCH = 50
"""Traces a query: a trace can have hundreds of events, and an event can have megabytes."""
PAGE = 10_000
"""Events a query; a trace that has more is read in pages."""
LOOKBACK_DAYS = 90
"""How far back `events` is searched on a PostHog host, where a query without bounds would read everything."""

COLUMNS = "uuid, event, timestamp, distinct_id, properties"
DERIVED = "('$ai_trace_summary', '$ai_generation_summary', '$ai_trace_clusters', '$ai_generation_clusters', '$ai_evaluation_clusters')"  # noqa: E501
"""Events that analyses write about traces: no part of them."""


async def fetch_traces(project: Project, ids: Iterable[str]) -> list[Trace]:
    """The traces of these ids that exist, in the order asked for.

    Raises:
        PostHogMcpError: what the backend says.
    """
    wanted = list(dict.fromkeys(ids))
    found: dict[str, list[TraceEvent]] = {}
    for start in range(0, len(wanted), BATCH):
        batch = wanted[start : start + BATCH]
        if project.driver.kind == "posthog":
            found |= await from_ai_events(project, batch)
        missing = [each for each in batch if each not in found]
        if missing:
            found |= await from_events(project, missing)
    return [trace_of(each, found[each]) for each in wanted if each in found]


async def from_ai_events(project: Project, ids: Sequence[str]) -> dict[str, list[TraceEvent]]:
    """Events by trace id, heavy columns put back among the properties. Empty on a host without the table."""
    query = f"""SELECT trace_id, {COLUMNS}, {", ".join(HEAVY)} FROM posthog.ai_events
WHERE trace_id IN {{ids}} AND event NOT IN {DERIVED} ORDER BY trace_id, timestamp, uuid"""
    try:
        rows = await rows_of(project, query, ids)
    except (HogQLResolutionError, InvalidInput):
        return {}
    return by_trace(rows)


async def from_events(project: Project, ids: Sequence[str]) -> dict[str, list[TraceEvent]]:
    """Events by trace id, from the table that every project has."""
    bound = f"timestamp >= now() - INTERVAL {LOOKBACK_DAYS} DAY AND" if project.driver.kind == "posthog" else ""
    query = f"""SELECT properties.$ai_trace_id AS trace_id, {COLUMNS} FROM events
WHERE {bound} startsWith(event, '$ai_') AND properties.$ai_trace_id IN {{ids}} AND event NOT IN {DERIVED}
ORDER BY trace_id, timestamp, uuid"""
    return by_trace(await rows_of(project, query, ids))


async def rows_of(project: Project, query: str, ids: Sequence[str]) -> list[list[Json]]:
    """Read, but not kept in the history: the rows are contents, and too large."""
    rows: list[list[Json]] = []
    while True:
        paged = f"{query} LIMIT {PAGE} OFFSET {len(rows)}"
        body: dict[str, Json] = {"kind": "HogQLQuery", "query": paged, "values": {"ids": list(ids)}}
        options = QueryOptions(secrets.token_hex(8), project.settings.query_timeout, PAGE)
        page = (await answered(project, body, options)).table.rows
        rows += page
        if len(page) < PAGE:
            return rows


def by_trace(rows: Iterable[Sequence[Json]]) -> dict[str, list[TraceEvent]]:
    found: dict[str, list[TraceEvent]] = {}
    for row in rows:
        found.setdefault(str(row[0]), []).append(event_of(row[1:]))
    return found


def event_of(row: Sequence[Json]) -> TraceEvent:
    """One row: `COLUMNS`, and after them `HEAVY` where they were read."""
    uuid, event, timestamp, distinct_id, properties, *heavy = row
    own = decoded(properties)
    for name, value in zip(HEAVY, heavy, strict=False):
        if value not in (None, "", "null"):
            own[f"$ai_{name}"] = value
    return TraceEvent(str(uuid), str(event), moment(timestamp), str(distinct_id), own)


def decoded(properties: Json) -> dict[str, Json]:
    """Properties come as JSON text, or decoded."""
    if isinstance(properties, str):
        try:
            properties = cast("Json", json.loads(properties))
        except (ValueError, RecursionError):
            return {"$ai_input": properties}
    return dict(properties) if isinstance(properties, dict) else {}


def moment(value: Json) -> datetime:
    """A cell's time, in UTC."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
