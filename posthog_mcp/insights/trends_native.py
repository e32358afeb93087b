"""PostHog's TrendsQuery for a question, and its response as points. Source: PostHog's public query schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from posthog_mcp.insights.dates import label
from posthog_mcp.insights.frame import NONE, OTHER, Frame
from posthog_mcp.insights.native import breakdown_filter, common, series_nodes
from posthog_mcp.insights.trends_points import Key, Points, formulas, labels_of
from posthog_mcp.results import Json

LABELS = {"$$_posthog_breakdown_other_$$": OTHER, "$$_posthog_breakdown_null_$$": NONE}


def native_query(frame: Frame) -> dict[str, Json]:
    """The query as PostHog takes it."""
    question = frame.question
    display = "ActionsLineGraphCumulative" if question.cumulative else "ActionsLineGraph"
    filters: dict[str, Json] = {"display": "ActionsTable" if question.aggregate else display}
    if question.smoothing > 1:
        filters["smoothingIntervals"] = question.smoothing
    if question.formula:
        filters["formulaNodes"] = [{"formula": each} for each in formulas(frame)]
    compare: dict[str, Json] = {}
    if question.compare:
        named = (
            {"compare": True} if question.compare == "previous" else {"compare": True, "compare_to": question.compare}
        )
        compare["compareFilter"] = cast("Json", named)
    return {
        "kind": "TrendsQuery",
        **common(frame),
        "interval": question.interval,
        "series": series_nodes(frame),
        "trendsFilter": filters,
        **breakdown_filter(frame),
        **compare,
    }


def native_points(frame: Frame, response: Mapping[str, Json]) -> Points:
    """Lines of the response; days of the earlier span keep their own names."""
    points: Points = {}
    lines = cast("list[dict[str, Json]]", response.get("results") or [])
    formula = 0
    for line in lines:
        action = line.get("action")
        order = action.get("order") if isinstance(action, dict) else None
        index = order if isinstance(order, int) and not frame.question.formula else formula_index(line, formula)
        earlier = line.get("compare_label") == "previous"
        key = Key(index, breakdown_of(line.get("breakdown_value")), earlier)
        if frame.question.aggregate:
            points[key] = {"": float(cast("float", line.get("aggregated_value") or 0))}
            continue
        values = [
            float(each) if isinstance(each, int | float) else 0.0 for each in cast("list[Json]", line.get("data") or [])
        ]
        names = labels_of(frame, earlier)
        days = [day_label(frame, str(each)) for each in cast("list[Json]", line.get("days") or names)]
        points[key] = dict(zip(days, values, strict=False))
    return points


def formula_index(line: Mapping[str, Json], default: int) -> int:
    order = line.get("order")
    return order if isinstance(order, int) else default


def day_label(frame: Frame, day: str) -> str:
    """PostHog's name of an interval as ours."""
    from datetime import datetime

    try:
        return label(datetime.fromisoformat(day).replace(tzinfo=None), frame.interval)
    except ValueError:
        return day


def breakdown_of(value: Json) -> str:
    """A breakdown value as text; several are joined."""
    if value is None or value == "":
        return ""
    parts = value if isinstance(value, list) else [value]
    return "::".join(LABELS.get(str(each), str(each)) for each in parts)
