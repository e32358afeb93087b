"""HogQL of the ordinary funnel, in array functions: steps in order, of which no event can be two, and nothing else.

The same attempts as `funnel_walk` tells, at a fraction of its cost: what its fold carries from moment to moment stands
here in arrays as long as the moments. For each step after the first, one that holds at every moment that takes an
attempt to this step the attempt's first moment, and 0 elsewhere; filled, it says which attempt waits for the next step.
The furthest attempt is the first one of the last step that has any. A moment is one number: the time in microseconds,
and the step in its last digits, so that moments of one instant are in the order of their steps.
"""

from __future__ import annotations

from collections.abc import Sequence

from posthog_mcp.hogql.spelling import text_literal
from posthog_mcp.insights.frame import NONE, Frame, conjunction, is_constant
from posthog_mcp.insights.funnel_events import conditions_of, step_condition, window

SLOTS = 64
"""What a time is multiplied by to make room for the step."""
TIME = "reinterpretAsInt64(timestamp)"
"""Microseconds: the ticks of an event's DateTime64(6)."""


def direct_people(frame: Frame, value: str, more: Sequence[str]) -> str:
    """A SELECT of the people who entered: person_id, breakdown, reached, gaps (see `funnel_query.people`; gaps of
    steps that were not reached are not above 0). `value` is a breakdown's HogQL, `more` are further conditions."""
    question = frame.question
    steps = range(2, len(question.series) + 1)
    found, kept = moments(frame, value, more), "person_id, breakdown, moments"
    waiting = f"arrayFill(x -> {is_step('x', 1)}, moments)"
    first = f"arrayFirst(x -> {is_step('x', 1)}, moments) AS s1"
    for step in steps:
        near = window(question) // 1000 * SLOTS + step - 1
        begun = "" if step > 2 else f" AND {is_step('a', 1)}"
        taken = f"{is_step('x', step)}{begun} AND a >= x - {near}"
        attempts = f"arrayMap((x, a) -> CASE WHEN {taken} THEN a ELSE 0 END, moments, {waiting}) AS c{step}"
        found = f"SELECT {kept}, {first}, {attempts} FROM ({found})"
        kept += f", s{step - 1}, c{step}"
        waiting, first = f"arrayFill(x -> x > 0, c{step})", f"arrayFirst(x -> x > 0, c{step}) AS s{step}"
    starts = " ".join(f"WHEN s{step} > 0 THEN s{step}" for step in reversed(steps))
    reached = " ".join(f"WHEN s{step} > 0 THEN {(1 << step) - 1}" for step in reversed(steps))
    columns = f"{first}, CASE {starts} ELSE s1 END AS start, CASE {reached} ELSE 1 END AS reached"
    found = f"SELECT {kept}, {columns} FROM ({found}) WHERE s1 > 0"
    keys = ", ".join(["start", *(f"moments[indexOf(c{step}, start)]" for step in steps)])
    gaps = f"arrayDifference(arrayMap(x -> intDiv(x, {SLOTS}), [{keys}])) AS gaps"
    return f"SELECT person_id, breakdown, reached, {gaps} FROM ({found})"


def is_step(moment: str, step: int) -> str:
    return f"bitAnd({moment}, {SLOTS - 1}) = {step}"


def moments(frame: Frame, value: str, more: Sequence[str]) -> str:
    """A SELECT of person_id, moments in order, and breakdown: the first value that a person has."""
    series = frame.question.series
    cases = [f"WHEN {step_condition(frame, each)} THEN {at}" for at, each in enumerate(series[:-1], start=1)]
    moment = f"{TIME} * {SLOTS} + CASE {' '.join(cases)} ELSE {len(series)} END"
    where = conjunction(conditions_of(frame, more))
    if not value or is_constant(value):
        breakdown = value if value not in ("", "''") else text_literal(NONE if value else "")
        moments = f"arraySort(groupArray({moment})) AS moments"
        return f"SELECT person_id, {breakdown} AS breakdown, {moments} FROM events {where} GROUP BY person_id"
    # Of one instant the greatest value counts.
    columns = f"person_id, {TIME} AS time, groupArray({moment}) AS some, max({value}) AS value"
    found = f"SELECT {columns} FROM events {where} GROUP BY person_id, time"
    touch = f"argMinIf(value, time, value != {text_literal(NONE)})"
    breakdown = f"ifNull(nullIf({touch}, ''), {text_literal(NONE)}) AS breakdown"
    moments = "arraySort(arrayFlatten(groupArray(some))) AS moments"
    return f"SELECT person_id, {breakdown}, {moments} FROM ({found}) GROUP BY person_id"
