"""The audit: one record a call, append-only, each bound to the one before by a keyed hash.

The chain holds figures and keyed hashes. The texts of queries and the names of people stand beside it, so that
forgetting somebody removes theirs and the chain still verifies. Records are written within half a second by a thread
of their own; a call that changes something waits for its record.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from posthog_mcp.errors import PostHogMcpError, Unavailable
from posthog_mcp.observing.cost import Cost
from posthog_mcp.state.audit_tables import AuditTables, open_tables
from posthog_mcp.state.sealing import PLAIN, Seal

if TYPE_CHECKING:
    from sqlalchemy import Connection

logger = logging.getLogger(__name__)
WRITE_AFTER = 0.5
AT_ONCE = 500
FREE = asdict(Cost())


@dataclass(frozen=True, slots=True)
class Record:
    """One call. `at` is ISO 8601 in UTC; `decision` is ok, or the code of what refused or failed.

    `principal` is a pseudonym; `who` is what people call them. `bytes` counts the answer's characters as UTF-8.
    """

    at: str
    principal: str
    action: str
    project_id: int
    query_id: str
    hogql: str
    rows: int
    bytes: int
    elapsed_ms: float
    cached: bool
    decision: str
    who: str = ""
    cost: Cost = field(default_factory=Cost)
    """Beside the chain, as texts are."""


BESIDE = ("hogql", "who", "cost")
CHAINED = tuple(each.name for each in fields(Record) if each.name not in BESIDE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify` found: `broken_at` is the first record that does not fit, None where all do."""

    records: int
    broken_at: int | None
    why: str = ""
    erased_texts: int = 0


