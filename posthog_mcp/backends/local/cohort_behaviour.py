"""Conditions on what people did, as HogQL that gives their person ids.

The shapes and their meaning are PostHog's (`hogql_queries/hogql_cohort_query.py`): a range of days, weeks, months or
years begins with the day in the project's time zone, one of hours at the hour's minute; nobody who did an event zero
times is counted by `at most`. What would have to be guessed (sequences, regular use, an end of the range) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from posthog_mcp.errors import InvalidInput
from posthog_mcp.hogql.spelling import text_literal
from posthog_mcp.results import Json

Body = Mapping[str, Json]

COUNTS = {"gte": ">=", "lte": "<=", "gt": ">", "lt": "<", "eq": "=", "exact": "=", "": "="}
UNITS = {"hour": "Hour", "day": "Day", "week": "Week", "month": "Month", "year": "Year"}
LETTERS = {"h": "hour", "d": "day", "w": "week", "m": "month", "y": "year"}
RELATIVE = re.compile(r"^-(\d{1,4})([hdwmy])$")
FIX = (
    "Use performed_event, performed_event_multiple, performed_event_first_time, stopped_performing_event or "
    "restarted_performing_event with time_value and time_interval (hour, day, week, month, year)."
)
UPTO = "timestamp <= now() + toIntervalSecond(5)"
WHO = "SELECT toString(person_id) FROM events WHERE"


def people_who(condition: Body) -> str:
    """The person ids of a behavioural condition, `{filters}` standing for its `event_filters`; negation left out.

    Raises:
        InvalidInput: it cannot be worked out here.
    """
    made = KINDS.get(str(condition.get("value")))
    if made is None:
        wrong = refused(f"the behaviour {condition.get('value')!r}")
        raise wrong
    if condition.get("explicit_datetime_to"):
        wrong = refused("a behaviour with explicit_datetime_to")
        raise wrong
    return made(condition)


def performed(condition: Body) -> str:
    return f"{WHO} {did(condition)} AND {since(condition)} GROUP BY person_id"


def performed_multiple(condition: Body) -> str:
    sign = COUNTS.get(str(condition.get("operator") or ""))
    if sign is None:
        wrong = refused(f"the count operator {condition.get('operator')!r}")
        raise wrong
    return f"{performed(condition)} HAVING count() {sign} {number(condition, 'operator_value')}"


def first_time(condition: Body) -> str:
    if condition.get("event_filters"):
        wrong = refused("the first time of an event with event_filters")
        raise wrong
    return f"{WHO} {did(condition)} GROUP BY person_id HAVING min(timestamp) >= {begin(condition)}"


def stopped(condition: Body) -> str:
    """Did it in the long range, but not in the recent one (`seq_time_value`)."""
    return f"{performed(condition)} HAVING countIf(timestamp >= {recent(condition)}) = 0"


def restarted(condition: Body) -> str:
    """Did it lately and long ago, but not in between. The day on which the recent range begins is in both ranges."""
    long_ago, lately = begin(condition), recent(condition)
    between = f"timestamp >= {long_ago} AND timestamp < {lately} + toIntervalDay(1)"
    parts = (
        f"countIf(timestamp >= {lately}) > 0",
        f"countIf({between}) = 0",
        f"countIf(timestamp < {long_ago}) > 0",
    )
    return f"{WHO} {did(condition)} GROUP BY person_id HAVING {' AND '.join(parts)}"


KINDS = {
    "performed_event": performed,
    "performed_event_multiple": performed_multiple,
    "performed_event_first_time": first_time,
    "stopped_performing_event": stopped,
    "restarted_performing_event": restarted,
}


def did(condition: Body) -> str:
    """The event or action, up to now, with the filters on it."""
    key, kind = condition.get("key"), condition.get("event_type") or "events"
    if kind == "actions" and str(key).isdecimal():
        what = f"matchesAction({int(str(key))})"
    elif kind == "events" and isinstance(key, str) and key:
        what = f"event = {text_literal(key)}"
    else:
        wrong = refused(f"a behaviour of event_type {kind!r} with the key {key!r}")
        raise wrong
    return f"{what} AND {UPTO}{' AND {filters}' if condition.get('event_filters') else ''}"


def since(condition: Body) -> str:
    return f"timestamp >= {begin(condition)}"


def begin(condition: Body) -> str:
    """Where the range begins: `explicit_datetime` (relative or a date), else `time_value` `time_interval`s ago."""
    explicit = condition.get("explicit_datetime")
    if not explicit:
        return ago(number(condition, "time_value"), str(condition.get("time_interval")))
    found = RELATIVE.match(str(explicit))
    if found:
        return ago(int(found[1]), LETTERS[found[2]])
    try:
        moment = datetime.fromisoformat(str(explicit))
    except ValueError:
        wrong = refused(f"explicit_datetime {str(explicit)[:40]!r}")
        raise wrong from None
    return f"toDateTime({text_literal(moment.isoformat(sep=' ', timespec='seconds'))})"


def recent(condition: Body) -> str:
    return ago(number(condition, "seq_time_value"), str(condition.get("seq_time_interval")))


def ago(count: int, unit: str) -> str:
    if unit not in UNITS:
        wrong = refused(f"the time_interval {unit!r}")
        raise wrong
    back = f"now() - toInterval{UNITS[unit]}({count})"
    return back if unit == "hour" else f"toStartOfDay({back})"


def number(condition: Body, name: str) -> int:
    """A count that must be positive.

    Raises:
        InvalidInput: it is not.
    """
    value = str(condition.get(name))
    if not value.isdecimal() or int(value) <= 0:
        wrong = refused(f"a behaviour whose {name} is {value[:20]}")
        raise wrong
    return int(value)


def refused(what: str) -> InvalidInput:
    return InvalidInput(
        f"The embedded project cannot work out {what} in a cohort.", fix=FIX, context={"attr": "filters"}
    )
