"""`system.information_schema.*`: what can be queried in this project, as rows, in PostHog's shapes.

Built from a catalogue and a profile, so it shows the project's own group names and what its columns really hold.
Columns that `*` leaves out are left out, but for PostHog's computed `$virt_` ones. `via` of a relationship is the name
that HogQL takes after the table's: `events.session`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from posthog_mcp.hogql.catalogue import Catalogue, FieldDef, TableDef
from posthog_mcp.hogql.profile import Profile
from posthog_mcp.hogql.resolver_lazy import EVENT_PERSON, keys_of
from posthog_mcp.hogql.resolver_scopes import TableSource
from posthog_mcp.results import Json

Row = Mapping[str, Json]

DATA_TYPES = {
    "string": ("String", "Text."),
    "integer": ("Integer", "A whole number."),
    "float": ("Float", "A floating-point number."),
    "decimal": ("Decimal", "A decimal number of fixed precision."),
    "boolean": ("Boolean", "True or false."),
    "date": ("Date", "A day."),
    "datetime": ("DateTime", "A moment, shown in the project's time zone."),
    "uuid": ("UUID", "An identifier."),
    "json": ("JSON", "A JSON document; write `field.key` for what is in it."),
    "array": ("Array", "A list; the first item has index 1."),
    "tuple": ("Struct", "Several values under names."),
    "map": ("Map", "Texts by key; write `field['key']`."),
    "virtual": ("VirtualTable", "Columns of the same row under one name."),
    "unknown": ("Unknown", "A state of an aggregate function, or a type that is not known."),
}
"""HogQL's type → PostHog's name of it, with what it is."""
SCHEMAS = {"posthog": "public", "system": "system", "data_warehouse": "warehouse", "view": "views"}
INFORMATION = "system.information_schema."
EVENT_PERSON_FIELDS = ("id", "created_at", "properties")
"""What `events.poe`, the person as of the event, holds."""


def data_types() -> Iterator[Row]:
    for name, description in DATA_TYPES.values():
        yield {"type_name": name, "description": description}


def described_tables(tables: Iterable[TableDef], counts: Mapping[str, int]) -> Iterator[Row]:
    """One row a table. `counts` are the rows of those that hold data here; PostHog knows none of its own tables."""
    for table in tables:
        schema, kind = kind_of(table)
        yield {
            "table_catalog": table.name,
            "table_schema": schema,
            "table_name": table.name,
            "table_type": kind,
            "description": table.description or None,
            "row_count": counts.get(table.name),
        }


def kind_of(table: TableDef) -> tuple[str, str]:
    """Its schema and type."""
    if table.name.startswith(INFORMATION):
        return "information_schema", "information_schema"
    return SCHEMAS[table.kind], table.kind


def described_columns(catalogue: Catalogue, profile: Profile) -> Iterator[Row]:
    for table in catalogue.tables.values():
        place = {"table_schema": kind_of(table)[0], "table_name": table.name}
        for position, row in enumerate(columns_of(table, catalogue, profile), 1):
            yield {**place, **row, "ordinal_position": position}


def columns_of(table: TableDef, catalogue: Catalogue, profile: Profile) -> Iterator[Row]:
    for field in table.fields.values():
        computed = field.name.startswith("$virt_")
        if computed or not field.hidden:
            yield column(field.name, field, can_be_null(table, field, profile), "expression" if computed else "column")
    if table.name == "events" and "poe" in table.joins:
        yield {**column("poe", FieldDef("poe", "unknown"), False, "virtual_table"), "data_type": "VirtualTable"}
        person = catalogue.tables["persons"].fields
        for name in EVENT_PERSON_FIELDS:
            yield column(f"poe.{name}", person[name], person[name].nullable, "column")


def column(name: str, field: FieldDef, nullable: bool, kind: str) -> Row:
    return {
        "column_name": name,
        "data_type": DATA_TYPES.get(field.type, DATA_TYPES["unknown"])[0],
        "is_nullable": nullable,
        "is_array": field.type == "array",
        "field_kind": kind,
        "description": field.description or None,
    }


def can_be_null(table: TableDef, field: FieldDef, profile: Profile) -> bool:
    """As the column is here; as HogQL says where it holds no data of its own."""
    physical = profile.tables.get(table.name)
    found = physical.columns.get(field.name) if physical and table.kind != "system" else None
    return found.type.startswith("Nullable(") if found else field.nullable


def relationships(catalogue: Catalogue) -> Iterator[Row]:
    """Lazy joins with their keys; what only stands for another name is a field traverser, as PostHog calls it."""
    for table in catalogue.tables.values():
        for name, target in table.joins.items():
            if table.name == "events" and name in EVENT_PERSON:
                continue
            keys = keys_of(TableSource("", table=table), name, catalogue.tables[target])
            if keys:
                yield {
                    "source_table": table.name,
                    "source_column": keys.parent_key,
                    "target_table": target,
                    "target_column": keys.key,
                    "relationship_kind": "lazy_join",
                    "via": name,
                }
        if table.name == "events":
            yield traverser("person", "poe")
            for index, name in enumerate(catalogue.group_types):
                yield traverser(name, f"group_{index}")


def traverser(name: str, target: str) -> Row:
    """A name of `events` that leads where another name of it leads."""
    return {
        "source_table": "events",
        "source_column": name,
        "target_table": "events",
        "target_column": target,
        "relationship_kind": "field_traverser",
        "via": name,
    }
