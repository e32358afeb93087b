"""What a cohort's definition means, as HogQL: the people it holds.

Understood: a list of person ids (static), a HogQL query whose first column is a person id, and AND or OR groups of
person properties, of what people did (`cohort_behaviour.py`) and of other cohorts, each possibly negated. Other
conditions are refused by name: guessing them would give wrong people.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import cast

from posthog_mcp.backends.local.cohort_behaviour import people_who
from posthog_mcp.errors import InvalidInput
from posthog_mcp.results import Json

Body = Mapping[str, Json]
PersonIds = Callable[[str, Sequence[Body]], Awaitable[list[str]]]
"""Runs a HogQL text with property filters; gives the first column. Refuses a filter that it cannot apply."""

EVERYBODY = "SELECT toString(id) FROM persons"
HAVING = "SELECT toString(id) FROM persons WHERE {filters}"
IN_COHORT = "SELECT toString(id) FROM persons WHERE id IN COHORT %d"
FIX = "Use person properties, what people did, other cohorts, or a HogQL query in `query`."


MOVING = re.compile(r"behavioral|\bnow\(|\btoday\(|is_date_", re.IGNORECASE)


def moves_with_time(cohort: Body) -> bool:
    """Whether its people change without a new event, because its definition counts from now."""
    dynamic = not cohort.get("is_static")
    return dynamic and bool(MOVING.search(json.dumps([cohort.get("filters"), cohort.get("query")])))


def names_a_cohort(cohort: Body) -> bool:
    """Whether its definition may refer to another cohort."""
    return "cohort" in json.dumps([cohort.get("filters"), cohort.get("query")]).lower()


async def members(cohort: Body, run: PersonIds) -> set[str]:
    """Person ids of a cohort.

    Raises:
        InvalidInput: it holds a condition that the embedded project cannot work out.
    """
    if cohort.get("is_static"):
        return person_ids(cast("Sequence[Json]", cohort.get("_create_static_person_ids") or []))
    query = cohort.get("query")
    if isinstance(query, dict):
        return person_ids(await run(hogql_of(query), []))
    if cohort.get("groups"):
        wrong = refused("an old-style group")
        raise wrong
    filters = cohort.get("filters")
    group = filters.get("properties") if isinstance(filters, dict) else None
    return await group_members(group, run) if isinstance(group, dict) and group else set()


def hogql_of(query: Body) -> str:
    """The HogQL text inside a query node.

    Raises:
        InvalidInput: it is another kind of query.
    """
    inner = query
    while isinstance(source := inner.get("source"), dict):
        inner = source
    text = inner.get("query")
    if inner.get("kind") != "HogQLQuery" or not isinstance(text, str):
        wrong = refused(f"a query of kind {inner.get('kind')!r}")
        raise wrong
    return text


def person_ids(found: Sequence[Json]) -> set[str]:
    """UUIDs in one spelling.

    Raises:
        InvalidInput: one is not a UUID.
    """
    try:
        return {str(uuid.UUID(str(each))) for each in found}
    except ValueError:
        message = "A cohort's query must give person ids in its first column."
        raise InvalidInput(message, fix="Begin with SELECT person_id.", context={"attr": "query"}) from None


async def group_members(group: Body, run: PersonIds) -> set[str]:
    """People of an AND or OR group, or of one condition.

    Raises:
        InvalidInput: a condition cannot be worked out here.
    """
    kind = group.get("type")
    if kind in {"AND", "OR"}:
        parts = [await group_members(each, run) for each in cast("list[Body]", group.get("values") or [])]
        if not parts:
            return set()
        return parts[0].intersection(*parts[1:]) if kind == "AND" else parts[0].union(*parts[1:])
    if kind == "person":
        found = person_ids(await run(HAVING, [group]))
    elif kind == "cohort" and str(group.get("value")).isdecimal():
        found = person_ids(await run(IN_COHORT % int(str(group["value"])), []))
    elif kind == "behavioral":
        found = person_ids(await run(people_who(group), event_filters(group)))
    else:
        wrong = refused(f"a condition of type {kind!r}")
        raise wrong
    return person_ids(await run(EVERYBODY, [])) - found if group.get("negation") else found


def event_filters(condition: Body) -> list[Body]:
    given = condition.get("event_filters")
    return [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []


def refused(what: str) -> InvalidInput:
    return InvalidInput(
        f"The embedded project cannot work out {what} in a cohort.", fix=FIX, context={"attr": "filters"}
    )
