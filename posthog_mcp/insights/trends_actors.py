"""The people behind one value of trends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from posthog_mcp.errors import InvalidInput
from posthog_mcp.hogql.spelling import text_literal
from posthog_mcp.insights.dates import following
from posthog_mcp.insights.frame import Frame, conjunction, time_literal
from posthog_mcp.insights.question import Breakdown

WINDOWS = {"weekly_active": 7, "monthly_active": 30}
"""Days that an active user counts for."""
SEPARATOR = "::"
"""Between the parts of a breakdown by several properties, as PostHog writes it."""


def breakdown_value(frame: Frame, breakdowns: Sequence[Breakdown]) -> str:
    """One text of all breakdowns; empty where there are none."""
    values = [frame.value(each) for each in breakdowns]
    if len(values) > 1:
        return f"concat({f', {text_literal(SEPARATOR)}, '.join(values)})"
    return values[0] if values else "''"


def trends_actors(frame: Frame, period: str, series: int, breakdown: str) -> str:
    """HogQL of the people who did what series number `series` (0 is the first) counts in the interval `period` (a
    label of the answer; empty: the whole range), with this breakdown value.

    Raises:
        InvalidInput: the answer has no such interval or series, or its values are no people.
    """
    question = frame.question
    if not 0 <= series < len(question.series):
        raise InvalidInput(f"There is no series {series}.", fix=f"Give 0 to {len(question.series) - 1}.")
    chosen = question.series[series]
    begun, ended = frame.span.start, frame.span.end
    if period:
        begun = start_of(frame, period)
        ended = following(begun, frame.interval) - timedelta(microseconds=1)
        if chosen.math in WINDOWS:
            ended = following(begun, "day") - timedelta(microseconds=1)
            begun -= timedelta(days=WINDOWS[chosen.math] - 1)
    conditions = [*frame.events(chosen), f"timestamp >= {time_literal(begun)}", f"timestamp <= {time_literal(ended)}"]
    if breakdown and question.breakdowns:
        conditions.append(f"{breakdown_value(frame, question.breakdowns)} = {text_literal(breakdown)}")
    return f"SELECT person_id, count() AS times FROM events {conjunction(conditions)} GROUP BY person_id"


def start_of(frame: Frame, period: str) -> datetime:
    """The start of the interval of this label.

    Raises:
        InvalidInput: there is none.
    """
    found = dict(zip(frame.labels(), frame.starts(), strict=True))
    if period not in found:
        names = list(found)
        raise InvalidInput(f"There is no {frame.interval} {period!r}.", fix=f"Give one of {names[0]} to {names[-1]}.")
    return found[period]
