"""What names mean: tables, fields, joins, property types, and the project's own events.

A `Catalogue` is logical (what a HogQL author may write); where a column physically lives is a
`profile.Profile`'s business. Built from the built-in tables (`builtin.py`) plus a project's
definitions; immutable, so that checks can be cached by `version`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from posthog_mcp.results import Json

DataType = Literal[
    "string",
    "integer",
    "float",
    "decimal",
    "boolean",
    "datetime",
    "date",
    "uuid",
    "json",
    "array",
    "tuple",
    "interval",
    "map",
    "unknown",
]
PropertyType = Literal["String", "Numeric", "Boolean", "DateTime", "Duration"]
"""PostHog's property_type of a property definition; Duration reads as Numeric (seconds)."""

TableKind = Literal["posthog", "system", "data_warehouse", "view"]


@dataclass(frozen=True, slots=True)
class FieldDef:
    """A column as HogQL shows it. `hidden` fields are not part of `*`."""

    name: str
    type: DataType
    nullable: bool = True
    hidden: bool = False
    description: str = ""
    element: DataType | None = None
    """Element type of an array."""


@dataclass(frozen=True, slots=True)
class TableDef:
    """A table. `joins` maps a lazy join's name to the target table (`person` → `persons`)."""

    name: str
    fields: Mapping[str, FieldDef]
    joins: Mapping[str, str] = field(default_factory=dict[str, str])
    time_field: str | None = None
    kind: TableKind = "posthog"
    description: str = ""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything names can resolve to in one project.

    `event_properties`, `person_properties`, `session_properties` and `group_properties[i]` map a
    property's name to its type; a property that is not there reads as String and is warned of.
    `events` maps an event's name to its volume (last 30 days). `group_types[i]` names group i.
    `cohorts` and `actions` map id to name.
    """

    tables: Mapping[str, TableDef]
    version: str
    timezone: str = "UTC"
    week_start_day: Literal[0, 1] = 0
    events: Mapping[str, int] = field(default_factory=dict[str, int])
    event_properties: Mapping[str, PropertyType] = field(default_factory=dict[str, PropertyType])
    person_properties: Mapping[str, PropertyType] = field(default_factory=dict[str, PropertyType])
    group_properties: Mapping[int, Mapping[str, PropertyType]] = field(
        default_factory=dict[int, Mapping[str, PropertyType]]
    )
    group_types: tuple[str, ...] = ()
    cohorts: Mapping[int, str] = field(default_factory=dict[int, str])
    actions: Mapping[int, str] = field(default_factory=dict[int, str])
    action_steps: Mapping[int, Sequence[Mapping[str, Json]]] = field(
        default_factory=dict[int, "Sequence[Mapping[str, Json]]"]
    )
    """What an action matches, in PostHog's REST shape, where the backend tells it."""
    property_rows: Mapping[str, int] = field(default_factory=dict[str, int])
    """About how many events carry an event property, where the backend knows it."""
    row_counts: Mapping[str, int] = field(default_factory=dict[str, int])
    """Rows by table, where the backend knows them."""
    history: tuple[datetime, datetime] | None = None
    """Times of the first and last event, where the backend knows them."""
    embedded: bool = False
    """Queries run on the embedded engine, which also takes what PostHog parses and then refuses."""
