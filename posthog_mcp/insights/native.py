"""Parts of PostHog's insight queries that the kinds share. Source: PostHog's public query schema (OpenAPI)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from posthog_mcp.insights.dates import FORMAT
from posthog_mcp.insights.frame import Frame
from posthog_mcp.insights.question import Filter, Series
from posthog_mcp.results import Json


def common(frame: Frame) -> dict[str, Json]:
    """Range, properties and test accounts."""
    span = frame.span
    found: dict[str, Json] = {
        "dateRange": {
            "date_from": f"{span.start:{FORMAT}}",
            "date_to": f"{span.end:{FORMAT}}",
            "explicitDate": True,
        }
    }
    if frame.question.filters:
        found["properties"] = properties(frame.question.filters)
    if frame.question.filter_test_accounts:
        found["filterTestAccounts"] = True
    return found


def series_nodes(frame: Frame) -> list[Json]:
    return [series_node(frame, each) for each in frame.question.series]


def series_node(frame: Frame, series: Series) -> Json:
    """An EventsNode or ActionsNode."""
    node: dict[str, Json] = {"kind": "EventsNode", "event": series.event or None}
    if series.action is not None:
        node = {"kind": "ActionsNode", "id": frame.action(series.action)}
    else:
        frame.what(series)
    if series.name:
        node["custom_name"] = series.name
    if series.math != "total":
        node["math"] = series.math
    if series.math_property:
        node["math_property"] = series.math_property
        node["math_property_type"] = f"{series.math_property_type}_properties"
    if series.math_group_type_index is not None:
        node["math_group_type_index"] = series.math_group_type_index
    if series.math_hogql:
        node["math_hogql"] = series.math_hogql
    if series.filters:
        node["properties"] = properties(series.filters)
    if series.optional:
        node["optionalInFunnel"] = True
    return node


def properties(filters: Sequence[Filter]) -> Json:
    """Property filters."""
    found: list[Json] = []
    for each in filters:
        if each.type == "cohort":
            operator = each.operator.replace("exact", "in")
            found.append({"type": "cohort", "key": "id", "value": each.value, "operator": operator})
            continue
        one: dict[str, Json] = {"type": each.type, "key": each.key}
        if each.type != "hogql":
            one |= {"value": each.value, "operator": each.operator}
        if each.group_type_index is not None:
            one["group_type_index"] = each.group_type_index
        found.append(one)
    return found


def breakdown_filter(frame: Frame) -> dict[str, Json]:
    """`breakdownFilter`, where the question has breakdowns."""
    breakdowns = frame.question.breakdowns
    if not breakdowns:
        return {}
    if breakdowns[0].type == "cohort":
        ids: list[Json] = [int(each.property) if each.property.isdigit() else each.property for each in breakdowns]
        return {"breakdownFilter": {"breakdown_type": "cohort", "breakdown": ids}}
    several: list[Json] = []
    for each in breakdowns:
        one: dict[str, Json] = {"property": each.property, "type": each.type}
        if each.group_type_index is not None:
            one["group_type_index"] = each.group_type_index
        several.append(one)
    return {"breakdownFilter": {"breakdowns": several, "breakdown_limit": frame.question.breakdown_limit}}


def results_of(response: object) -> list[dict[str, Json]]:
    """`results` as a list of objects."""
    found = cast("dict[str, Json]", response).get("results")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
