"""Insights saved before 2024 hold `filters` instead of a query: the same question in older words.

Source: PostHog's `filters_to_query` (names of the old fields).
"""

from __future__ import annotations

from collections.abc import Mapping

from posthog_mcp.errors import InvalidInput
from posthog_mcp.results import Json

Body = dict[str, Json]
KINDS = {
    "TRENDS": "TrendsQuery",
    "FUNNELS": "FunnelsQuery",
    "RETENTION": "RetentionQuery",
    "LIFECYCLE": "LifecycleQuery",
    "STICKINESS": "StickinessQuery",
    "PATHS": "PathsQuery",
}
FUNNEL = {
    "funnel_window_interval": "funnelWindowInterval",
    "funnel_window_interval_unit": "funnelWindowIntervalUnit",
    "funnel_order_type": "funnelOrderType",
    "funnel_viz_type": "funnelVizType",
}
RETENTION = {
    "target_entity": "targetEntity",
    "returning_entity": "returningEntity",
    "period": "period",
    "total_intervals": "totalIntervals",
    "retention_type": "retentionType",
}
PATHS = {
    "include_event_types": "includeEventTypes",
    "start_point": "startPoint",
    "end_point": "endPoint",
    "exclude_events": "excludeEvents",
    "step_limit": "stepLimit",
    "edge_limit": "edgeLimit",
    "path_groupings": "pathGroupings",
}
TRENDS = {"display": "display", "formula": "formula", "smoothing_intervals": "smoothingIntervals"}
BREAKDOWNS = ("breakdown", "breakdown_type", "breakdowns", "breakdown_limit", "breakdown_group_type_index")


def query_from_filters(filters: Mapping[str, Json]) -> Body:
    """The native query that old filters mean.

    Raises:
        InvalidInput: they are no insight.
    """
    kind = KINDS.get(str(filters.get("insight") or "TRENDS").upper())
    if kind is None:
        raise InvalidInput(f"Old filters of {filters.get('insight')} cannot be read.", fix="Save it again in PostHog.")
    query: Body = {
        "kind": kind,
        "dateRange": {name: filters[name] for name in ("date_from", "date_to") if filters.get(name)},
        "interval": filters.get("interval"),
        "properties": filters.get("properties"),
        "filterTestAccounts": filters.get("filter_test_accounts"),
        "breakdownFilter": {name: filters[name] for name in BREAKDOWNS if filters.get(name) is not None},
        "series": series(filters),
    }
    if kind == "TrendsQuery":
        query["trendsFilter"] = renamed(filters, TRENDS)
        if filters.get("compare"):
            query["compareFilter"] = {"compare": True, "compare_to": filters.get("compare_to")}
    elif kind == "FunnelsQuery":
        query["funnelsFilter"] = {**renamed(filters, FUNNEL), "exclusions": exclusions(filters.get("exclusions"))}
    elif kind == "RetentionQuery":
        query["retentionFilter"] = renamed(filters, RETENTION)
    elif kind == "PathsQuery":
        query["pathsFilter"] = renamed(filters, PATHS)
    return {name: value for name, value in query.items() if value not in (None, {}, [])}


def renamed(filters: Mapping[str, Json], names: Mapping[str, str]) -> Body:
    return {new: filters[old] for old, new in names.items() if filters.get(old) is not None}


def series(filters: Mapping[str, Json]) -> list[Json]:
    """Events and actions in their order."""
    found: list[tuple[int, Body]] = []
    for kind in ("events", "actions"):
        listed = filters.get(kind)
        for place, each in enumerate(listed if isinstance(listed, list) else []):
            if isinstance(each, dict):
                order = each.get("order")
                found.append((order if isinstance(order, int) else place, node(kind, each)))
    return [each for _, each in sorted(found, key=lambda pair: pair[0])]


def node(kind: str, given: Mapping[str, Json]) -> Body:
    named = ("math", "math_property", "math_group_type_index", "math_hogql", "custom_name", "properties")
    shared: Body = {name: given[name] for name in named if given.get(name) is not None}
    if kind == "actions":
        return {"kind": "ActionsNode", "id": given.get("id"), **shared}
    return {"kind": "EventsNode", "event": given.get("id"), **shared}


def exclusions(value: Json) -> list[Json]:
    found: list[Json] = []
    for each in value if isinstance(value, list) else []:
        if isinstance(each, dict):
            steps = {"funnelFromStep": each.get("funnel_from_step", 0), "funnelToStep": each.get("funnel_to_step", 1)}
            found.append({"event": each.get("id"), **steps})
    return found
