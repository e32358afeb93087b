"""Full results by query id, as files that every process of one data folder can read; oldest go first."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import cast

import anyio

from posthog_mcp.errors import NotFound
from posthog_mcp.results import Column, Json, Note, Table

MAX_FILES = 200
MAX_BYTES = 256 << 20


class StoredResults:
    """A bounded folder of results. A full or read-only disk loses the copy, never the answer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def save(self, query_id: str, table: Table, about: dict[str, Json]) -> bool:
        """Keep a result with what is known about it; False where the disk refused."""
        return await anyio.to_thread.run_sync(self._save, query_id, table, about)

    async def load(self, query_id: str) -> tuple[Table, dict[str, Json]]:
        """The rows and what was said about them.

        Raises:
            NotFound: it was never kept, or has been dropped.
        """
        return await anyio.to_thread.run_sync(self._load, query_id)

    def path(self, query_id: str, suffix: str) -> Path:
        return self.folder / f"{query_id}.{suffix}"

    def _save(self, query_id: str, table: Table, about: dict[str, Json]) -> bool:
        document = {
            "about": about,
            "columns": [[column.name, column.type] for column in table.columns],
            "notes": [note.as_json() for note in table.notes],
            "rows": table.rows,
        }
        target = self.path(query_id, "result")
        temporary = target.with_suffix(f".{os.getpid()}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
            temporary.replace(target)
            self._drop_oldest()
        except OSError:
            temporary.unlink(missing_ok=True)
            return False
        return True

    def _load(self, query_id: str) -> tuple[Table, dict[str, Json]]:
        try:
            document = json.loads(self.path(query_id, "result").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            message = f"The rows of query {query_id!r} are not kept any more."
            raise NotFound(message, fix="Run the query again with execute_hogql.") from None
        columns = tuple(Column(*pair) for pair in document["columns"])
        notes = tuple(Note(**note) for note in document["notes"])
        return Table(columns, document["rows"], notes), cast("dict[str, Json]", document["about"])

    def _drop_oldest(self) -> None:
        files = sorted(self.folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
        total = 0
        for index, path in enumerate(files):
            total += path.stat().st_size
            if index >= MAX_FILES or total > MAX_BYTES:
                path.unlink(missing_ok=True)
