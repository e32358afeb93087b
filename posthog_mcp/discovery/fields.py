"""The fields of anything: a table, an event, persons, sessions, a group, or one object of a metadata kind.

For events, persons and groups each property comes with its type, the share of rows that carry it, and its most
frequent values, so that a filter can be written with values that exist.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from posthog_mcp.backends.backend import QueryOptions
from posthog_mcp.discovery.described import FieldInfo, Fields, described
from posthog_mcp.discovery.kinds import KINDS, SOURCES, Kind, plural
from posthog_mcp.discovery.objects import known_kind
from posthog_mcp.errors import NotFound
from posthog_mcp.hogql.catalogue import Catalogue, TableDef
from posthog_mcp.hogql.suggest import nearest
from posthog_mcp.project import Project
from posthog_mcp.results import Json

SCOPES: Mapping[str, str] = {"property": "event", "person_property": "person", "session_property": "session"}
"""Kind of a property → where its values are."""
SAMPLE = 2_000
"""Newest rows looked at for fill rates and values."""
VALUES = 5
MAX_FIELDS = 60


async def fields(project: Project, name: str, kind: str | None = None, values_for: str | None = None) -> Fields:
    """Find what `name` is and describe it; `values_for` gives more values of that one property.

    Raises:
        NotFound: nothing of that name; the nearest names are in the fix.
        InvalidInput: there is no such kind.
    """
    catalogue = await project.driver.catalogue()
    chosen = known_kind(kind) if kind else guess(name, catalogue)
    if chosen == "event" and name not in {"event", "events"}:
        return await event_fields(project, catalogue, name, values_for)
    if kind and chosen and chosen in SCOPES and name not in {chosen, plural(chosen), "person", "persons"}:
        return await one_property(project, catalogue, name, chosen)
    if chosen in {"person_property", "group"} or name in {"persons", "person"}:
        return await property_fields(project, catalogue, name, values_for)
    if chosen == "table" or name == "sessions" or chosen == "session_property":
        return table_fields(catalogue, "sessions" if chosen == "session_property" else name)
    if chosen is not None and chosen in SOURCES:
        return await described(project, name, chosen)
    near = nearest(name, [*catalogue.events, *catalogue.tables, *KINDS])
    fix = (
        f"Did you mean {', '.join(with_volume(each, catalogue) for each in near)}?"
        if near
        else "List with discover_objects."
    )
    raise NotFound(f"There is no event, table or kind {name!r} in this project.", fix=fix)


def guess(name: str, catalogue: Catalogue) -> Kind | None:
    if name in catalogue.events:
        return "event"
    if name in {"person", "persons"}:
        return "person_property"
    if name in catalogue.group_types or name == "groups":
        return "group"
    if name in catalogue.tables:
        return "table"
    return next((kind for kind in KINDS if name in {kind, plural(kind)}), None)


def with_volume(name: str, catalogue: Catalogue) -> str:
    return f"{name} ({catalogue.events[name]:,} in 30 days)" if name in catalogue.events else name


def table_fields(catalogue: Catalogue, name: str) -> Fields:
    """Columns and lazy joins of a table.

    Raises:
        NotFound: there is no such table.
    """
    table: TableDef | None = catalogue.tables.get(name)
    if table is None:
        near = ", ".join(nearest(name, catalogue.tables))
        raise NotFound(f"There is no table {name!r}.", fix=f"Nearest: {near}." if near else "List the tables.")
    found = [FieldInfo(f.name, f.type, f.description) for f in table.fields.values()]
    found += [FieldInfo(join, "join", f"joins {target}: write {join}.<field>") for join, target in table.joins.items()]
    return Fields(name, "table", found, None, len(found))


async def event_fields(project: Project, catalogue: Catalogue, name: str, values_for: str | None) -> Fields:
    if name not in catalogue.events:
        near = nearest(name, catalogue.events)
        fix = (
            f"Did you mean {', '.join(with_volume(each, catalogue) for each in near)}?" if near else "List the events."
        )
        raise NotFound(f"No event {name!r} was ever recorded in this project.", fix=fix)
    text = f"SELECT properties FROM events WHERE event = {{name}} ORDER BY timestamp DESC LIMIT {SAMPLE}"
    return await sampled_fields(project, "event", name, text, dict(catalogue.event_properties), values_for)


async def property_fields(project: Project, catalogue: Catalogue, name: str, values_for: str | None) -> Fields:
    if name in catalogue.group_types:
        index = catalogue.group_types.index(name)
        text = f"SELECT properties FROM groups WHERE index = {index} LIMIT {SAMPLE}"
        types = dict(catalogue.group_properties.get(index, {}))
        return await sampled_fields(project, "group", name, text, types, values_for)
    if name == "groups":
        return table_fields(catalogue, name)
    text = f"SELECT properties FROM persons ORDER BY created_at DESC LIMIT {SAMPLE}"
    return await sampled_fields(project, "person", name, text, dict(catalogue.person_properties), values_for)


async def sampled_fields(
    project: Project, kind: str, name: str, text: str, types: Mapping[str, str], values_for: str | None
) -> Fields:
    """Unpack the newest rows' JSON in the backend: key, rows that have it, most frequent values.

    Raises:
        NotFound: `values_for` is not among their properties.
    """
    count = 50 if values_for else VALUES
    where = "WHERE pair.1 = {key}" if values_for else ""
    query = (
        f"SELECT pair.1 AS key, count() AS n, topK({count})(substring(pair.2, 1, 80)) AS top, "
        f"(SELECT count() FROM ({text})) AS total "
        f"FROM (SELECT arrayJoin(JSONExtractKeysAndValuesRaw(properties)) AS pair FROM ({text})) "
        f"{where} GROUP BY key ORDER BY n DESC, key LIMIT 500"
    )
    values: dict[str, Json] = {"name": name, "key": values_for or ""}
    body: dict[str, Json] = {"kind": "HogQLQuery", "query": query, "values": values}
    answer = await project.driver.query(body, QueryOptions("fields"))
    rows = answer.table.rows
    total = cast("int", rows[0][3]) if rows else 0
    person = kind != "event"
    found = [
        FieldInfo(
            str(row[0]), types.get(str(row[0]), "String"), "", cast("int", row[1]) / total, shown(project, row, person)
        )
        for row in rows
    ]
    if values_for and not found:
        near = ", ".join(nearest(values_for, types))
        raise NotFound(f"{name!r} has no property {values_for!r} in its newest {total} rows.", fix=f"Nearest: {near}.")
    return Fields(name, kind, found[:MAX_FIELDS], total, len(found))


async def one_property(project: Project, catalogue: Catalogue, name: str, kind: Kind) -> Fields:
    """One property with its type and most frequent values.

    Raises:
        NotFound: there is none of this name; the nearest are in the fix.
    """
    sessions = {field.name: field.type for field in catalogue.tables["sessions"].fields.values()}
    known: Mapping[str, Mapping[str, str]] = {
        "property": catalogue.event_properties,
        "person_property": catalogue.person_properties,
        "session_property": sessions,
    }
    if name not in known[kind]:
        near = ", ".join(nearest(name, known[kind]))
        fix = f"Nearest: {near}." if near else f'List them with discover_objects {{"kind": "{kind}"}}.'
        raise NotFound(f"There is no {kind} {name!r}.", fix=fix)
    values = await project.driver.property_values(SCOPES[kind], name, 50)
    texts = tuple(value for value, _ in values)
    return Fields(name, kind, [FieldInfo(name, known[kind][name], "", None, texts)], None, 1)


def shown(project: Project, row: Sequence[Json], person: bool) -> tuple[Json, ...]:
    """The values of (key, rows, values) as people read them, masked where their key or their look asks for it."""
    values = plain(row[2])
    if project.masking is None:
        return values
    return tuple(project.masking.under(str(row[0]), value, person=person) for value in values)


def plain(values: Json) -> tuple[Json, ...]:
    """Raw JSON values as people read them."""
    texts = cast("Sequence[str]", values)
    return tuple(text[1:-1] if text.startswith('"') and text.endswith('"') else text for text in texts)
