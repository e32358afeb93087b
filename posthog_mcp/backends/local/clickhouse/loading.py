"""Filling the server: a snapshot's Parquet as it is, or a description of tables that a team fills itself."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from posthog_mcp.backends.local import definitions as names
from posthog_mcp.backends.local.clickhouse.ddl import ENGINES, create_manifest, create_table, create_views
from posthog_mcp.backends.local.clickhouse.server import MANIFEST, Server
from posthog_mcp.backends.local.loader import LoadProgress
from posthog_mcp.backends.local.manifest import (
    DataRange,
    Definitions,
    HotMap,
    Manifest,
    ProjectSettings,
    Source,
    TableManifest,
)
from posthog_mcp.backends.local.schema import TABLES, ai_events_view, literal, quoted
from posthog_mcp.backends.local.storage import Snapshot
from posthog_mcp.errors import InvalidInput
from posthog_mcp.results import Json

if TYPE_CHECKING:
    from posthog_mcp.backends.local.loader import Rows

NEXT = "__next"
CHUNK = 1 << 20
SAMPLED = 100_000
SCAN_SECONDS = 600.0


async def load_snapshot(server: Server, snapshot: Snapshot, progress: LoadProgress | None = None) -> dict[str, int]:
    """Copy every table; the old rows answer until all new ones are there. Rows by table, as the server counts them.

    Raises:
        PostHogMcpError: the server's complaint, in words; what it held before is unchanged.
    """
    database = server.address.database
    work = [(name, file) for name in ENGINES for file in snapshot.files(name)]
    if not await server.rows(f"SELECT 1 FROM system.databases WHERE name = {literal(database)}"):
        await server.command(f"CREATE DATABASE {quoted(database)}")
    for name in ENGINES:
        await server.command(f"DROP TABLE IF EXISTS {quoted(database)}.{quoted(name + NEXT)}")
        await server.command(create_table(database, name, snapshot.manifest.tables[name], NEXT))
    for done, (name, file) in enumerate(work):
        if progress:
            progress(done / len(work), f"loading {name}")
        await insert_file(server, f"{quoted(database)}.{quoted(name + NEXT)}", snapshot.manifest.tables[name], file)
    for name in ENGINES:
        await swap(server, name, snapshot.manifest.tables[name])
    await publish(server, snapshot.manifest)
    return await counts(server)


async def insert_file(server: Server, table: str, wanted: TableManifest, file: Path) -> None:
    columns = [name for name, _ in wanted.columns]
    await server.insert(table, columns, chunks(file), "Parquet")


async def chunks(file: Path) -> AsyncGenerator[bytes]:
    async with await anyio.open_file(file, "rb") as opened:
        while part := await opened.read(CHUNK):
            yield part


async def swap(server: Server, name: str, table: TableManifest) -> None:
    """Put the new table in the old one's place at once."""
    at = quoted(server.address.database)
    await server.command(create_table(server.address.database, name, table))
    await server.command(f"EXCHANGE TABLES {at}.{quoted(name)} AND {at}.{quoted(name + NEXT)}")
    await server.command(f"DROP TABLE {at}.{quoted(name + NEXT)}")


async def publish(server: Server, manifest: Manifest) -> None:
    """Make the views and say what the tables hold."""
    database = server.address.database
    await server.command(create_manifest(database))
    for statement in create_views(database, manifest.views):
        await server.command(statement)
    row = json.dumps({"manifest": manifest.model_dump_json()}).encode()
    await server.insert(f"{quoted(database)}.{MANIFEST}", ["manifest"], row, "JSONEachRow")


async def counts(server: Server) -> dict[str, int]:
    at = quoted(server.address.database)
    return {
        name: names.as_int((await server.rows(f"SELECT count() FROM {at}.{quoted(name)}"))[0][0]) for name in ENGINES
    }


async def describe(server: Server, project: ProjectSettings) -> Manifest:
    """Read names and property types from the team's own tables, and publish what was found.

    Raises:
        InvalidInput: a table or column is missing or of another type.
    """
    at = quoted(server.address.database)
    tables = await own_tables(server)
    last = f"(SELECT least(max(timestamp), now64(6)) FROM {at}.events)"
    counted = await server.rows(names.event_counts(f"{at}.events", last), seconds=SCAN_SECONDS)
    factor = names.sample_factor({str(row[0]): names.as_int(row[1]) for row in counted})
    sample = f"(SELECT event, {factor} AS factor, properties FROM {at}.events WHERE cityHash64(uuid) % factor = 0)"
    people = f"(SELECT '' AS event, toUInt64(1) AS factor, properties FROM {at}.persons LIMIT {SAMPLED})"
    own, person = [
        names.found_properties(await server.rows(names.property_votes(rows, "properties"), seconds=SCAN_SECONDS))
        for rows in (sample, people)
    ]
    hot = hot_of(tables, own, person)
    manifest = Manifest(
        id=uuid.uuid4().hex,
        project=project,
        source=Source(kind="import", detail={"clickhouse": "own tables"}),
        tables=tables,
        views={"ai_events": ai_events_view(hot["events"]["properties"])},
        hot=hot,
        definitions=Definitions(
            events=names.event_definitions(counted),
            event_properties=names.definitions_of(own),
            person_properties=names.definitions_of(person),
        ),
        date_range=span(counted),
    )
    await publish(server, manifest)
    return manifest


async def own_tables(server: Server) -> dict[str, TableManifest]:
    """Columns and rows of the tables as they are.

    Raises:
        InvalidInput: one is missing, or of another type.
    """
    database = literal(server.address.database)
    found = await server.rows(
        f"SELECT table, name, type FROM system.columns WHERE database = {database} ORDER BY position"
    )
    columns = {name: [(str(row[1]), str(row[2])) for row in found if row[0] == name] for name in ENGINES}
    wrong = [
        f"{name}.{column} should be {kind}, is {dict(columns[name]).get(column, 'missing')}"
        for name in ENGINES
        for column, kind in TABLES[name]  # pyright: ignore[reportArgumentType]
        if dict(columns[name]).get(column) != kind
    ]
    if wrong:
        message = f"The tables in {server.address} do not fit: {'; '.join(wrong[:5])}."
        raise InvalidInput(message, fix="Make them as `posthog-mcp local clickhouse-schema` prints them.")
    rows = await counts(server)
    here = {name: TableManifest(rows=0, columns=list(TABLES[name])) for name in TABLES if name not in ENGINES}
    return {name: TableManifest(rows=rows[name], columns=columns[name]) for name in ENGINES} | here


def hot_of(tables: dict[str, TableManifest], own: list[names.Found], person: list[names.Found]) -> HotMap:
    """Typed copies of properties, found by their columns' names (`mat_…`, `pmat_…`) and the property's type."""

    def hot(table: str, prefix: str, found: list[names.Found]) -> dict[str, tuple[str, str]]:
        wanted = names.hot_columns(found, prefix, len(found), [each.name for each in found])
        return {name: column for name, column in wanted.items() if column in tables[table].columns}

    return {
        "events": {"properties": hot("events", "mat", own), "person_properties": hot("events", "pmat", person)},
        "persons": {"properties": hot("persons", "mat", person)},
    }


def span(counted: list[list[Json]] | Rows) -> DataRange | None:
    if not counted:
        return None
    return DataRange(first=min(str(row[3]) for row in counted), last=max(str(row[4]) for row in counted))
