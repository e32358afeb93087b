"""The server's tables as statements: those of a snapshot in ClickHouse's own engine, its views, and two users.

Sorting follows how questions filter: events by name and time, people by id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from posthog_mcp.backends.local.clickhouse.server import MANIFEST
from posthog_mcp.backends.local.manifest import Manifest, TableManifest
from posthog_mcp.backends.local.project_tables import project_views
from posthog_mcp.backends.local.schema import DATABASE, TABLES, ai_events_view, quoted, structure

ENGINES: Mapping[str, str] = {
    "events": "MergeTree PARTITION BY toYYYYMM(timestamp) ORDER BY (event, timestamp)",
    "persons": "MergeTree ORDER BY id",
    "person_distinct_ids": "MergeTree ORDER BY distinct_id",
    "groups": "MergeTree ORDER BY (index, key)",
    "sessions": "MergeTree ORDER BY (`$start_timestamp`, session_id)",
}
"""Tables on the server; the people of cohorts are worked out on this side."""
HERE = ("raw_cohort_people",)
"""Views over what is not on the server."""


def plain_tables() -> dict[str, TableManifest]:
    """The tables without any hot column, for a team that fills them itself."""
    return {name: TableManifest(rows=0, columns=list(columns)) for name, columns in TABLES.items()}


def create_table(database: str, name: str, table: TableManifest, suffix: str = "") -> str:
    columns = structure(tuple(table.columns))
    return f"CREATE TABLE IF NOT EXISTS {quoted(database)}.{quoted(name + suffix)} ({columns}) ENGINE = {ENGINES[name]}"


def create_manifest(database: str) -> str:
    columns = "loaded_at DateTime64(6, 'UTC') DEFAULT now64(6), manifest String"
    return f"CREATE TABLE IF NOT EXISTS {quoted(database)}.{MANIFEST} ({columns}) ENGINE = MergeTree ORDER BY loaded_at"


def create_views(database: str, views: Mapping[str, str]) -> list[str]:
    """A snapshot's views and those that every project has, over the server's tables."""
    wanted = {name: sql for name, sql in {**views, **project_views()}.items() if name not in HERE}
    return [
        f"CREATE OR REPLACE VIEW {quoted(database)}.{quoted(name)} AS {moved(sql, database)}"
        for name, sql in wanted.items()
    ]


def moved(select: str, database: str) -> str:
    """A view of ours reads one table, by the engine's own database."""
    return select.replace(f" FROM {DATABASE}.", f" FROM {quoted(database)}.")


def schema(database: str, manifest: Manifest | None = None) -> Sequence[str]:
    """Every statement that an empty server needs, users last and as comments: passwords are the team's."""
    tables = manifest.tables if manifest else plain_tables()
    views = manifest.views if manifest else {"ai_events": ai_events_view({})}
    name = quoted(database)
    return [
        f"CREATE DATABASE IF NOT EXISTS {name}",
        *(create_table(database, table, tables[table]) for table in ENGINES),
        create_manifest(database),
        *create_views(database, views),
        "-- CREATE USER posthog_mcp IDENTIFIED BY '…' SETTINGS readonly = 0;\n"
        f"-- GRANT SELECT ON {name}.* TO posthog_mcp;\n"
        "-- CREATE USER posthog_mcp_loader IDENTIFIED BY '…';\n"
        f"-- GRANT SELECT, INSERT, CREATE TABLE, CREATE VIEW, DROP TABLE, DROP VIEW ON {name}.* TO posthog_mcp_loader",
    ]
