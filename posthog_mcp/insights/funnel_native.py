"""PostHog's FunnelsQuery for a question, and its response as numbers. Source: PostHog's public query schema and the
shapes in its tests (`hogql_queries/insights/funnels/test`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from posthog_mcp.insights.frame import NONE, OTHER, Frame
from posthog_mcp.insights.funnel_over_time import Rates
from posthog_mcp.insights.funnel_query import mandatory
from posthog_mcp.insights.funnel_table import Lines, Step
from posthog_mcp.insights.native import common, series_nodes
from posthog_mcp.insights.trends_native import day_label
from posthog_mcp.results import Json

VIEWS = {"steps": "steps", "time_to_convert": "time_to_convert", "trend": "trends"}
LABELS = {
    "": NONE,
    "Other": OTHER,
    "$$_posthog_breakdown_other_$$": OTHER,
    "$$_posthog_breakdown_null_$$": NONE,
}


def native_query(frame: Frame) -> dict[str, Json]:
    """The query as PostHog takes it."""
    question = frame.question
    filters: dict[str, Json] = {
        "funnelVizType": VIEWS[question.funnel_view],
        "funnelOrderType": question.funnel_order,
        "funnelWindowInterval": question.funnel_window,
        "funnelWindowIntervalUnit": question.funnel_window_unit,
    }
    if question.exclusions:
        filters["exclusions"] = [
            {
                "kind": "EventsNode",
                "event": each.event,
                "funnelFromStep": each.from_step - 1,
                "funnelToStep": each.to_step - 1,
            }
            for each in question.exclusions
        ]
    if question.breakdowns:
        filters["breakdownAttributionType"] = "first_touch"
    return {
        "kind": "FunnelsQuery",
        **common(frame),
        "interval": question.interval,
        "series": series_nodes(frame),
        "funnelsFilter": filters,
        **breakdown(frame),
    }


def breakdown(frame: Frame) -> dict[str, Json]:
    """`breakdownFilter`: funnels take one property, or cohorts, in its older form."""
    given = frame.question.breakdowns
    if not given:
        return {}
    if given[0].type == "cohort":
        ids: list[Json] = [int(each.property) if each.property.isdigit() else each.property for each in given]
        return {"breakdownFilter": {"breakdown_type": "cohort", "breakdown": ids}}
    one: dict[str, Json] = {
        "breakdown_type": given[0].type,
        "breakdown": given[0].property,
        "breakdown_limit": frame.question.breakdown_limit,
    }
    if given[0].group_type_index is not None:
        one["breakdown_group_type_index"] = given[0].group_type_index
    return {"breakdownFilter": one}


def native_lines(frame: Frame, response: Mapping[str, Json]) -> Lines:
    """Steps of the response: a list, or a list of such lists where there is a breakdown."""
    results = response.get("results") or []
    lists = cast("list[list[dict[str, Json]]]", results if frame.question.breakdowns else [results])
    full = [steps for steps in lists if steps]
    return {value_of(frame, steps[0]): [step_of(frame, steps, at) for at in range(len(steps))] for steps in full}


def step_of(frame: Frame, steps: list[dict[str, Json]], at: int) -> Step:
    """A step. PostHog lists the times between the steps that are not optional, one after the other from the second
    step on; they are put where they belong."""
    people = int(cast("float", steps[at].get("count") or 0))
    needed = mandatory(frame.question)
    place = needed.index(at) if at in needed else 0
    if not place:
        return Step(people)
    timed = steps[place]
    return Step(people, seconds(timed.get("average_conversion_time")), seconds(timed.get("median_conversion_time")))


def seconds(value: Json) -> float | None:
    """A time; None where there is none."""
    return float(value) if isinstance(value, int | float) and value == value else None


def value_of(frame: Frame, found: Mapping[str, Json], none: tuple[str, ...] = ()) -> str:
    """A breakdown value as text, empty where there is none; `none` are further texts that stand for no value."""
    given = frame.question.breakdowns
    if not given:
        return ""
    value = found.get("breakdown_value", found.get("breakdown"))
    if given[0].type == "cohort":
        if isinstance(value, int | float):
            return frame.catalogue.cohorts.get(int(value), "all") if value else "all"
        return "all" if value == "all" else str(found.get("breakdown", value))
    parts = value if isinstance(value, list) else [value]
    texts = ["" if part is None or part in none else str(part) for part in parts]
    return "::".join(LABELS.get(text, text) for text in texts) or NONE


def native_bins(response: Mapping[str, Json]) -> tuple[list[tuple[float, int]], float]:
    """(first second, people) of the bins, and the average."""
    results = cast("Mapping[str, Json]", response.get("results") or {})
    bins = cast("list[list[float]]", results.get("bins") or [])
    average = seconds(results.get("average_conversion_time"))
    return [(float(first), int(people)) for first, people in bins], average or 0.0


def native_rates(frame: Frame, response: Mapping[str, Json]) -> Rates:
    """Rates by interval; PostHog's are per cent."""
    found: Rates = {}
    for line in cast("list[dict[str, Json]]", response.get("results") or []):
        days = [day_label(frame, str(each)) for each in cast("list[Json]", line.get("days") or [])]
        values = [round(float(each) / 100, 6) for each in cast("list[float]", line.get("data") or [])]
        found[value_of(frame, line, none=("None",))] = dict(zip(days, values, strict=False))
    return found
