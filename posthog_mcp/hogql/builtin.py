"""PostHog's built-in tables as HogQL shows them; a project adds its own properties and group names.

`data/tables.json`: table → one sentence, one for some of its columns, time field, fields (`name: type`,
`array:element`, trailing `!` for what `*` leaves out) and lazy joins. Facts from PostHog's published schema; of the
`system.*` columns, those that only PostHog's guide for models names are left out of `*`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import cast

from posthog_mcp.hogql.catalogue import DataType, FieldDef, TableDef, TableKind

TEAM = FieldDef("team_id", "integer", nullable=False, hidden=True, description="The project.")
"""Every table has it, outside of `*`; each query reads one project anyway."""


@cache
def builtin_tables() -> Mapping[str, TableDef]:
    """Every built-in table by its full name (`events`, `posthog.ai_events`, `system.insights`)."""
    text = files("posthog_mcp.hogql").joinpath("data/tables.json").read_text(encoding="utf-8")
    return {name: table(name, row) for name, row in json.loads(text).items()}


def table(name: str, row: Mapping[str, object]) -> TableDef:
    fields = cast("Mapping[str, str]", row["fields"])
    said = cast("Mapping[str, str]", row.get("columns", {}))
    listed = {each: field(each, spec, said.get(each, "")) for each, spec in fields.items()}
    kind: TableKind = "system" if name.startswith("system.") else "posthog"
    return TableDef(
        name=name,
        fields=listed | ({} if "team_id" in listed else {"team_id": TEAM}),
        joins=cast("Mapping[str, str]", row["joins"]),
        time_field=cast("str | None", row["time"]),
        kind=kind,
        description=cast("str", row["description"]),
    )


NEVER_NULL = {"uuid", "event", "timestamp", "distinct_id", "person_id", "id", "properties", "created_at", "session_id"}


def field(name: str, spec: str, description: str = "") -> FieldDef:
    kind, _, element = spec.rstrip("!").partition(":")
    return FieldDef(
        name=name,
        type=cast("DataType", kind),
        nullable=name not in NEVER_NULL,
        hidden=spec.endswith("!"),
        description=description,
        element=cast("DataType", element) if element else None,
    )
