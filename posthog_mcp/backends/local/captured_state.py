"""What a snapshot knows about the things a captured batch names: questions as SQL, answers as objects."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from posthog_mcp.backends.local.capture_events import Captured
from posthog_mcp.backends.local.capture_people import Group, Groups, People, Person, keys_of, mapping
from posthog_mcp.backends.local.definitions import as_int
from posthog_mcp.backends.local.loader import Rows
from posthog_mcp.backends.local.parts import any_of
from posthog_mcp.results import Json

PARTED = ("events", "persons", "person_distinct_ids", "sessions", "groups")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Known:
    """Rows by key, the file that each lies in, and the rows of every file of the parted tables."""

    uuids: set[str]
    people: People
    groups: Groups
    id_files: dict[str, str]
    person_files: dict[str, str]
    group_files: set[str]
    session_files: set[str]
    session_span: tuple[datetime, datetime] | None
    rows: dict[str, dict[str, int]]


def questions(batch: Sequence[Captured], before: Callable[[str], str]) -> list[str]:
    """Statements whose answers `read_known` takes; `before` gives the relation of a table."""
    ids = any_of("distinct_id", keys_of(batch))
    owners = f"(SELECT person_id FROM {before('person_distinct_ids')} WHERE {ids})"
    keys = {str(event.properties["$group_key"]) for event in batch if "$group_key" in event.properties}
    return [
        f"SELECT toString(uuid) FROM {before('events')} WHERE {any_of('uuid', {e.uuid for e in batch}, 'UUID')}",
        f"""SELECT distinct_id, toString(person_id), version, _file FROM {before("person_distinct_ids")}
WHERE person_id IN {owners}""",
        f"""SELECT toString(id), {micros("created_at")}, {micros("ifNull(last_seen_at, created_at)")}, properties,
is_identified, version, _file FROM {before("persons")} WHERE id IN {owners}""",
        f"""SELECT index, key, {micros("created_at")}, {micros("updated_at")}, properties, _file
FROM {before("groups")} WHERE {any_of("key", keys)}""",
        f"""SELECT _file, {micros("min(`$start_timestamp`)")}, {micros("max(`$end_timestamp`)")}
FROM {before("sessions")} WHERE {any_of("session_id", session_ids(batch))} GROUP BY _file""",
        *(f"SELECT _file, count() FROM {before(name)} GROUP BY _file" for name in PARTED),
    ]


def read_known(answers: Sequence[Rows], kinds: Iterable[str]) -> Known:
    uuids, ids, persons, groups, sessions, *counts = answers
    people = People(
        ids={str(row[0]): (str(row[1]), as_int(row[2])) for row in ids},
        persons={str(row[0]): read_person(row) for row in persons},
    )
    spans = [(time_of(row[1]), time_of(row[2])) for row in sessions]
    found = [read_group(row) for row in groups]
    return Known(
        uuids={str(row[0]) for row in uuids},
        people=people,
        groups=Groups(list(kinds), {(group.index, group.key): group for group in found}),
        id_files={str(row[0]): str(row[3]) for row in ids},
        person_files={str(row[0]): str(row[6]) for row in persons},
        group_files={str(row[5]) for row in groups},
        session_files={str(row[0]) for row in sessions},
        session_span=(min(first for first, _ in spans), max(last for _, last in spans)) if spans else None,
        rows={name: {str(r[0]): as_int(r[1]) for r in rows} for name, rows in zip(PARTED, counts, strict=True)},
    )


def read_person(row: Sequence[Json]) -> Person:
    return Person(
        str(row[0]),
        time_of(row[1]),
        time_of(row[2]),
        mapping(json.loads(str(row[3]) or "{}")),
        bool(row[4]),
        max(0, as_int(row[5])),
    )


def read_group(row: Sequence[Json]) -> Group:
    properties = mapping(json.loads(str(row[4]) or "{}"))
    return Group(as_int(row[0]), str(row[1]), time_of(row[2]), time_of(row[3]), properties)


def session_ids(batch: Iterable[Captured]) -> set[str]:
    found = (event.properties.get("$session_id") for event in batch)
    return {session for session in found if isinstance(session, str) and session}


def micros(time: str) -> str:
    return f"toUnixTimestamp64Micro({time})"


def time_of(value: Json) -> datetime:
    return EPOCH + timedelta(microseconds=cast("int", value))
