"""Funnels: how many people went through steps, where they were lost, how long it took, and how it changes.

Source of the semantics: PostHog's `hogql_queries/insights/funnels` and its funnel function (`funnel-udf`). Steps and
their windows lie within the range; a person counts once, with their furthest attempt; whose furthest attempt an
exclusion broke is left out altogether. What differs: an instant is an exact one here, where PostHog's newest function
takes events up to 50 ms apart as simultaneous; rates by entry have a breakdown's rest as `(other)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from posthog_mcp.errors import InvalidInput
from posthog_mcp.hogql.spelling import text_literal
from posthog_mcp.insights.answer import Answer
from posthog_mcp.insights.frame import OTHER, Frame
from posthog_mcp.insights.funnel_native import native_bins, native_lines, native_query, native_rates
from posthog_mcp.insights.funnel_over_time import Rates, rates_answer, times_answer
from posthog_mcp.insights.funnel_query import mandatory, people, steps_query, time_query, trend_query
from posthog_mcp.insights.funnel_table import Lines, Step, answer_of
from posthog_mcp.insights.question import Question, Series
from posthog_mcp.insights.trends import period_label
from posthog_mcp.results import Json

MATHS = ("total", "first_time_for_user")


class Funnel:
    """The kind `funnel`."""

    def hogql(self, frame: Frame) -> str:
        """Steps: a row a breakdown value, with people, averages and medians of all steps. Time to convert: a row a bin.
        Trend: a row a breakdown value and interval in which somebody entered."""
        require(frame)
        views = {"steps": steps_query, "time_to_convert": time_query, "trend": trend_query}
        return views[frame.question.funnel_view](frame)

    def read(self, frame: Frame, rows: Sequence[Sequence[Json]]) -> Answer:
        if frame.question.funnel_view == "time_to_convert":
            bins = [(number(first) or 0.0, scaled(frame, people)) for first, people, _ in rows]
            return times_answer(frame, bins, next((number(row[2]) or 0.0 for row in rows), 0.0))
        if frame.question.funnel_view == "trend":
            return rates_answer(frame, rates_of(frame, rows))
        return answer_of(frame, lines_of(frame, rows))

    def native(self, frame: Frame) -> dict[str, Json]:
        require(frame)
        return native_query(frame)

    def read_native(self, frame: Frame, response: Mapping[str, Json]) -> Answer:
        if frame.question.funnel_view == "time_to_convert":
            return times_answer(frame, *native_bins(response))
        if frame.question.funnel_view == "trend":
            return rates_answer(frame, native_rates(frame, response))
        return answer_of(frame, native_lines(frame, response))

    def actors(self, frame: Frame, step: int, dropped: bool = False, breakdown: str = "") -> str:
        """HogQL for the person_id of those who reached a step (from 1), or who were lost before it; with a breakdown
        value, of those who have it.

        Raises:
            InvalidInput: the question cannot be asked, or has no such step or value; nobody is lost before the first.
        """
        require(frame)
        count = len(frame.question.series)
        if not 1 + dropped <= step <= count:
            raise InvalidInput(f"There is no step {step} here.", fix=f"Use {1 + dropped} to {count}.")
        reached = f"bitTest(reached, {step - 1})"
        if dropped:
            before = max(at for at in mandatory(frame.question) if at < step - 1)
            reached = f"bitTest(reached, {before}) AND NOT {reached}"
        if breakdown == OTHER or (breakdown and not frame.question.breakdowns):
            raise InvalidInput(f"{breakdown!r} is no breakdown value here.", fix="Give a value of the answer, or none.")
        if breakdown:
            reached += f" AND breakdown = {text_literal(breakdown)}"
        return f"SELECT DISTINCT person_id FROM ({people(frame)}) WHERE {reached} ORDER BY person_id"


def lines_of(frame: Frame, rows: Sequence[Sequence[Json]]) -> Lines:
    """Steps from the rows of `steps_query`."""
    question = frame.question
    count, timed = len(question.series), mandatory(question)[1:]
    found: Lines = {}
    for breakdown, *cells in rows:
        averages = dict(zip(timed, map(number, cells[count : count + len(timed)]), strict=True))
        medians = dict(zip(timed, map(number, cells[count + len(timed) :]), strict=True))
        found[str(breakdown)] = [
            Step(scaled(frame, cells[at]), averages.get(at), medians.get(at)) for at in range(count)
        ]
    return found


def rates_of(frame: Frame, rows: Sequence[Sequence[Json]]) -> Rates:
    """Rates from the rows of `trend_query`, rounded as PostHog rounds them."""
    found: Rates = {}
    for breakdown, entry, entered, came in rows:
        rate = round((number(came) or 0.0) / (number(entered) or 1.0), 4)
        found.setdefault(str(breakdown), {})[period_label(frame, str(entry))] = rate
    return found


def number(value: Json) -> float | None:
    """A number; None for none and for the average of nothing."""
    found = float(value) if isinstance(value, int | float | str) and value != "" else None
    return found if found == found else None


def scaled(frame: Frame, value: Json) -> int:
    """People of a sample stand for all."""
    return round((number(value) or 0.0) / frame.question.sampling)


def require(frame: Frame) -> None:
    """The question is one that PostHog answers too.

    Raises:
        InvalidInput: a math, breakdown, exclusion or optional step that funnels do not have.
    """
    question = frame.question
    for each in question.series:
        if each.math not in MATHS:
            raise InvalidInput(f"A funnel's step cannot have math {each.math!r}.", fix=f"Use {' or '.join(MATHS)}.")
    cohorts = [each.type == "cohort" for each in question.breakdowns]
    if len(cohorts) > 1 and not all(cohorts):
        raise InvalidInput("A funnel takes one breakdown.", fix="Give one property, or only cohorts.")
    if cohorts and question.funnel_view == "time_to_convert":
        raise InvalidInput("The time to convert has no breakdown.", fix="Filter by a value instead, or use view steps.")
    require_exclusions(question)
    require_optional(question)


def require_exclusions(question: Question) -> None:
    """Exclusions lie between steps and are no step there.

    Raises:
        InvalidInput: one does not.
    """
    count = len(question.series)
    for each in question.exclusions:
        if not 1 <= each.from_step < each.to_step <= count:
            told = f"An exclusion from step {each.from_step} to {each.to_step} is not between the steps 1 to {count}."
            raise InvalidInput(told, fix="Give from_step and to_step counted from 1, the first smaller.")
        if question.funnel_order == "unordered" and (each.from_step, each.to_step) != (1, count):
            fix = f"Use from_step 1 and to_step {count}, or an ordered funnel."
            raise InvalidInput("Where steps have no order, an exclusion lies between the first and the last.", fix=fix)
        between = question.series[each.from_step - 1 : each.to_step]
        if any(same(step, each.event) for step in between):
            raise InvalidInput(f"{each.event!r} is a step and cannot be excluded there.", fix="Exclude another event.")


def same(step: Series, event: str) -> bool:
    """A step that is this event, whatever its properties."""
    return step.action is None and step.event in ("", event) and not step.filters


def require_optional(question: Question) -> None:
    """Optional steps are where PostHog can have them.

    Raises:
        InvalidInput: one is not.
    """
    series = question.series
    if not any(each.optional for each in series):
        return
    if question.funnel_view != "steps" or question.funnel_order == "unordered":
        fix = "Use view steps with order ordered or strict, or leave `optional` out."
        raise InvalidInput("Optional steps need an order and the view steps.", fix=fix)
    if series[0].optional or all(each.optional for each in series[1:]):
        raise InvalidInput("The first step, and one more, cannot be optional.", fix="Leave `optional` out of them.")
    for each, following in pairwise(series):
        if each.optional and each.model_copy(update={"optional": False}) == following:
            raise InvalidInput("An optional step cannot be the same as the step after it.", fix="Leave one out.")