class Audit:
    """The audit of one installation."""

    def __init__(self, data_dir: Path, url: str | None, key: bytes, seal: Seal = PLAIN) -> None:
        self._data_dir, self._url, self._key, self._seal = data_dir, url, key, seal
        self._tables: AuditTables | None = None
        self._waiting: list[Record] = []
        self._buffering = threading.Lock()
        self._writing = threading.Lock()
        self._timer: threading.Timer | None = None
        self.lost = 0
        """Records that could not be written."""

    def add(self, record: Record) -> None:
        """Take a record; it is written soon, or with `written`."""
        with self._buffering:
            self._waiting.append(record)
            if self._timer is None:
                self._timer = threading.Timer(WRITE_AFTER, self._in_background)
                self._timer.daemon = True
                self._timer.start()

    async def written(self) -> None:
        """Wait until everything taken is in the database.

        Raises:
            Unavailable: it cannot be written.
        """
        await anyio.to_thread.run_sync(self.flush)

    async def aclose(self) -> None:
        """Write what is left; what cannot be written is told in the log."""
        await anyio.to_thread.run_sync(self._close)

    def _in_background(self) -> None:
        try:
            self.flush()
        except PostHogMcpError as error:
            logger.error("the audit cannot be written: %s", error.message)

    def flush(self) -> None:
        """Write what waits. Blocks.

        Raises:
            Unavailable: it cannot be written; the records are lost and counted.
        """
        from sqlalchemy.exc import SQLAlchemyError

        with self._writing:
            with self._buffering:
                records, self._waiting, self._timer = self._waiting, [], None
            try:
                for start in range(0, len(records), AT_ONCE):
                    self._append(records[start : start + AT_ONCE])
            except (SQLAlchemyError, Unavailable) as error:
                self.lost += len(records)
                text = f"The audit cannot be written: {type(error).__name__}."
                raise Unavailable(text, fix="Check POSTHOG_MCP_STATE_URL and the disk.") from None

    def tables(self) -> AuditTables:
        """The tables, created where they are missing."""
        if self._tables is None:
            self._tables = open_tables(self._data_dir, self._url, self._seal)
        return self._tables

    def _append(self, records: Sequence[Record]) -> None:
        tables = self.tables()
        with tables.engine.begin() as connection:
            head = tables.locked_head(connection)
            sequence, last = head["sequence"], head["hash"]
            rows: list[dict[str, Any]] = []
            for record in records:
                sequence += 1
                row = self.chained(sequence, record, last)
                last = row["hash"]
                rows.append(row)
            connection.execute(tables.log.insert(), rows)
            texts = {row["hogql_hash"]: record.hogql for row, record in zip(rows, records, strict=True) if record.hogql}
            tables.keep(connection, tables.texts, "hogql_hash", "text", texts)
            people = {record.principal: record.who for record in records if record.who}
            tables.keep(connection, tables.people, "principal", "who", people)
            tables.charge(connection, {row["sequence"]: each.cost for row, each in zip(rows, records, strict=True)})
            self.set_head(connection, {**head, "sequence": sequence, "hash": last})

    def chained(self, sequence: int, record: Record, last: str) -> dict[str, Any]:
        """The row of a record."""
        kept = {name: getattr(record, name) for name in CHAINED}
        text = record.hogql
        row = {"sequence": sequence, **kept, "hogql_hash": self.mark("hogql", text) if text else ""}
        row["elapsed_ms"] = round(record.elapsed_ms, 1)
        return {**row, "hash": self.link(row, last)}

    def link(self, row: dict[str, Any], last: str) -> str:
        plain = {name: value for name, value in row.items() if name != "hash"}
        return self.mark(last, json.dumps(plain, sort_keys=True, ensure_ascii=True))

    def mark(self, purpose: str, text: str) -> str:
        message = f"{purpose}\n{text}".encode("utf-8", "surrogatepass")
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()

    def set_head(self, connection: Connection, head: dict[str, Any]) -> None:
        """Write the chain's end, sealed: without the key nobody can cut the chain and pretend it ended there."""
        plain = {name: head[name] for name in ("sequence", "hash", "first", "first_hash")}
        seal = self.mark("head", json.dumps(plain, sort_keys=True))
        table = self.tables().head
        connection.execute(table.update().values(**plain, seal=seal))

    def verify(self) -> Verdict:
        """Walk the whole chain. Blocks."""
        self.flush()
        tables = self.tables()
        with tables.engine.connect() as connection:
            head = tables.head_of(connection)
            plain = {name: head[name] for name in ("sequence", "hash", "first", "first_hash")}
            untouched = head["sequence"] == 0 and not head["seal"]
            if not untouched and head["seal"] != self.mark("head", json.dumps(plain, sort_keys=True)):
                return Verdict(0, head["sequence"], "the end of the chain was written without the key")
            expected, last, erased = head["first"], head["first_hash"], 0
            texts = tables.known_texts(connection)
            for row in tables.rows(connection):
                expected += 1
                if row["sequence"] != expected:
                    return Verdict(expected - 1, expected, "a record is missing")
                if row["hash"] != self.link(row, last):
                    return Verdict(expected - 1, expected, "a record was changed")
                last = row["hash"]
                text = texts.get(row["hogql_hash"])
                if text is not None and self.mark("hogql", text) != row["hogql_hash"]:
                    return Verdict(expected - 1, expected, "the text of its query was changed")
                erased += bool(row["hogql_hash"]) and text is None
            if (expected, last) != (head["sequence"], head["hash"]):
                return Verdict(expected - head["first"], expected + 1, "records are missing at the end")
        return Verdict(expected - head["first"], None, erased_texts=erased)

    def export(self, since: str = "", principal: str | None = None) -> Iterator[dict[str, Any]]:
        """Records from this ISO 8601 time on, of everybody or of one, oldest first, with their cost, and with the text
        and the person where they are still kept. Blocks."""
        self.flush()
        tables = self.tables()
        with tables.engine.connect() as connection:
            texts, people = tables.known_texts(connection), tables.known_people(connection)
            costs = tables.costs_of(connection)
            for row in tables.rows(connection, since, principal):
                told = {"who": people.get(row["principal"]), "hogql": texts.get(row["hogql_hash"])}
                yield {**row, **told, **costs.get(row["sequence"], FREE)}

    def prune(self, before: str) -> int:
        """Drop records older than this ISO 8601 time; the chain goes on from a sealed beginning. Blocks."""
        tables = self.tables()
        with tables.engine.begin() as connection:
            head = tables.locked_head(connection)
            old = tables.last_before(connection, before)
            if old is None:
                return 0
            dropped = old["sequence"] - head["first"]
            for table in (tables.log, tables.costs):
                connection.execute(table.delete().where(table.c.sequence <= old["sequence"]))
            tables.drop_unused_texts(connection)
            self.set_head(connection, {**head, "first": old["sequence"], "first_hash": old["hash"]})
        return dropped

    def _close(self) -> None:
        if self._waiting:
            self._in_background()
        if self._tables is not None:
            self._tables.engine.dispose()
            self._tables = None
