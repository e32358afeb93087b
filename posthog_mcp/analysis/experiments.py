"""What an experiment says of itself: its groups and who counts as exposed to them, its time, and its own metrics.

Source: PostHog's public schema of experiments (`ExperimentMetric`: mean, funnel, ratio, retention;
`exposure_criteria`), and the earlier form whose metrics are insights' queries.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from posthog_mcp.errors import InvalidInput
from posthog_mcp.insights.frame import Frame
from posthog_mcp.insights.from_native import filters_from, question_from, series_from
from posthog_mcp.insights.funnel_events import SECONDS
from posthog_mcp.insights.native import series_node
from posthog_mcp.insights.question import Breakdown, Filter, Question, question_of
from posthog_mcp.results import Json

Measure = Literal["auto", "conversion", "mean", "ratio"]
Body = Mapping[str, Json]
CALLED = "$feature_flag_called"
LONGEST_WINDOW = 1000
"""Days of a funnel's window where the experiment has none."""
LEGACY = {"ExperimentTrendsQuery": "count_query", "ExperimentFunnelsQuery": "funnels_query"}


@dataclass(frozen=True, slots=True)
class Groups:
    """What people are divided by: a flag with the shares that it was planned with, or a property (`dimension`). Who
    met `event` under `conditions` is exposed to a flag; who saw two variants is left out, or, with `first_seen`, counts
    for the first."""

    name: str
    flag: str = ""
    planned: tuple[tuple[str, float], ...] = ()
    dimension: Breakdown | None = None
    started: str = ""
    ended: str = ""
    event: str = CALLED
    conditions: tuple[Filter, ...] = ()
    first_seen: bool = False
    holdout: str = ""
    experiment: Body | None = None


@dataclass(frozen=True, slots=True)
class Goal:
    """What groups are compared by. `native` is it as PostHog's ExperimentMetric; `question` is None where `unread` says
    why it cannot be counted here; `window` is seconds after the exposure in which it counts (0: all); `aside` is what
    PostHog does with it and this does not."""

    name: str
    question: Question | None
    measure: Measure = "auto"
    native: dict[str, Json] | None = None
    lower_is_better: bool = False
    window: int = 0
    unread: str = ""
    aside: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    """Names of the experiment's other metrics."""


def part(body: Json | Body, name: str) -> Body:
    found = body.get(name) if isinstance(body, Mapping) else None
    return found if isinstance(found, dict) else {}


