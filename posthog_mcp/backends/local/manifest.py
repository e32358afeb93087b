"""The manifest of a snapshot: everything a reader needs before it opens a Parquet file.

Written once beside the files it describes and never changed. `storage.py` reads and writes it; `profile_for` and
`catalogue_for` turn it into what HogQL needs.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, Field

from posthog_mcp.backends.local.schema import (
    AI_EVENTS,
    DATABASE,
    RAW_TWINS,
    SAME_COLUMN,
    TABLES,
    TEXT,
    TIME,
    raw_twin,
    system_table,
    system_tables,
)
from posthog_mcp.hogql.builtin import builtin_tables
from posthog_mcp.hogql.catalogue import Catalogue, PropertyType, TableDef
from posthog_mcp.hogql.profile import PhysicalColumn, PhysicalTable, Profile

FORMAT = 1


class EventDefinition(BaseModel):
    """How often an event happened. `volume_30d` counts the 30 days before the data's last event."""

    total: int
    volume_30d: int
    first_seen: str
    last_seen: str


class PropertyDefinition(BaseModel):
    """A property's inferred type, about how many rows carry it, and the events most often seen with it."""

    type: PropertyType
    count: int
    events: list[str] = []


class Definitions(BaseModel):
    """The names in the data. `group_properties` is keyed by the group's index as text."""

    events: dict[str, EventDefinition] = {}
    event_properties: dict[str, PropertyDefinition] = {}
    person_properties: dict[str, PropertyDefinition] = {}
    group_properties: dict[str, dict[str, PropertyDefinition]] = {}


class TableManifest(BaseModel):
    """Rows and physical columns (name, ClickHouse type) of one table."""

    rows: int
    columns: list[tuple[str, str]]


class ProjectSettings(BaseModel):
    """The project's own settings. `week_start_day`: 0 Sunday, 1 Monday."""

    name: str = "Local project"
    timezone: str = "UTC"
    week_start_day: Literal[0, 1] = 0


class Source(BaseModel):
    """Where the data came from. `captured` counts the events added through capture since."""

    kind: Literal["demo", "import", "capture"]
    captured: int = 0
    detail: dict[str, str | int | float | bool | None] = {}


class DataRange(BaseModel):
    """Times of the first and last event, ISO 8601 in UTC."""

    first: str
    last: str


HotMap = dict[str, dict[str, dict[str, tuple[str, str]]]]


class Manifest(BaseModel):
    """One state of the project's data. `id` differs for every snapshot ever written."""

    format: int = FORMAT
    id: str = Field(default_factory=lambda: uuid.uuid4().hex)
    created_at: str = Field(default_factory=lambda: datetime.now(UTC).isoformat())
    project: ProjectSettings = ProjectSettings()
    source: Source
    tables: dict[str, TableManifest]
    views: dict[str, str] = {}
    """Name → SELECT, in database `ph`."""
    hot: HotMap = {}
    """table → JSON column → property → (column, ClickHouse type)."""
    definitions: Definitions = Definitions()
    group_types: list[str] = []
    """Names by group index."""
    date_range: DataRange | None = None


def profile_for(manifest: Manifest) -> Profile:
    """Where each logical field lives in this snapshot; tables that are not here cannot run."""
    tables = {name: physical_table(name, manifest) for name in TABLES}
    twins = {name: raw_twin(name)[1] for name in RAW_TWINS}
    for name, columns in (*system_tables().items(), *twins.items()):
        tables[name] = PhysicalTable(f"{DATABASE}.{name}", {c: PhysicalColumn(c, kind) for c, kind in columns})
    logical = {name: tables[system_table(name)] for name in builtin_tables() if system_table(name) in tables}
    logical[AI_EVENTS] = ai_events_table(builtin_tables()[AI_EVENTS])
    return Profile(logical, manifest.id)


def physical_table(name: str, manifest: Manifest) -> PhysicalTable:
    columns = {column: PhysicalColumn(column, kind) for column, kind in manifest.tables[name].columns}
    same = {field: columns[other] for field, other in SAME_COLUMN.get(name, {}).items() if other in columns}
    hot = {
        json_field: {prop: PhysicalColumn(*found) for prop, found in found_here.items()}
        for json_field, found_here in manifest.hot.get(name, {}).items()
    }
    return PhysicalTable(f"{DATABASE}.{name}", columns | same, hot)


AI_TYPES = {"integer": "Nullable(Int64)", "float": "Nullable(Float64)", "boolean": "Nullable(UInt8)"}
AI_OWN_TYPES = {
    "uuid": "String",
    "event": "String",
    "timestamp": TIME,
    "distinct_id": "String",
    "person_id": "String",
    "properties": "String",
    "retention_days": "Int64",
}


def ai_events_table(table: TableDef) -> PhysicalTable:
    columns = {
        field.name: PhysicalColumn(field.name, AI_OWN_TYPES.get(field.name) or AI_TYPES.get(field.type, TEXT))
        for field in table.fields.values()
    }
    return PhysicalTable(f"{DATABASE}.ai_events", columns)


def catalogue_for(
    manifest: Manifest,
    *,
    cohorts: dict[int, str] | None = None,
    actions: dict[int, str] | None = None,
    version_suffix: str = "",
) -> Catalogue:
    """What a HogQL author can name. `version_suffix` tells apart catalogues of one snapshot (cohorts, actions)."""
    found = manifest.definitions
    return Catalogue(
        tables=builtin_tables(),
        version=manifest.id + version_suffix,
        timezone=manifest.project.timezone,
        week_start_day=manifest.project.week_start_day,
        events={name: event.volume_30d for name, event in found.events.items()},
        event_properties=types_of(found.event_properties),
        person_properties=types_of(found.person_properties),
        group_properties={int(index): types_of(properties) for index, properties in found.group_properties.items()},
        group_types=tuple(manifest.group_types),
        cohorts=cohorts or {},
        actions=actions or {},
        property_rows={name: each.count for name, each in found.event_properties.items()},
        row_counts={name: table.rows for name, table in manifest.tables.items()},
        history=history_of(manifest),
    )


def history_of(manifest: Manifest) -> tuple[datetime, datetime] | None:
    found = manifest.date_range
    return (datetime.fromisoformat(found.first), datetime.fromisoformat(found.last)) if found else None


def types_of(properties: dict[str, PropertyDefinition]) -> dict[str, PropertyType]:
    return {name: definition.type for name, definition in properties.items()}
