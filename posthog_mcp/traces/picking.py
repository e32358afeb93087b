"""Which traces a theme looks at: one HogQL on `events` that reads no heavy column.

Base filters, theme filters and the deterministic sample are put together here, and every filter is checked on its own
so that an error names it. A filter without an aggregate must hold for an event of the trace, one with aggregates for
the trace as a whole.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from posthog_mcp.backends.backend import QueryOptions
from posthog_mcp.errors import InvalidInput
from posthog_mcp.hogql.checker import Checked
from posthog_mcp.hogql.lints_meaning import uses_aggregate
from posthog_mcp.hogql.tree import walk
from posthog_mcp.insights.dates import span_of
from posthog_mcp.project import Project
from posthog_mcp.queries.check import check
from posthog_mcp.queries.sandboxed import answered
from posthog_mcp.results import DateRange, Json, Note
from posthog_mcp.traces.themes import AnalysisTheme

EVENTS = ("$ai_trace", "$ai_span", "$ai_generation", "$ai_embedding", "$ai_metric", "$ai_feedback", "$ai_evaluation")
HEAVY = ("$ai_input", "$ai_output", "$ai_output_choices", "$ai_input_state", "$ai_output_state", "$ai_tools")
FIGURES = ("latency", "cost", "steps")
NORMS = tuple(f"p95_{name}" for name in FIGURES)
BUCKETS = 10_000
"""Sample rates are kept to a ten-thousandth."""
COST = "sum(if(event IN ('$ai_generation', '$ai_embedding'), ifNull(toFloat(properties.$ai_total_cost_usd), 0), 0))"
OWN_LATENCY = "ifNull(maxIf(toFloat(properties.$ai_latency), event = '$ai_trace'), 0)"
STEP_LATENCY = "ifNull(sumIf(toFloat(properties.$ai_latency), event = '$ai_generation'), 0)"
LATENCY = f"greatest({OWN_LATENCY}, {STEP_LATENCY})"
STEPS = "countIf(event IN ('$ai_generation', '$ai_span'))"
ERRORS = "countIf(lower(toString(properties.$ai_is_error)) IN ('true', '1'))"
ORDERING = ("properties.$ai_trace_id AS trace_id", "max(timestamp) AS last_at")
"""The columns that every query of a plan has."""
COLUMNS = (
    *ORDERING,
    "min(timestamp) AS first_at",
    "toString(groupBitXor(cityHash64(toString(uuid)))) AS fingerprint",
    "toString(any(person_id)) AS person",
    "any(distinct_id) AS distinct",
    f"{COST} AS cost_usd",
    f"{LATENCY} AS latency_s",
    f"{STEPS} AS steps",
    f"{ERRORS} AS errors",
    "ifNull(max(toFloat(properties.$ai_input_tokens)), 0) + ifNull(sum(toFloat(properties.$ai_output_tokens)), 0) "
    "AS tokens",
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A trace that a theme may read. `fingerprint` changes with its events; times are ISO 8601 in UTC.

    `tokens` estimates what was said once: the longest input and all outputs.
    """

    trace_id: str
    last_at: str
    first_at: str
    fingerprint: str
    person_id: str
    distinct_id: str
    cost_usd: float
    latency_s: float
    steps: int
    errors: int
    tokens: int
    likely: bool
    """Whether a theme filter holds."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A theme made ready for one project: its conditions, and what they are asked with."""

    theme: AnalysisTheme
    where: str
    sampled: str
    """The sample's condition, with AND before it; empty for all."""
    having: str
    likely: str
    """True for a trace that a theme filter marks."""
    values: Mapping[str, Json]
    date_range: DateRange
    norms: Mapping[str, float]
    notes: tuple[Note, ...] = ()

    def query(self, columns: Sequence[str], limit: int, offset: int = 0) -> str:
        """The traces, likely ones first, then newest."""
        chosen = ", ".join([*columns, f"{self.likely} AS likely"])
        having = f"\nHAVING {self.having}" if self.having else ""
        return (
            f"SELECT {chosen}\nFROM events\nWHERE {self.where}{self.sampled}\nGROUP BY trace_id{having}\n"
            f"ORDER BY likely DESC, last_at DESC, trace_id\nLIMIT {limit} OFFSET {offset}"
        )


