"""Who is in a cohort: worked out by HogQL, kept as one Parquet file a cohort in the snapshot's `cohort_people`.

Understood: static lists of person ids, a HogQL query whose first column is a person id, and AND or OR groups of person
properties. Behavioural conditions are refused by name; guessing them would give wrong people.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import cast

import anyio

from posthog_mcp.backends.local.loader import load
from posthog_mcp.backends.local.manifest import TableManifest
from posthog_mcp.backends.local.schema import TABLES, literal, structure
from posthog_mcp.backends.local.storage import Snapshot, Store
from posthog_mcp.errors import InvalidInput
from posthog_mcp.results import Json

Body = Mapping[str, Json]
PersonIds = Callable[[str, Sequence[Body]], Awaitable[list[str]]]
"""Runs a HogQL text with person property filters; gives the first column."""

PERSONS = "SELECT toString(id) FROM persons WHERE {filters}"


def file_of(cohort: Body) -> str:
    return f"c{cohort['id']}.parquet"


def uncalculated(snapshot: Snapshot, cohorts: Sequence[Body]) -> list[Body]:
    """Cohorts that this snapshot has no members of: new ones, and all of them after an import."""
    folder = snapshot.path / "cohort_people"
    return [cohort for cohort in cohorts if not (folder / file_of(cohort)).exists()]


async def members(cohort: Body, run: PersonIds) -> set[str]:
    """Person ids of a cohort.

    Raises:
        InvalidInput: it holds a condition that the embedded project cannot work out.
    """
    if cohort.get("is_static"):
        return set(cast("list[str]", cohort.get("_create_static_person_ids") or []))
    query = cohort.get("query")
    if isinstance(query, dict):
        return set(await run(str(query.get("query")), []))
    filters = cohort.get("filters")
    group = filters.get("properties") if isinstance(filters, dict) else None
    return await group_members(group, run) if isinstance(group, dict) and group else set()


async def group_members(group: Body, run: PersonIds) -> set[str]:
    """People of an AND or OR group, or of one condition.

    Raises:
        InvalidInput: a condition is not about a person property.
    """
    if group.get("type") in {"AND", "OR"}:
        parts = [await group_members(each, run) for each in cast("list[Body]", group.get("values") or [])]
        if not parts:
            return set()
        return parts[0].intersection(*parts[1:]) if group["type"] == "AND" else parts[0].union(*parts[1:])
    if group.get("type") != "person" or group.get("negation"):
        message = f"The embedded project cannot work out a cohort condition of type {group.get('type')!r}."
        raise InvalidInput(
            message, fix="Use person properties, or a HogQL query in `query`.", context={"attr": "filters"}
        )
    return set(await run(PERSONS, [group]))


async def keep_members(store: Store, found: Mapping[str, tuple[int, set[str]]]) -> None:
    """Write a snapshot with these cohorts' files: file name → (cohort id, person ids)."""
    async with store.begin() as writing:
        assert writing.previous is not None
        manifest = writing.previous.manifest
        for table in manifest.tables:
            await anyio.to_thread.run_sync(lambda name=table: writing.keep(name, except_files=found))
        lines = writing.scratch / "members.jsonl"
        columns = TABLES["cohort_people"]
        statements: list[str] = []
        for file, (cohort_id, people) in found.items():
            source = lines.with_name(f"{file}.jsonl")
            rows = [json.dumps({"person_id": person, "cohort_id": cohort_id}) for person in sorted(people)]
            await anyio.Path(source).write_text("".join(row + "\n" for row in rows), encoding="utf-8")
            target = writing.folder("cohort_people") / file
            shape = literal(structure(columns))
            statements.append(
                f"INSERT INTO FUNCTION file({literal(str(target))}, Parquet, {shape}, 'none') "
                f"SELECT * FROM file({literal(str(source))}, JSONEachRow, {shape})"
            )
        await load(statements, reads=[writing.scratch], writes=[writing.folder("cohort_people")])
        before = manifest.tables["cohort_people"]
        rows_now = before.rows + sum(len(people) for _, people in found.values())
        tables = {**manifest.tables, "cohort_people": TableManifest(rows=rows_now, columns=before.columns)}
        await writing.commit(manifest.model_copy(update={"id": uuid.uuid4().hex, "tables": tables}))
