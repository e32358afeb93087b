"""The live project's catalogue: DatabaseSchemaQuery over the built-in tables, and its definitions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import cast, get_args

from posthog_mcp.hogql.builtin import builtin_tables
from posthog_mcp.hogql.catalogue import Catalogue, DataType, FieldDef, PropertyType, TableDef, TableKind
from posthog_mcp.results import Json, ProjectInfo

Body = Mapping[str, Json]
DATA_TYPES: frozenset[str] = frozenset(get_args(DataType))
KINDS: frozenset[str] = frozenset(get_args(TableKind))


def catalogue_from(info: ProjectInfo, schema: Body, lists: Mapping[str, Sequence[Body]]) -> Catalogue:
    """`lists`: definitions by scope (`events`, `event`, `person`, `group_N`), `group_types`, `cohorts`, `actions`."""
    described = cast("Mapping[str, Body]", schema.get("tables") or {})
    known = dict(builtin_tables())
    for name, body in described.items():
        known[name] = merged(known.get(name), name, body)
    text = json.dumps([sorted(described), {name: len(items) for name, items in lists.items()}])
    version = hashlib.sha256(f"{info.host}/{info.id}/{text}".encode()).hexdigest()[:16]
    types = [str(each.get("group_type")) for each in lists.get("group_types", ())]
    return Catalogue(
        tables=known,
        version=version,
        timezone=info.timezone,
        week_start_day=info.week_start_day,
        events={str(each["name"]): volume(each) for each in lists.get("events", ())},
        event_properties=property_types(lists.get("event", ())),
        person_properties=property_types(lists.get("person", ())),
        group_properties={index: property_types(lists.get(f"group_{index}", ())) for index in range(len(types))},
        group_types=tuple(types),
        cohorts=names(lists.get("cohorts", ())),
        actions=names(lists.get("actions", ())),
    )


def merged(known: TableDef | None, name: str, body: Body) -> TableDef:
    """A table as the host describes it; what is built in keeps its joins, time field and hidden columns."""
    fields: dict[str, FieldDef] = dict(known.fields) if known else {}
    for field_name, found in cast("Mapping[str, Body]", body.get("fields") or {}).items():
        kind = str(found.get("type"))
        if kind in DATA_TYPES and field_name not in fields:
            fields[field_name] = FieldDef(field_name, cast("DataType", kind))
    if known:
        return TableDef(name, fields, known.joins, known.time_field, known.kind, known.description)
    table_kind = str(body.get("type"))
    return TableDef(name, fields, kind=cast("TableKind", table_kind) if table_kind in KINDS else "data_warehouse")


def volume(definition: Body) -> int:
    found = definition.get("volume_30_day")
    return found if isinstance(found, int) else 0


def property_types(definitions: Sequence[Body]) -> dict[str, PropertyType]:
    allowed = get_args(PropertyType)
    return {
        str(each["name"]): cast("PropertyType", each["property_type"])
        if each.get("property_type") in allowed
        else "String"
        for each in definitions
    }


def names(items: Sequence[Body]) -> dict[int, str]:
    return {int(str(each["id"])): str(each.get("name") or "") for each in items}
