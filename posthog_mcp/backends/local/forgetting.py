"""Forget people in the embedded project: a new snapshot without their events, persons, sessions and groups.

Somebody is meant by a distinct_id, a person id, or a value in a person's properties. All events of these persons go,
and any event of others whose text names them. The old snapshots go at once, so a query that runs meanwhile may fail.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import anyio

from posthog_mcp.backends.local.kept import Kept, all_rows
from posthog_mcp.backends.local.loader import Loader, open_loader
from posthog_mcp.backends.local.manifest import Source
from posthog_mcp.backends.local.rewriting import Raw, rewrite_with
from posthog_mcp.backends.local.schema import literal
from posthog_mcp.backends.local.sources import RAW_EVENTS, RAW_PERSONS, Links, insert, raw_source
from posthog_mcp.backends.local.storage import Snapshot, Store, Writing, remove

KEYS = 10_000
"""Ids that are looked for in the rest of the installation at most."""


@dataclass(slots=True)
class ForgottenPeople:
    """How many events went, and every id of the people: what is kept elsewhere is looked through for them too."""

    events: int = 0
    persons: int = 0
    ids: list[str] = field(default_factory=list[str])


async def forget_people(store: Store, names: Sequence[str]) -> ForgottenPeople:
    """Write the project anew without these people. Nothing is written where nobody is found.

    Raises:
        Unavailable: another process is writing, the disk is full, or chDB is missing.
    """
    if store.current() is None:
        return ForgottenPeople()
    async with store.begin() as writing:
        previous = writing.previous
        if previous is None:
            return ForgottenPeople()
        links = Links(writing.scratch / "in")
        async with open_loader(reads=[previous.path, writing.path], writes=[writing.path]) as loader:
            kept = await all_rows(loader, writing, links)
            people = People(loader, writing, links, kept, names)
            found = await people.found()
            if not found.events and not found.persons:
                return found
            manifest = await rewrite_with(
                loader, writing, await people.others(), project=kept.project, source=source_of(previous)
            )
        await writing.commit(manifest)
        await anyio.to_thread.run_sync(drop_older, store)
    return found


class People:
    """These people among the rows of a snapshot."""

    def __init__(self, loader: Loader, writing: Writing, links: Links, kept: Kept, names: Sequence[str]) -> None:
        self._loader, self._scratch, self._links, self._kept = loader, writing.scratch, links, kept
        self._events = links.relation(kept.events, RAW_EVENTS)
        self._persons = links.relation(kept.persons, RAW_PERSONS)
        lowered = ", ".join(literal(name.casefold()) for name in names)
        named = f"(lowerUTF8(distinct_id) IN ({lowered}) OR toString(person_id) IN ({lowered})"
        self._ids = (
            f"(SELECT person_id FROM {self._persons} WHERE {named} OR {holding('properties', names)}) "
            f"UNION DISTINCT SELECT person_id FROM {self._events} "
            f"WHERE {named} OR {holding('person_properties', names)}))"
        )
        self._keys = (
            f"SELECT distinct_id, person_id FROM {self._persons} WHERE person_id IN ({self._ids}) "
            f"UNION DISTINCT SELECT distinct_id, person_id FROM {self._events} WHERE person_id IN ({self._ids})"
        )
        self._theirs = f"person_id IN ({self._ids}) OR distinct_id IN (SELECT distinct_id FROM ({self._keys}))"
        texts = " OR ".join(holding(name, names) for name in ("properties", "elements_chain", "event"))
        self._telling = f"{self._theirs} OR {texts}"

    async def found(self) -> ForgottenPeople:
        """How many of their events there are, and their ids."""
        counts, ids = await self._loader.run([
            f"SELECT count() FROM {self._events} WHERE {self._telling}",
            f"SELECT distinct_id, toString(person_id) FROM ({self._keys}) LIMIT {KEYS}",
        ])  # fmt: skip
        keys = sorted({str(cell) for row in ids for cell in row})
        return ForgottenPeople(int(str(counts[0][0])), len({str(row[1]) for row in ids}), keys)

    async def others(self) -> Raw:
        """Everybody else's rows."""
        events, persons = self._scratch / "others-events.parquet", self._scratch / "others-persons.parquet"
        await self._loader.run([
            insert(events, RAW_EVENTS, f"SELECT * EXCEPT row FROM {self._events} WHERE NOT ({self._telling})"),
            insert(persons, RAW_PERSONS, f"SELECT * EXCEPT row FROM {self._persons} WHERE NOT ({self._theirs})"),
        ])  # fmt: skip
        links = Links(self._scratch / "others")
        return Raw(
            links,
            [raw_source(links, [events], RAW_EVENTS)],
            [raw_source(links, [persons], RAW_PERSONS)],
            reads=[self._scratch],
            kinds=self._kept.kinds,
        )


def holding(column: str, names: Sequence[str]) -> str:
    """Whether a text has one of the names as a whole word, as it is or as JSON writes it."""
    spellings = {each for name in names for each in (name, json.dumps(name)[1:-1])}
    words = "|".join(re.escape(each) for each in sorted(spellings))
    pattern = rf"(?i)(^|[^\w.@+-])({words})([^\w@-]|$)"
    return f"match({column}, {literal(pattern)})"


def source_of(previous: Snapshot) -> Source:
    """Whence the rest is: a demo into which something was captured becomes data of one's own, so that it stays."""
    source = previous.manifest.source
    kind = "import" if source.kind == "demo" and source.captured else source.kind
    return source.model_copy(update={"kind": kind, "detail": {**source.detail, "sessions": False}})


def drop_older(store: Store) -> None:
    """Remove every snapshot but the current one. Blocks."""
    current = store.current()
    for path in list(store.snapshots.iterdir()):
        if current is not None and path.name != current.name and not path.name.startswith("."):
            remove(path)
