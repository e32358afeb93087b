"""What the embedded project can list: stored objects, and kinds worked out from the data (definitions, persons, …)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import anyio

from posthog_mcp.backends.backend import ListOptions, Page, QueryAnswer, QueryOptions, Resource
from posthog_mcp.backends.local.manifest import Manifest
from posthog_mcp.backends.local.objects import DEFAULTS, Found, Objects
from posthog_mcp.backends.local.storage import Snapshot
from posthog_mcp.errors import InvalidInput, NotFound
from posthog_mcp.results import Json

Item = dict[str, Json]
Query = Callable[[Mapping[str, Json], QueryOptions], Awaitable[QueryAnswer]]

USER: Item = {
    "id": 1,
    "uuid": "00000000-0000-4000-8000-000000000001",
    "first_name": "Local",
    "email": "local@localhost",
}
ORGANIZATION: Item = {"id": "00000000-0000-4000-8000-0000000000a1", "name": "Embedded", "slug": "embedded"}

SELECTS: Mapping[str, str] = {
    "persons": "SELECT toString(id) AS id, created_at, properties, is_identified FROM persons",
    "groups": (
        "SELECT index AS group_type_index, key AS group_key, created_at, properties AS group_properties FROM groups"
    ),
    "session_recordings": (
        "SELECT session_id AS id, distinct_id, $start_timestamp AS start_time, $end_timestamp AS end_time, "
        "$session_duration AS recording_duration, $entry_current_url AS start_url FROM sessions"
    ),
}
SEARCHED = {"persons": "toString(properties)", "groups": "key", "session_recordings": "session_id"}
ORDERS = {"persons": "created_at DESC, id", "groups": "index, key", "session_recordings": "start_time DESC, id"}


class Listings:
    """Lists and finds objects of every kind."""

    def __init__(self, objects: Objects, snapshot: Callable[[], Awaitable[Snapshot]], query: Query) -> None:
        self._objects = objects
        self._snapshot = snapshot
        self._query = query

    async def list(self, resource: Resource, options: ListOptions) -> Page:
        """One page; the cursor is the offset of the next."""
        offset = cursor_offset(options.cursor)
        manifest = (await self._snapshot()).manifest
        if resource in DEFAULTS:
            found = await anyio.to_thread.run_sync(
                lambda: self._objects.list(resource, search=options.search, limit=options.limit, offset=offset)
            )
            return page(found, options.limit, offset)
        if resource == "activity_log":
            found = await anyio.to_thread.run_sync(lambda: self._objects.activity(limit=options.limit, offset=offset))
            return page(found, options.limit, offset)
        if resource in SELECTS:
            return await self._rows(resource, options, offset)
        items = [item for item in derived(resource, manifest, options.filters) if matches(item, options.search)]
        return page(Found(items[offset : offset + options.limit], len(items)), options.limit, offset)

    async def get(self, resource: Resource, object_id: str) -> Item:
        """By id, or short_id where the kind has one.

        Raises:
            NotFound: there is none.
        """
        if resource in DEFAULTS:
            return await anyio.to_thread.run_sync(self._objects.get, resource, object_id)
        if resource in SELECTS:
            body: dict[str, Json] = {
                "kind": "HogQLQuery",
                "query": f"SELECT * FROM ({SELECTS[resource]}) WHERE {key_of(resource)} = {{id}} LIMIT 1",
                "values": {"id": object_id},
            }
            rows = rows_as_items(await self._query(body, QueryOptions("get")))
        else:
            rows = [
                item
                for item in derived(resource, (await self._snapshot()).manifest, {})
                if str(item.get("id")) == object_id or item.get("name") == object_id
            ]
        if not rows:
            raise NotFound(f"There is no {resource} with id {object_id!r}.", fix="List the kind with discover_objects.")
        return rows[0]

    async def _rows(self, resource: Resource, options: ListOptions, offset: int) -> Page:
        where = f" WHERE {SEARCHED[resource]} ILIKE {{pattern}}" if options.search else ""
        body: dict[str, Json] = {
            "kind": "HogQLQuery",
            "query": f"{SELECTS[resource]}{where} ORDER BY {ORDERS[resource]} LIMIT {options.limit + 1} "
            f"OFFSET {offset}",
            "values": {"pattern": f"%{options.search}%"},
        }
        items = rows_as_items(await self._query(body, QueryOptions("list")))
        more = len(items) > options.limit
        return Page(items[: options.limit], str(offset + options.limit) if more else None)


def key_of(resource: str) -> str:
    return "group_key" if resource == "groups" else "id"


def rows_as_items(answer: QueryAnswer) -> list[Item]:
    names = [column.name for column in answer.table.columns]
    return [dict(zip(names, row, strict=True)) for row in answer.table.rows]


def cursor_offset(cursor: str | None) -> int:
    """The offset in a cursor.

    Raises:
        InvalidInput: it is not one of ours.
    """
    if cursor is None:
        return 0
    if not cursor.isdigit():
        raise InvalidInput(f"{cursor!r} is not a cursor.", fix="Pass the `next` of the page before, unchanged.")
    return int(cursor)


def page(found: Found, limit: int, offset: int) -> Page:
    more = offset + len(found.items) < found.count and bool(found.items)
    return Page(found.items, str(offset + limit) if more else None, found.count)


def matches(item: Item, search: str | None) -> bool:
    return not search or search.lower() in str(item.get("name", "")).lower()


def derived(resource: Resource, manifest: Manifest, filters: Mapping[str, str]) -> Sequence[Item]:
    """Kinds that follow from the data, or that an embedded project has exactly one of."""
    found = manifest.definitions
    if resource == "event_definitions":
        return [
            {
                "id": name,
                "name": name,
                "volume_30_day": event.volume_30d,
                "first_seen_at": event.first_seen,
                "last_seen_at": event.last_seen,
            }
            for name, event in found.events.items()
        ]
    if resource == "property_definitions":
        of_type = filters.get("type", "event")
        chosen = {"event": found.event_properties, "person": found.person_properties}.get(of_type, {})
        if of_type == "group":
            chosen = found.group_properties.get(filters.get("group_type_index", "0"), {})
        return [
            {"id": name, "name": name, "property_type": known.type, "count": known.count, "events": list(known.events)}
            for name, known in chosen.items()
        ]
    if resource == "groups_types":
        return [
            {"group_type": name, "group_type_index": index, "name": name}
            for index, name in enumerate(manifest.group_types)
        ]
    project: Item = {
        "id": 1,
        "name": manifest.project.name,
        "timezone": manifest.project.timezone,
        "organization": "embedded",
    }
    singles: Mapping[str, Item] = {
        "users": USER,
        "members": {"id": USER["uuid"], "name": "Local", "user": USER, "level": 15},
        "projects": project,
        "organizations": ORGANIZATION,
    }
    return [singles[resource]] if resource in singles else []
