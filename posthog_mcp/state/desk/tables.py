"""The desk's tables, opened at the first use."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import anyio

from posthog_mcp.errors import Unavailable
from posthog_mcp.state.database import create, open_engine
from posthog_mcp.state.sealing import PLAIN, Seal

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, MetaData, Table

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Tables:
    """An open database."""

    engine: Engine
    documents: Table
    deliveries: Table
    leases: Table


class DeskDatabase:
    """One connection pool; work runs in a worker thread, a transaction each."""

    def __init__(self, data_dir: Path, url: str | None = None, seal: Seal = PLAIN) -> None:
        self._data_dir, self._seal = data_dir, seal
        self._url = url
        self._tables: Tables | None = None
        self._lock = threading.Lock()

    async def run(self, work: Callable[[Tables, Connection], T]) -> T:
        """Do `work` in a transaction.

        Raises:
            Unavailable: the database cannot be reached or written.
        """
        return await anyio.to_thread.run_sync(self._run, work)

    async def aclose(self) -> None:
        await anyio.to_thread.run_sync(self._close)

    def _run(self, work: Callable[[Tables, Connection], T]) -> T:
        from sqlalchemy.exc import OperationalError

        tables = self._open()
        try:
            with tables.engine.begin() as connection:
                return work(tables, connection)
        except OperationalError as error:
            message = f"The state database does not answer: {type(error.orig).__name__}."
            raise Unavailable(message, fix="Check POSTHOG_MCP_STATE_URL and POSTHOG_MCP_DATA_DIR.") from None

    def _open(self) -> Tables:
        with self._lock:
            if self._tables is None:
                import sqlalchemy as sa

                engine, metadata = open_engine(self._data_dir, self._url), sa.MetaData()
                if engine.dialect.name == "sqlite":
                    with engine.connect() as connection:  # one flush to disk a transaction instead of three
                        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                self._tables = Tables(engine, documents(metadata), deliveries(metadata), leases(metadata))
                create(engine, metadata, self._seal)
            return self._tables

    def _close(self) -> None:
        with self._lock:
            if self._tables is not None:
                self._tables.engine.dispose()
                self._tables = None


def documents(metadata: MetaData) -> Table:
    import sqlalchemy as sa

    return sa.Table(
        "desk_documents",
        metadata,
        sa.Column("kind", sa.String(40), primary_key=True),
        sa.Column("project_id", sa.Integer, primary_key=True),
        sa.Column("id", sa.String(200), primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("at", sa.String(40), nullable=False, index=True),
    )


def deliveries(metadata: MetaData) -> Table:
    import sqlalchemy as sa

    return sa.Table(
        "desk_deliveries",
        metadata,
        sa.Column("key", sa.String(300), primary_key=True),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("subject", sa.String(200), nullable=False, index=True),
        sa.Column("target", sa.String(200), nullable=False, index=True),
        sa.Column("person", sa.String(200), nullable=False, index=True),
        sa.Column("variant", sa.String(100), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("holder", sa.String(40), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )


def leases(metadata: MetaData) -> Table:
    import sqlalchemy as sa

    return sa.Table(
        "desk_leases",
        metadata,
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("holder", sa.String(80), nullable=False),
        sa.Column("until", sa.Float, nullable=False),
    )
