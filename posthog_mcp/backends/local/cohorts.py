"""Who is in a cohort: worked out by HogQL when a query asks about cohorts, kept as one Parquet file a cohort.

A file's name carries a digest of the cohort's definition, so a changed cohort is worked out again and a deleted one
dropped; an import drops them all. Unless static, it also carries how many events were captured, and the day where the
definition counts from now, so that people come and go. Files lie in the snapshot's `cohort_people`, those
of static cohorts in `static_cohort_people`. `cohort_members.py` says what a definition means.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, cast

import anyio

from posthog_mcp.backends.local.cohort_members import PersonIds, members, moves_with_time, names_a_cohort
from posthog_mcp.backends.local.loader import open_loader
from posthog_mcp.backends.local.manifest import TableManifest
from posthog_mcp.backends.local.objects import Objects
from posthog_mcp.backends.local.schema import TABLES, literal, structure
from posthog_mcp.backends.local.sources import insert, table
from posthog_mcp.backends.local.storage import Snapshot, Store, Writing
from posthog_mcp.errors import (
    HogQLResolutionError,
    HogQLSyntaxError,
    InvalidInput,
    NotFound,
    PostHogMcpError,
    Unavailable,
)
from posthog_mcp.results import Json

logger = logging.getLogger(__name__)

Body = Mapping[str, Json]
CohortTable = Literal["cohort_people", "static_cohort_people"]

COHORT_TABLES: tuple[CohortTable, ...] = ("cohort_people", "static_cohort_people")
OWN = re.compile(r"^c\d+(-[0-9a-f]+)?\.parquet$")
DEFINITION = ("is_static", "filters", "groups", "query", "_create_static_person_ids")
MOST = 1000
RETRY_SECONDS = 300.0
WRONG = (InvalidInput, HogQLSyntaxError, HogQLResolutionError, NotFound)
"""Faults of the definition: trying again would not help."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One cohort's file."""

    cohort: Body
    table: CohortTable
    file: str


def wanted(cohort: Body, captured: int) -> Wanted:
    """`captured` is how many events the snapshot got by capture."""
    definition = json.dumps({name: cohort.get(name) for name in DEFINITION}, sort_keys=True)
    day = f"{datetime.now(UTC):%Y-%m-%d}" if moves_with_time(cohort) else ""
    state = f"{day} {captured}" if not cohort.get("is_static") else ""
    digest = hashlib.sha256(f"{definition}{state}".encode()).hexdigest()[:12]
    name: CohortTable = "static_cohort_people" if cohort.get("is_static") else "cohort_people"
    return Wanted(cohort, name, f"c{cohort['id']}-{digest}.parquet")


