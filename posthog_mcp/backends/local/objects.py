"""The embedded project's metadata objects (insights, cohorts, flags, annotations, …) in one SQLite file.

One documents table: a kind, an id, a JSON body in PostHog's REST shape; every change leaves an activity row. After a
change the kind's `system.*` table is rewritten as JSON lines, which is what HogQL reads. Several processes may share
the file (WAL). Methods block: call them from a worker thread.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import sqlite3
import threading
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from posthog_mcp.backends.local.schema import system_table, system_tables
from posthog_mcp.backends.local.storage import write_atomically
from posthog_mcp.errors import InvalidInput, NotFound, Unavailable
from posthog_mcp.results import Json

FORMAT = 1
Body = dict[str, Json]

DEFAULTS: Mapping[str, Body] = {
    "insights": {"name": "", "description": "", "query": None, "filters": {}, "saved": True, "favorited": False},
    "dashboards": {"name": "", "description": "", "tiles": [], "pinned": False, "tags": []},
    "cohorts": {"name": "", "description": "", "is_static": False, "filters": {}, "query": None, "count": None},
    "actions": {"name": "", "description": "", "steps": []},
    "annotations": {"content": "", "date_marker": None, "scope": "project", "creation_type": "USR"},
    "feature_flags": {"key": "", "name": "", "active": True, "filters": {}},
    "experiments": {"name": "", "description": "", "feature_flag_key": None, "start_date": None, "end_date": None},
    "surveys": {"name": "", "description": "", "type": "popover", "questions": [], "start_date": None},
    "early_access_feature": {"name": "", "description": "", "stage": "beta"},
    "error_tracking_issues": {"name": "", "description": "", "status": "active"},
    "notebooks": {"title": "", "content": None},
    "alerts": {"name": "", "insight": None, "enabled": True, "threshold": {}},
    "subscriptions": {"title": "", "target_type": "email", "frequency": "weekly"},
    "batch_exports": {"name": "", "model": "events", "paused": False},
    "integrations": {"kind": "", "display_name": ""},
    "hog_functions": {"name": "", "type": "destination", "enabled": False},
    "warehouse_tables": {"name": "", "format": "Parquet"},
}
"""Kinds that are stored here, with the fields a new object gets."""

SHORT_ID_KINDS = {"insights", "notebooks"}
REQUIRED: Mapping[str, str] = {"feature_flags": "key", "cohorts": "name", "actions": "name", "annotations": "content"}
SYSTEM_TABLES = {"error_tracking_issues": "error_tracking_issues", "early_access_feature": "early_access_features"}
RESET = "Run `posthog-mcp local reset`, or point POSTHOG_MCP_DATA_DIR elsewhere."

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
  kind TEXT NOT NULL, id INTEGER NOT NULL, short_id TEXT, name TEXT NOT NULL DEFAULT '', body TEXT NOT NULL,
  deleted INTEGER NOT NULL DEFAULT 0, version INTEGER NOT NULL DEFAULT 1, created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL, PRIMARY KEY (kind, id));
CREATE TABLE IF NOT EXISTS activity (
  id INTEGER PRIMARY KEY AUTOINCREMENT, created_at TEXT NOT NULL, activity TEXT NOT NULL, scope TEXT NOT NULL,
  item_id TEXT NOT NULL, detail TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A page of bodies and how many there are in all."""

    items: list[Body]
    count: int