def listed(value: Json) -> list[dict[str, Json]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def groups_of_experiment(name: str, experiment: Body) -> Groups:
    """The groups of an experiment, as its exposure criteria have them."""
    flag = part(experiment, "feature_flag")
    variants = part(experiment, "parameters").get("feature_flag_variants")
    planned = variants or part(part(flag, "filters"), "multivariate").get("variants")
    criteria = part(experiment, "exposure_criteria")
    own = part(criteria, "exposure_config")
    holdout = experiment.get("holdout_id") or part(experiment, "holdout").get("id")
    return Groups(
        name,
        str(experiment.get("feature_flag_key") or flag.get("key") or ""),
        planned_of(planned),
        started=str(experiment.get("start_date") or ""),
        ended=str(experiment.get("end_date") or ""),
        event=str(own.get("event") or CALLED),
        conditions=tuple(Filter.model_validate(each) for each in filters_from(own.get("properties"))),
        first_seen=criteria.get("multiple_variant_handling") == "first_seen",
        holdout=f"holdout-{holdout}" if holdout else "",
        experiment=experiment,
    )


def planned_of(variants: Json) -> tuple[tuple[str, float], ...]:
    """The variants' planned shares."""
    return tuple((str(each.get("key")), float(str(each.get("rollout_percentage") or 0))) for each in listed(variants))


def own_goals(experiment: Body) -> list[Goal]:
    """The experiment's primary metrics, its first one first."""
    saved = [
        part(each, "query") for each in listed(experiment.get("saved_metrics"))
        if part(each, "metadata").get("type", "primary") == "primary"
    ]  # fmt: skip
    metrics = [*listed(experiment.get("metrics")), *(each for each in saved if each)]
    order = experiment.get("primary_metrics_ordered_uuids")
    places = [str(each) for each in order] if isinstance(order, list) else []
    metrics.sort(
        key=lambda each: places.index(str(each.get("uuid"))) if str(each.get("uuid")) in places else len(places)
    )
    found = [goal_of(each, experiment) for each in metrics]
    names = [each.name for each in found]
    return [
        replace(each, others=tuple(name for at, name in enumerate(names) if at != place))
        for place, each in enumerate(found)
    ]


def goal_of(metric: Body, experiment: Body) -> Goal:
    """One of its metrics."""
    kind = str(metric.get("metric_type") or metric.get("kind") or "")
    name = str(metric.get("name") or metric.get("custom_name") or "")
    native = None if metric.get("kind") in LEGACY else dict(metric)
    lower = metric.get("goal") == "decrease"
    aside = tuple(set_apart(metric, experiment))
    try:
        require_people(experiment)
        question, measure = read(kind, metric)
    except InvalidInput as error:
        return Goal(name or kind, None, native=native, lower_is_better=lower, unread=error.message, aside=aside)
    return Goal(name or label_of(question), question, measure, native, lower, window_of(metric), aside=aside)


def require_people(experiment: Body) -> None:
    """The experiment divides people.

    Raises:
        InvalidInput: it divides groups of them.
    """
    if part(part(experiment, "feature_flag"), "filters").get("aggregation_group_type_index") is not None:
        raise InvalidInput("its unit is a group, not a person")


def read(kind: str, metric: Body) -> tuple[Question, Measure]:
    """A metric as a question, and what its values are.

    Raises:
        InvalidInput: it cannot be counted here.
    """
    if kind in LEGACY:
        question = question_from(part(metric, LEGACY[kind]))
        return question, "conversion" if question.kind == "funnel" else "mean"
    if kind == "mean":
        return asked("trends", [part(metric, "source")]), "mean"
    if kind == "ratio":
        return asked("trends", [part(metric, "numerator"), part(metric, "denominator")], formula="A / B"), "ratio"
    if kind == "funnel":
        if metric.get("funnel_order_type") not in (None, "ordered"):
            raise InvalidInput(
                f"a funnel whose order is {metric['funnel_order_type']} is not counted after an exposure"
            )
        steps = listed(metric.get("series"))
        if len(steps) == 1:
            return asked("trends", [{**steps[0], "math": None}]), "conversion"
        window = {"funnel_window": LONGEST_WINDOW, "funnel_window_unit": "day"}
        if metric.get("conversion_window"):
            unit = metric.get("conversion_window_unit") or "day"
            window = {"funnel_window": metric["conversion_window"], "funnel_window_unit": unit}
        return asked("funnel", steps, **window), "conversion"
    raise InvalidInput(f"metrics of type {kind or 'unknown'} are not counted here")


def asked(kind: str, nodes: Sequence[Body], **more: Any) -> Question:
    return question_of({"kind": kind, "series": [series_from(each) for each in nodes], **more})


def window_of(metric: Body) -> int:
    """Seconds of its conversion window; 0 where it has none."""
    length, unit = metric.get("conversion_window"), metric.get("conversion_window_unit")
    seconds = next((each for name, each in SECONDS.items() if name == unit), SECONDS["day"])
    return int(length * seconds) if isinstance(length, int | float) else 0


def set_apart(metric: Body, experiment: Body) -> Iterator[str]:
    """What PostHog does and is not done here."""
    if part(experiment, "exposure_criteria").get("filterTestAccounts") is True:
        yield "PostHog leaves test accounts out"
    if metric.get("lower_bound_percentile") is not None or metric.get("upper_bound_percentile") is not None:
        yield "PostHog cuts outliers at percentiles"
    if part(part(experiment, "stats_config"), "cuped").get("enabled") is True:
        yield "PostHog takes out what was known before the exposure (CUPED)"


def label_of(question: Question) -> str:
    return " → ".join(each.label for each in question.series) if question.kind == "funnel" else question.series[0].label


def native_of(frame: Frame, measure: Measure) -> dict[str, Json] | None:
    """A question as PostHog's ExperimentMetric; None where it has no such form."""
    question = frame.question
    if question.kind not in ("trends", "funnel") or question.exclusions:
        return None
    nodes: list[Json] = []
    for each in question.series:
        plain = {"math": "total"} if measure == "conversion" else {}
        nodes.append(
            series_node(frame, each.model_copy(update={**plain, "filters": [*each.filters, *question.filters]}))
        )
    made: dict[str, Json] = {"kind": "ExperimentMetric"}
    if question.kind == "funnel":
        made |= {"metric_type": "funnel", "series": nodes, "funnel_order_type": question.funnel_order}
        return {
            **made,
            "conversion_window": question.funnel_window,
            "conversion_window_unit": question.funnel_window_unit,
        }
    if measure == "conversion":
        return {**made, "metric_type": "funnel", "series": nodes}
    if measure == "ratio":
        return {**made, "metric_type": "ratio", "numerator": nodes[0], "denominator": nodes[1]}
    return {**made, "metric_type": "mean", "source": nodes[0]}