async def plan_of(project: Project, theme: AnalysisTheme) -> Plan:
    """Check a theme's filters and put its query together.

    Raises:
        InvalidInput: a filter does not compile, or the dates are wrong; both named.
        PostHogMcpError: what the backend says.
    """
    bounds = await range_of(project, theme)
    names = ", ".join(f"'{each}'" for each in EVENTS)
    where = [
        f"event IN ({names})",
        "timestamp >= {date_from} AND timestamp <= {date_to}",
        "properties.$ai_trace_id IS NOT NULL AND properties.$ai_trace_id != ''",
    ]
    values: dict[str, Json] = {"date_from": bounds.date_from, "date_to": bounds.date_to}
    norms = await norms_of(project, where, values) if asks_for_norms(theme) else {}
    values |= {name: norms[name] for name in NORMS if norms}
    base = await all_compiled(project, theme.base_filters, "base_filters", values)
    marks = await all_compiled(project, theme.theme_filters, "theme_filters", values)
    sampled = f" AND {sample(theme.sample_rate, f'{theme.seed}')}" if theme.sample_rate < 1 else ""
    likely = f"if({' OR '.join(marks)}, 1, 0)" if marks else "1"
    having = list(base)
    if marks and theme.quiet_rate == 0:
        having.append(f"({' OR '.join(marks)})")
    elif marks and theme.quiet_rate < 1:
        quiet = sample(theme.quiet_rate, f"{theme.seed}|quiet", "trace_id")
        having.append(f"({' OR '.join([*marks, quiet])})")
    notes = tuple(heavy_notes(theme))
    return Plan(theme, " AND ".join(where), sampled, " AND ".join(having), likely, values, bounds, norms, notes)


def sample(rate: float, salt: str, trace: str = "properties.$ai_trace_id") -> str:
    """A condition that the same share of traces meets each time. `cityHash64` takes one argument in HogQL."""
    return f"cityHash64(concat({trace}, '|', '{salt}')) % {BUCKETS} < {round(rate * BUCKETS)}"


async def range_of(project: Project, theme: AnalysisTheme) -> DateRange:
    """The theme's dates as times of the project's zone.

    Raises:
        InvalidInput: they cannot be read.
    """
    info = await project.driver.project()
    zone = ZoneInfo(info.timezone)
    earliest = datetime(2015, 1, 1, tzinfo=UTC)
    span = span_of(theme.date_from, theme.date_to, "day", datetime.now(zone), earliest)
    return DateRange(f"{span.start:%Y-%m-%d %H:%M:%S}", f"{span.end:%Y-%m-%d %H:%M:%S}", info.timezone)


def asks_for_norms(theme: AnalysisTheme) -> bool:
    """Filters name them, or the rules of the writer without a model compare with them."""
    filters = (*theme.base_filters, *theme.theme_filters)
    return theme.id == "performance_issues" or any(f"{{{name}}}" in each for name in NORMS for each in filters)


async def norms_of(project: Project, where: Sequence[str], values: Mapping[str, Json]) -> dict[str, float]:
    """The 95th percentiles and medians of the project's traces in this range: latency (s), cost (USD), steps."""
    figures = [f"quantile({level})({name})" for level in (0.95, 0.5) for name in FIGURES]
    query = f"""SELECT {", ".join(figures)}, count() AS traces
FROM (SELECT properties.$ai_trace_id AS trace_id, {LATENCY} AS latency, {COST} AS cost, {STEPS} AS steps
      FROM events WHERE {" AND ".join(where)} GROUP BY trace_id)
LIMIT 1"""
    rows = await rows_of(project, query, values, 1)
    names = [f"{level}_{name}" for level in ("p95", "median") for name in FIGURES]
    cells = rows[0] if rows and rows[0][-1] else [0.0] * len(names)
    return {name: as_number(cell) for name, cell in zip(names, cells, strict=False)}


