"""What the embedded project can list and find: stored objects, derived kinds, and rows of its tables."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import anyio

from posthog_mcp.backends.backend import ListOptions, Page, QueryAnswer, QueryOptions, Resource
from posthog_mcp.backends.local.derived import USER, derived
from posthog_mcp.backends.local.object_kinds import KINDS
from posthog_mcp.backends.local.objects import Found, Objects
from posthog_mcp.backends.local.storage import Snapshot
from posthog_mcp.errors import InvalidInput, NotFound
from posthog_mcp.results import Json

Item = dict[str, Json]
Query = Callable[[Mapping[str, Json], QueryOptions], Awaitable[QueryAnswer]]


@dataclass(frozen=True, slots=True)
class Rows:
    """A kind that is a table. `filters` are conditions by query parameter, each with `{value}`."""

    select: str
    order: str
    search: str
    key: str
    filters: Mapping[str, str]


ROWS: Mapping[str, Rows] = {
    "persons": Rows(
        "SELECT toString(id) AS id, created_at, properties, is_identified FROM persons",
        "created_at DESC, id",
        "(toString(properties) ILIKE {pattern} OR id IN "
        "(SELECT person_id FROM person_distinct_ids WHERE distinct_id = {search}))",
        "toString(id)",
        {
            "distinct_id": "id IN (SELECT person_id FROM person_distinct_ids WHERE distinct_id = {value})",
            "email": "properties.email = {value}",
        },
    ),
    "groups": Rows(
        "SELECT index AS group_type_index, key AS group_key, created_at, properties AS group_properties FROM groups",
        "index, key",
        "(key ILIKE {pattern} OR toString(properties) ILIKE {pattern})",
        "key",
        {"group_type_index": "index = toInt({value})"},
    ),
    "session_recordings": Rows(
        "SELECT session_id AS id, distinct_id, toString(person_id) AS person_id, $start_timestamp AS start_time, "
        "$end_timestamp AS end_time, $session_duration AS recording_duration, $entry_current_url AS start_url, "
        "$pageview_count AS pageview_count FROM sessions",
        "$start_timestamp DESC, session_id",
        "(session_id = {search} OR distinct_id = {search})",
        "session_id",
        {"distinct_id": "distinct_id = {value}"},
    ),
}
CURRENT = ("projects", "organizations", "users")
"""Kinds with exactly one object, which `@current` or `@me` names."""


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
        if resource in ROWS:
            return await self._rows(resource, options, offset)
        if resource in KINDS or resource == "activity_log":
            return page(await anyio.to_thread.run_sync(self._stored, resource, options, offset), options.limit, offset)
        items = [item for item in derived(resource, manifest, options.filters) if matches(item, options.search)]
        return page(Found(items[offset : offset + options.limit], len(items)), options.limit, offset)

    def _stored(self, resource: str, options: ListOptions, offset: int) -> Found:
        if resource != "activity_log":
            return self._objects.list(
                resource, search=options.search, filters=options.filters, limit=options.limit, offset=offset
            )
        found = self._objects.activity(limit=options.limit, offset=offset, filters=options.filters)
        return Found([{**item, "user": USER} for item in found.items], found.count)

    async def get(self, resource: Resource, object_id: str) -> Item:
        """By id; by short_id or name where the kind has one.

        Raises:
            NotFound: there is none.
        """
        manifest = (await self._snapshot()).manifest
        if resource in KINDS:
            return await anyio.to_thread.run_sync(self._stored_one, resource, object_id)
        if resource in ROWS:
            found = ROWS[resource]
            text = f"{found.select} WHERE {found.key} = {{id}} LIMIT 1"
            items = await self._items(resource, text, {"id": object_id})
        else:
            items = [
                item
                for item in derived(resource, manifest, {})
                if object_id in (str(item.get("id")), item.get("uuid"), item.get("name"))
                or (resource in CURRENT and object_id in ("@me", "@current"))
            ]
        if not items:
            raise NotFound(f"There is no {resource} with id {object_id!r}.", fix="List the kind with discover_objects.")
        return items[0]

    def _stored_one(self, kind: str, object_id: str) -> Item:
        body = self._objects.get(kind, object_id)
        tiles = body.get("tiles")
        if kind == "dashboards" and isinstance(tiles, list):
            body["tiles"] = [self._tile(tile) for tile in tiles]
        return body

    def _tile(self, tile: Json) -> Json:
        """A tile that names an insight by id shows it whole."""
        if not isinstance(tile, dict) or not isinstance(tile.get("insight"), int):
            return tile
        try:
            return {**tile, "insight": self._objects.get("insights", str(tile["insight"]))}
        except NotFound:
            return {**tile, "insight": None}

    async def _rows(self, resource: str, options: ListOptions, offset: int) -> Page:
        found = ROWS[resource]
        values: Item = {"pattern": f"%{like_text(options.search or '')}%", "search": options.search}
        conditions = [found.search] if options.search else []
        for name, condition in found.filters.items():
            if name in options.filters:
                conditions.append(condition.replace("{value}", f"{{{name}}}"))
                values[name] = options.filters[name]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        text = f"{found.select}{where} ORDER BY {found.order} LIMIT {options.limit + 1} OFFSET {offset}"
        items = await self._items(resource, text, values)
        more = len(items) > options.limit
        return Page(items[: options.limit], str(offset + options.limit) if more else None)

    async def _items(self, resource: str, text: str, values: Item) -> list[Item]:
        answer = await self._query({"kind": "HogQLQuery", "query": text, "values": values}, QueryOptions("list"))
        items = rows_as_items(answer)
        return await self._as_persons(items) if resource == "persons" else items

    async def _as_persons(self, items: list[Item]) -> list[Item]:
        """Add distinct_ids and a display name."""
        if not items:
            return []
        text = (
            "SELECT toString(person_id), arraySort(groupArray(distinct_id)) FROM person_distinct_ids "
            "WHERE toString(person_id) IN {ids} GROUP BY person_id LIMIT 50000"
        )
        body: Item = {"kind": "HogQLQuery", "query": text, "values": {"ids": [item["id"] for item in items]}}
        answer = await self._query(body, QueryOptions("list"))
        ids = {str(row[0]): row[1] for row in answer.table.rows}
        return [person(item, ids.get(str(item["id"]), [])) for item in items]


def person(item: Item, distinct_ids: Json) -> Item:
    properties = item.get("properties")
    known = properties if isinstance(properties, dict) else {}
    first = distinct_ids[0] if isinstance(distinct_ids, list) and distinct_ids else item["id"]
    name = known.get("email") or known.get("name") or first
    return {**item, "uuid": item["id"], "name": name, "distinct_ids": distinct_ids}


def rows_as_items(answer: QueryAnswer) -> list[Item]:
    """Rows as objects; columns of properties are JSON text and become objects."""
    names = [column.name for column in answer.table.columns]
    items: list[Item] = [dict(zip(names, row, strict=True)) for row in answer.table.rows]
    for item in items:
        for name in ("properties", "group_properties"):
            if isinstance(text := item.get(name), str):
                item[name] = parsed(text)
    return items


def like_text(text: str) -> str:
    """A text that LIKE takes as it stands."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def parsed(text: str) -> Json:
    try:
        return json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text


def cursor_offset(cursor: str | None) -> int:
    """The offset in a cursor.

    Raises:
        InvalidInput: it is not one of ours.
    """
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 10):
        raise InvalidInput(f"{cursor!r} is not a cursor.", fix="Pass the `next` of the page before, unchanged.")
    return int(cursor)


def page(found: Found, limit: int, offset: int) -> Page:
    more = offset + len(found.items) < found.count and bool(found.items)
    return Page(found.items, str(offset + limit) if more else None, found.count)


def matches(item: Item, search: str | None) -> bool:
    """Every word of the search is in the name."""
    name = str(item.get("name", "")).casefold()
    return all(word in name for word in (search or "").casefold().split())
