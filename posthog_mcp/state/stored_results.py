"""Full results by query id, as files that every process of one data folder can read; oldest go first."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import cast

import anyio

from posthog_mcp.errors import NotFound
from posthog_mcp.results import Column, Json, Note, Table
from posthog_mcp.state.sealing import PLAIN, Seal
from posthog_mcp.state.shared_cache import Shared

QUERY_ID = re.compile(r"[A-Za-z0-9_.-]{1,80}")
SHARED_SECONDS = 3600.0
MAX_FILES = 200
MAX_BYTES = 256 << 20


class StoredResults:
    """A bounded folder of results. A full or read-only disk loses the copy, never the answer."""

    def __init__(self, folder: Path, own: tuple[Shared, str] | None = None, seal: Seal = PLAIN) -> None:
        """`own`: what replicas share, and whose results these are there."""
        self.folder, self._own, self.seal = folder, own, seal

    async def save(self, query_id: str, table: Table, about: dict[str, Json]) -> bool:
        """Keep a result with what is known about it; False where the disk refused."""
        text = await anyio.to_thread.run_sync(document, table, about)
        if self._own is not None:
            shared, whose = self._own
            await shared.put(("stored", whose, query_id), text.encode("utf-8", "surrogatepass"), SHARED_SECONDS)
        return await anyio.to_thread.run_sync(self._save, query_id, text)

    async def load(self, query_id: str) -> tuple[Table, dict[str, Json]]:
        """The rows and what was said about them.

        Raises:
            NotFound: it was never kept, or has been dropped.
        """
        try:
            return await anyio.to_thread.run_sync(self._load, query_id)
        except NotFound:
            if self._own is None or (text := await self._own[0].get(("stored", self._own[1], query_id))) is None:
                raise
            await anyio.to_thread.run_sync(self._save, query_id, text.decode("utf-8", "surrogatepass"))
            return await anyio.to_thread.run_sync(self._load, query_id)

    def path(self, query_id: str, suffix: str) -> Path:
        """Where a result or something made of it lies.

        Raises:
            NotFound: an id that is none, such as one that leads out of the folder.
        """
        if not QUERY_ID.fullmatch(query_id):
            raise NotFound(f"There is no query {query_id!r:.80}.", fix="Find an id with query_history.")
        return self.folder / f"{query_id}.{suffix}"

    def _save(self, query_id: str, text: str) -> bool:
        target = self.path(query_id, "result")
        temporary = target.with_suffix(f".{os.getpid()}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary.write_text(self.seal.sealed(text), encoding="utf-8", errors="surrogatepass")
            temporary.replace(target)
            self._drop_oldest()
        except OSError:
            temporary.unlink(missing_ok=True)
            return False
        return True

    def _load(self, query_id: str) -> tuple[Table, dict[str, Json]]:
        try:
            found = json.loads(self.seal.opened(self.path(query_id, "result").read_text(encoding="utf-8")))
        except (OSError, ValueError):
            message = f"The rows of query {query_id!r} are not kept any more."
            raise NotFound(message, fix="Run the query again with execute_hogql.") from None
        columns = tuple(Column(*pair) for pair in found["columns"])
        notes = tuple(Note(**note) for note in found["notes"])
        return Table(columns, found["rows"], notes), cast("dict[str, Json]", found["about"])

    def _drop_oldest(self) -> None:
        with os.scandir(self.folder) as entries:
            files = [(entry.stat(), entry.path) for entry in entries]
        if len(files) <= MAX_FILES and sum(stat.st_size for stat, _ in files) <= MAX_BYTES:
            return
        total = 0
        for index, (stat, path) in enumerate(sorted(files, key=lambda each: each[0].st_mtime, reverse=True)):
            total += stat.st_size
            if index >= MAX_FILES or total > MAX_BYTES:
                Path(path).unlink(missing_ok=True)


def document(table: Table, about: dict[str, Json]) -> str:
    """A result as it is kept."""
    kept = {
        "about": about,
        "columns": [[column.name, column.type] for column in table.columns],
        "notes": [note.as_json() for note in table.notes],
        "rows": table.rows,
    }
    return json.dumps(kept, ensure_ascii=False)
