"""The SQLite file of the metadata objects: opening it, its rows, and what its failures mean in words."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from posthog_mcp.backends.local.object_kinds import KINDS, Body, refuse, stored_text
from posthog_mcp.backends.local.storage import folder_errors
from posthog_mcp.errors import InvalidInput, NotFound, PostHogMcpError, Unavailable
from posthog_mcp.results import Json

FILE = "objects.sqlite"
FORMAT = 1
BUSY_SECONDS = 5.0
RESET = "Run `posthog-mcp local reset`, or point POSTHOG_MCP_DATA_DIR elsewhere."

SCHEMA = f"""
CREATE TABLE objects (
  kind TEXT NOT NULL, id INTEGER NOT NULL, short_id TEXT, name TEXT NOT NULL DEFAULT '', body TEXT NOT NULL,
  deleted INTEGER NOT NULL DEFAULT 0, version INTEGER NOT NULL DEFAULT 1, created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL, PRIMARY KEY (kind, id));
CREATE TABLE activity (
  id INTEGER PRIMARY KEY AUTOINCREMENT, created_at TEXT NOT NULL, activity TEXT NOT NULL, scope TEXT NOT NULL,
  item_id TEXT NOT NULL, detail TEXT NOT NULL);
PRAGMA user_version = {FORMAT};
"""


def open_database(root: Path) -> sqlite3.Connection:
    """Open or create the file; one that cannot be written is opened for reading.

    Raises:
        InvalidInput: another version wrote it.
        Unavailable: the folder cannot be written and has no such file.
    """
    path = root / FILE
    if not path.exists():
        with folder_errors(root):
            root.mkdir(parents=True, exist_ok=True)
    connection = connect(path, writable(path))
    try:
        prepare(connection, root)
    except BaseException:
        connection.close()
        raise
    return connection


def writable(path: Path) -> bool:
    """Whether SQLite could write: it needs the folder for its journal, too."""
    if not path.exists():
        return True
    # Asking the system about a mount: os.access knows read-only file systems, even as root.
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def connect(path: Path, for_writing: bool) -> sqlite3.Connection:
    where = f"{path.absolute().as_uri()}?{'mode=rwc' if for_writing else 'mode=ro&immutable=1'}"
    connection = sqlite3.connect(where, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.create_function("folded", 1, folded, deterministic=True)
    if for_writing:
        with contextlib.suppress(sqlite3.OperationalError):
            # Another process may be switching just now; then it is on already.
            connection.execute("PRAGMA journal_mode=WAL")
    return connection


def prepare(connection: sqlite3.Connection, root: Path) -> None:
    """Check the layout, or make it in a new file.

    Raises:
        InvalidInput: another version wrote it.
    """
    if version_of(connection) == 0:
        connection.execute("BEGIN IMMEDIATE")
        if version_of(connection) == 0:
            for statement in SCHEMA.split(";"):
                connection.execute(statement)
        connection.execute("COMMIT")
    version = version_of(connection)
    if version != FORMAT:
        age = "newer" if version > FORMAT else "older"
        message = (
            f"The metadata file in {root} was written by a {age} posthog-mcp (layout {version}, this is {FORMAT})."
        )
        raise InvalidInput(message, fix="Upgrade posthog-mcp." if version > FORMAT else RESET)


def folded(text: object) -> str:
    return str(text).casefold()


def version_of(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def store_error(error: sqlite3.Error, root: Path) -> PostHogMcpError:
    """What a failure of SQLite means; nothing that was committed is lost."""
    path = root / FILE
    text = str(error)
    if "locked" in text or "busy" in text:
        message = f"Another process keeps the metadata file {path} locked."
        return Unavailable(message, fix="Try again; if it stays so, stop the process that holds the file.")
    if "readonly" in text or "read-only" in text or "unable to open" in text:
        message = f"The metadata file {path} cannot be written."
        return Unavailable(message, fix="Change its permissions, or set POSTHOG_MCP_DATA_DIR to another folder.")
    if "full" in text or "disk I/O" in text:
        message = f"The disk of the metadata file {path} is full or failing."
        return Unavailable(message, fix="Free some space, then try again.")
    if isinstance(error, sqlite3.OperationalError):
        return Unavailable(f"The metadata file {path} cannot be used: {text}.", fix=RESET)
    return InvalidInput(f"The metadata file {path} is damaged: {text}.", fix=RESET)


def find(connection: sqlite3.Connection, kind: str, object_id: str) -> Body:
    """A stored body by id or short_id, deleted or not.

    Raises:
        NotFound: there is none.
    """
    number = int(object_id) if object_id.isascii() and object_id.isdigit() and len(object_id) < 18 else -1
    row = connection.execute(
        "SELECT body FROM objects WHERE kind = ? AND (id = ? OR short_id = ?)", [kind, number, object_id]
    ).fetchone()
    if row is None:
        gone = missing(kind, object_id)
        raise gone
    return cast("Body", json.loads(row[0]))


def missing(kind: str, object_id: str) -> NotFound:
    return NotFound(f"There is no {kind} with id {object_id!r}.", fix="List the kind with discover_objects.")


def check_unique(connection: sqlite3.Connection, kind: str, body: Body, own_id: int) -> None:
    """Refuse a value that another object of the kind has."""
    name = KINDS[kind].unique
    if name is None or body.get("deleted"):
        return
    taken = connection.execute(
        "SELECT 1 FROM objects WHERE kind = ? AND NOT deleted AND id != ? AND json_extract(body, ?) = ?",
        [kind, own_id, f"$.{name}", body[name]],
    ).fetchone()
    if taken:
        refuse(name, f"There is already a {KINDS[kind].scope} with this {name}.")


def write(connection: sqlite3.Connection, kind: str, body: Body) -> None:
    """Insert or replace one object; its version counts up."""
    name = next((str(body[field]) for field in ("name", "title", "key", "content") if body.get(field)), "")
    connection.execute(
        """INSERT INTO objects (kind, id, short_id, name, body, deleted, version, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET name = excluded.name, body = excluded.body,
deleted = excluded.deleted, version = version + 1, updated_at = excluded.updated_at""",
        [
            kind,
            body["id"],
            body.get("short_id"),
            name,
            stored_text(body),
            int(bool(body.get("deleted"))),
            body["created_at"],
            body["updated_at"],
        ],
    )


def log(connection: sqlite3.Connection, activity: str, kind: str, body: Body, changed: Sequence[str]) -> None:
    detail: Body = {
        "name": body.get("name") or body.get("title") or body.get("key") or body.get("content"),
        "short_id": body.get("short_id"),
        "type": None,
        "changes": [{"type": KINDS[kind].scope, "action": "changed", "field": name} for name in changed],
    }
    connection.execute(
        "INSERT INTO activity (created_at, activity, scope, item_id, detail) VALUES (?, ?, ?, ?, ?)",
        [datetime.now(UTC).isoformat(), activity, KINDS[kind].scope, str(body["id"]), stored_text(detail)],
    )


def bodies(connection: sqlite3.Connection, kind: str) -> list[Body]:
    """Every object of a kind, deleted or not, oldest first, with its version; experiments with their flag's id."""
    rows = connection.execute("SELECT body, version FROM objects WHERE kind = ? ORDER BY id", [kind]).fetchall()
    found: list[Body] = [{"version": row[1], **cast("Body", json.loads(row[0]))} for row in rows]
    if kind != "experiments":
        return found
    flags = connection.execute(
        "SELECT json_extract(body, '$.key'), id FROM objects WHERE kind = 'feature_flags' ORDER BY deleted DESC"
    ).fetchall()
    ids: dict[Json, int] = {str(key): int(number) for key, number in flags}
    return [{"feature_flag_id": ids.get(str(body.get("feature_flag_key"))), **body} for body in found]


def newest_activity(connection: sqlite3.Connection, most: int) -> list[Body]:
    rows = connection.execute(
        "SELECT id, created_at, activity, scope, item_id, detail FROM activity ORDER BY id DESC LIMIT ?", [most]
    ).fetchall()
    names = ("id", "created_at", "activity", "scope", "item_id", "detail")
    return [dict(zip(names, row, strict=True)) for row in rows]
