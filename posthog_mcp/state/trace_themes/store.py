"""The door to what is remembered of themes: one object a process, used with a project's id."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from posthog_mcp.results import Json
from posthog_mcp.state.sealing import PLAIN, Seal
from posthog_mcp.state.trace_themes import marks, summaries
from posthog_mcp.state.trace_themes.database import Database, upsert
from posthog_mcp.state.trace_themes.marks import Mark
from posthog_mcp.state.trace_themes.summaries import StoredSummary

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from posthog_mcp.state.trace_themes.database import Tables

MOST_ATTEMPTS = 3


class ThemeStore:
    """Themes, marks, summaries, vectors and clusterings. Nothing is opened before the first call."""

    def __init__(self, data_dir: Path, url: str | None = None, seal: Seal = PLAIN) -> None:
        self._database = Database(data_dir, url, seal)

    async def aclose(self) -> None:
        await self._database.aclose()

    async def themes(self, project_id: int) -> dict[str, dict[str, Json]]:
        """Saved themes by id, by name."""
        return await self._database.work(
            lambda connection, tables: {
                row.theme_id: json.loads(row.body)
                for row in connection.execute(
                    tables.themes.select()
                    .where(tables.themes.c.project_id == project_id)
                    .order_by(tables.themes.c.theme_id)
                )
            }
        )

    async def save_theme(self, project_id: int, theme_id: str, body: Mapping[str, Json]) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        row = {"project_id": project_id, "theme_id": theme_id, "body": json.dumps(body), "at": at}
        await self._database.work(lambda connection, tables: upsert(connection, tables.themes, [row]))

    async def delete_theme(self, project_id: int, theme_id: str) -> None:
        """Drop a theme with everything that it made."""

        def work(connection: Connection, tables: Tables) -> None:
            for table in (tables.themes, tables.runs, tables.marks, tables.summaries, tables.clusterings):
                connection.execute(table.delete().where(table.c.project_id == project_id, table.c.theme_id == theme_id))

        await self._database.work(work)

    async def marks(self, project_id: int, theme_id: str, trace_ids: Sequence[str]) -> dict[str, Mark]:
        return await self._database.work(
            lambda connection, tables: marks.marks_of(connection, tables, project_id, theme_id, trace_ids)
        )

    async def lease(
        self,
        project_id: int,
        theme_id: str,
        wanted: Mapping[str, tuple[str, str]],
        batch_id: str,
        seconds: float,
    ) -> set[str]:
        """Take traces for `seconds`; which of `wanted` (trace id → fingerprint, about) were got."""
        now = time.time()
        return await self._database.work(
            lambda connection, tables: marks.lease(
                connection, tables, project_id, theme_id, wanted, batch_id, now, now + seconds
            )
        )

    async def batch(self, project_id: int, theme_id: str, batch_id: str) -> list[Mark]:
        return await self._database.work(
            lambda connection, tables: marks.batch_marks(connection, tables, project_id, theme_id, batch_id)
        )

    async def finish(self, project_id: int, theme_id: str, batch_id: str, rows: Sequence[StoredSummary]) -> None:
        """Keep summaries and mark their traces done, together."""

        def work(connection: Connection, tables: Tables) -> None:
            summaries.save_summaries(connection, tables, project_id, rows)
            done = [each.trace_id for each in rows]
            for start in range(0, len(done), marks.CHUNK):
                marks.settle(connection, tables, project_id, theme_id, done[start : start + marks.CHUNK], batch_id)

        await self._database.work(work)

    async def release(self, project_id: int, theme_id: str, batch_id: str, trace_ids: Sequence[str]) -> None:
        """Return leases that were not used."""
        await self._database.work(
            lambda connection, tables: marks.release(connection, tables, project_id, theme_id, batch_id, trace_ids)
        )

    async def give_back(self, project_id: int, theme_id: str, batch_id: str, trace_id: str, why: str) -> bool:
        """Return a lease; True where the trace has failed three times and is given up."""
        return await self._database.work(
            lambda connection, tables: marks.give_back(
                connection, tables, project_id, theme_id, batch_id, trace_id, why, MOST_ATTEMPTS
            )
        )

    async def dead_letters(self, project_id: int, theme_id: str) -> list[Mark]:
        return await self._database.work(
            lambda connection, tables: marks.dead_letters(connection, tables, project_id, theme_id)
        )

    async def forget_marks(self, project_id: int, theme_id: str, *, dead_only: bool = False) -> int:
        return await self._database.work(
            lambda connection, tables: marks.forget(connection, tables, project_id, theme_id, dead_only=dead_only)
        )

    async def mark_counts(self, project_id: int, theme_id: str) -> dict[str, int]:
        return await self._database.work(
            lambda connection, tables: marks.counts(connection, tables, project_id, theme_id)
        )

    async def summaries(
        self,
        project_id: int,
        *,
        theme_id: str = "",
        trace_id: str = "",
        relevant_only: bool = False,
        since: str = "",
    ) -> list[StoredSummary]:
        """Oldest trace first; of one theme, one trace, or all."""
        return await self._database.work(
            lambda connection, tables: summaries.summaries_of(
                connection,
                tables,
                project_id,
                theme_id=theme_id,
                trace_id=trace_id,
                relevant_only=relevant_only,
                since=since,
            )
        )

    async def vectors(self, project_id: int, embedder: str, hashes: Sequence[str]) -> dict[str, bytes]:
        return await self._database.work(
            lambda connection, tables: summaries.vectors_of(connection, tables, project_id, embedder, hashes)
        )

    async def save_vectors(self, project_id: int, embedder: str, vectors: Mapping[str, bytes]) -> None:
        await self._database.work(
            lambda connection, tables: summaries.save_vectors(connection, tables, project_id, embedder, vectors)
        )

    async def save_clustering(self, project_id: int, theme_id: str, run_id: str, body: Mapping[str, Json]) -> None:
        await self._database.work(
            lambda connection, tables: summaries.save_clustering(connection, tables, project_id, theme_id, run_id, body)
        )

    async def clusterings(
        self, project_id: int, theme_id: str, run_id: str = "", limit: int = 2
    ) -> list[dict[str, Json]]:
        """Newest first."""
        return await self._database.work(
            lambda connection, tables: summaries.clusterings_of(connection, tables, project_id, theme_id, run_id, limit)
        )

    async def save_run(self, project_id: int, theme_id: str, run_id: str, body: Mapping[str, Json]) -> None:
        await self._database.work(
            lambda connection, tables: summaries.save_run(connection, tables, project_id, theme_id, run_id, body)
        )

    async def last_runs(self, project_id: int) -> dict[str, tuple[str, dict[str, Json]]]:
        return await self._database.work(lambda connection, tables: summaries.last_runs(connection, tables, project_id))
