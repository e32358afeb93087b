"""The embedded project's metadata objects (insights, cohorts, flags, annotations, …) in one SQLite file.

One documents table: a kind, an id, a JSON body in PostHog's REST shape (`object_kinds.py` has the rules); every change
leaves an activity row. After a change the kind's `system.*` table is rewritten as JSON lines (`system_rows.py`), which
is what HogQL reads. Several processes may share the file: WAL, and every change in one immediate transaction. Methods
block: call them from a worker thread.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sqlite3
import string
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from posthog_mcp.backends.local.object_kinds import KINDS, Body, checked, new_body, refuse
from posthog_mcp.backends.local.object_store import (
    bodies,
    check_unique,
    find,
    log,
    missing,
    newest_activity,
    open_database,
    store_error,
    write,
)
from posthog_mcp.backends.local.schema import system_tables
from posthog_mcp.backends.local.storage import folder_errors, write_atomically
from posthog_mcp.backends.local.system_rows import files_of, layout_mark
from posthog_mcp.errors import InvalidInput
from posthog_mcp.results import Json

PUBLISHED_ACTIVITY = 10_000
"""Newest activity rows that HogQL sees."""
NAMED_BY = {"feature_flags": ("experiments",)}
"""Kind → kinds whose tables show an id that is found through it."""
CHANGED = ".changed"
SETTLED = 50_000_000
"""Nanoseconds after which a file's time tells it from its next version."""
LAYOUT = ".layout"
SEARCHED = "folded(name || ' ' || coalesce(json_extract(body, '$.description'), json_extract(body, '$.key'), ''))"


@dataclass(frozen=True, slots=True)
class Found:
    """A page of bodies and how many there are in all."""

    items: list[Body]
    count: int


