"""Metadata objects as rows of HogQL's `system.*` tables, one JSON line a row.

The engine reads these files with fixed column types, so each cell is brought to its column's type here; what does not
fit is null. One odd value must not make a whole table unreadable.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import cast

from posthog_mcp.backends.local.schema import Columns, system_table, system_tables
from posthog_mcp.hogql.builtin import builtin_tables
from posthog_mcp.results import Json

Body = Mapping[str, Json]

TABLES: Mapping[str, str] = {
    "early_access_feature": "early_access_features",
    "warehouse_tables": "data_warehouse_tables",
    "activity_log": "activity_logs",
}
"""Kinds whose table has another name than their path segment."""
OTHER_NAMES: Mapping[str, Mapping[str, str]] = {
    "insights": {"last_modified_at": "updated_at"},
    "actions": {"steps_json": "steps"},
    "notebooks": {"last_modified_at": "updated_at"},
    "batch_exports": {"last_updated_at": "updated_at"},
    "cohorts": {"cohort_type": "type"},
}
TEAM = 1


def table_of(kind: str) -> tuple[str, Columns] | None:
    """The physical table of a kind with its columns; None where HogQL has no table for it."""
    name = system_table(f"system.{TABLES.get(kind, kind)}")
    columns = system_tables().get(name)
    return (name, columns) if columns is not None else None


def lines(kind: str, columns: Columns, bodies: Iterable[Body]) -> str:
    """One JSON object a line, in the columns' types."""
    made = [{name: cell(field(kind, name, body), type_) for name, type_ in columns} for body in bodies]
    return "".join(json.dumps(row) + "\n" for row in made)


def field(kind: str, name: str, body: Body) -> Json:
    """What a column shows of an object; `x_id` is the id of `x`."""
    if name == "team_id":
        return TEAM
    if kind == "feature_flags" and name == "rollout_percentage":
        return rollout(body)
    if kind == "actions" and name in ("event", "url", "url_matching", "selector", "text", "text_matching"):
        return first_step(body).get(name)
    name = OTHER_NAMES.get(kind, {}).get(name, name)
    if name not in body and name.endswith("_id"):
        target = body.get(name.removesuffix("_id"))
        return target.get("id") if isinstance(target, dict) else target
    return body.get(name)


def rollout(flag: Body) -> Json:
    """The share of the first release condition."""
    filters = flag.get("filters")
    groups = filters.get("groups") if isinstance(filters, dict) else None
    first = groups[0] if isinstance(groups, list) and groups else None
    found = first.get("rollout_percentage") if isinstance(first, dict) else None
    return flag.get("rollout_percentage") if found is None else found


def first_step(action: Body) -> Body:
    steps = action.get("steps")
    first = steps[0] if isinstance(steps, list) and steps else None
    return first if isinstance(first, dict) else {}


def cell(value: Json, kind: str) -> Json:
    """A value in a column's ClickHouse type, or null."""
    if value is None:
        return [] if kind.startswith("Array") else None
    if kind.startswith("Array"):
        return [text(item) for item in value] if isinstance(value, list) else []
    if "Int" in kind:
        return int(value) if isinstance(value, int) and abs(value) < 2**63 else None
    if "Float" in kind or "Decimal" in kind:
        return value if isinstance(value, int | float) else None
    if "Bool" in kind:
        return value if isinstance(value, bool) else None
    if "Date" in kind:
        return moment(value, kind)
    return text(value)


def text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def moment(value: Json, kind: str) -> str | None:
    """A time as ClickHouse's basic format reads it, in UTC."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    found = found.astimezone(UTC) if found.tzinfo else found
    return found.strftime("%Y-%m-%d" if kind == "Nullable(Date)" else "%Y-%m-%d %H:%M:%S.%f")


def described_tables() -> dict[str, str]:
    """The files of `system.information_schema.*`: every built-in table, column and join."""
    tables: list[dict[str, Json]] = []
    columns: list[dict[str, Json]] = []
    joins: list[dict[str, Json]] = []
    for name, table in sorted(builtin_tables().items()):
        schema, _, short = name.rpartition(".")
        place: dict[str, Json] = {"table_schema": schema or "posthog", "table_name": short or name}
        tables.append({**place, "table_catalog": "posthog", "table_type": table.kind, "description": table.description})
        for position, found in enumerate(table.fields.values(), 1):
            columns.append(
                {
                    **place,
                    "column_name": found.name,
                    "ordinal_position": position,
                    "data_type": found.type,
                    "is_nullable": found.nullable,
                    "is_array": found.type == "array",
                    "field_kind": "column",
                    "description": found.description,
                }
            )
        joined: list[dict[str, Json]] = [
            {"source_table": name, "source_column": join, "target_table": target, "relationship_kind": "lazy_join"}
            for join, target in table.joins.items()
        ]
        joins += joined
    known = system_tables()
    parts = {"tables": tables, "columns": columns, "relationships": joins}
    named = {system_table(f"system.information_schema.{part}"): rows for part, rows in parts.items()}
    return {
        name: "".join(json.dumps({c: cell(row.get(c), kind) for c, kind in known[name]}) + "\n" for row in rows)
        for name, rows in named.items()
        if name in known
    }


@cache
def layout_mark() -> str:
    """Changes when the tables or their columns do, so that files of an older version are written again."""
    described = json.dumps([cast("Json", system_tables()), described_tables()], sort_keys=True)
    return hashlib.sha256(described.encode()).hexdigest()[:16]
