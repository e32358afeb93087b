"""An overview of a project, and the objects of one kind, page by page."""

from __future__ import annotations

from dataclasses import dataclass

import anyio

from posthog_mcp.backends.backend import ListOptions
from posthog_mcp.discovery.kinds import KINDS, SOURCES, Kind, plural
from posthog_mcp.errors import InvalidInput, PostHogMcpError
from posthog_mcp.hogql.suggest import nearest
from posthog_mcp.project import Project
from posthog_mcp.results import Json


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a kind; `items` are rows under `fields`. `count` is None where the backend does not tell."""

    kind: Kind
    fields: tuple[str, ...]
    items: list[list[Json]]
    count: int | None
    next: str | None


async def overview(project: Project) -> dict[str, Json]:
    """Project, data range, top events, and every kind with its count ("unknown" where it cannot be told)."""
    info = await project.driver.project()
    catalogue = await project.driver.catalogue()
    counts: dict[str, Json] = {}

    async def count(kind: Kind) -> None:
        try:
            counts[kind] = await count_of(project, kind)
        except PostHogMcpError as error:
            counts[kind] = f"unknown ({error.code})"

    async with anyio.create_task_group() as tasks:
        for kind in KINDS:
            tasks.start_soon(count, kind)
    top = sorted(catalogue.events.items(), key=lambda pair: -pair[1])[:10]
    return {
        "project": info.as_json(),
        "data": await data_range(project),
        "top_events": [[name, volume] for name, volume in top],
        "counts": {kind: counts[kind] for kind in KINDS},
    }


async def data_range(project: Project) -> dict[str, Json]:
    """First and last event, from the definitions."""
    page = await project.driver.list("event_definitions", ListOptions(limit=1000))
    seen = [str(item["last_seen_at"]) for item in page.items if item.get("last_seen_at")]
    first = [str(item["first_seen_at"]) for item in page.items if item.get("first_seen_at")]
    return {"first_event": min(first, default=None), "last_event": max(seen, default=None)}


async def count_of(project: Project, kind: Kind) -> Json:
    if kind in {"table", "session_property"}:
        return len((await catalogue_items(project, kind))[1])
    source = SOURCES[kind]
    page = await project.driver.list(source.resource, ListOptions(limit=1, filters=source.filters))
    if page.count is not None:
        return page.count
    return f"{len(page.items)}+" if page.next else len(page.items)


async def objects(
    project: Project, kind: str, *, search: str | None = None, limit: int = 50, cursor: str | None = None
) -> Listing:
    """One page of a kind, most important first.

    Raises:
        InvalidInput: there is no such kind, or the cursor is not one of ours.
    """
    known = known_kind(kind)
    if known in {"table", "session_property"}:
        return catalogue_page(known, *await catalogue_items(project, known), search, limit, cursor)
    source = SOURCES[known]
    options = ListOptions(search=search, limit=limit, cursor=cursor, filters=source.filters)
    page = await project.driver.list(source.resource, options)
    items = [[item.get(name) for name in source.fields] for item in page.items]
    return Listing(known, source.fields, items, page.count, page.next)


def known_kind(kind: str) -> Kind:
    """The kind of this name.

    Raises:
        InvalidInput: with the nearest names.
    """
    for known in KINDS:
        if kind in {known, plural(known)}:
            return known
    near = ", ".join(nearest(kind, KINDS)) or ", ".join(KINDS)
    raise InvalidInput(f"There is no kind {kind!r}.", fix=f"Use one of: {near}.")


async def catalogue_items(project: Project, kind: Kind) -> tuple[tuple[str, ...], list[list[Json]]]:
    catalogue = await project.driver.catalogue()
    if kind == "table":
        rows: list[list[Json]] = [[name, table.kind, len(table.fields)] for name, table in catalogue.tables.items()]
        return ("name", "kind", "fields"), rows
    sessions = catalogue.tables["sessions"]
    return ("name", "type"), [[field.name, field.type] for field in sessions.fields.values()]


def catalogue_page(
    kind: Kind, fields: tuple[str, ...], rows: list[list[Json]], search: str | None, limit: int, cursor: str | None
) -> Listing:
    """A page of what the catalogue knows.

    Raises:
        InvalidInput: the cursor is not one of ours.
    """
    found = [row for row in rows if not search or search.lower() in str(row[0]).lower()]
    if cursor and not (cursor.isascii() and cursor.isdigit()):
        raise InvalidInput(f"{cursor!r} is not a cursor.", fix="Pass the `next` of the page before, unchanged.")
    start = int(cursor or 0)
    following = str(start + limit) if start + limit < len(found) else None
    return Listing(kind, fields, found[start : start + limit], len(found), following)
