"""Write a snapshot's tables from raw rows whose properties and identities are known.

Events go a slice of time at a time, so that memory stays bounded (1.1 GB a loader); large loads run two slices at
once, because one statement does not keep two cores busy. A slice is sorted by event, then time: against sorting by
day or by time alone that halves event filters and funnels and makes searches in a rare event's JSON six times faster.
Persons, groups and sessions follow from the events written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio

from posthog_mcp.backends.local.event_rows import Shape, events_select, persons_hot_select
from posthog_mcp.backends.local.identities import groups_select, persons_select
from posthog_mcp.backends.local.loader import Loader, LoadProgress, open_loader
from posthog_mcp.backends.local.schema import SESSIONS, TABLES, Columns, quoted
from posthog_mcp.backends.local.sessions import sessions_select
from posthog_mcp.backends.local.slices import Look, Slice, slices
from posthog_mcp.backends.local.sources import (
    FILE_SETTINGS,
    RAW_EVENTS,
    RAW_PERSONS,
    ROW_NUMBER,
    Links,
    Source,
    empty,
    insert,
    table,
)
from posthog_mcp.backends.local.storage import Writing
from posthog_mcp.errors import PostHogMcpError

SLICE_BYTES = 200 << 20
"""Raw text of one slice; sorting it takes a few times as much memory."""
SLICE_ROWS = 500_000
SESSION_EVENTS = 4_000_000
"""Events a pass over the sessions; more are grouped in several passes."""
PERSONS_A_FILE = 50_000
IDS_A_FILE = 250_000
MANY_SLICES = 4
"""From here on two loaders write slices side by side."""
MOVED: Columns = (("distinct_id", "String"), ("person_id", "UUID"))


@dataclass(frozen=True, slots=True)
class Raw:
    """Everything that goes into a snapshot. Sources are numbered in `links`; `reads` are the folders they lie in.

    `dropped` is a Parquet file of row numbers to leave out. `sessions` gives rows of `schema.SESSIONS` that are
    taken as they are; other sessions are worked out from events. `kinds` fixes known group types by index.
    """

    links: Links
    events: Sequence[Source]
    persons: Sequence[Source] = ()
    sessions: Sequence[Source] = ()
    reads: Sequence[Path] = ()
    dropped: Path | None = None
    kinds: Sequence[str] = ()


class TableWrites:
    """The statements that write one snapshot."""

    def __init__(self, writing: Writing, raw: Raw, look: Look, shape: Shape) -> None:
        self.writing = writing
        self.raw = raw
        self.look = look
        self.shape = shape
        self.persons = raw.links.relation(raw.persons, RAW_PERSONS)
        self.mapping = table(writing.path / "person_distinct_ids", TABLES["person_distinct_ids"])
        self.events = table(writing.path / "events", shape.event_columns)

    async def run(self, loader: Loader, progress: LoadProgress | None) -> None:
        """Write everything. `loader` may read and write what `raw` and `writing` need."""
        events = self.write_events()
        rest = [*self.write_people(), *self.write_sessions()]
        for name in ("cohort_people", "static_cohort_people"):
            rest.append(insert(self.writing.folder(name) / "none.parquet", TABLES[name], empty(TABLES[name])))
        work = Work(events, len(events) + len(rest), progress)
        prepared = self.prepare()
        await loader.run(prepared)
        if len(events) < MANY_SLICES:
            await work.share([loader])
        else:
            reads = [*self.raw.reads, self.writing.path]
            async with open_loader(reads=reads, writes=[self.writing.path]) as second:
                await second.run(prepared)
                await work.share([loader, second])
        work.waiting = rest
        await work.share([loader])

    def write_events(self) -> list[str]:
        folder = self.writing.folder("events")
        if not self.look.counts:
            return [insert(folder / "none.parquet", self.shape.event_columns, empty(self.shape.event_columns))]
        rows = max(10_000, min(SLICE_ROWS, int(SLICE_BYTES / max(1.0, self.look.row_bytes))))
        cut = slices(self.look, rows)
        return [self.write_slice(folder / f"e{number:06d}.parquet", each) for number, each in enumerate(cut)]

    def prepare(self) -> list[str]:
        """In-memory tables of this pass: merged people, and rows to leave out."""
        statements = [
            "CREATE DATABASE work",
            """CREATE TABLE work.moved (distinct_id String, person_id UUID)
