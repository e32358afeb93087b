"""What a team has written down, one text an entry and project. What the texts mean, `knowledge` knows."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from posthog_mcp.state.database import FILE, create, open_engine
from posthog_mcp.state.sealing import PLAIN, Seal

if TYPE_CHECKING:
    from sqlalchemy import Engine, Table


SECONDS = 2.0


class Definitions:
    """One table of texts by project and id. Nothing is opened before the first write, or a read of what exists."""

    def __init__(self, data_dir: Path, url: str | None = None, seal: Seal = PLAIN) -> None:
        self._data_dir, self._seal = data_dir, seal
        self._url = url
        self._database: tuple[Engine, Table] | None = None
        self._lock = threading.Lock()
        self._kept: dict[int, tuple[float, dict[str, str]]] = {}

    async def texts(self, project_id: int) -> dict[str, str]:
        """Every text by its id; what another process has changed is seen after `SECONDS`."""
        kept = self._kept.get(project_id)
        if kept is None or time.monotonic() - kept[0] > SECONDS:
            found = await anyio.to_thread.run_sync(self._texts, project_id)
            kept = self._kept[project_id] = (time.monotonic(), found)
        return kept[1]

    async def save(self, project_id: int, entry_id: str, text: str) -> None:
        """Keep a text; it takes the place of an older one."""
        await anyio.to_thread.run_sync(partial(self._save, project_id, entry_id, text))
        self._kept.pop(project_id, None)

    async def delete(self, project_id: int, entry_id: str) -> bool:
        """Whether there was one to delete."""
        deleted = await anyio.to_thread.run_sync(partial(self._delete, project_id, entry_id))
        self._kept.pop(project_id, None)
        return deleted

    async def aclose(self) -> None:
        if self._database is not None:
            await anyio.to_thread.run_sync(self._database[0].dispose)
            self._database = None

    @property
    def _exists(self) -> bool:
        return self._url is not None or self._file.exists()

    @property
    def _file(self) -> Path:
        return self._data_dir / FILE

    def _open(self) -> tuple[Engine, Table]:
        """Connect and create the table.

        Raises:
            Unavailable: the database cannot be reached or written.
        """
        with self._lock:
            if self._database is None:
                self._database = self._connected()
            return self._database

    def _connected(self) -> tuple[Engine, Table]:
        import sqlalchemy as sa

        engine, metadata = open_engine(self._data_dir, self._url), sa.MetaData()
        table = sa.Table(
            "definitions",
            metadata,
            sa.Column("project_id", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("id", sa.String(100), primary_key=True),
            sa.Column("text", sa.Text, nullable=False),
            sa.Column("at", sa.String(40), nullable=False),
        )
        create(engine, metadata, self._seal)
        return engine, table

    def _texts(self, project_id: int) -> dict[str, str]:
        if self._database is None and not self._exists:
            return {}
        engine, table = self._open()
        query = table.select().where(table.c.project_id == project_id).order_by(table.c.id)
        with engine.connect() as connection:
            return {row.id: row.text for row in connection.execute(query)}

    def _save(self, project_id: int, entry_id: str, text: str) -> None:
        engine, table = self._open()
        now = datetime.now(UTC).isoformat(timespec="seconds")
        here = (table.c.project_id == project_id) & (table.c.id == entry_id)
        with engine.begin() as connection:
            connection.execute(table.delete().where(here))
            connection.execute(table.insert().values(project_id=project_id, id=entry_id, text=text, at=now))

    def _delete(self, project_id: int, entry_id: str) -> bool:
        engine, table = self._open()
        here = (table.c.project_id == project_id) & (table.c.id == entry_id)
        with engine.begin() as connection:
            return connection.execute(table.delete().where(here)).rowcount > 0
