"""Readings of the embedded API that need an answer of their own, by `GET path` of the endpoint table."""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import cast
from urllib.parse import urlencode

from posthog_mcp.backends.backend import ApiCall, Driver, ListOptions, Page, QueryOptions, Resource
from posthog_mcp.backends.local.object_kinds import KINDS
from posthog_mcp.errors import InvalidInput, NotFound
from posthog_mcp.results import Json

Body = dict[str, Json]
Answer = Callable[[Driver, ApiCall], Awaitable[Json]]
Paged = Callable[[Page, int, int], Json]
EVENTS = (
    "SELECT toString(uuid) AS id, distinct_id, event, formatDateTime(timestamp, '%Y-%m-%dT%H:%i:%S.%fZ', 'UTC') AS at, "
    "properties, elements_chain, toString(person_id) AS person FROM events"
)
MAX_EVENTS = 100
A_MONTH = timedelta(days=30)


async def rows(driver: Driver, text: str, **values: Json) -> list[Body]:
    """Rows of a query as objects; JSON text in `properties` is read."""
    body: Body = {"kind": "HogQLQuery", "query": text, "values": values}
    answer = await driver.query(body, QueryOptions(uuid.uuid4().hex))
    names = [column.name for column in answer.table.columns]
    found = [dict(zip(names, row, strict=True)) for row in answer.table.rows]
    for each in found:
        if isinstance(properties := each.get("properties"), str):
            each["properties"] = json.loads(properties, parse_constant=str)
    return found


async def the_only(driver: Driver, resource: Resource) -> Body:
    return (await driver.list(resource, ListOptions())).items[0]


async def project(driver: Driver, call: ApiCall) -> Json:
    """The project or its organization, whichever the path means."""
    return await the_only(driver, "organizations" if call.endpoint.family == "organizations" else "projects")


async def projects(driver: Driver, call: ApiCall) -> Json:
    del call
    return {"count": 1, "next": None, "previous": None, "results": [await the_only(driver, "projects")]}


async def me(driver: Driver, call: ApiCall) -> Json:
    del call
    return {**await the_only(driver, "users"), "team": await the_only(driver, "projects")}


async def current_key(driver: Driver, call: ApiCall) -> Json:
    del driver, call
    return {"id": "local", "label": "embedded", "scopes": ["*"], "scoped_teams": [1], "scoped_organizations": []}


async def activity(driver: Driver, call: ApiCall, paged: Paged) -> Json:
    """Changes of a kind, or of one object of it."""
    kind = call.endpoint.kind or call.endpoint.short.split("/")[1]
    limit, offset = int(call.params.get("limit", 100)), int(call.params.get("offset", 0))
    if kind not in KINDS:
        return paged(Page([], None, 0), limit, offset)
    filters = {"scope": KINDS[kind].scope}
    if call.values:
        found = await driver.get(cast("Resource", kind), next(iter(call.values.values())))
        filters["item_id"] = str(found["id"])
    page = await driver.list("activity_log", ListOptions(None, limit, str(offset) if offset else None, filters))
    return paged(page, limit, offset)


async def property_values(driver: Driver, call: ApiCall) -> Json:
    """Sample values of a property, most frequent first."""
    family = call.endpoint.family
    scope = {"persons": "person", "sessions": "session"}.get(family, "event")
    if family == "groups":
        scope = f"group_{call.params.get('group_type_index', 0)}"
    found = await driver.property_values(scope, needed(call, "key"), 100)
    part = str(call.params.get("value", "")).casefold()
    fitting: list[Json] = [{"name": value, "count": count} for value, count in found if part in value.casefold()]
    return fitting[:20]


def needed(call: ApiCall, name: str) -> str:
    """A parameter that must be there.

    Raises:
        InvalidInput: it is not.
    """
    value = str(call.params.get(name, ""))
    if not value:
        raise InvalidInput("This field is required.", fix=f"Give `{name}`.", context={"attr": name})
    return value


async def event_by_name(driver: Driver, call: ApiCall) -> Json:
    return await driver.get("event_definitions", needed(call, "name"))


