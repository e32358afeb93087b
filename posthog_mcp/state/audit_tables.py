"""The audit's tables: the log, its sealed head, and beside them texts of queries and names of people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from posthog_mcp.observing.cost import Cost
from posthog_mcp.state.database import create, open_engine
from posthog_mcp.state.sealing import PLAIN, Seal

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Table

FIRST = "0" * 64
COUNTED = ("queries", "rows_read", "bytes_read", "tokens_in", "tokens_out")
MEASURED = ("query_ms", "sandbox_ms", "usd")
HEAD = {"id": 1, "sequence": 0, "hash": FIRST, "first": 0, "first_hash": FIRST, "seal": ""}


@dataclass(frozen=True, slots=True)
class AuditTables:
    """The tables of one database."""

    engine: Engine
    log: Table
    head: Table
    texts: Table
    people: Table
    costs: Table

    def locked_head(self, connection: Connection) -> dict[str, Any]:
        """The head, which no other process writes until this transaction ends."""
        connection.execute(self.head.update().values(id=1))
        return self.head_of(connection)

    def head_of(self, connection: Connection) -> dict[str, Any]:
        return dict(connection.execute(self.head.select()).mappings().one())

    def rows(self, connection: Connection, since: str = "", principal: str | None = None) -> Iterator[dict[str, Any]]:
        """Records from a time on, of everybody or of one, in order."""
        query = self.log.select().where(self.log.c.at >= since).order_by(self.log.c.sequence)
        if principal is not None:
            query = query.where(self.log.c.principal == principal)
        return (dict(row) for row in connection.execute(query).mappings())

    def charge(self, connection: Connection, costs: Mapping[int, Cost]) -> None:
        """Keep what calls cost; most cost nothing and have no row."""
        rows = [{"sequence": sequence, **asdict(cost)} for sequence, cost in costs.items() if cost != Cost()]
        if rows:
            connection.execute(self.costs.insert(), rows)

    def costs_of(self, connection: Connection) -> dict[int, dict[str, Any]]:
        """Costs by the sequence of their record."""
        found = connection.execute(self.costs.select()).mappings()
        return {row["sequence"]: {name: row[name] for name in Cost.__slots__} for row in found}

    def known_texts(self, connection: Connection) -> dict[str, str]:
        return {row[0]: row[1] for row in connection.execute(self.texts.select())}

    def known_people(self, connection: Connection) -> dict[str, str]:
        return {row[0]: row[1] for row in connection.execute(self.people.select())}

    def keep(self, connection: Connection, table: Table, key: str, name: str, pairs: Mapping[str, str]) -> None:
        """Insert those that are not there. The head is locked, so nobody else does at this moment."""
        if not pairs:
            return
        column = table.c[key]
        known = {row[0] for row in connection.execute(table.select().where(column.in_(list(pairs))))}
        new = [{key: each, name: pairs[each]} for each in pairs if each not in known]
        if new:
            connection.execute(table.insert(), new)

    def last_before(self, connection: Connection, at: str) -> dict[str, Any] | None:
        query = self.log.select().where(self.log.c.at < at).order_by(self.log.c.sequence.desc()).limit(1)
        row = connection.execute(query).mappings().first()
        return dict(row) if row else None

    def drop_unused_texts(self, connection: Connection) -> None:
        import sqlalchemy as sa

        used = sa.select(self.log.c.hogql_hash)
        connection.execute(self.texts.delete().where(self.texts.c.hogql_hash.not_in(used)))


def open_tables(data_dir: Path, url: str | None, seal: Seal = PLAIN) -> AuditTables:
    """Connect, and create what is missing. Blocks."""
    import sqlalchemy as sa
    from sqlalchemy.exc import IntegrityError

    metadata = sa.MetaData()
    log = sa.Table(
        "audit_log",
        metadata,
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.String(40), nullable=False, index=True),
        sa.Column("principal", sa.String(64), nullable=False),
        sa.Column("action", sa.String(200), nullable=False),
        sa.Column("project_id", sa.Integer, nullable=False),
        sa.Column("query_id", sa.String(64), nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("elapsed_ms", sa.Float, nullable=False),
        sa.Column("cached", sa.Boolean, nullable=False),
        sa.Column("decision", sa.String(40), nullable=False),
        sa.Column("hogql_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    head = sa.Table(
        "audit_head",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("first", sa.Integer, nullable=False),
        sa.Column("first_hash", sa.String(64), nullable=False),
        sa.Column("seal", sa.String(64), nullable=False),
    )
    texts = sa.Table(
        "audit_texts",
        metadata,
        sa.Column("hogql_hash", sa.String(64), primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
    )
    people = sa.Table(
        "audit_people",
        metadata,
        sa.Column("principal", sa.String(64), primary_key=True),
        sa.Column("who", sa.Text, nullable=False),
    )
    costs = sa.Table(
        "audit_costs",
        metadata,
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in COUNTED),
        *(sa.Column(name, sa.Float, nullable=False) for name in MEASURED),
    )
    engine = open_engine(data_dir, url)
    create(engine, metadata, seal)
    try:
        with engine.begin() as connection:
            if connection.execute(head.select()).first() is None:
                connection.execute(head.insert().values(**HEAD))
    except IntegrityError:
        pass  # another process began the chain at the same moment
    return AuditTables(engine, log, head, texts, people, costs)