class Cohorts:
    """Keeps the cohorts' people of one data folder up to date."""

    def __init__(
        self,
        store: Store,
        objects: Objects,
        snapshot: Callable[[], Awaitable[Snapshot]],
        person_ids: PersonIds,
    ) -> None:
        self._store = store
        self._objects = objects
        self._snapshot = snapshot
        self._person_ids = person_ids
        self._lock = anyio.Lock()
        self._failed: dict[str, float] = {}

    async def refresh(self) -> None:
        """Work out what is missing. A cohort that cannot be worked out is empty, and says why in `last_error`."""
        if not await self._missing():
            return
        async with self._lock:
            missing = await self._missing()
            await self._work_out([each for each in missing if not names_a_cohort(each.cohort)])
            # One that is made of others needs their people in place, so these go one by one, oldest first.
            for each in missing:
                if names_a_cohort(each.cohort):
                    await self._work_out([each])

    async def _missing(self) -> list[Wanted]:
        """Cohorts without an up-to-date file, oldest first; none while their last failure is recent."""
        snapshot = await self._snapshot()
        cohorts = await anyio.to_thread.run_sync(lambda: self._objects.list("cohorts", limit=MOST).items)
        return [
            each
            for each in (wanted(cohort, snapshot.manifest.source.captured) for cohort in reversed(cohorts))
            if not (snapshot.path / each.table / each.file).exists() and not self._failed_lately(each)
        ]

    def _failed_lately(self, each: Wanted) -> bool:
        return time.monotonic() - self._failed.get(each.file, -RETRY_SECONDS) < RETRY_SECONDS

    async def _work_out(self, batch: Sequence[Wanted]) -> None:
        found: list[tuple[Wanted, set[str]]] = []
        notes: dict[str, dict[str, Json]] = {}
        for each in batch:
            people: set[str] = set()
            note: dict[str, Json] = {"errors_calculating": 0, "last_error": None}
            try:
                people = await members(each.cohort, self._person_ids)
                note["count"] = len(people)
            except PostHogMcpError as error:
                note = {"errors_calculating": 1, "last_error": error.message, "count": None}
                if not isinstance(error, WRONG):
                    self._failed[each.file] = time.monotonic()
                    continue
            found.append((each, people))
            notes[str(each.cohort["id"])] = {**note, "last_calculation": datetime.now(UTC).isoformat()}
        try:
            await self._keep(found)
            for cohort_id, note in notes.items():
                await anyio.to_thread.run_sync(self._objects.note, "cohorts", cohort_id, note)
        except Unavailable as error:
            # A read-only or full folder must not keep every other query from its answer.
            logger.warning("cohorts were not worked out: %s", error.message)
            self._failed |= {each.file: time.monotonic() for each in batch}

    async def _keep(self, found: Sequence[tuple[Wanted, set[str]]]) -> None:
        """Write a snapshot with these cohorts' files, without the files that no cohort has any more."""
        if not found:
            return
        cohorts = await anyio.to_thread.run_sync(lambda: self._objects.list("cohorts", limit=MOST).items)
        async with self._store.begin() as writing:
            assert writing.previous is not None
            manifest = writing.previous.manifest
            current = {wanted(each, manifest.source.captured).file for each in cohorts}
            for name in manifest.tables:
                files = writing.previous.files(name) if name in COHORT_TABLES else []
                stale = {file.name for file in files if OWN.match(file.name) and file.name not in current}
                await anyio.to_thread.run_sync(lambda name=name, stale=stale: writing.keep(name, except_files=stale))
            counts = await write_members(writing, found)
            tables = {
                **manifest.tables,
                **{
                    name: TableManifest(rows=count, columns=manifest.tables[name].columns)
                    for name, count in counts.items()
                },
            }
            await writing.commit(manifest.model_copy(update={"id": uuid.uuid4().hex, "tables": tables}))


async def write_members(writing: Writing, found: Sequence[tuple[Wanted, set[str]]]) -> dict[str, int]:
    """One Parquet file a cohort; rows of both tables afterwards."""
    statements: list[str] = []
    for each, people in found:
        columns = TABLES[each.table]
        rows = (json.dumps({"person_id": person, "cohort_id": each.cohort["id"]}) + "\n" for person in sorted(people))
        source = writing.scratch / f"{each.file}.jsonl"
        await anyio.Path(source).write_text("".join(rows), encoding="utf-8")
        target = writing.folder(each.table) / each.file
        target.unlink(missing_ok=True)
        read = f"SELECT * FROM file({literal(str(source))}, JSONEachRow, {literal(structure(columns))}, 'none')"
        statements.append(insert(target, columns, read))
    statements += [f"SELECT count() FROM {table(writing.folder(name), TABLES[name])}" for name in COHORT_TABLES]
    folders = [writing.folder(name) for name in COHORT_TABLES]
    async with open_loader(reads=[writing.scratch, *folders], writes=folders) as loader:
        answers = await loader.run(statements)
    counted = answers[-len(COHORT_TABLES) :]
    return {name: int(cast("int", rows[0][0])) for name, rows in zip(COHORT_TABLES, counted, strict=True)}
