"""Metadata objects as rows of HogQL's `system.*` tables, one JSON line a row.

The engine reads these files with fixed column types, so each cell is brought to its column's type here; what does not
fit is null. One odd value must not make a whole table unreadable.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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


def files_of(kind: str, bodies: Sequence[Body]) -> dict[str, str]:
    """JSON lines by physical table, of every table that shows this kind; none where HogQL has no table for it."""
    shown: dict[str, Iterable[Body]] = {TABLES.get(kind, kind): (fields_of(kind, body) for body in bodies)}
    if kind in PARTS:
        name, rows = PARTS[kind]
        shown[name] = rows(bodies)
    known = system_tables()
    named = {system_table(f"system.{name}"): rows for name, rows in shown.items()}
    return {name: lines(known[name], rows) for name, rows in named.items() if name in known}


def lines(columns: Columns, rows: Iterable[Body]) -> str:
    """One JSON object a line, in the columns' types."""
    made = [{name: cell(field(name, row), type_) for name, type_ in columns} for row in rows]
    return "".join(json.dumps(row) + "\n" for row in made)


def fields_of(kind: str, body: Body) -> Body:
    """An object with what its table shows under another name."""
    other = {name: body.get(source) for name, source in OTHER_NAMES.get(kind, {}).items()}
    if kind == "feature_flags":
        other["rollout_percentage"] = rollout(body)
    return {**body, **other}


def field(name: str, row: Body) -> Json:
    """What a column shows of a row; `x_id` is the id of `x`."""
    if name == "team_id":
        return TEAM
    if name not in row and name.endswith("_id"):
        target = row.get(name.removesuffix("_id"))
        return target.get("id") if isinstance(target, dict) else target
    return row.get(name)


def tiles(dashboards: Iterable[Body]) -> Iterator[Body]:
    """What lies on the dashboards."""
    for dashboard in dashboards:
        found = dashboard.get("tiles")
        for tile in found if isinstance(found, list) else []:
            if isinstance(tile, dict):
                yield {"deleted": False, **tile, "dashboard_id": dashboard["id"]}


def calculations(cohorts: Iterable[Body]) -> Iterator[Body]:
    """When each cohort was last worked out."""
    for cohort in cohorts:
        done = cohort.get("last_calculation")
        if done:
            error = cohort.get("last_error")
            yield {
                "id": cohort["id"],
                "cohort_id": cohort["id"],
                "count": cohort.get("count"),
                "started_at": done,
                "finished_at": done,
                "error": error,
                "error_code": "unknown" if error else "",
            }


PARTS: Mapping[str, tuple[str, Callable[[Iterable[Body]], Iterable[Body]]]] = {
    "dashboards": ("dashboard_tiles", tiles),
    "cohorts": ("cohort_calculation_history", calculations),
}
"""Kinds that a second table shows something of."""


def rollout(flag: Body) -> Json:
    """The share of the first release condition."""
    filters = flag.get("filters")
    groups = filters.get("groups") if isinstance(filters, dict) else None
    first = groups[0] if isinstance(groups, list) and groups else None
    found = first.get("rollout_percentage") if isinstance(first, dict) else None
    return flag.get("rollout_percentage") if found is None else found


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


@cache
def layout_mark() -> str:
    """Changes when a table, a column or a description does: then files of an older version are written again."""
    described = json.dumps([cast("Json", dict(system_tables())), {k: repr(v) for k, v in builtin_tables().items()}])
    return hashlib.sha256(described.encode()).hexdigest()[:16]
