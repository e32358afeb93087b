"""Tables of this side inside a query for the server: rows as a literal, unpacked by functions that any user may call.

A profile names such a table by a mark that no author can know; whatever marks the printed SQL holds are replaced by
subqueries. Writing to the server, temporary tables and table functions would all need more rights than reading.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from posthog_mcp.backends.local.clickhouse.ddl import HERE
from posthog_mcp.backends.local.manifest import Manifest, profile_for
from posthog_mcp.backends.local.project_tables import project_views
from posthog_mcp.backends.local.schema import (
    DATABASE,
    Columns,
    literal,
    quoted,
    raw_twin,
    system_tables,
)
from posthog_mcp.hogql.profile import Profile
from posthog_mcp.results import Json

MARK = f"inline_{secrets.token_hex(8)}_"
COHORT_TABLES = ("cohort_people", "static_cohort_people")
EMPTY = (("person_id", "UUID", "'00000000-0000-0000-0000-000000000000'"), ("cohort_id", "Int64", "0"))
People = Mapping[int, Collection[str]]
"""Person ids by cohort."""


def server_profile(manifest: Manifest, database: str) -> Profile:
    """The snapshot's profile over the server's database, with marks for what stays on this side."""
    profile = profile_for(manifest)
    here = {*system_tables(), *COHORT_TABLES, *HERE} - set(project_views()) | set(HERE)
    prefix = f"{DATABASE}."

    def named(name: str) -> str:
        table = name.removeprefix(prefix)
        return MARK + table if table in here else f"{quoted(database)}.{quoted(table)}"

    tables = {logical: replace(table, name=named(table.name)) for logical, table in profile.tables.items()}
    return replace(profile, tables=tables)


class Inline:
    """Replaces the marks of one query. `folder` holds the metadata tables as JSON lines."""

    def __init__(self, folder: Path, people: Mapping[str, People]) -> None:
        self._folder = folder
        self._people = people

    def fill(self, sql: str) -> str:
        """The query with its rows. Blocks on reading files."""
        return re.sub(rf"{MARK}(\w+)", lambda found: self._relation(found.group(1)), sql)

    def _relation(self, name: str) -> str:
        if name in HERE:
            select, _ = raw_twin(name)
            source = select.rpartition(f"{DATABASE}.")
            return f"({source[0]}{self._relation(source[2])})"
        if name in COHORT_TABLES:
            return members(self._people.get(name, {}))
        columns = system_tables()[name]
        text = (self._folder / f"{name}.jsonl").read_text(encoding="utf-8")
        return relation(columns, [json.loads(line) for line in text.splitlines() if line])


def relation(columns: Columns, rows: Sequence[Mapping[str, Json]]) -> str:
    """Rows as a subquery: one literal of JSON arrays of texts, each cast to its column's type."""
    kinds = ["Array(String)" if kind.startswith("Array") else "Nullable(String)" for _, kind in columns]
    values = [[packed(row.get(name), kind) for name, kind in columns] for row in rows]
    data = literal(json.dumps(values, ensure_ascii=False, separators=(",", ":")))
    fields = [
        f"CAST(tupleElement(r, {at}), {literal(kind)}) AS {quoted(name)}" for at, (name, kind) in enumerate(columns, 1)
    ]
    kind = literal(f"Array(Tuple({', '.join(kinds)}))")
    return f"(SELECT {', '.join(fields)} FROM (SELECT arrayJoin(JSONExtract({data}, {kind})) AS r))"


def packed(value: Json, kind: str) -> Json:
    if kind.startswith("Array"):
        return [str(each) for each in value] if isinstance(value, list) else []
    return value if value is None or isinstance(value, str) else json.dumps(value)


def members(people: People) -> str:
    """The people of cohorts as a subquery."""
    rows = [
        f"SELECT toUUID(arrayJoin(splitByChar(',', {literal(','.join(sorted(ids)))}))) AS person_id, "
        f"toInt64({int(cohort)}) AS cohort_id"
        for cohort, ids in people.items()
        if ids
    ]
    nobody = ", ".join(f"CAST({zero}, {literal(kind)}) AS {name}" for name, kind, zero in EMPTY)
    return f"({' UNION ALL '.join(rows)})" if rows else f"(SELECT {nobody} WHERE 0)"
