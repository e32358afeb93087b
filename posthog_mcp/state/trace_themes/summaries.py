"""Summaries of traces, the vectors of their texts, and clusterings: rows in, rows out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from posthog_mcp.results import Json
from posthog_mcp.state.trace_themes.database import Tables, upsert
from posthog_mcp.state.trace_themes.marks import CHUNK

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

KEPT_CLUSTERINGS = 20
KEPT_RUNS = 50


@dataclass(frozen=True, slots=True)
class StoredSummary:
    """What a reader said of one trace under one theme.

    `at` is when the trace began and `written_at` when it was read, ISO 8601 in UTC; `writer` client, extractive, or the
    model; `body` the whole answer (evidence, first_failure, a theme's own fields).
    """

    theme_id: str
    trace_id: str
    at: str
    title: str
    summary: str
    severity: str
    relevant: bool
    person_id: str
    cost_usd: float
    latency_s: float
    errors: int
    writer: str
    written_at: str
    text_hash: str
    body: dict[str, Json] = field(default_factory=dict[str, Json])


def save_summaries(connection: Connection, tables: Tables, project_id: int, rows: Sequence[StoredSummary]) -> None:
    """Keep them; a newer summary of the same trace replaces the older."""
    values = [{**asdict(each), "project_id": project_id, "body": json.dumps(each.body)} for each in rows]
    upsert(connection, tables.summaries, values)


def summaries_of(
    connection: Connection,
    tables: Tables,
    project_id: int,
    *,
    theme_id: str = "",
    trace_id: str = "",
    relevant_only: bool = False,
    since: str = "",
) -> list[StoredSummary]:
    """Oldest trace first. `since`: traces that began then or later (ISO 8601, UTC)."""
    held = tables.summaries.c
    chosen = tables.summaries.select().where(held.project_id == project_id).order_by(held.at, held.trace_id)
    for column, value in ((held.theme_id, theme_id), (held.trace_id, trace_id)):
        chosen = chosen.where(column == value) if value else chosen
    chosen = chosen.where(held.relevant == 1) if relevant_only else chosen
    chosen = chosen.where(held.at >= since) if since else chosen
    return [stored(row) for row in connection.execute(chosen).mappings()]


def stored(row: object) -> StoredSummary:
    fields = dict(cast("Mapping[str, object]", row))
    chosen = {name: fields[name] for name in StoredSummary.__slots__}
    chosen |= {"relevant": bool(fields["relevant"]), "body": json.loads(str(fields["body"]) or "{}")}
    return StoredSummary(**chosen)  # pyright: ignore[reportArgumentType]


def vectors_of(
    connection: Connection, tables: Tables, project_id: int, embedder: str, hashes: Sequence[str]
) -> dict[str, bytes]:
    """Vectors that are kept, as float32 bytes by the hash of their text."""
    held = tables.vectors.c
    found: dict[str, bytes] = {}
    for start in range(0, len(hashes), CHUNK):
        chosen = tables.vectors.select().where(
            held.project_id == project_id,
            held.embedder == embedder,
            held.text_hash.in_(hashes[start : start + CHUNK]),
        )
        found.update((row.text_hash, bytes(row.vector)) for row in connection.execute(chosen))
    return found


def save_vectors(
    connection: Connection, tables: Tables, project_id: int, embedder: str, vectors: Mapping[str, bytes]
) -> None:
    key = {"project_id": project_id, "embedder": embedder}
    upsert(connection, tables.vectors, [{**key, "text_hash": name, "vector": each} for name, each in vectors.items()])


def save_clustering(
    connection: Connection, tables: Tables, project_id: int, theme_id: str, run_id: str, body: Mapping[str, Json]
) -> None:
    """Keep a clustering, or its new labels; the oldest beyond twenty a theme are dropped."""
    row = {"project_id": project_id, "theme_id": theme_id, "run_id": run_id, "body": json.dumps(body)}
    upsert(connection, tables.clusterings, [{**row, "at": str(body.get("at", ""))}])
    drop_oldest(connection, tables.clusterings, project_id, theme_id, KEPT_CLUSTERINGS)


def clusterings_of(
    connection: Connection, tables: Tables, project_id: int, theme_id: str, run_id: str = "", limit: int = 2
) -> list[dict[str, Json]]:
    """Bodies, newest first."""
    held = tables.clusterings.c
    chosen = tables.clusterings.select().where(held.project_id == project_id, held.theme_id == theme_id)
    chosen = chosen.where(held.run_id == run_id) if run_id else chosen
    rows = connection.execute(chosen.order_by(held.at.desc(), held.run_id.desc()).limit(limit))
    return [json.loads(row.body) for row in rows]


def save_run(
    connection: Connection, tables: Tables, project_id: int, theme_id: str, run_id: str, body: Mapping[str, Json]
) -> None:
    """Keep what came of a run."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    row = {"project_id": project_id, "theme_id": theme_id, "run_id": run_id, "at": at, "body": json.dumps(body)}
    upsert(connection, tables.runs, [row])
    drop_oldest(connection, tables.runs, project_id, theme_id, KEPT_RUNS)


def last_runs(connection: Connection, tables: Tables, project_id: int) -> dict[str, tuple[str, dict[str, Json]]]:
    """theme id → when it last ran (ISO 8601, UTC) and what came of it."""
    held = tables.runs.c
    rows = connection.execute(tables.runs.select().where(held.project_id == project_id).order_by(held.at))
    return {row.theme_id: (row.at, json.loads(row.body)) for row in rows}


def drop_oldest(connection: Connection, table: Table, project_id: int, theme_id: str, keep: int) -> None:
    import sqlalchemy as sa

    held = table.c
    own = (held.project_id == project_id, held.theme_id == theme_id)
    old = sa.select(held.run_id).where(*own).order_by(held.at.desc(), held.run_id.desc()).offset(keep)
    names = [row.run_id for row in connection.execute(old)]
    if names:
        connection.execute(table.delete().where(*own, held.run_id.in_(names)))
