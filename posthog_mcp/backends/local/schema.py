"""The physical tables of a snapshot: column names and ClickHouse types, as the Parquet files hold them.

Physical names equal HogQL's. Hot properties come on top (`mat_<property>` beside `properties`, `pmat_<property>` for
the person's properties at event time); which ones is a snapshot's own choice and stands in its manifest. Rows get
here through `rewriting.py` and `ingest.py`; `storage.py` says how the files lie.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Literal

from posthog_mcp.hogql.builtin import builtin_tables
from posthog_mcp.hogql.catalogue import DataType, PropertyType

TableName = Literal[
    "events", "persons", "person_distinct_ids", "groups", "sessions", "cohort_people", "static_cohort_people"
]
Columns = tuple[tuple[str, str], ...]
HotColumns = Mapping[str, tuple[str, str]]
"""Property → (column, ClickHouse type)."""

DATABASE = "ph"
GROUP_SLOTS = 5
TIME = "DateTime64(6, 'UTC')"
TEXT = "Nullable(String)"

EVENTS: Columns = (
    ("uuid", "UUID"),
    ("event", "String"),
    ("timestamp", TIME),
    ("created_at", TIME),
    ("distinct_id", "String"),
    ("person_id", "UUID"),
    ("properties", "String"),
    ("person_properties", "String"),
    ("elements_chain", "String"),
    ("person_mode", "String"),
    ("$session_id", TEXT),
    ("$window_id", TEXT),
    *((f"$group_{slot}", "String") for slot in range(GROUP_SLOTS)),
    ("elements_chain_href", "String"),
    ("elements_chain_texts", "Array(String)"),
    ("elements_chain_ids", "Array(String)"),
    ("elements_chain_elements", "Array(String)"),
    ("issue_id", "Nullable(UUID)"),
)
PERSONS: Columns = (
    ("id", "UUID"),
    ("created_at", TIME),
    ("last_seen_at", f"Nullable({TIME})"),
    ("properties", "String"),
    ("is_identified", "Bool"),
    ("version", "Int64"),
)
SESSIONS: Columns = (
    ("session_id", "String"),
    ("session_timestamp", TIME),
    ("distinct_id", "String"),
    ("person_id", "UUID"),
    ("$start_timestamp", TIME),
    ("$end_timestamp", TIME),
    ("max_inserted_at", TIME),
    ("$urls", "Array(String)"),
    ("$num_uniq_urls", "Int64"),
    *((f"$entry_{part}", TEXT) for part in ("current_url", "pathname", "hostname")),
    *((f"$end_{part}", TEXT) for part in ("current_url", "pathname", "hostname")),
    ("$entry_referring_domain", TEXT),
    ("$last_external_click_url", TEXT),
    *((f"$entry_utm_{part}", TEXT) for part in ("source", "campaign", "medium", "term", "content")),
    *((f"$entry_{part}", TEXT) for part in ("fbclid", "gclid", "gad_source")),
    ("$entry_has_fbclid", "Bool"),
    ("$entry_has_gclid", "Bool"),
    ("$pageview_count", "Int64"),
    ("$autocapture_count", "Int64"),
    ("$screen_count", "Int64"),
    ("$channel_type", "String"),
    ("$session_duration", "Int64"),
    ("$is_bounce", "Nullable(Bool)"),
    ("$vitals_lcp", "Nullable(Float64)"),
)
TABLES: Mapping[TableName, Columns] = {
    "events": EVENTS,
    "persons": PERSONS,
    "person_distinct_ids": (("distinct_id", "String"), ("person_id", "UUID"), ("version", "Int64")),
    "groups": (
        ("index", "UInt8"),
        ("key", "String"),
        ("created_at", TIME),
        ("updated_at", TIME),
        ("properties", "String"),
    ),
    "sessions": SESSIONS,
    "cohort_people": (("person_id", "UUID"), ("cohort_id", "Int64")),
    "static_cohort_people": (("person_id", "UUID"), ("cohort_id", "Int64")),
}

SAME_COLUMN: Mapping[str, Mapping[str, str]] = {
    "sessions": {
        "id": "session_id",
        "session_id_v7": "session_id",
        "duration": "$session_duration",
        "$exit_current_url": "$end_current_url",
        "$exit_pathname": "$end_pathname",
    }
}
"""Logical fields that read another field's column."""

