"""Store captured events: check them, work out whose they are, and write the next snapshot beside the current one.

Reads what the batch names (`captured_state.py`), applies PostHog's rules in Python (`capture_people.py`), and writes
small parts (`parts.py`). An event whose uuid is already stored is left out with everything it would do, so sending a
batch again changes nothing.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import anyio

from posthog_mcp.backends.local import definitions as names
from posthog_mcp.backends.local.capture_definitions import learn_properties
from posthog_mcp.backends.local.capture_events import Captured, json_text, read_events
from posthog_mcp.backends.local.captured_state import Known, questions, read_known, session_ids
from posthog_mcp.backends.local.event_rows import Shape, events_select, persons_hot_select
from posthog_mcp.backends.local.loader import Loader, open_loader
from posthog_mcp.backends.local.manifest import Manifest, ProjectSettings, Source, TableManifest
from posthog_mcp.backends.local.parts import Changes, PartTable, any_of, change
from posthog_mcp.backends.local.rewriting import Raw, data_range, rewrite
from posthog_mcp.backends.local.schema import PERSONS, Columns, literal, structure
from posthog_mcp.backends.local.sessions import sessions_select
from posthog_mcp.backends.local.sources import RAW_EVENTS, Links, table
from posthog_mcp.backends.local.storage import Snapshot, Store, Writing
from posthog_mcp.results import Json

MAX_BATCH = 10_000
TIME = "%Y-%m-%d %H:%M:%S.%f"
CAPTURE_PART = "c"
UNPARTED = ("cohort_people", "static_cohort_people")


async def capture(store: Store, events: Sequence[Mapping[str, Json]], *, now: datetime | None = None) -> int:
    """Store a batch and return how many of its events were new. `now` is when the batch arrived (UTC).

    Raises:
        InvalidInput: an event is wrong; nothing of the batch is stored then.
        Unavailable: the data folder is locked, read-only or full, or chDB is missing.
    """
    now = now or datetime.now(UTC)
    batch = list({event.uuid: event for event in reversed(read_events(events, now))}.values())[::-1]
    if not batch:
        return 0
    if await anyio.to_thread.run_sync(store.current) is None:
        await start_empty(store)
    stored = 0
    for start in range(0, len(batch), MAX_BATCH):
        stored += await capture_batch(store, batch[start : start + MAX_BATCH], now)
    return stored


async def start_empty(store: Store) -> None:
    """A project without any event, for captures into an empty folder."""
    async with store.begin() as writing:
        if writing.previous is None:
            raw = Raw(Links(writing.scratch / "in"), [])
            manifest = await rewrite(writing, raw, project=ProjectSettings(), source=Source(kind="capture"))
            await writing.commit(manifest)


async def capture_batch(store: Store, batch: list[Captured], now: datetime) -> int:
    async with store.begin() as writing:
        snapshot = writing.previous
        assert snapshot is not None
        async with open_loader(reads=[snapshot.path, writing.path], writes=[writing.path]) as loader:
            manifest = await Capturing(loader, writing, snapshot).store(batch, now)
        if manifest is None:
            return 0
        await writing.commit(manifest)
        return manifest.source.captured - snapshot.manifest.source.captured


class Capturing:
    """One batch on its way into the next snapshot."""

    def __init__(self, loader: Loader, writing: Writing, snapshot: Snapshot) -> None:
        self.loader = loader
        self.writing = writing
        self.snapshot = snapshot
        self.manifest = snapshot.manifest
        hot = self.manifest.hot
        self.shape = Shape(
            events=hot["events"]["properties"],
            people_on_events=hot["events"]["person_properties"],
            people=hot["persons"]["properties"],
        )

    async def store(self, batch: list[Captured], now: datetime) -> Manifest | None:
        """Write everything that changes; None when every event was there already."""
        known = read_known(await self.loader.run(questions(batch, self.before)), self.manifest.group_types)
        fresh = [event for event in batch if event.uuid not in known.uuids]
        if not fresh:
            return None
        for event in sorted(fresh, key=lambda each: each.timestamp):
            known.groups.apply(event)
            known.people.apply(event)
        for event in fresh:
            event.person_id = known.people.owner(event)
        touched = await self.find_moved(known.people.moved)
        changes = [
            self.events_change(fresh, known, touched["events"], now),
            self.persons_change(known),
            self.ids_change(known),
            self.groups_change(known),
            self.sessions_change(fresh, known, touched["sessions"]),
        ]
        for name in UNPARTED:
            self.writing.keep(name)
        return await self.finish(fresh, known, changes)

    def columns(self, name: str) -> Columns:
        return tuple(self.manifest.tables[name].columns)

    def before(self, name: str) -> str:
        return table(self.snapshot.path / name, self.columns(name))

    def after(self, name: str) -> str:
        return table(self.writing.path / name, self.columns(name))

    def parted(self, name: str, known: Known, part: str = "n") -> PartTable:
        return PartTable(name, self.columns(name), known.rows[name], part)

    def lines(self, name: str, columns: Columns, rows: Iterable[Mapping[str, Json]]) -> str:
        """Write rows as JSON lines for chDB to read, and return their relation."""
        path: Path = self.writing.scratch / f"{name}.jsonl"
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
        return f"file({literal(str(path))}, JSONEachRow, {literal(structure(columns))}, 'none')"

    async def find_moved(self, moved: Mapping[str, str]) -> dict[str, set[str]]:
        """Files with rows of persons that were merged away."""
        if not moved:
            return {"events": set(), "sessions": set()}
        gone = any_of("person_id", set(moved), "UUID")
        events, sessions = await self.loader.run(
            [f"SELECT DISTINCT _file FROM {self.before(name)} WHERE {gone}" for name in ("events", "sessions")]
        )
        return {"events": {str(row[0]) for row in events}, "sessions": {str(row[0]) for row in sessions}}

    def events_change(self, fresh: Sequence[Captured], known: Known, hit: set[str], now: datetime) -> Changes:
        rows = self.lines("events", RAW_EVENTS, (event_row(event, now) for event in fresh))
        return Changes(
            self.parted("events", known, CAPTURE_PART),
            added=events_select(rows, self.shape),
            hit=hit,
            order="event, timestamp, uuid",
            rename=renamed_person(known.people.moved),
        )

    def persons_change(self, known: Known) -> Changes:
        people = known.people
        rows = [
            {
                "id": person.id,
                "created_at": person.created_at.strftime(TIME),
                "last_seen_at": person.last_seen_at.strftime(TIME),
                "properties": json_text(person.properties),
                "is_identified": person.is_identified,
                "version": person.version,
            }
            for person in people.persons.values()
            if person.id in people.changed
        ]
        return Changes(
            self.parted("persons", known),
            added=persons_hot_select(self.lines("persons", PERSONS, rows), self.shape) if rows else "",
            stale=any_of("id", people.changed, "UUID"),
            hit={known.person_files[each] for each in people.changed if each in known.person_files},
            order="id",
        )

    def ids_change(self, known: Known) -> Changes:
        changed = known.people.changed_ids
        rows = [
            {"distinct_id": each, "person_id": known.people.ids[each][0], "version": known.people.ids[each][1]}
            for each in sorted(changed)
        ]
        columns = self.columns("person_distinct_ids")
        return Changes(
            self.parted("person_distinct_ids", known),
            added=f"SELECT * FROM {self.lines('ids', columns, rows)}" if rows else "",
            stale=any_of("distinct_id", changed),
            hit={known.id_files[each] for each in changed if each in known.id_files},
            order="distinct_id",
        )

    def groups_change(self, known: Known) -> Changes:
        changed = [known.groups.groups[each] for each in sorted(known.groups.changed)]
        rows = [
            {
                "index": group.index,
                "key": group.key,
                "created_at": group.created_at.strftime(TIME),
                "updated_at": group.updated_at.strftime(TIME),
                "properties": json_text(group.properties),
            }
            for group in changed
        ]
        stale = " OR ".join(f"(index = {group.index} AND key = {literal(group.key)})" for group in changed)
        return Changes(
            self.parted("groups", known),
            added=f"SELECT * FROM {self.lines('groups', self.columns('groups'), rows)}" if rows else "",
            stale=stale or "0",
            hit=known.group_files if rows else (),
            order="index, key",
        )

    def sessions_change(self, fresh: Sequence[Captured], known: Known, hit: set[str]) -> Changes:
        """The batch's sessions are worked out again from all their events."""
        ids = session_ids(fresh)
        added = ""
        if ids:
            times = [event.timestamp for event in fresh if event.properties.get("$session_id") in ids]
            first, last = known.session_span or (times[0], times[0])
            span = (min(first, *times), max(last, *times))
            inside = " AND ".join(
                f"timestamp {sign} toDateTime64({literal(time.strftime(TIME))}, 6, 'UTC')"
                for sign, time in zip((">=", "<="), span, strict=True)
            )
            where = f"{inside} AND {any_of('`$session_id`', ids)}"
            added = sessions_select(self.after("events"), self.shape.events, where=where, complete=False)
        return Changes(
            self.parted("sessions", known),
            added=added,
            stale=any_of("session_id", ids),
            hit=hit | (known.session_files if ids else set()),
            order="`$start_timestamp`, session_id",
            rename=renamed_person(known.people.moved),
        )

    async def finish(self, fresh: Sequence[Captured], known: Known, changes: Sequence[Changes]) -> Manifest:
        statements = [each for one in changes for each in change(self.writing, self.snapshot, one)]
        tables = list(self.manifest.tables)
        last = f"(SELECT least(max(timestamp), now64(6)) FROM {self.after('events')})"
        statements += [f"SELECT count() FROM {self.after(name)}" for name in tables]
        statements.append(names.event_counts(self.after("events"), last))
        answers = await self.loader.run(statements)
        counts = answers[-1 - len(tables) : -1]
        learned = learn_properties(self.manifest.definitions, fresh, known.groups)
        learned.events = names.event_definitions(answers[-1])
        source = self.manifest.source.model_copy(update={"captured": self.manifest.source.captured + len(fresh)})
        return self.manifest.model_copy(
            update={
                "id": uuid.uuid4().hex,
                "created_at": datetime.now(UTC).isoformat(),
                "source": source,
                "tables": {
                    name: TableManifest(rows=names.as_int(rows[0][0]), columns=self.manifest.tables[name].columns)
                    for name, rows in zip(tables, counts, strict=True)
                },
                "definitions": learned,
                "group_types": known.groups.kinds,
                "date_range": data_range(answers[-1]),
            }
        )


def event_row(event: Captured, now: datetime) -> dict[str, Json]:
    chain = event.properties.get("$elements_chain")
    return {
        "uuid": event.uuid,
        "event": event.event,
        "distinct_id": event.distinct_id,
        "person_id": event.person_id,
        "properties": json_text(event.properties),
        "person_properties": event.person_properties,
        "elements_chain": chain if isinstance(chain, str) else "",
        "timestamp": event.timestamp.strftime(TIME),
        "created_at": now.strftime(TIME),
    }


def renamed_person(moved: Mapping[str, str]) -> dict[str, str]:
    """The person_id of rows whose person was merged into another."""
    if not moved:
        return {}
    old, new = (f"[{', '.join(literal(each) for each in ids)}]" for ids in (moved.keys(), moved.values()))
    return {"person_id": f"toUUID(transform(toString(person_id), {old}, {new}, toString(person_id)))"}
