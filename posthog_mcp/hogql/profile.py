"""Where logical fields physically live: the printer's map from catalogue names to ClickHouse columns.

A profile belongs to one layout (a Parquet snapshot, a ClickHouse cluster). The catalogue says what may be
written; the profile says what SQL reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class PhysicalColumn:
    """A column of a physical table; `type` is its full ClickHouse type."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class PhysicalTable:
    """`columns` maps a logical field to its column; `hot[json_field][property]` to a typed copy of one property."""

    name: str
    """Qualified ClickHouse name, such as `ph.events`."""
    columns: Mapping[str, PhysicalColumn]
    hot: Mapping[str, Mapping[str, PhysicalColumn]] = field(default_factory=dict[str, Mapping[str, PhysicalColumn]])


@dataclass(frozen=True, slots=True)
class Profile:
    """Physical tables by logical table name; a logical table that is absent cannot run here."""

    tables: Mapping[str, PhysicalTable]
    version: str
    project_id: int = 1
    """What `team_id` reads as: a layout holds one project."""