RAW_TWINS: Mapping[str, tuple[TableName, Mapping[str, tuple[str, str]]]] = {
    "raw_persons": ("persons", {"is_deleted": ("false", "Bool")}),
    "raw_person_distinct_ids": ("person_distinct_ids", {"is_deleted": ("false", "Bool")}),
    "raw_groups": ("groups", {}),
    "raw_cohort_people": ("cohort_people", {"sign": ("toInt64(1)", "Int64"), "version": ("toInt64(1)", "Int64")}),
}
"""Tables that hold every version on PostHog and only the last one here: source, columns on top (SQL, type)."""

HOT_TYPES: Mapping[PropertyType, str] = {
    "String": TEXT,
    "Numeric": "Nullable(Float64)",
    "Duration": "Nullable(Float64)",
    "Boolean": "Nullable(Bool)",
    "DateTime": TEXT,
}

SYSTEM_TYPES: Mapping[DataType, str] = {
    "integer": "Nullable(Int64)",
    "float": "Nullable(Float64)",
    "decimal": "Nullable(Decimal(38, 10))",
    "boolean": "Nullable(Bool)",
    "datetime": f"Nullable({TIME})",
    "date": "Nullable(Date)",
    "uuid": "Nullable(UUID)",
    "array": "Array(String)",
}
"""Types of the metadata tables' columns; what is not here is text."""


def literal(value: str) -> str:
    """A ClickHouse string literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def quoted(name: str) -> str:
    """A ClickHouse identifier."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def structure(columns: Columns) -> str:
    """A column list as `file()` and CREATE TABLE take it."""
    return ", ".join(f"{quoted(name)} {kind}" for name, kind in columns)


def system_table(name: str) -> str:
    """The physical name of a metadata table: `system.insights` → `system_insights`."""
    return name.replace(".", "_")


@cache
def system_tables() -> Mapping[str, Columns]:
    """Columns of every metadata table, by physical name."""
    return {
        system_table(name): tuple((field.name, SYSTEM_TYPES.get(field.type, TEXT)) for field in table.fields.values())
        for name, table in builtin_tables().items()
        if table.kind == "system"
    }


AI_EVENTS = "posthog.ai_events"
AI_RETENTION_DAYS = 30
AI_CASTS: Mapping[DataType, str] = {
    "integer": "accurateCastOrNull({value}, 'Int64')",
    "float": "accurateCastOrNull({value}, 'Float64')",
    "boolean": "{value} = 'true'",
}


def ai_events_view(hot: HotColumns) -> str:
    """PostHog's `posthog.ai_events` as a view over the events whose name begins with `$ai_`.

    A field `x` reads the property `$ai_x`, from its hot column where there is one.
    """
    own = {
        "uuid": "toString(uuid)",
        "event": "event",
        "timestamp": "timestamp",
        "distinct_id": "distinct_id",
        "person_id": "toString(person_id)",
        "properties": "properties",
        "retention_days": f"toInt64({AI_RETENTION_DAYS})",
    }
    fields = [
        f"{own.get(field.name) or ai_field(field.name, field.type, hot)} AS {quoted(field.name)}"
        for field in builtin_tables()[AI_EVENTS].fields.values()
    ]
    return f"SELECT {', '.join(fields)} FROM {DATABASE}.events WHERE startsWith(event, '$ai_')"


def ai_field(name: str, kind: DataType, hot: HotColumns) -> str:
    found = hot.get(f"$ai_{name}")
    if found:
        value = quoted(found[0]) if found[1] == TEXT else f"toString({quoted(found[0])})"
    else:
        value = f"JSONExtract(properties, {literal('$ai_' + name)}, '{TEXT}')"
    return AI_CASTS.get(kind, "{value}").format(value=value)


def raw_twin(name: str) -> tuple[str, Columns]:
    """A SELECT in database `ph`, and the columns that it gives."""
    source, own = RAW_TWINS[name]
    more = {"team_id": ("toInt64(1)", "Int64"), **own}
    fields = [quoted(column) for column, _ in TABLES[source]]
    fields += [f"{value} AS {quoted(column)}" for column, (value, _) in more.items()]
    columns = (*TABLES[source], *((column, kind) for column, (_, kind) in more.items()))
    return f"SELECT {', '.join(fields)} FROM {DATABASE}.{source}", columns
