"""The database of themes: opened with the first call; its tables, and one upsert for SQLite and PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import anyio

from posthog_mcp.errors import Unavailable
from posthog_mcp.state.database import create, open_engine
from posthog_mcp.state.sealing import PLAIN, Seal

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Engine, MetaData, Table

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables by what they hold; each begins with `project_id`."""

    themes: Table
    runs: Table
    marks: Table
    summaries: Table
    vectors: Table
    clusterings: Table


class Database:
    """One engine. Work is a function of a connection and the tables, run in a worker thread and one transaction."""

    def __init__(self, data_dir: Path, url: str | None = None, seal: Seal = PLAIN) -> None:
        self._data_dir, self._seal = data_dir, seal
        self._url = url
        self._opened: tuple[Engine, Tables] | None = None
        self._lock = threading.Lock()

    async def work(self, work: Callable[[Connection, Tables], T]) -> T:
        """What `work` returns, its changes committed together.

        Raises:
            Unavailable: the database cannot be reached or written.
        """
        return await anyio.to_thread.run_sync(self._work, work)

    async def aclose(self) -> None:
        if self._opened is not None:
            await anyio.to_thread.run_sync(self._opened[0].dispose)
            self._opened = None

    def _work(self, work: Callable[[Connection, Tables], T]) -> T:
        from sqlalchemy.exc import OperationalError

        engine, tables = self._open()
        try:
            with engine.begin() as connection:
                return work(connection, tables)
        except OperationalError as error:
            message = f"The database of themes did not answer: {type(error).__name__}."
            raise Unavailable(message, fix="Try again; check POSTHOG_MCP_STATE_URL and the disk.") from None

    def _open(self) -> tuple[Engine, Tables]:
        """Connect and create the tables.

        Raises:
            Unavailable: the database cannot be reached or written.
        """
        with self._lock:
            if self._opened is None:
                self._opened = self._connect()
            return self._opened

    def _connect(self) -> tuple[Engine, Tables]:
        import sqlalchemy as sa

        engine, metadata = open_engine(self._data_dir, self._url), sa.MetaData()
        tables = tables_of(metadata)
        create(engine, metadata, self._seal)
        return engine, tables


def tables_of(metadata: MetaData) -> Tables:
    """Their columns. Times are ISO 8601 in UTC, `body` and other objects JSON text."""
    import sqlalchemy as sa

    def table(name: str, keys: Sequence[str], *columns: sa.Column[object]) -> Table:
        key = [sa.Column(each, sa.String(200), primary_key=True) for each in keys]
        project = sa.Column("project_id", sa.Integer, primary_key=True, autoincrement=False)
        return sa.Table(name, metadata, project, *key, *columns)

    def text(name: str, size: int = 200) -> sa.Column[object]:
        return sa.Column(name, sa.String(size), nullable=False, server_default="")

    def real(name: str) -> sa.Column[object]:
        return sa.Column(name, sa.Float, nullable=False, server_default="0")

    def whole(name: str) -> sa.Column[object]:
        return sa.Column(name, sa.Integer, nullable=False, server_default="0")

    def long(name: str) -> sa.Column[object]:
        return sa.Column(name, sa.Text, nullable=False, server_default="")

    return Tables(
        themes=table("trace_themes", ["theme_id"], long("body"), text("at", 40)),
        runs=table("trace_theme_runs", ["theme_id", "run_id"], text("at", 40), long("body")),
        marks=table(
            "trace_marks",
            ["theme_id", "trace_id"],
            text("fingerprint", 40),
            text("state", 10),
            text("batch_id", 40),
            real("lease_until"),
            whole("attempts"),
            long("about"),
        ),
        summaries=table(
            "trace_summaries",
            ["theme_id", "trace_id"],
            text("at", 40),
            text("title"),
            long("summary"),
            text("severity", 10),
            whole("relevant"),
            text("person_id"),
            real("cost_usd"),
            real("latency_s"),
            whole("errors"),
            text("writer"),
            text("written_at", 40),
            text("text_hash", 40),
            long("body"),
        ),
        vectors=table("trace_vectors", ["embedder", "text_hash"], sa.Column("vector", sa.LargeBinary, nullable=False)),
        clusterings=table("trace_clusterings", ["theme_id", "run_id"], text("at", 40), long("body")),
    )


def upsert(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, object]],
    where: ColumnElement[bool] | None = None,
) -> None:
    """Insert rows; one that is there takes the new values, where `where` holds for it."""
    if not rows:
        return
    from sqlalchemy.dialects import postgresql, sqlite

    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    insert = dialect.insert(table)
    keys = [column.name for column in table.primary_key.columns]
    changed = {name: insert.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=changed, where=where), list(rows))
