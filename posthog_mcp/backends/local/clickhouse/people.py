"""Who is in a cohort, kept in memory: a server that is only read has no place for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import anyio

from posthog_mcp.backends.local.clickhouse.inline import COHORT_TABLES, People
from posthog_mcp.backends.local.cohort_members import PersonIds
from posthog_mcp.backends.local.cohorts import MOST, Cohorts, Wanted, wanted
from posthog_mcp.backends.local.objects import Objects
from posthog_mcp.backends.local.storage import Snapshot, Store


class KeptCohorts(Cohorts):
    """The people of each cohort's present definition, for the data that the server holds now."""

    def __init__(
        self,
        store: Store,
        objects: Objects,
        snapshot: Callable[[], Awaitable[Snapshot]],
        person_ids: PersonIds,
    ) -> None:
        super().__init__(store, objects, snapshot, person_ids)
        self._kept: dict[str, tuple[Wanted, set[str]]] = {}
        self._of = ""

    def people(self) -> dict[str, People]:
        """Person ids by table and cohort."""
        return {
            table: {int(str(each.cohort["id"])): ids for each, ids in self._kept.values() if each.table == table}
            for table in COHORT_TABLES
        }

    async def _missing(self) -> list[Wanted]:
        snapshot = await self._snapshot()
        if self._of != snapshot.manifest.id:
            self._of, self._kept = snapshot.manifest.id, {}
        cohorts = await anyio.to_thread.run_sync(lambda: self._objects.list("cohorts", limit=MOST).items)
        captured = snapshot.manifest.source.captured
        current = [wanted(each, captured) for each in reversed(cohorts)]
        self._kept = {each.file: self._kept[each.file] for each in current if each.file in self._kept}
        return [each for each in current if each.file not in self._kept and not self._failed_lately(each)]

    async def _keep(self, found: Sequence[tuple[Wanted, set[str]]]) -> None:
        self._kept |= {each.file: (each, people) for each, people in found}
