"""Raw rows in PostHog's batch-export columns → the tables of a snapshot.

Four passes in the loader's process: look (counts, spans, duplicates), learn (identities, property types), write
(events a slice of time at a time, so that memory stays bounded; then persons, groups, sessions), count. Each event
file is one slice of time sorted by event and time, so both kinds of filter skip files and row groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from posthog_mcp.backends.local import definitions as names
from posthog_mcp.backends.local.event_rows import Shape
from posthog_mcp.backends.local.identities import (
    distinct_ids_select,
    group_kinds_select,
    identities,
    moved_select,
)
from posthog_mcp.backends.local.loader import Loader, LoadProgress, Rows, open_loader
from posthog_mcp.backends.local.manifest import (
    DataRange,
    Definitions,
    HotMap,
    Manifest,
    ProjectSettings,
    TableManifest,
)
from posthog_mcp.backends.local.manifest import (
    Source as DataSource,
)
from posthog_mcp.backends.local.schema import (
    GROUP_SLOTS,
    TABLES,
    TIME,
    Columns,
    TableName,
    ai_events_view,
)
from posthog_mcp.backends.local.sessions import SESSION_PROPERTIES
from posthog_mcp.backends.local.slices import Look
from posthog_mcp.backends.local.sources import (
    FILE_SETTINGS,
    RAW_EVENTS,
    RAW_PERSONS,
    ROW_NUMBER,
    Links,
    empty,
    insert,
    raw_source,
    table,
)
from posthog_mcp.backends.local.storage import Writing
from posthog_mcp.backends.local.table_writes import IDS_A_FILE, MOVED, Raw, TableWrites, bucket

__all__ = ["Raw", "raw_rows", "rewrite", "rewrite_with", "scaled"]

SAMPLED_PERSONS = 100_000
SCRATCH_SETTINGS = {"output_format_parquet_compression_method": "'lz4'", "output_format_parquet_write_bloom_filter": 0}
SAMPLE: Columns = (
    ("event", "String"),
    ("factor", "UInt64"),
    ("timestamp", TIME),
    ("properties", "String"),
    ("person_properties", "String"),
)
IDS: Columns = (("distinct_id", "String"), ("latest", "UUID"), ("least", "UUID"), ("greatest", "UUID"))


def raw_rows(writing: Writing, events: Sequence[Path], persons: Sequence[Path] = ()) -> Raw:
    """Parquet files that already have `RAW_EVENTS` and `RAW_PERSONS` in their own types, as the demo writes them."""
    links = Links(writing.scratch / "in")
    folders = {path.parent for path in (*events, *persons)}
    return Raw(
        links,
        [raw_source(links, events, RAW_EVENTS)],
        [raw_source(links, persons, RAW_PERSONS)] if persons else [],
        reads=sorted(folders),
    )


async def rewrite(
    writing: Writing,
    raw: Raw,
    *,
    project: ProjectSettings,
    source: DataSource,
    progress: LoadProgress | None = None,
) -> Manifest:
    """Fill `writing` from raw rows and return the manifest; committing is the caller's.

    Raises:
        PostHogMcpError: chDB's complaint about the raw data, in words.
        Unavailable: the loader's process died, or the disk is full.
    """
    async with open_loader(reads=[*raw.reads, writing.path], writes=[writing.path]) as loader:
        return await rewrite_with(loader, writing, raw, project=project, source=source, progress=progress)


async def rewrite_with(
    loader: Loader,
    writing: Writing,
    raw: Raw,
    *,
    project: ProjectSettings,
    source: DataSource,
    progress: LoadProgress | None = None,
) -> Manifest:
    """`rewrite` in a loader that may read `raw.reads` and `writing.path`, and write the latter."""
    rewriting = Rewriting(loader, writing, raw)
    look = await rewriting.look(scaled(progress, 0.0, 0.1))
    shape, learned = await rewriting.learn(look, scaled(progress, 0.1, 0.2))
    await TableWrites(writing, rewriting.raw, look, shape).run(loader, scaled(progress, 0.2, 0.95))
    tables, counted = await rewriting.count(shape, scaled(progress, 0.95, 1.0))
    return Manifest(
        project=project,
        source=source,
        tables=tables,
        views={"ai_events": ai_events_view(shape.events)},
        hot=hot_map(shape),
        definitions=learned.model_copy(update={"events": names.event_definitions(counted)}),
        group_types=list(shape.kinds),
        date_range=data_range(counted),
    )


class Rewriting:
    """The passes over one set of raw rows."""

    def __init__(self, loader: Loader, writing: Writing, raw: Raw) -> None:
        self.loader = loader
        self.writing = writing
        self.raw = raw
        self.scratch = writing.scratch
        self.events = raw.links.relation(raw.events, RAW_EVENTS)
        self.persons = raw.links.relation(raw.persons, RAW_PERSONS)

    async def run(self, statements: Sequence[str], label: str, progress: LoadProgress | None = None) -> list[Rows]:
        return await self.loader.run(statements, progress=progress, label=label)

    async def look(self, progress: LoadProgress | None) -> Look:
        """Count rows by event, hour and file, find duplicates, and the group types."""
        events = self.kept(self.raw.dropped)
        statements = [
            f"SELECT event, count() FROM {events} GROUP BY event",
            f"SELECT toUnixTimestamp(toStartOfHour(timestamp)) AS hour, count() FROM {events} GROUP BY hour",
            f"""SELECT bitShiftRight(row, 40) AS file, toUnixTimestamp64Micro(min(timestamp)),