class Objects:
    """All metadata objects of one data folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        """A connection inside a transaction, one thread at a time.

        Raises:
            InvalidInput: the file is damaged or another version's.
            Unavailable: it is locked, read-only, or the disk is full.
        """
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = open_database(self.root)
                with self._connection:
                    yield self._connection
            except sqlite3.DatabaseError as error:
                path = self.root / "objects.sqlite"
                if isinstance(error, sqlite3.OperationalError):
                    message = f"The metadata file {path} cannot be used: {error}."
                    fix = "Free disk space, make the folder writable, or stop the process that holds the file."
                    raise Unavailable(message, fix=fix) from None
                raise InvalidInput(f"The metadata file {path} is damaged.", fix=RESET) from None

    def list(self, kind: str, *, search: str | None = None, limit: int = 100, offset: int = 0) -> Found:
        """Objects that are not deleted, newest first; `search` looks into names."""
        where, values = "kind = ? AND NOT deleted", [kind]
        if search:
            where, values = f"{where} AND instr(lower(name), ?)", [kind, search.lower()]
        with self._transaction() as connection:
            (count,) = connection.execute(f"SELECT count(*) FROM objects WHERE {where}", values).fetchone()
            rows = connection.execute(
                f"SELECT body FROM objects WHERE {where} ORDER BY id DESC LIMIT ? OFFSET ?", [*values, limit, offset]
            ).fetchall()
        return Found([cast("Body", json.loads(row[0])) for row in rows], int(count))

    def counts(self) -> dict[str, int]:
        with self._transaction() as connection:
            rows = connection.execute("SELECT kind, count(*) FROM objects WHERE NOT deleted GROUP BY kind").fetchall()
        return {**dict.fromkeys(DEFAULTS, 0), **{str(kind): int(count) for kind, count in rows}}

    def get(self, kind: str, object_id: str) -> Body:
        """By id or short_id, deleted ones included (as PostHog does).

        Raises:
            NotFound: there is none.
        """
        with self._transaction() as connection:
            row = connection.execute(
                "SELECT body FROM objects WHERE kind = ? AND (id = ? OR short_id = ?)",
                [kind, int(object_id) if object_id.isdigit() else -1, object_id],
            ).fetchone()
        if row is None:
            raise NotFound(f"There is no {kind} with id {object_id!r}.", fix="List the kind with discover_objects.")
        return cast("Body", json.loads(row[0]))

    def create(self, kind: str, body: Mapping[str, Json]) -> Body:
        """Store a new object and return it with its id and times.

        Raises:
            InvalidInput: the kind cannot be created, or a required field is missing.
        """
        if kind not in DEFAULTS:
            raise InvalidInput(f"{kind} cannot be created in the embedded project.")
        required = REQUIRED.get(kind)
        if required and not body.get(required):
            raise InvalidInput(f"{kind} needs `{required}`.", context={"attr": required})
        now = datetime.now(UTC).isoformat()
        with self._transaction() as connection:
            (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM objects WHERE kind = ?", [kind]).fetchone()
            made: Body = {**DEFAULTS[kind], **body, "id": int(last) + 1}
            if kind in SHORT_ID_KINDS:
                made.setdefault("short_id", secrets.token_urlsafe(6)[:8])
            made.setdefault("created_at", now)
            made |= {"updated_at": now, "deleted": False, "created_by": None}
            write(connection, kind, made, version=1)
            log(connection, "created", kind, made)
        self.publish(kind)
        return made

    def update(self, kind: str, object_id: str, changes: Mapping[str, Json]) -> Body:
        """Change only the fields named; `deleted: true` hides the object from lists.

        Raises:
            NotFound: there is none.
        """
        body = self.get(kind, object_id)
        changed: Body = {**body, **changes, "id": body["id"], "updated_at": datetime.now(UTC).isoformat()}
        with self._transaction() as connection:
            write(connection, kind, changed, version=None)
            log(connection, "deleted" if changes.get("deleted") else "updated", kind, changed)
        self.publish(kind)
        return changed

    def note(self, kind: str, object_id: str, facts: Mapping[str, Json]) -> None:
        """Add what was worked out about an object; no activity row, because nobody changed it."""
        body: Body = {**self.get(kind, object_id), **facts}
        with self._transaction() as connection:
            write(connection, kind, body, version=None)
        self.publish(kind)

    def activity(self, *, limit: int = 100, offset: int = 0) -> Found:
        names = ("id", "created_at", "activity", "scope", "item_id", "detail")
        with self._transaction() as connection:
            (count,) = connection.execute("SELECT count(*) FROM activity").fetchone()
            rows = connection.execute(
                f"SELECT {', '.join(names)} FROM activity ORDER BY id DESC LIMIT ? OFFSET ?", [limit, offset]
            ).fetchall()
        items: list[Body] = [dict(zip(names, row, strict=True)) for row in rows]
        return Found([{**item, "detail": json.loads(str(item["detail"]))} for item in items], int(count))

    def seed(self, made: Sequence[tuple[str, Body]]) -> None:
        """Replace everything by these objects, in order (for a new demo project)."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM objects")
            connection.execute("DELETE FROM activity")
        for kind, body in made:
            self.create(kind, body)
        self.publish_all()

    def publish_all(self) -> None:
        """Write every metadata table's JSON lines, empty ones too: the engine needs each file to be there."""
        folder = self.root / "system"
        folder.mkdir(parents=True, exist_ok=True)
        for table in system_tables():
            if not (folder / f"{table}.jsonl").exists():
                write_atomically(folder / f"{table}.jsonl", "")
        for kind in DEFAULTS:
            self.publish(kind)

    def publish(self, kind: str) -> None:
        """Rewrite the kind's `system.*` table; a kind without one has nothing to do."""
        table = system_table(f"system.{SYSTEM_TABLES.get(kind, kind)}")
        columns = system_tables().get(table)
        if columns is None:
            return
        with self._transaction() as connection:
            rows = connection.execute("SELECT body FROM objects WHERE kind = ? ORDER BY id", [kind]).fetchall()
        folder = self.root / "system"
        folder.mkdir(parents=True, exist_ok=True)
        names = [name for name, _ in columns]
        lines = [
            json.dumps({name: cell(body.get(name)) for name in names})
            for (text,) in rows
            for body in [json.loads(text)]
        ]
        write_atomically(folder / f"{table}.jsonl", "".join(line + "\n" for line in lines))

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None