async def cohort_people(driver: Driver, call: ApiCall) -> Json:
    """The people of a cohort, a page at a time."""
    cohort = await driver.get("cohorts", call.values["id"])
    limit, offset = int(call.params.get("limit", 100)), int(call.params.get("offset", 0))
    text = (
        "SELECT toString(id) AS id, created_at, properties FROM persons "
        f"WHERE id IN COHORT {int(str(cohort['id']))} ORDER BY created_at DESC, id LIMIT {limit + 1} OFFSET {offset}"
    )
    found = await rows(driver, text)
    people = [await driver.get("persons", str(each["id"])) for each in found[:limit]]
    path = f"/api/projects/1/cohorts/{cohort['id']}/persons/?limit={limit}&offset="
    following = f"{path}{offset + limit}" if len(found) > limit else None
    previous = f"{path}{max(0, offset - limit)}" if offset else None
    return {"next": following, "previous": previous, "results": cast("list[Json]", people)}


async def cohorts_of_person(driver: Driver, call: ApiCall) -> Json:
    """Cohorts that hold a person."""
    person = needed(call, "person_id")
    page = await driver.list("cohorts", ListOptions(limit=1000))
    held: list[Json] = []
    for each in page.items:
        number = int(str(each["id"]))
        text = f"SELECT count() AS n FROM persons WHERE id = {{person}} AND id IN COHORT {number}"
        if (await rows(driver, text, person=person))[0]["n"]:
            held.append({"id": each["id"], "name": each["name"], "count": each["count"]})
    return {"results": held}


async def group(driver: Driver, call: ApiCall) -> Json:
    """One group by its type and key.

    Raises:
        NotFound: there is none.
    """
    key, filters = needed(call, "group_key"), {"group_type_index": needed(call, "group_type_index")}
    page = await driver.list("groups", ListOptions(search=key, limit=1000, filters=filters))
    for each in page.items:
        if each["group_key"] == key:
            return each
    raise NotFound("Not found.", fix="List the groups with GET P/groups/.")


async def group_properties(driver: Driver, call: ApiCall) -> Json:
    """Names of group properties by group type."""
    del call
    known = (await driver.catalogue()).group_properties
    return {str(index): [{"name": name, "count": 1} for name in found] for index, found in known.items()}


async def session_properties(driver: Driver, call: ApiCall) -> Json:
    del call
    items = (await driver.list("property_definitions", ListOptions(limit=1000, filters={"type": "session"}))).items
    return {"count": len(items), "results": cast("list[Json]", items)}


async def events(driver: Driver, call: ApiCall) -> Json:
    """Newest events of the last day, or between `after` and `before`, as PostHog's deprecated list gives them."""
    limit, offset = min(int(call.params.get("limit", 100)), MAX_EVENTS), int(call.params.get("offset", 0))
    given = {name: str(call.params[name]) for name in EVENT_FILTERS if name in call.params}
    now = datetime.now(UTC)
    for name, default in (("before", now + timedelta(minutes=1)), ("after", now - timedelta(days=1))):
        given[name] = f"{bound(given[name], name) if name in given else default:%Y-%m-%d %H:%M:%S}"
    where = " AND ".join(EVENT_FILTERS[name] for name in given)
    text = f"{EVENTS} WHERE {where} ORDER BY timestamp DESC, id LIMIT {limit + 1} OFFSET {offset}"
    found = await rows(driver, text, **given)
    following = None
    if len(found) > limit:
        place = urlencode({**given, "limit": limit, "offset": offset + limit})
        following = f"/api/projects/1/events/?{place}"
    return {"next": following, "results": cast("list[Json]", [event(each) for each in found[:limit]])}


EVENT_FILTERS: Mapping[str, str] = {
    "event": "event = {event}",
    "distinct_id": "distinct_id = {distinct_id}",
    "person_id": "toString(person_id) = {person_id}",
    "after": "timestamp > toDateTime({after}, 'UTC')",
    "before": "timestamp < toDateTime({before}, 'UTC')",
}


