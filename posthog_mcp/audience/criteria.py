"""Plain criteria: conditions on properties and on what was done, as HogQL for the preview and as a PostHog cohort.

The cohort's filters have PostHog's own shapes (`products/cohorts` API: person, behavioral). What is done "in the last N
days" begins with the day N days ago in the project's time zone there, so it does here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from posthog_mcp.errors import InvalidInput
from posthog_mcp.hogql.spelling import text_literal
from posthog_mcp.insights.frame import Frame
from posthog_mcp.insights.question import Filter
from posthog_mcp.results import Json
from posthog_mcp.safety.masking import Masking

COUNTS = {"": ">=", "gte": ">=", "lte": "<=", "gt": ">", "lt": "<", "exact": "="}
SAID = {"": "at least", "gte": "at least", "lte": "at most", "gt": "more than", "lt": "fewer than", "exact": "exactly"}
FIX = '{"key": "plan", "value": "free"} or {"event": "signed_up", "days": 30, "times": 1, "operator": "gte"}'
Kind = Literal["dynamic", "behavioural", "query"]


class Criterion(BaseModel):
    """One condition: a person property (`key`, `value`, `operator`), or something done (`event`, `operator` so many
    `times` in the last `days`; times 0: not done). `operator` is exact for properties, gte for counts unless given."""

    model_config = ConfigDict(extra="forbid")

    key: str = ""
    value: Any = None
    operator: str = ""
    event: str = ""
    days: int = Field(default=30, ge=1, le=730)
    times: int = Field(default=1, ge=0)

    @property
    def negative(self) -> bool:
        return bool(self.event) and self.times == 0


def criterion(given: Mapping[str, Any]) -> Criterion:
    """A condition from arguments.

    Raises:
        InvalidInput: it is neither a property nor an event, or cannot be read.
    """
    try:
        made = Criterion.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise InvalidInput(
            f"The criterion of {about(given)} cannot be read: {place}: {first['msg']}.", fix=FIX
        ) from None
    if bool(made.key) == bool(made.event):
        raise InvalidInput(f"The criterion of {about(given)} needs a key or an event, and one of them.", fix=FIX)
    if made.event and (made.operator not in COUNTS or (made.times == 0 and made.operator not in ("", "exact", "lte"))):
        fix = f"Counts take {', '.join(filter(None, COUNTS))}; times 0 means that it was not done."
        raise InvalidInput(f"The criterion of {about(given)} has no such count.", fix=fix)
    return made


def about(given: Mapping[str, Any]) -> str:
    """What a condition is about, for an error; never its value, which may be somebody's."""
    return " and ".join(repr(given[name]) for name in ("key", "event") if given.get(name)) or "nothing"


def selected(frame: Frame, criteria: Sequence[Criterion]) -> str:
    """HogQL of the people for whom all hold.

    Raises:
        InvalidInput: a property condition cannot be applied.
    """
    return f"SELECT id AS person_id FROM persons WHERE {' AND '.join(condition(frame, each) for each in criteria)}"


def condition(frame: Frame, each: Criterion) -> str:
    if each.key:
        made = Filter(key=each.key, value=each.value, operator=each.operator or "exact", type="person")
        return frame.filter(made).replace("person.properties.", "properties.")
    span = f"timestamp >= toStartOfDay(now() - toIntervalDay({each.days})) AND timestamp <= now() + toIntervalSecond(5)"
    did = f"SELECT person_id FROM events WHERE event = {text_literal(each.event)} AND {span} GROUP BY person_id"
    if each.negative:
        return f"id NOT IN ({did})"
    return f"id IN ({did} HAVING count() {COUNTS[each.operator]} {each.times})"


def cohort_of(criteria: Sequence[Criterion]) -> tuple[Kind, dict[str, Json] | None]:
    """How PostHog keeps them: filters of properties (`dynamic`) or with behaviour (`behavioural`). PostHog refuses
    filters that only say what was not done; those become a `query`, without filters here."""
    if all(each.negative for each in criteria):
        return "query", None
    inner: Json = {"type": "AND", "values": [leaf(each) for each in criteria]}
    kind: Kind = "behavioural" if any(each.event for each in criteria) else "dynamic"
    return kind, {"properties": {"type": "OR", "values": [inner]}}


def leaf(each: Criterion) -> Json:
    """One condition in PostHog's shape."""
    if each.key:
        return {"type": "person", "key": each.key, "value": each.value, "operator": each.operator or "exact"}
    told: dict[str, Json] = {"type": "behavioral", "key": each.event, "event_type": "events", "negation": each.negative}
    told |= {"time_value": each.days, "time_interval": "day", "explicit_datetime": f"-{each.days}d"}
    if each.negative or (each.times == 1 and each.operator in ("", "gte")):
        return {**told, "value": "performed_event"}
    count: dict[str, Json] = {"operator": each.operator or "gte", "operator_value": each.times}
    return {**told, "value": "performed_event_multiple", **count}


def words(each: Criterion, masking: Masking | None = None) -> str:
    """A condition for the person; it becomes the cohort's description, which everybody reads."""
    if each.key:
        value = each.value if masking is None else masking.under(each.key, each.value, person=True)
        return f"{each.key} {each.operator or 'exact'} {json.dumps(value, ensure_ascii=False)}"
    if each.negative:
        return f"did not do {each.event} in {each.days} days"
    least = " (and at least once)" if each.operator in ("lte", "lt") else ""
    return f"did {each.event} {SAID[each.operator]} {each.times} times{least} in {each.days} days"
