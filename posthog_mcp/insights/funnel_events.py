"""HogQL from the events of a funnel to one array of moments a person.

A moment is the array [time, steps, exclusions, key, since, …]: nanoseconds; which steps the event can be and which it
excludes (bit 0 is step 1; the bit after the last step's in `exclusions` says that it ends no strict attempt); the time
with the event's number among those of its instant in the digits below a microsecond; and when a window that ends with
it began; then the bits of steps and exclusions as flags. Where the steps may come in any order each moment is there
four times, with its turn at the end.

Source: PostHog's `hogql_queries/insights/funnels` (which events are looked at, first-time steps, first touch) and
`funnel-udf` (events of one instant are taken in the order of the steps). The query is many shallow SELECTs, because
PostHog's parser in C++ reads a text again for every call that it is nested in.
"""

from __future__ import annotations

from collections.abc import Sequence

from posthog_mcp.hogql.spelling import text_literal
from posthog_mcp.insights.frame import NONE, Frame, conjunction, time_literal
from posthog_mcp.insights.funnel_unordered import TURNS
from posthog_mcp.insights.question import Question, Series, Unit

NANOSECONDS = 1_000_000_000
SECONDS: dict[Unit, int] = {
    "second": 1,
    "minute": 60,
    "hour": 3_600,
    "day": 86_400,
    "week": 7 * 86_400,
    "month": 31 * 86_400,
}
"""Lengths of a window's units, as PostHog has them."""
LONGEST = 30 * 365 * 86_400 * NANOSECONDS


def window(question: Question) -> int:
    """The window in nanoseconds; at most thirty years, so that a window's start is after any time of 0."""
    return min(seconds_of(question) * NANOSECONDS, LONGEST)


def seconds_of(question: Question) -> int:
    """The window in seconds."""
    return question.funnel_window * SECONDS[question.funnel_window_unit]


def moments(frame: Frame, value: str, more: Sequence[str]) -> str:
    """A SELECT of person_id, moments and breakdown. `value` is a breakdown's HogQL, `more` are further conditions."""
    question = frame.question
    steps = len(question.series)
    marks = "groupArray(tuple(_toInt64(steps), _toInt64(exclusions))) AS marks"
    found = f"SELECT person_id, assumeNotNull(toInt(micros)) * 1000 AS time, {marks}, max(value) AS value"
    found = f"{found} FROM ({matching(frame, value, more)}) GROUP BY person_id, time"
    found = f"SELECT person_id, time, value, marks, length(arrayDistinct(marks)) AS kinds FROM ({found})"
    if question.exclusions and question.funnel_order != "unordered":
        found = apart(found, steps)
    # Numbers of events that can be the fewest steps come first: the others are still free for later steps.
    numbers = "arraySort(mark -> bitCount(mark.1), marks) AS sorted, arrayEnumerate(marks) AS numbers"
    found = f"SELECT person_id, time, value, kinds, {numbers} FROM ({found})"
    found = f"SELECT person_id, time, value, kinds, arrayJoin(arrayZip(sorted, numbers)) AS part FROM ({found})"
    columns = "person_id, time, value, part.1.1 AS steps, part.1.2 AS exclusions, time + part.2 AS key"
    if question.funnel_view != "trend" and question.funnel_order != "unordered":
        columns = untied(columns, steps)
    flags = f"arrayMap(at -> bitTest(steps, at), range({steps}))"
    if question.exclusions:
        flags += f", arrayMap(at -> bitTest(exclusions, at), range({steps}))"
    if question.funnel_order == "unordered":
        columns, flags = f"{columns}, arrayJoin({list(TURNS)}) AS turn", f"{flags}, [turn]"
    found = f"SELECT {columns} FROM ({found})"
    moment = f"arrayConcat([time, steps, exclusions, key, time - {window(question)}], {flags}) AS moment"
    found = f"SELECT person_id, time, value, {moment} FROM ({found})"
    touch = f"argMinIf(value, time, value != {text_literal(NONE)})"
    breakdown = f"ifNull(nullIf({touch}, ''), {text_literal(NONE)})" if value else "''"
    every = "arraySort(groupArray(moment)) AS moments"
    return f"SELECT person_id, {every}, {breakdown} AS breakdown FROM ({found}) GROUP BY person_id"