def bound(text: str, name: str) -> datetime:
    """A time of the parameters in UTC.

    Raises:
        InvalidInput: it is none.
    """
    try:
        return moment(text).astimezone(UTC)
    except ValueError:
        raise InvalidInput("Datetime has wrong format.", fix="Give ISO 8601.", context={"attr": name}) from None


def event(row: Body) -> Body:
    person: Body = {"id": row["person"], "distinct_ids": [row["distinct_id"]]}
    return {**{name: value for name, value in row.items() if name != "at"}, "timestamp": row["at"], "person": person}


async def one_event(driver: Driver, call: ApiCall) -> Json:
    """One event by its uuid.

    Raises:
        NotFound: there is none.
    """
    found = await rows(driver, f"{EVENTS} WHERE toString(uuid) = {{id}} LIMIT 1", id=call.values["id"])
    if not found:
        raise NotFound("Not found.", fix="Take the uuid of an event.")
    return event(found[0])


async def tiles(driver: Driver, call: ApiCall) -> Json:
    """A dashboard's tiles; results of insights are not worked out here."""
    dashboard = await driver.get("dashboards", call.values["id"])
    found = dashboard.get("tiles")
    return {"results": found if isinstance(found, list) else []}


async def flag_status(driver: Driver, call: ApiCall) -> Json:
    flag = await driver.get("feature_flags", call.values["id"])
    if flag.get("active"):
        return {"status": "active", "reason": "Flag is active"}
    return {"status": "inactive", "reason": "Flag is disabled"}


async def flag_definitions(driver: Driver, call: ApiCall) -> Json:
    del call
    flags = (await driver.list("feature_flags", ListOptions(limit=1000))).items
    types = (await driver.list("groups_types", ListOptions())).items
    mapping: Body = {str(each["group_type_index"]): each["group_type"] for each in types}
    return {"flags": cast("list[Json]", flags), "group_type_mapping": mapping, "cohorts": {}}


async def experiment_counts(driver: Driver, call: ApiCall) -> Json:
    """How many experiments run, and were launched in the last thirty days and the thirty before."""
    del call
    found = (await driver.list("experiments", ListOptions(limit=1000))).items
    starts = [moment(each["start_date"]) for each in found if each.get("start_date")]
    ages = [datetime.now(UTC) - start for start in starts]
    running = sum(bool(each.get("start_date")) and not each.get("end_date") for each in found)
    return {
        "launched_last_30d": sum(age < A_MONTH for age in ages),
        "launched_previous_30d": sum(A_MONTH <= age < 2 * A_MONTH for age in ages),
        "active_experiments": running,
    }


def moment(text: Json) -> datetime:
    found = datetime.fromisoformat(str(text))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


async def survey_responses(driver: Driver, call: ApiCall) -> Json:
    """Survey id → number of answers."""
    del call
    text = (
        "SELECT toString(properties.$survey_id) AS id, count() AS n FROM events "
        "WHERE event = 'survey sent' AND properties.$survey_id IS NOT NULL GROUP BY id LIMIT 1000"
    )
    return {str(each["id"]): each["n"] for each in await rows(driver, text)}


ANSWERS: Mapping[str, Answer] = {
    "GET P/": project,
    "GET O/": project,
    "GET O/projects/": projects,
    "GET /api/users/@me/": me,
    "GET /api/personal_api_keys/@current/": current_key,
    "GET P/events/values/": property_values,
    "GET P/persons/values/": property_values,
    "GET P/sessions/values/": property_values,
    "GET P/groups/property_values/": property_values,
    "GET P/event_definitions/by_name/": event_by_name,
    "GET P/cohorts/{id}/persons/": cohort_people,
    "GET P/persons/cohorts/": cohorts_of_person,
    "GET P/groups/find/": group,
    "GET P/groups/property_definitions/": group_properties,
    "GET P/sessions/property_definitions/": session_properties,
    "GET P/events/": events,
    "GET P/events/{id}/": one_event,
    "GET P/dashboards/{id}/run_insights/": tiles,
    "GET P/feature_flags/{id}/status/": flag_status,
    "GET P/feature_flags/local_evaluation/": flag_definitions,
    "GET P/experiments/stats/": experiment_counts,
    "GET P/surveys/responses_count/": survey_responses,
}