ENGINE = Join(ANY, LEFT, distinct_id) SETTINGS persistent = 0""",
            f"INSERT INTO work.moved SELECT * FROM {table(self.writing.scratch / 'moved.parquet', MOVED)}",
            "CREATE TABLE work.dropped (row UInt64) ENGINE = Set SETTINGS persistent = 0",
        ]
        if self.raw.dropped:
            statements.append(f"INSERT INTO work.dropped SELECT row FROM {table(self.raw.dropped, ROW_NUMBER)}")
        return statements

    def write_slice(self, path: Path, each: Slice) -> str:
        rows = self.raw.links.relation(self.raw.events, RAW_EVENTS, each.files)
        first, last = (f"toDateTime64({hour}, 6, 'UTC')" for hour in (each.first, each.last))
        dropped = " AND row NOT IN work.dropped" if self.raw.dropped else ""
        inside = f"(SELECT * FROM {rows} WHERE timestamp >= {first} AND timestamp < {last}{dropped})"
        person = "ifNull(joinGetOrNull('work.moved', 'person_id', distinct_id), person_id)"
        select = events_select(inside, self.shape, person_id=person)
        return insert(path, self.shape.event_columns, f"{select} ORDER BY event, timestamp, uuid", FILE_SETTINGS)

    def write_people(self) -> list[str]:
        folder = self.writing.folder("persons")
        persons = f"({persons_select(self.events, self.persons, self.mapping)})"
        columns = self.shape.person_columns
        return [
            insert(folder / "none.parquet", columns, empty(columns)),
            insert(
                folder / "{_partition_id}.parquet",
                columns,
                f"{persons_hot_select(persons, self.shape)} ORDER BY id",
                FILE_SETTINGS,
                by=bucket("id", self.look.ids, PERSONS_A_FILE),
            ),
            insert(
                self.writing.folder("groups") / "g.parquet",
                TABLES["groups"],
                groups_select(self.events, self.shape.kinds),
            ),
        ]

    def write_sessions(self) -> list[str]:
        folder = self.writing.folder("sessions")
        imported = self.raw.links.relation(self.raw.sessions, SESSIONS)
        statements = [insert(folder / "none.parquet", SESSIONS, empty(SESSIONS))]
        passes = 1 + sum(self.look.counts.values()) // SESSION_EVENTS
        for part in range(passes):
            select = sessions_select(
                self.events, self.shape.events, where=f"cityHash64(`$session_id`) % {passes} = {part}"
            )
            if self.raw.sessions:
                given = f"SELECT * FROM {imported} WHERE cityHash64(session_id) % {passes} = {part}"
                select = with_given_sessions(select, given, self.mapping)
            path = folder / f"s{part}-{{_partition_id}}.parquet"
            by = "toYYYYMM(`$start_timestamp`)"
            statements.append(insert(path, SESSIONS, select, FILE_SETTINGS, by=by))
        return statements


@dataclass(slots=True)
class Work:
    """Statements that may run in any order, shared among loaders."""

    waiting: list[str]
    total: int
    progress: LoadProgress | None
    done: int = 0

    async def share(self, loaders: Sequence[Loader]) -> None:
        """Run all that wait; the first complaint stops the others.

        Raises:
            PostHogMcpError: that complaint.
        """
        complaints: list[PostHogMcpError] = []
        async with anyio.create_task_group() as group:

            async def work(loader: Loader) -> None:
                while self.waiting and not complaints:
                    try:
                        await loader.run([self.waiting.pop(0)])
                    except PostHogMcpError as error:
                        complaints.append(error)
                        group.cancel_scope.cancel()
                    self.done += 1
                    if self.progress:
                        self.progress(self.done / self.total, "writing tables")

            for loader in loaders:
                group.start_soon(work, loader)
        if complaints:
            raise complaints[0]


def with_given_sessions(computed: str, given: str, mapping: str) -> str:
    """Sessions as they were exported, their person by the newest mapping, then those worked out beside them."""
    names = [name for name, _ in SESSIONS]
    columns = ", ".join(quoted(name) for name in names)
    own = {
        "distinct_id": "g.distinct_id AS distinct_id",
        "person_id": "if(m.known, m.person_id, g.person_id) AS person_id",
    }
    taken = ", ".join(own.get(name, quoted(name)) for name in names)
    return f"""SELECT {taken} FROM (SELECT * FROM ({given}) ORDER BY max_inserted_at DESC LIMIT 1 BY session_id) AS g
LEFT ANY JOIN (SELECT distinct_id, person_id, true AS known FROM {mapping}) AS m ON g.distinct_id = m.distinct_id
UNION ALL SELECT {columns} FROM ({computed}) WHERE session_id NOT IN (SELECT session_id FROM ({given}))"""


def bucket(column: str, rows: int, rows_a_file: int) -> str:
    """SQL of the file that a row belongs to."""
    return f"cityHash64({column}) % {1 + rows // rows_a_file}"
