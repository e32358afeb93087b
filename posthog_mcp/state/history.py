"""The query history: what was asked, when, of which project, and what came of it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, cast

import anyio

from posthog_mcp.errors import NotFound
from posthog_mcp.results import Json
from posthog_mcp.state.cache import STAMP, changed
from posthog_mcp.state.database import create, open_engine
from posthog_mcp.state.sealing import PLAIN, Seal

if TYPE_CHECKING:
    from sqlalchemy import Engine, Table

BUFFER = 200
"""Cache hits that may wait in memory."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One query. `at` is ISO 8601 in UTC; `status` is ok or an error code; `values` is JSON text."""

    query_id: str
    at: str
    project_id: int
    hogql: str
    values: str
    status: str
    row_count: int
    elapsed_ms: float
    cached: bool
    name: str | None = None

    def as_json(self) -> dict[str, Json]:
        return {name: getattr(self, name) for name in HistoryEntry.__slots__}


class History:
    """One database of history rows. Nothing is opened before the first write or read."""

    def __init__(self, data_dir: Path, url: str | None = None, seal: Seal = PLAIN) -> None:
        self._data_dir, self._seal = data_dir, seal
        self._url = url
        self._database: tuple[Engine, Table] | None = None
        self._buffer: list[HistoryEntry] = []
        self._lock = threading.Lock()
        self._forgot = changed(data_dir / STAMP)

    async def remember(self, entry: HistoryEntry) -> None:
        """Keep an entry; cache hits are written with the next run, read, or close."""
        self._buffer.append(entry)
        if not entry.cached or len(self._buffer) >= BUFFER:
            await anyio.to_thread.run_sync(self._flush)

    async def search(
        self, project_id: int, *, search: str | None = None, favourites: bool = False, limit: int = 20
    ) -> list[HistoryEntry]:
        """Newest first; `search` looks into the query and its name."""
        return await anyio.to_thread.run_sync(partial(self._search, project_id, search, favourites, limit))

    async def get(self, query_id: str | None) -> HistoryEntry:
        """The entry of this id, or the newest that ran well.

        Raises:
            NotFound: there is none.
        """
        return await anyio.to_thread.run_sync(self._get, query_id)

    async def name(self, query_id: str, name: str) -> HistoryEntry:
        """Make an entry a favourite.

        Raises:
            NotFound: there is no such query.
        """
        return await anyio.to_thread.run_sync(self._name, query_id, name)

    async def aclose(self) -> None:
        await anyio.to_thread.run_sync(self._close)

    def _open(self) -> tuple[Engine, Table]:
        """Connect and create the table.

        Raises:
            Unavailable: the database cannot be reached or written.
        """
        if self._database is not None:
            return self._database
        import sqlalchemy as sa

        engine = open_engine(self._data_dir, self._url)
        metadata = sa.MetaData()
        table = sa.Table(
            "query_history",
            metadata,
            sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
            sa.Column("query_id", sa.String(64), index=True, nullable=False),
            sa.Column("at", sa.String(40), nullable=False),
            sa.Column("project_id", sa.Integer, index=True, nullable=False),
            sa.Column("hogql", sa.Text, nullable=False),
            sa.Column("values", sa.Text, nullable=False),
            sa.Column("status", sa.String(40), nullable=False),
            sa.Column("row_count", sa.Integer, nullable=False),
            sa.Column("elapsed_ms", sa.Float, nullable=False),
            sa.Column("cached", sa.Boolean, nullable=False),
            sa.Column("name", sa.String(200)),
        )
        create(engine, metadata, self._seal)
        self._database = (engine, table)
        return self._database

    def _flush(self) -> None:
        with self._lock:
            entries, self._buffer = self._buffer, []
            if (now := changed(self._data_dir / STAMP)) != self._forgot:
                self._forgot, entries = now, [each for each in entries if not each.cached]
            if not entries:
                return
            engine, table = self._open()
            with engine.begin() as connection:
                connection.execute(table.insert(), [entry.as_json() for entry in entries])

    def _search(self, project_id: int, search: str | None, favourites: bool, limit: int) -> list[HistoryEntry]:
        self._flush()
        engine, table = self._open()
        query = table.select().where(table.c.project_id == project_id).order_by(table.c.sequence.desc())
        if search and not self._seal:
            query = query.where(table.c.hogql.icontains(search, autoescape=True) | table.c.name.icontains(search))
        if favourites:
            query = query.where(table.c.name.is_not(None))
        sought = search.casefold() if search and self._seal else ""  # the database cannot look into what is sealed
        with engine.connect() as connection:
            rows = connection.execute(query if sought else query.limit(limit)).mappings()
            found = (entry(row) for row in rows)
            return list(islice((each for each in found if holds(each, sought)), limit))

    def _get(self, query_id: str | None) -> HistoryEntry:
        self._flush()
        engine, table = self._open()
        query = table.select().order_by(table.c.sequence.desc()).limit(1)
        query = query.where(table.c.query_id == query_id) if query_id else query.where(table.c.status == "ok")
        with engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            what = f"There is no query {query_id!r}" if query_id else "No query has run yet"
            raise NotFound(f"{what}.", fix="Run one with execute_hogql, or find an id with query_history.")
        return entry(row)

    def _name(self, query_id: str, name: str) -> HistoryEntry:
        self._get(query_id)
        engine, table = self._open()
        with engine.begin() as connection:
            connection.execute(table.update().where(table.c.query_id == query_id).values(name=name))
        return self._get(query_id)

    def _close(self) -> None:
        if self._buffer:
            self._flush()
        if self._database is not None:
            self._database[0].dispose()
            self._database = None


def holds(found: HistoryEntry, sought: str) -> bool:
    return sought in found.hogql.casefold() or sought in (found.name or "").casefold()


def entry(row: object) -> HistoryEntry:
    fields = cast("Mapping[str, object]", row)
    chosen = {name: fields[name] for name in HistoryEntry.__slots__}
    return HistoryEntry(**chosen)  # pyright: ignore[reportArgumentType]