toUnixTimestamp64Micro(max(timestamp)) FROM {events} GROUP BY file""",
            f"SELECT count() - uniqExact(uuid), uniq(distinct_id) FROM {events}",
        ]
        counts, hours, files, [[duplicates, ids]] = await self.run(statements, "counting rows", progress)
        return Look(
            counts={str(row[0]): names.as_int(row[1]) for row in counts},
            hours={names.as_int(row[0]): names.as_int(row[1]) for row in hours},
            files={names.as_int(row[0]): (names.as_int(row[1]), names.as_int(row[2])) for row in files},
            duplicates=names.as_int(duplicates),
            ids=names.as_int(ids),
        )

    def kept(self, dropped: Path | None, only: frozenset[int] | None = None) -> str:
        """The raw events without the dropped rows."""
        rows = self.events if only is None else self.raw.links.relation(self.raw.events, RAW_EVENTS, only)
        if dropped is None:
            return rows
        return f"(SELECT * FROM {rows} WHERE row NOT IN (SELECT row FROM {table(dropped, ROW_NUMBER)}))"

    async def learn(self, look: Look, progress: LoadProgress | None) -> tuple[Shape, Definitions]:
        """Work out identities and duplicates, and vote on the types of properties."""
        if look.duplicates:
            await self.run([self.drop_duplicates()], "finding duplicates")
            self.raw = replace(self.raw, dropped=self.scratch / "dropped.parquet")
        events = self.kept(self.raw.dropped)
        factor = names.sample_factor(look.counts)
        taken = f"SELECT *, {factor} AS factor FROM {events} WHERE cityHash64(uuid) % {factor} = 0"
        sample = table(self.scratch / "sample.parquet", SAMPLE)
        some = f"cityHash64(distinct_id) % {1 + look.ids // SAMPLED_PERSONS} = 0"
        people = f"""(SELECT '' AS event, factor, person_properties AS properties FROM {sample}
UNION ALL SELECT '', toUInt64(1), properties FROM {self.persons} WHERE {some})"""
        groups = f"""(SELECT JSONExtractString(properties, '$group_type') AS event, toUInt64(1) AS factor,
JSONExtractRaw(properties, '$group_set') AS changes
FROM (SELECT properties FROM {events} WHERE event = '$groupidentify'))"""
        mapping = self.writing.folder("person_distinct_ids")
        ids = table(self.scratch / "ids.parquet", IDS)
        pdi_columns = TABLES["person_distinct_ids"]
        statements = [
            insert(self.scratch / "sample.parquet", SAMPLE, taken, SCRATCH_SETTINGS),
            insert(self.scratch / "ids.parquet", IDS, identities(events)),
            insert(mapping / "none.parquet", pdi_columns, empty(pdi_columns)),
            insert(
                mapping / "{_partition_id}.parquet",
                pdi_columns,
                distinct_ids_select(ids, self.persons),
                FILE_SETTINGS,
                by=bucket("distinct_id", look.ids, IDS_A_FILE),
            ),
            insert(self.scratch / "moved.parquet", MOVED, moved_select(ids, table(mapping, pdi_columns))),
            names.property_votes(sample, "properties"),
            names.property_votes(people, "properties"),
            names.property_votes(groups, "changes"),
            group_kinds_select(sample),
            f"SELECT avg(length(properties) + length(person_properties)) FROM {sample}",
        ]
        answers = await self.run(statements, "reading property types", progress)
        own, person, group = (names.found_properties(rows) for rows in answers[5:8])
        kinds = group_slots(self.raw.kinds, answers[8])
        look.row_bytes = float(cast("float", answers[9][0][0] or 0))
        if not look.counts:
            own = names.usual_properties()
        shape = Shape(
            events=names.hot_columns(own, "mat", names.HOT_EVENT_PROPERTIES, SESSION_PROPERTIES),
            people_on_events=names.hot_columns(person, "pmat", names.HOT_PERSON_PROPERTIES),
            people=names.hot_columns(person, "mat", names.HOT_PERSON_PROPERTIES),
            kinds=kinds,
        )
        learned = Definitions(
            event_properties=names.definitions_of(own if look.counts else []),
            person_properties=names.definitions_of(person),
            group_properties={
                str(index): names.definitions_of(each for each in group if kind in each.events)
                for index, kind in enumerate(kinds)
            },
        )
        return shape, learned

    def drop_duplicates(self) -> str:
        """Row numbers of all but the newest row of each uuid, and of what was dropped before."""
        events = self.kept(self.raw.dropped)
        before = f"SELECT row FROM {table(self.raw.dropped, ROW_NUMBER)} UNION ALL" if self.raw.dropped else ""
        select = f"""{before} SELECT arrayJoin(arraySlice(arrayMap(x -> tupleElement(x, 3),
arrayReverseSort(groupArray((created_at, _inserted_at, row)))), 2)) AS row FROM {events}
WHERE uuid IN (SELECT uuid FROM {events} GROUP BY uuid HAVING count() > 1) GROUP BY uuid"""
        return insert(self.scratch / "dropped.parquet", ROW_NUMBER, select)

    async def count(self, shape: Shape, progress: LoadProgress | None) -> tuple[dict[str, TableManifest], Rows]:
        """Rows of each table, and of each event."""
        columns: dict[TableName, Columns] = {
            **TABLES,
            "events": shape.event_columns,
            "persons": shape.person_columns,
        }
        events = table(self.writing.path / "events", shape.event_columns)
        last = f"(SELECT least(max(timestamp), now64(6)) FROM {events})"
        statements = [f"SELECT count() FROM {table(self.writing.path / name, columns[name])}" for name in columns]
        *rows, counted = await self.run([*statements, names.event_counts(events, last)], "checking", progress)
        tables: dict[str, TableManifest] = {
            name: TableManifest(rows=names.as_int(found[0][0]), columns=list(columns[name]))
            for name, found in zip(columns, rows, strict=True)
        }
        return tables, counted


def hot_map(shape: Shape) -> HotMap:
    return {
        "events": {"properties": dict(shape.events), "person_properties": dict(shape.people_on_events)},
        "persons": {"properties": dict(shape.people)},
    }


def data_range(counted: Rows) -> DataRange | None:
    if not counted:
        return None
    return DataRange(first=min(str(row[3]) for row in counted), last=max(str(row[4]) for row in counted))


def group_slots(known: Sequence[str], rows: Rows) -> list[str]:
    """Group types by index: known ones stay, one whose keys stand in `$group_N` is N, others follow as first seen."""
    slots: dict[int, str] = {index: kind for index, kind in enumerate(known[:GROUP_SLOTS]) if kind}
    waiting = [row for row in rows if str(row[0]) not in slots.values()]
    for row in waiting:
        matches = [names.as_int(cell) for cell in row[2:]]
        best = max(range(GROUP_SLOTS), key=lambda slot: matches[slot])
        if matches[best] and best not in slots:
            slots[best] = str(row[0])
    for row in waiting:
        free = next((slot for slot in range(GROUP_SLOTS) if slot not in slots), None)
        if free is not None and str(row[0]) not in slots.values():
            slots[free] = str(row[0])
    return [slots.get(slot, f"group_{slot}") for slot in range(max(slots, default=-1) + 1)]


def scaled(progress: LoadProgress | None, start: float, end: float) -> LoadProgress | None:
    """The same progress, squeezed into a part of the whole."""
    if progress is None:
        return None
    return lambda fraction, label: progress(start + (end - start) * fraction, label)