def matching(frame: Frame, value: str, more: Sequence[str]) -> str:
    """A SELECT of the events that are looked at."""
    series = frame.question.series
    steps = [step_condition(frame, each) for each in series]
    excluded = [exclusion_condition(frame, at) for at in range(len(series))]
    time = "round(toFloat(timestamp) * 1000000) AS micros"
    columns = f"person_id, {time}, {bits(steps)} AS steps, {bits(excluded)} AS exclusions"
    shown = value or "''"
    return f"SELECT {columns}, {shown} AS value FROM events {conjunction(conditions_of(frame, more))}"


def conditions_of(frame: Frame, more: Sequence[str]) -> list[str]:
    """Which events are looked at. Strict funnels look at all, for any other event ends an attempt."""
    series = frame.question.series
    found = [frame.within(frame.span, whole=False), *frame.events(Series()), *more]
    if frame.question.funnel_order != "strict":
        excluded = [exclusion_condition(frame, at) for at in range(len(series))]
        wanted = [*(step_condition(frame, each) for each in series), *excluded]
        found.append(f"({' OR '.join(filter(None, wanted))})")
    return found


def bits(conditions: Sequence[str]) -> str:
    """A number with a bit for each condition that holds."""
    found = [f"CASE WHEN {each} THEN {1 << at} ELSE 0 END" for at, each in enumerate(conditions) if each]
    return " + ".join(found) or "0"


def step_condition(frame: Frame, series: Series) -> str:
    """Whether an event is a step."""
    what = frame.what(series) or "true"
    filters = [frame.filter(each) for each in series.filters]
    conditions = [what, *filters]
    if series.math == "first_time_for_user":
        conditions.append(f"uuid IN ({first_times(frame, what, filters)})")
    return f"({' AND '.join(conditions)})" if len(conditions) > 1 else what


def first_times(frame: Frame, what: str, filters: Sequence[str]) -> str:
    """The first such event ever of each person, where it passes the filters and lies in the range."""
    passing = " AND ".join(filters)
    held = f"min(timestamp) = minIf(timestamp, {passing}) AND " if filters else ""
    return (
        f"SELECT argMin(uuid, timestamp) FROM events WHERE {what} AND timestamp <= {time_literal(frame.span.end)} "
        f"GROUP BY person_id HAVING {held}min(timestamp) >= {time_literal(frame.span.start)}"
    )


def exclusion_condition(frame: Frame, at: int) -> str:
    """Whether an event must not come before step `at` (0 the first); empty: none."""
    found = [
        frame.what(Series(event=each.event))
        for each in frame.question.exclusions
        if each.from_step <= at < each.to_step
    ]
    return f"({' OR '.join(found)})" if found else ""


def apart(found: str, count: int) -> str:
    """An event that is a step and an exclusion as two marks, the exclusion first; that one ends no strict attempt."""
    both = f"[tuple(_toInt64(0), mark.2 + {1 << count}), tuple(mark.1, _toInt64(0))]"
    split = f"arrayMap(mark -> CASE WHEN mark.1 != 0 AND mark.2 != 0 THEN {both} ELSE [mark] END, marks) AS two"
    found = f"SELECT person_id, time, value, kinds, {split} FROM ({found})"
    return f"SELECT person_id, time, value, kinds, arrayFlatten(two) AS marks FROM ({found})"


def untied(columns: str, count: int) -> str:
    """The columns of a moment. Where the events of an instant differ, one row a step that an event can be, so that they
    are taken in the order of the steps; exclusions and other events of that instant are left out."""
    single = f"arrayFilter(bit -> bitAnd(part.1.1, bit) > 0, {[1 << at for at in range(count)]})"
    steps = f"arrayJoin(CASE WHEN kinds = 1 THEN [part.1.1] ELSE {single} END) AS steps"
    exclusions = f"CASE WHEN kinds = 1 THEN part.1.2 ELSE {1 << count} END AS exclusions"
    return columns.replace("part.1.1 AS steps", steps).replace("part.1.2 AS exclusions", exclusions)