class Objects:
    """All metadata objects of one data folder. Opens its file with the first use."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "system"
        self._changed = self.folder / CHANGED
        self._stamped: tuple[tuple[int, int] | None, str] = (None, "")
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.RLock()

    @contextlib.contextmanager
    def _transaction(self, kind: str = "DEFERRED") -> Generator[sqlite3.Connection]:
        """A connection inside a transaction, one thread at a time. IMMEDIATE keeps other writers out.

        Raises:
            PostHogMcpError: the file is damaged, another version's, locked, read-only, or the disk is full.
        """
        with self._lock:
            try:
                self._connection = self._connection or open_database(self.root)
                self._connection.execute(f"BEGIN {kind}")
                try:
                    yield self._connection
                except BaseException:
                    self._connection.rollback()
                    raise
                self._connection.commit()
            except sqlite3.Error as error:
                self.close()
                failed = store_error(error, self.root)
                raise failed from None

    def list(
        self,
        kind: str,
        *,
        search: str | None = None,
        filters: Mapping[str, str] | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> Found:
        """Objects that are not deleted, newest first; `filters` compare fields, `search` looks into names and texts."""
        where, values = "kind = ? AND NOT deleted", [kind]
        if search:
            where, values = f"{where} AND instr({SEARCHED}, ?)", [*values, search.casefold()]
        for name, wanted in (filters or {}).items():
            if name in KINDS[kind].defaults or name == "short_id":
                where = f"{where} AND CAST(json_extract(body, ?) AS TEXT) = ?"
                values = [*values, f'$."{name}"', {"true": "1", "false": "0"}.get(wanted.lower(), wanted)]
        with self._transaction() as connection:
            (count,) = connection.execute(f"SELECT count(*) FROM objects WHERE {where}", values).fetchone()
            rows = connection.execute(
                f"SELECT body FROM objects WHERE {where} ORDER BY id DESC LIMIT ? OFFSET ?", [*values, limit, offset]
            ).fetchall()
        return Found([cast("Body", json.loads(row[0])) for row in rows], int(count))

    def names(self, kind: str) -> dict[int, str]:
        """Id → name of those that are not deleted."""
        with self._transaction() as connection:
            rows = connection.execute("SELECT id, name FROM objects WHERE kind = ? AND NOT deleted", [kind]).fetchall()
        return {int(row[0]): str(row[1]) for row in rows}

    def get(self, kind: str, object_id: str) -> Body:
        """By id or short_id.

        Raises:
            NotFound: there is none, or it is deleted.
        """
        with self._transaction() as connection:
            body = find(connection, kind, object_id)
        if body.get("deleted"):
            gone = missing(kind, object_id)
            raise gone
        return body

    def create(self, kind: str, body: Mapping[str, Json]) -> Body:
        """Store a new object and return it with its id and times.

        Raises:
            InvalidInput: the kind cannot be created here, or a field is refused.
        """
        if kind not in KINDS:
            raise InvalidInput(f"{kind} cannot be created in the embedded project.")
        made = new_body(kind, body)
        with self._transaction("IMMEDIATE") as connection:
            self._insert(connection, kind, made)
        self.publish(kind)
        return made

    def _insert(self, connection: sqlite3.Connection, kind: str, made: Body) -> None:
        """Give a checked body its id and times, and store it."""
        check_unique(connection, kind, made, -1)
        (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM objects WHERE kind = ?", [kind]).fetchone()
        now = datetime.now(UTC).isoformat()
        made |= {"id": int(last) + 1, "deleted": False, "created_at": now, "updated_at": now, "created_by": None}
        if KINDS[kind].short_id:
            letters = string.ascii_letters + string.digits
            made["short_id"] = "".join(secrets.choice(letters) for _ in range(8))
        write(connection, kind, made)
        log(connection, "created", kind, made, [])

    def update(self, kind: str, object_id: str, changes: Mapping[str, Json]) -> Body:
        """Change only the fields named. `deleted: true` takes the object out of lists, `false` brings it back.

        Raises:
            InvalidInput: the kind cannot be changed here, or a field is refused.
            NotFound: there is none.
        """
        if kind not in KINDS:
            raise InvalidInput(f"{kind} cannot be changed in the embedded project.")
        fields = checked(kind, changes)
        for name in KINDS[kind].required:
            if name in fields and not fields[name]:
                refuse(name, "This field may not be blank.")
        with self._transaction("IMMEDIATE") as connection:
            before = find(connection, kind, object_id)
            if before.get("deleted") and "deleted" not in fields:
                gone = missing(kind, object_id)
                raise gone
            body: Body = {**before, **fields, "updated_at": datetime.now(UTC).isoformat()}
            check_unique(connection, kind, body, cast("int", body["id"]))
            write(connection, kind, body)
            what = "deleted" if fields.get("deleted") else "updated"
            log(connection, what, kind, body, [name for name in fields if before.get(name) != body[name]])
        self.publish(kind)
        return body

    def note(self, kind: str, object_id: str, facts: Mapping[str, Json]) -> None:
        """Add what was worked out about an object; no activity row, because nobody changed it."""
        with self._transaction("IMMEDIATE") as connection:
            write(connection, kind, {**find(connection, kind, object_id), **facts})
        self.publish(kind)

    def activity(self, *, limit: int = 100, offset: int = 0, filters: Mapping[str, str] | None = None) -> Found:
        """Newest first; `filters` may name `scope` and `item_id`."""
        given = {name: value for name, value in (filters or {}).items() if name in ("scope", "item_id")}
        where = " AND ".join(["1", *(f"{name} = ?" for name in given)])
        with self._transaction() as connection:
            (count,) = connection.execute(f"SELECT count(*) FROM activity WHERE {where}", [*given.values()]).fetchone()
            cursor = connection.execute(
                f"SELECT * FROM activity WHERE {where} ORDER BY id DESC LIMIT ? OFFSET ?",
                [*given.values(), limit, offset],
            )
            names = [column[0] for column in cursor.description]
            items: list[Body] = [dict(zip(names, row, strict=True)) for row in cursor]
        return Found([{**item, "detail": json.loads(str(item["detail"]))} for item in items], int(count))

    def seed(self, made: Sequence[tuple[str, Mapping[str, Json]]]) -> None:
        """Replace everything by these objects, in order (for a new demo project)."""
        bodies = [(kind, new_body(kind, body)) for kind, body in made]
        with self._transaction("IMMEDIATE") as connection:
            connection.execute("DELETE FROM objects")
            connection.execute("DELETE FROM activity")
            for kind, body in bodies:
                self._insert(connection, kind, body)
        self.publish_all()

    def publish_all(self) -> None:
        """Write every metadata table's JSON lines, empty ones too: the engine needs each file to be there."""
        with folder_errors(self.root):
            self.folder.mkdir(parents=True, exist_ok=True)
            for table in system_tables():
                path = self.folder / f"{table}.jsonl"
                if not path.exists():
                    write_atomically(path, "")
        for kind in KINDS:
            self.publish(kind)
        with folder_errors(self.root):
            write_atomically(self.folder / LAYOUT, layout_mark())

    def is_published(self) -> bool:
        """Whether the metadata tables are on disk as this version of the program reads them."""
        try:
            return (self.folder / LAYOUT).read_text(encoding="utf-8") == layout_mark()
        except OSError:
            return False

    def publish(self, kind: str) -> None:
        """Rewrite the tables that a change of this kind shows in, from what is committed, one process at a time."""
        with self._transaction("IMMEDIATE") as connection, folder_errors(self.root):
            self.folder.mkdir(parents=True, exist_ok=True)
            for each in (kind, *NAMED_BY.get(kind, ())):
                self._write_tables(each, bodies(connection, each))
            self._write_tables("activity_log", newest_activity(connection, PUBLISHED_ACTIVITY))
            write_atomically(self._changed, secrets.token_hex(8))

    def _write_tables(self, kind: str, found: Sequence[Body]) -> None:
        for table, text in files_of(kind, found).items():
            write_atomically(self.folder / f"{table}.jsonl", text)

    def stamp(self) -> str:
        """Changes with every change by any process; costs one `stat`, and a small read after a change."""
        try:
            found = os.stat(self._changed)
            mark = (found.st_ino, found.st_mtime_ns)
            if mark != self._stamped[0]:
                text = self._changed.read_text(encoding="utf-8")
                # A file as young as the clock's grain may be replaced by one that looks the same.
                settled = abs(time.time_ns() - found.st_mtime_ns) > SETTLED
                self._stamped = (mark if settled else None, text)
            return self._stamped[1]
        except OSError:
            return ""

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
