"""What an import keeps of the snapshot before it, as sources of raw rows.

Everything that was imported or captured is kept. Of the demo project only what was captured into it is: files whose
name begins with `c`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from posthog_mcp.backends.local.identities import DERIVED_VERSION
from posthog_mcp.backends.local.loader import Loader
from posthog_mcp.backends.local.manifest import ProjectSettings
from posthog_mcp.backends.local.schema import SESSIONS, Columns
from posthog_mcp.backends.local.sources import RAW_EVENTS, RAW_PERSONS, Links, Source, insert, raw_source, table
from posthog_mcp.backends.local.storage import Writing

CAPTURED = "c"


@dataclass(frozen=True, slots=True)
class Kept:
    """Sources of the rows that stay; `event_rows` counts them."""

    events: Sequence[Source] = ()
    persons: Sequence[Source] = ()
    sessions: Sequence[Source] = ()
    kinds: Sequence[str] = ()
    event_rows: int = 0
    captured: int = 0
    project: ProjectSettings = field(default_factory=ProjectSettings)


async def kept_rows(loader: Loader, writing: Writing, links: Links) -> Kept:
    """The rows that the next snapshot takes over from `writing.previous`."""
    previous = writing.previous
    if previous is None:
        return Kept()
    manifest = previous.manifest
    if manifest.source.kind == "demo":
        captured = [path for path in previous.files("events") if path.name.startswith(CAPTURED)]
        events = [raw_source(links, captured, RAW_EVENTS)] if captured else []
        return Kept(events, event_rows=manifest.source.captured, captured=manifest.source.captured)
    return await all_rows(loader, writing, links)


async def all_rows(loader: Loader, writing: Writing, links: Links) -> Kept:
    """Every row of `writing.previous`, wherever it came from."""
    previous = writing.previous
    assert previous is not None
    manifest = previous.manifest
    persons = writing.scratch / "kept-persons.parquet"

    def columns(name: str) -> Columns:
        return tuple(manifest.tables[name].columns)

    mapping = table(previous.path / "person_distinct_ids", columns("person_distinct_ids"))
    people = table(previous.path / "persons", columns("persons"))
    select = f"""SELECT d.distinct_id AS distinct_id, d.person_id AS person_id, p.properties AS properties,
d.version AS person_distinct_id_version, p.version AS person_version, p.created_at AS created_at, false AS is_deleted
FROM {mapping} AS d INNER JOIN {people} AS p ON d.person_id = p.id
WHERE d.version > {DERIVED_VERSION} OR p.version > {DERIVED_VERSION}"""
    await loader.run([insert(persons, RAW_PERSONS, select)])
    given = bool(manifest.source.detail.get("sessions"))
    return Kept(
        [raw_source(links, previous.files("events"), RAW_EVENTS)],
        [raw_source(links, [persons], RAW_PERSONS)],
        [raw_source(links, previous.files("sessions"), SESSIONS)] if given else [],
        manifest.group_types,
        manifest.tables["events"].rows,
        manifest.source.captured,
        manifest.project,
    )
