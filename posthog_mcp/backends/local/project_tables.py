"""The tables that follow from a snapshot and not from stored objects: parts of `system.*`, and `raw_*` twins.

What repeats data of the snapshot is a view over it; the rest (the project itself, its group types, and the catalogue as
`system.information_schema`) is written as JSON lines whenever another snapshot is opened.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from posthog_mcp.backends.local.derived import CREATED
from posthog_mcp.backends.local.information_schema import (
    INFORMATION,
    data_types,
    described_columns,
    described_tables,
    relationships,
)
from posthog_mcp.backends.local.manifest import Manifest, catalogue_for, profile_for
from posthog_mcp.backends.local.schema import (
    DATABASE,
    RAW_TWINS,
    literal,
    quoted,
    raw_twin,
    system_table,
    system_tables,
)
from posthog_mcp.backends.local.storage import folder_errors, write_atomically
from posthog_mcp.backends.local.system_rows import TEAM, layout_mark, lines
from posthog_mcp.errors import Unavailable
from posthog_mcp.results import Json

logger = logging.getLogger(__name__)

MARK = ".snapshot"
GROUPS = {
    "id": "toInt64(cityHash64(index, key) % 2147483647)",
    "group_key": "key",
    "group_type_index": "toInt64(index)",
    "group_properties": "properties",
    "created_at": "created_at",
}
RECORDINGS = {
    "id": "session_id",
    "session_id": "session_id",
    "distinct_id": "distinct_id",
    "duration": "`$session_duration`",
    "start_time": "`$start_timestamp`",
    "end_time": "`$end_timestamp`",
    "start_url": "`$entry_current_url`",
    "created_at": "`$start_timestamp`",
    "deleted": "0",
}
"""An embedded project has no replay; every session counts as a recording of which only its times are known."""


@cache
def project_views() -> Mapping[str, str]:
    """SELECTs by physical name, in database `ph`, with every column of the HogQL table in its type."""
    return {
        **{name: raw_twin(name)[0] for name in RAW_TWINS},
        system_table("system.groups"): view("system.groups", GROUPS, "groups"),
        system_table("system.session_recordings"): view("system.session_recordings", RECORDINGS, "sessions"),
    }


def view(table: str, columns: Mapping[str, str], source: str) -> str:
    known = {"team_id": str(TEAM), **columns}
    fields = [
        f"CAST({known.get(name, 'NULL')}, {literal(kind)}) AS {quoted(name)}"
        for name, kind in system_tables()[system_table(table)]
    ]
    return f"SELECT {', '.join(fields)} FROM {DATABASE}.{source}"


def publish_project(folder: Path, manifest: Manifest) -> None:
    """Write the tables of this snapshot unless they are there; costs one small read then.

    Raises:
        Unavailable: the folder cannot be written, and what is there is not even of this program's version.
    """
    mark = f"{layout_mark()} {manifest.id}"
    try:
        written = (folder / MARK).read_text(encoding="utf-8")
    except OSError:
        written = ""
    if written == mark:
        return
    try:
        with folder_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in project_files(manifest).items():
                write_atomically(folder / f"{name}.jsonl", text)
            write_atomically(folder / MARK, mark)
    except Unavailable as error:
        if not written.startswith(layout_mark()):
            raise
        logger.warning("the catalogue's tables are those of an older snapshot: %s", error.message)


def project_files(manifest: Manifest) -> dict[str, str]:
    """JSON lines by physical table."""
    catalogue, profile = catalogue_for(manifest), profile_for(manifest)
    counts = {name: table.rows for name, table in manifest.tables.items()}
    tables: Mapping[str, Iterable[Mapping[str, Json]]] = {
        "system.teams": [team(manifest)],
        "system.group_type_mappings": [
            {"id": index + 1, "group_type": name} for index, name in enumerate(manifest.group_types)
        ],
        f"{INFORMATION}tables": described_tables(catalogue.tables.values(), counts),
        f"{INFORMATION}columns": described_columns(catalogue, profile),
        f"{INFORMATION}relationships": relationships(catalogue),
        f"{INFORMATION}data_types": data_types(),
    }
    named = {system_table(name): rows for name, rows in tables.items()}
    return {name: lines(system_tables()[name], rows) for name, rows in named.items()}


def team(manifest: Manifest) -> Mapping[str, Json]:
    settings = manifest.project
    return {
        "id": TEAM,
        "name": settings.name,
        "timezone": settings.timezone,
        "test_account_filters": [],
        "created_at": CREATED,
        "updated_at": manifest.created_at,
    }