def open_database(root: Path) -> sqlite3.Connection:
    """Open or create the file.

    Raises:
        InvalidInput: another version wrote it.
        Unavailable: the folder cannot be written.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"The data folder {root} cannot be written: {error.strerror}.", fix=RESET) from None
    connection = sqlite3.connect(root / "objects.sqlite", timeout=10, check_same_thread=False)
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version not in {0, FORMAT}:
        connection.close()
        raise InvalidInput(f"The metadata file in {root} has layout {version}; this version reads {FORMAT}.", fix=RESET)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.executescript(SCHEMA)
    connection.execute(f"PRAGMA user_version = {FORMAT}")
    return connection


def write(connection: sqlite3.Connection, kind: str, body: Body, version: int | None) -> None:
    name = str(body.get("name") or body.get("title") or body.get("key") or body.get("content") or "")
    connection.execute(
        """INSERT INTO objects (kind, id, short_id, name, body, deleted, version, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET name = excluded.name, body = excluded.body,
deleted = excluded.deleted, version = version + 1, updated_at = excluded.updated_at""",
        [
            kind,
            body["id"],
            body.get("short_id"),
            name,
            json.dumps(body, ensure_ascii=False),
            int(bool(body.get("deleted"))),
            version or 1,
            body["created_at"],
            body["updated_at"],
        ],
    )


def log(connection: sqlite3.Connection, activity: str, kind: str, body: Body) -> None:
    detail = {"name": body.get("name") or body.get("key") or body.get("content")}
    connection.execute(
        "INSERT INTO activity (created_at, activity, scope, item_id, detail) VALUES (?, ?, ?, ?, ?)",
        [datetime.now(UTC).isoformat(), activity, kind, str(body["id"]), json.dumps(detail)],
    )


def cell(value: Json) -> Json:
    """Nested values are JSON text in a metadata table."""
    return json.dumps(value) if isinstance(value, dict | list) else value
