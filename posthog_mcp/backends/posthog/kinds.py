"""Which kinds of query may be sent, what of them, and the HogQL that typed queries hide.

Kinds are allow-listed. What changes how PostHog runs a query (`modifiers`), or lets raw SQL reach another database
(`sendRawQuery`, `connectionId`), is taken out wherever it stands; Hog code is not sent at all. Expressions inside typed
queries are HogQL like any other, and pass the same check.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import cast

from posthog_mcp.errors import InvalidInput
from posthog_mcp.hogql.checker import Checker
from posthog_mcp.results import Json

Body = dict[str, Json]

READ = """HogQLQuery HogQLMetadata DatabaseSchemaQuery TrendsQuery FunnelsQuery RetentionQuery LifecycleQuery
    StickinessQuery PathsQuery CalendarHeatmapQuery ActorsQuery InsightActorsQuery FunnelsActorsQuery
    StickinessActorsQuery InsightActorsQueryOptions FunnelCorrelationQuery FunnelCorrelationActorsQuery EventsQuery
    SessionsQuery GroupsQuery PersonsNode WebOverviewQuery WebStatsTableQuery WebGoalsQuery WebNotableChangesQuery
    WebVitalsQuery WebVitalsPathBreakdownQuery WebExternalClicksTableQuery TracesQuery TraceQuery TraceNeighborsQuery
    ErrorTrackingQuery ErrorTrackingIssueCorrelationQuery RevenueAnalyticsOverviewQuery RevenueAnalyticsMRRQuery
    RevenueAnalyticsGrossRevenueQuery RevenueAnalyticsMetricsQuery RevenueAnalyticsTopCustomersQuery ExperimentQuery
    ExperimentExposureQuery TeamTaxonomyQuery EventTaxonomyQuery ActorsPropertyTaxonomyQuery PropertyValuesQuery
    UsageMetricsQuery RecordingsQuery LogsQuery TraceSpansQuery SessionBatchEventsQuery EventsHeatMapQuery"""
"""Source: schema kinds of PostHog's public OpenAPI that read; those that run code or write are left out."""
INSIDE = """EventsNode ActionsNode GroupNode DataWarehouseNode FunnelsDataWarehouseNode LifecycleDataWarehouseNode
    ExperimentDataWarehouseNode ExperimentEventExposureConfig ExperimentMetric"""
"""Kinds that stand inside queries."""
WRAPPERS = frozenset({"InsightVizNode", "DataVisualizationNode", "DataTableNode"})
DROPPED = frozenset({"modifiers", "sendRawQuery", "connectionId", "response", "samplingFactor", "explain"})
HOGQL_FIELDS = ("kind", "query", "values", "filters", "variables")

PLAIN = re.compile(r"[\w$.* ]*")
"""A name, a chain or `*`: nothing that runs."""
COMMENT = re.compile(r"\s--[^'\"]*\Z")
"""EventsQuery takes `expression -- label`."""
TABLES = {"ActorsQuery": "persons", "SessionsQuery": "sessions", "GroupsQuery": "groups"}
FRAMES = {
    "select": "SELECT\n{}\nFROM TABLE LIMIT 1",
    "where": "SELECT 1 FROM TABLE WHERE\n{}\nLIMIT 1",
    "orderBy": "SELECT 1 FROM TABLE ORDER BY\n{}\nLIMIT 1",
}
"""Lists of expressions, and a query around one, which begins on the second line."""
HOLD_HOGQL = """math_hogql funnelAggregateByHogQL pathsHogQLExpression id_field timestamp_field distinct_id_field
    aggregation_target_field math_property_revenue_currency_expression"""
"""Members whose text is an expression."""
KINDS, NODES, EXPRESSIONS = (frozenset(each.split()) for each in (READ, INSIDE, HOLD_HOGQL))


@dataclass(frozen=True, slots=True)
class Hidden:
    """HogQL inside a typed query: where it stands, and a whole query that checks it, with a line or none before it."""

    path: str
    query: str
    lines_before: int = 0


def runnable(query: Mapping[str, Json]) -> Body:
    """The query as it may be sent: unwrapped, of an allowed kind, without what is never passed.

    Raises:
        InvalidInput: its kind, or one inside it, is not allowed.
    """
    kind, source = str(query.get("kind")), query.get("source")
    if kind in WRAPPERS and isinstance(source, dict):
        return runnable(source)
    if kind not in KINDS:
        fix = "Use HogQLQuery, or an insight's kind such as TrendsQuery."
        raise InvalidInput(f"Queries of kind {kind[:60]} are not sent.", fix=fix, context={"attr": "query.kind"})
    return cast("Body", cleaned(dict(query)))


def cleaned(value: Json) -> Json:
    """A copy without dropped members, at any depth.

    Raises:
        InvalidInput: a kind inside is not allowed.
    """
    if isinstance(value, list):
        return [cleaned(each) for each in value]
    if not isinstance(value, dict):
        return value
    kind = str(value.get("kind"))
    if kind == "HogQLQuery":
        return {name: value[name] for name in HOGQL_FIELDS if name in value}
    if kind.endswith(("Query", "Node")) and kind not in KINDS | NODES | WRAPPERS:
        fix = "Leave it out; only kinds that read are sent."
        raise InvalidInput(f"Queries of kind {kind[:60]} are not sent.", fix=fix, context={"attr": "query.kind"})
    return {name: cleaned(each) for name, each in value.items() if name not in DROPPED}


async def check_hidden(checker: Checker, query: Mapping[str, Json]) -> None:
    """Check each piece of HogQL inside a typed query.

    Raises:
        PostHogMcpError: the first that does not check, with its path and the place in it.
    """
    for each in hidden(dict(query), "query", "events"):
        checked = await checker.check(each.query)
        errors = (
            replace(found, line=found.line - each.lines_before, message=f"{each.path}: {found.message}")
            for found in checked.errors
        )
        replace(checked, errors=tuple(errors), corrected=None).raise_for_errors()


def hidden(value: Json, path: str, table: str) -> Iterator[Hidden]:
    """All HogQL below a value, in the order of the text."""
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from hidden(each, f"{path}[{index}]", table)
        return
    if not isinstance(value, dict):
        return
    table = TABLES.get(str(value.get("kind")), table)
    if value.get("kind") == "HogQLQuery":
        yield Hidden(path, str(value.get("query") or ""))
        return
    yield from own(value, path, table)
    for name, each in value.items():
        yield from hidden(each, f"{path}.{name}", table)


def own(value: Body, path: str, table: str) -> Iterator[Hidden]:
    """The HogQL of one object's own members."""
    for name in sorted(EXPRESSIONS & value.keys()):
        yield from expression(value[name], f"{path}.{name}", "select", table)
    if value.get("type") == "hogql":
        for name in ("key", "property"):
            yield from expression(value.get(name), f"{path}.{name}", "select", table)
    if value.get("breakdown_type") == "hogql":
        found = value.get("breakdown")
        for each in found if isinstance(found, list) else [found]:
            yield from expression(each, f"{path}.breakdown", "select", table)
    if str(value.get("kind")).endswith("Query"):
        for name in FRAMES:
            found = value.get(name)
            for index, each in enumerate(found if isinstance(found, list) else []):
                yield from expression(each, f"{path}.{name}[{index}]", name, table)


def expression(text: Json, path: str, place: str, table: str) -> Iterator[Hidden]:
    """A query around an expression; the line break ends a comment in it."""
    if isinstance(text, str):
        bare = COMMENT.sub("", text)
        if not PLAIN.fullmatch(bare):
            yield Hidden(path, FRAMES[place].replace("TABLE", table).replace("{}", bare), 1)