async def all_compiled(project: Project, texts: Sequence[str], part: str, values: Mapping[str, Json]) -> list[str]:
    return [await compiled(project, each, part, index, values) for index, each in enumerate(texts)]


async def compiled(project: Project, text: str, part: str, index: int, values: Mapping[str, Json]) -> str:
    """A filter as a condition on the trace.

    Raises:
        InvalidInput: it does not compile; its place is named.
    """
    whole = f"SELECT properties.$ai_trace_id AS trace_id FROM events\nGROUP BY trace_id HAVING (\n{text}\n)"
    event = f"SELECT countIf(\n{text}\n) FROM events"
    given = {name: value for name, value in values.items() if f"{{{name}}}" in text}
    as_event = await check(project, event, given)
    if not as_event.errors:
        return f"countIf({text}\n) > 0"
    as_trace = await check(project, whole, given)
    if not as_trace.errors and aggregated(as_trace):
        return f"({text}\n)"
    told = as_trace if "aggregat" in as_event.errors[0].message.lower() else as_event
    problem = (told.errors or as_event.errors)[0]
    raise InvalidInput(
        f"{part}[{index}] does not compile: {problem.message} (at `{problem.text}`)",
        fix=problem.fix or "A filter is a HogQL condition over events, such as properties.$ai_model = 'gpt-4o'.",
    )


def aggregated(checked: Checked) -> bool:
    return checked.tree is not None and any(map(uses_aggregate, walk(checked.tree)))


def heavy_notes(theme: AnalysisTheme) -> list[Note]:
    """PostHog keeps what was said out of `events`: there a filter on it finds nothing."""
    text = " ".join((*theme.base_filters, *theme.theme_filters))
    named = [each for each in HEAVY if re.search(rf"{re.escape(each)}(?!\w)", text)]
    if not named:
        return []
    message = f"PostHog keeps {', '.join(named)} out of events; on PostHog these filters find nothing."
    return [Note("heavy_filter", message, "Filter on light properties, and say what to look for in the prompt.")]


async def candidates(project: Project, plan: Plan, limit: int, offset: int = 0) -> list[Candidate]:
    """A page of the traces.

    Raises:
        PostHogMcpError: what the backend says.
    """
    return [candidate(row) for row in await rows_of(project, plan.query(COLUMNS, limit, offset), plan.values, limit)]


async def rows_of(project: Project, query: str, values: Mapping[str, Json], limit: int) -> list[list[Json]]:
    """Read, but not kept among the results and in the history: nobody asked for these queries by name."""
    body: dict[str, Json] = {"kind": "HogQLQuery", "query": query, "values": dict(values)}
    options = QueryOptions(secrets.token_hex(8), project.settings.query_timeout, limit)
    return (await answered(project, body, options)).table.rows


def candidate(row: Sequence[Json]) -> Candidate:
    trace_id, last, first, fingerprint, person, distinct, cost, latency, steps, errors, tokens, likely = row
    return Candidate(
        str(trace_id),
        in_utc(last),
        in_utc(first),
        str(fingerprint),
        str(person),
        str(distinct),
        as_number(cost),
        as_number(latency),
        int(as_number(steps)),
        int(as_number(errors)),
        int(as_number(tokens)),
        bool(likely),
    )


def as_number(cell: Json) -> float:
    try:
        return float(cell) if isinstance(cell, int | float | str) else 0.0
    except ValueError:
        return 0.0


def in_utc(cell: Json) -> str:
    try:
        found = datetime.fromisoformat(str(cell))
    except ValueError:
        return str(cell)
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return found.astimezone(UTC).isoformat(timespec="milliseconds")
