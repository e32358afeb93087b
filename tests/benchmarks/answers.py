"""Ten questions through `execute_hogql`, against the same SQL by hand, DuckDB on the export, and the bare scan.

Aims at 10 M events: at most 1.15× the hand-written SQL on chDB, and ahead of DuckDB on eight of ten. Generates what
is missing under `data_dir`: the project, and the same data as a batch export.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import anyio
from mcp import Client

from posthog_mcp.backends.local.demo.generate import generate_demo, write_demo_export
from posthog_mcp.backends.local.engine import Engine
from posthog_mcp.backends.local.objects import Objects
from posthog_mcp.backends.local.storage import Snapshot, Store
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings
from tests.benchmarks.measure import alternate, ratio, table
from tests.benchmarks.questions import QUESTIONS, Question

END = datetime(2026, 11, 1, tzinfo=UTC)


async def prepared(data_dir: Path, events: int) -> tuple[Snapshot, Path]:
    store = Store(data_dir / "local")
    snapshot = store.current()
    if snapshot is None:
        snapshot = await generate_demo(store, Objects(store.root), events=events, end=END)
    export = data_dir / "export"
    if not export.exists():
        await write_demo_export(export, events=events, end=END)
    return snapshot, export


async def report(data_dir: Path, events: int, times: int = 5) -> str:
    import duckdb

    snapshot, export = await prepared(data_dir, events)
    settings = Settings.load(data_dir=data_dir, backend="local", query_timeout=120)
    other = duckdb.connect()
    other.execute("SET timezone = 'UTC'")
    other.execute("SET threads = 2")
    source = f"read_parquet('{export}/events/*.parquet')"
    other.execute(f"CREATE VIEW export AS SELECT * REPLACE (timestamp::TIMESTAMP AS timestamp) FROM {source}")
    rows: list[list[object]] = []
    async with Client(build_server(settings)) as client:
        project = client_project(client)
        engine: Engine = project
        for question in QUESTIONS:
            rows.append(await measured(client, engine, other, question, times))
    title = f"Ten questions on {snapshot.manifest.tables['events'].rows:,} events, median of {times}, ms"
    header = ["question", "execute_hogql", "by hand on chDB", "ratio", "DuckDB on the export", "scan", "to the scan"]
    return table(title, header, rows)


def client_project(client: Client) -> Engine:
    """The engine under the in-memory server: the hand-written SQL runs in the same process, on the same tables."""
    server = client.server
    return server.project.driver._engine  # pyright: ignore


async def measured(client: Client, engine: Engine, other: object, question: Question, times: int) -> list[object]:
    async def ours() -> None:
        result = await client.call_tool("execute_hogql", {"query": question.hogql, "refresh": True})
        assert not result.is_error, result.content

    async def by_hand() -> None:
        await engine.run(question.clickhouse.format(events="ph.events"), {}, timeout_seconds=120, timezone="UTC")

    async def duck() -> None:
        await anyio.to_thread.run_sync(lambda: other.execute(question.duckdb.format(events="export")).fetchall())  # pyright: ignore

    async def scan() -> None:
        sql = f"SELECT count() FROM ph.events WHERE NOT ignore({question.scan})"
        await engine.run(sql, {}, timeout_seconds=120, timezone="UTC")

    await ours()
    mine, hand, duckdb_ms, floor = await alternate([ours, by_hand, duck, scan], times)
    return [
        question.name,
        f"{mine:.0f}",
        f"{hand:.0f}",
        ratio(mine, hand),
        f"{duckdb_ms:.0f}",
        f"{floor:.0f}",
        ratio(mine, floor),
    ]
