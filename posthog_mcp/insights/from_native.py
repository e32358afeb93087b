"""PostHog's own insight queries as questions, so that saved insights run on both backends.

Source: PostHog's public query schema. What a question cannot say (data warehouse series, property groups with OR,
session windows of funnels) is refused by name on the embedded project; on PostHog the query runs as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from posthog_mcp.errors import InvalidInput
from posthog_mcp.insights.question import Question, question_of
from posthog_mcp.results import Json

Body = Mapping[str, Json]
KINDS = {
    "TrendsQuery": "trends",
    "FunnelsQuery": "funnel",
    "RetentionQuery": "retention",
    "LifecycleQuery": "lifecycle",
    "StickinessQuery": "stickiness",
    "PathsQuery": "paths",
}
INTERVALS = ("hour", "day", "week", "month")
TOTALS = frozenset({"BoldNumber", "ActionsPie", "ActionsBarValue", "ActionsTable", "WorldMap"})
"""Displays of one value for the whole range."""
MATHS = {"unique_session": "unique_session", "first_matching_event_for_user": "first_time_for_user"}


def question_from(query: Body) -> Question:
    """The question that a native query asks.

    Raises:
        InvalidInput: its kind, or a part of it, cannot be said here.
    """
    kind = KINDS.get(str(query.get("kind")))
    if kind is None:
        raise InvalidInput(f"Queries of kind {query.get('kind')} are no insight.", fix="Run it on PostHog.")
    given: dict[str, Any] = {"kind": kind, **shared(query)}
    if kind not in ("retention", "paths"):
        given["series"] = [series_from(each) for each in objects(query.get("series"))]
    given |= READERS[kind](query)
    return question_of({name: value for name, value in given.items() if value not in (None, "", [])})


def shared(query: Body) -> dict[str, Any]:
    """Range, interval, filters, breakdowns."""
    dates = part(query, "dateRange")
    interval = query.get("interval")
    return {
        "date_from": dates.get("date_from"),
        "date_to": dates.get("date_to"),
        "interval": interval if interval in INTERVALS else None,
        "filters": filters_from(query.get("properties")),
        "filter_test_accounts": query.get("filterTestAccounts") is True or None,
        "breakdowns": breakdowns_from(part(query, "breakdownFilter")),
        "breakdown_limit": part(query, "breakdownFilter").get("breakdown_limit"),
    }


def part(query: Body, name: str) -> Mapping[str, Json]:
    found = query.get(name)
    return found if isinstance(found, dict) else {}


def objects(value: Json) -> list[dict[str, Json]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def series_from(node: Body) -> dict[str, Any]:
    """An EventsNode or ActionsNode.

    Raises:
        InvalidInput: it is another node.
    """
    kind = str(node.get("kind") or "EventsNode")
    if kind not in ("EventsNode", "ActionsNode"):
        raise InvalidInput(f"Series of kind {kind} cannot be computed here.", fix="Run it on PostHog.")
    found: dict[str, Any] = {
        "event": "" if kind == "ActionsNode" else node.get("event") or "",
        "action": node.get("id") if kind == "ActionsNode" else None,
        "math": MATHS.get(str(node.get("math")), node.get("math")),
        "math_property": node.get("math_property"),
        "math_group_type_index": node.get("math_group_type_index"),
        "math_hogql": node.get("math_hogql"),
        "name": node.get("custom_name"),
        "filters": [*filters_from(node.get("properties")), *filters_from(node.get("fixedProperties"))],
        "optional": node.get("optionalInFunnel") is True or None,
    }
    if node.get("math_property_type") == "person_properties":
        found["math_property_type"] = "person"
    return {name: value for name, value in found.items() if value not in (None, [])}


def filters_from(value: Json) -> list[dict[str, Any]]:
    """Property filters; a group that joins with AND is flattened.

    Raises:
        InvalidInput: a group joins with OR.
    """
    if isinstance(value, dict):
        inner = objects(value.get("values"))
        if value.get("type") == "OR" and len(inner) > 1:
            fix = "Run it on PostHog, or write the condition as one filter of type hogql."
            raise InvalidInput("Filters that are joined with OR cannot be computed here.", fix=fix)
        return [found for each in inner for found in (filters_from(each) if "values" in each else [filter_from(each)])]
    return [filter_from(each) for each in objects(value)]


def filter_from(given: Body) -> dict[str, Any]:
    kind = str(given.get("type") or "event")
    names = {"precalculated-cohort": "cohort", "static-cohort": "cohort"}
    found: dict[str, Any] = {
        "type": names.get(kind, kind),
        "key": str(given.get("key") or ""),
        "value": given.get("value"),
        "operator": given.get("operator") or "exact",
        "group_type_index": given.get("group_type_index"),
    }
    if found["type"] == "cohort" and found["operator"] == "in":
        found["operator"] = "exact"
    return {name: value for name, value in found.items() if value is not None}


def breakdowns_from(given: Body) -> list[dict[str, Any]]:
    """Breakdowns of the present and the earlier form."""
    found = [breakdown_from(each) for each in objects(given.get("breakdowns"))]
    old = given.get("breakdown")
    if found or old is None:
        return found
    kind = str(given.get("breakdown_type") or "event")
    values = old if isinstance(old, list) else [old]
    index = given.get("breakdown_group_type_index")
    return [
        {"property": str(each), "type": kind, **({} if index is None else {"group_type_index": index})}
        for each in values[:3]
    ]


def breakdown_from(each: Body) -> dict[str, Any]:
    found = {"property": each.get("property"), "type": each.get("type") or "event"}
    index = each.get("group_type_index")
    return found if index is None else {**found, "group_type_index": index}


def trends(query: Body) -> dict[str, Any]:
    chosen, compare = part(query, "trendsFilter"), part(query, "compareFilter")
    nodes = [str(each.get("formula")) for each in objects(chosen.get("formulaNodes"))]
    several = chosen.get("formulas")
    texts = nodes or ([str(each) for each in several] if isinstance(several, list) else [])
    display = chosen.get("display")
    found: dict[str, Any] = {
        "formula": "; ".join(texts) or chosen.get("formula"),
        "smoothing": chosen.get("smoothingIntervals"),
        "cumulative": display == "ActionsLineGraphCumulative" or None,
        "aggregate": display in TOTALS or None,
    }
    if compare.get("compare") is True:
        found["compare"] = compare.get("compare_to") or "previous"
    return found


def funnel(query: Body) -> dict[str, Any]:
    chosen = part(query, "funnelsFilter")
    views = {"time_to_convert": "time_to_convert", "trends": "trend"}
    return {
        "funnel_window": chosen.get("funnelWindowInterval"),
        "funnel_window_unit": chosen.get("funnelWindowIntervalUnit"),
        "funnel_order": chosen.get("funnelOrderType"),
        "funnel_view": views.get(str(chosen.get("funnelVizType"))),
        "exclusions": [
            {
                "event": each.get("event"),
                "from_step": int(str(each.get("funnelFromStep", 0))) + 1,
                "to_step": int(str(each.get("funnelToStep", 1))) + 1,
            }
            for each in objects(chosen.get("exclusions"))
        ],
    }


def retention(query: Body) -> dict[str, Any]:
    """Without entities: of page views, as PostHog has it."""
    chosen = part(query, "retentionFilter")
    entities = [part(chosen, name) for name in ("targetEntity", "returningEntity")]
    kinds = {"retention_first_time": "first_time", "retention_recurring": "recurring"}
    return {
        "series": [entity(each) for each in entities if each] or [{"event": "$pageview"}],
        "period": str(chosen.get("period") or "Day").lower(),
        "periods": chosen.get("totalIntervals"),
        "retention_type": kinds.get(str(chosen.get("retentionType"))),
    }


def entity(given: Body) -> dict[str, Any]:
    """What is done, as retention writes it."""
    if given.get("type") == "actions":
        return {"action": given.get("id")}
    return {"event": given.get("id") or "", "filters": filters_from(given.get("properties"))}


def paths(query: Body) -> dict[str, Any]:
    chosen = part(query, "pathsFilter")
    events = chosen.get("includeEventTypes")
    known = [each for each in cast("list[Json]", events or []) if each in ("$pageview", "$screen", "custom_event")]
    return {
        "start": chosen.get("startPoint"),
        "end": chosen.get("endPoint"),
        "exclude": chosen.get("excludeEvents"),
        "path_events": known,
        "step_limit": chosen.get("stepLimit"),
        "edge_limit": chosen.get("edgeLimit"),
        "path_groups": chosen.get("pathGroupings"),
    }


def nothing(query: Body) -> dict[str, Any]:
    del query
    return {}


READERS = {
    "trends": trends,
    "funnel": funnel,
    "retention": retention,
    "lifecycle": nothing,
    "stickiness": nothing,
    "paths": paths,
}
