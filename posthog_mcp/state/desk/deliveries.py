"""Deliveries: one row for each thing that goes to one place, so that nothing goes twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from posthog_mcp.results import Json
from posthog_mcp.state.desk.holders import HOLDER, died
from posthog_mcp.state.desk.tables import DeskDatabase, Tables

if TYPE_CHECKING:
    from sqlalchemy import Connection

State = Literal["claimed", "sending", "sent", "failed", "uncertain", "capped"]
"""`capped` is only answered: what a cap holds back is not in the ledger."""
GOT = ("claimed", "sending", "sent", "uncertain")
"""States in which a person has a message, or may get it yet."""
ABANDONED = 180.0
"""Seconds after which a claim of another machine counts as left by a process that died."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What went, goes or shall go to one place. `at` is the Unix time of the last change."""

    key: str
    project_id: int
    subject: str
    target: str
    person: str = ""
    variant: str = ""
    state: State = "claimed"
    holder: str = HOLDER
    attempts: int = 0
    detail: str = ""
    at: float = 0.0

    def as_json(self) -> dict[str, Json]:
        shown: dict[str, Json] = {"key": self.key, "target": self.target, "state": self.state}
        return {**shown, "attempts": self.attempts, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Claim:
    """`yours`: send it. `before` is the state that was found: `sending` means that it may have arrived already."""

    yours: bool
    before: State | None
    delivery: Delivery


@dataclass(frozen=True, slots=True)
class Cap:
    """So many messages of campaigns that a person may get since a Unix time."""

    messages: int
    since: float


class OverCap(Exception):
    """Rolls a claim back."""


class Deliveries:
    """The ledger. A claim is atomic: of several processes one gets it, and a person's cap holds for all together."""

    def __init__(self, database: DeskDatabase, now: Callable[[], float] = time.time) -> None:
        self._database = database
        self._now = now

    async def claim(self, wanted: Delivery, cap: Cap | None = None, abandoned_after: float = ABANDONED) -> Claim:
        """Take a delivery: a new one, one that failed, or one whose process died. A new or failed one that would
        exceed the cap is not taken, and answered as `capped`."""
        from sqlalchemy.exc import IntegrityError

        moment = self._now()
        row = asdict(wanted) | {"state": "claimed", "at": moment, "attempts": 0, "detail": ""}

        def insert(tables: Tables, connection: Connection) -> None:
            in_turn(connection, wanted)
            connection.execute(tables.deliveries.insert(), [row])
            within(tables, connection, wanted, cap)

        try:
            await self._database.run(insert)
        except IntegrityError:
            return await self._again(wanted, cap, moment, abandoned_after)
        except OverCap:
            return Claim(False, None, replace(wanted, state="capped"))
        return Claim(True, None, delivery(row))

    async def _again(self, wanted: Delivery, cap: Cap | None, moment: float, abandoned_after: float) -> Claim:
        found = await self.get(wanted.key)
        assert found is not None
        left = found.at < moment - abandoned_after or died(found.holder)
        dead = found.state in ("claimed", "sending") and left
        if found.state != "failed" and not dead:
            return Claim(False, found.state, found)
        state: State = "sending" if found.state == "sending" else "claimed"

        def take(tables: Tables, connection: Connection) -> bool:
            table = tables.deliveries
            same = (table.c.key == found.key, table.c.state == found.state, table.c.at == found.at)
            values = {"state": state, "holder": wanted.holder, "at": moment}
            in_turn(connection, wanted)
            taken = connection.execute(table.update().where(*same).values(**values)).rowcount == 1
            if taken and found.state == "failed":  # What a dead process left has its place within the cap already.
                within(tables, connection, wanted, cap)
            return taken

        try:
            taken = await self._database.run(take)
        except OverCap:
            return Claim(False, found.state, replace(wanted, state="capped"))
        return Claim(taken, found.state, found)

    async def mark(self, key: str, state: State, detail: str = "", *, tried: int = 0) -> None:
        """Write what came of it; `tried` attempts are added."""

        def work(tables: Tables, connection: Connection) -> None:
            table = tables.deliveries
            values = {"state": state, "detail": detail[:2000], "at": self._now(), "attempts": table.c.attempts + tried}
            connection.execute(table.update().where(table.c.key == key).values(**values))

        await self._database.run(work)

    async def get(self, key: str) -> Delivery | None:
        """One delivery."""

        def work(tables: Tables, connection: Connection) -> Delivery | None:
            table = tables.deliveries
            row = connection.execute(table.select().where(table.c.key == key)).mappings().first()
            return delivery(row) if row is not None else None

        return await self._database.run(work)

    async def of(self, subject: str) -> list[Delivery]:
        """Everything of a report, an alert or a campaign."""

        def work(tables: Tables, connection: Connection) -> list[Delivery]:
            table = tables.deliveries
            query = table.select().where(table.c.subject == subject).order_by(table.c.at, table.c.key)
            return [delivery(row) for row in connection.execute(query).mappings()]

        return await self._database.run(work)

    async def times_of(self, target: str, since: float) -> list[float]:
        """When things went to a target since a Unix time, oldest first."""

        def work(tables: Tables, connection: Connection) -> list[float]:
            import sqlalchemy as sa

            table = tables.deliveries
            query = sa.select(table.c.at).where(table.c.target == target, table.c.at >= since)
            query = query.where(table.c.state.in_(("sending", "sent", "uncertain"))).order_by(table.c.at)
            return [float(at) for at in connection.execute(query).scalars()]

        return await self._database.run(work)


def in_turn(connection: Connection, wanted: Delivery) -> None:
    """One claim a person at a time, until the transaction ends. SQLite has one writer anyway."""
    import sqlalchemy as sa

    if wanted.person and connection.dialect.name == "postgresql":
        whose = sa.func.hashtextextended(f"{wanted.project_id} {wanted.person}", 0)
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(whose)))


def within(tables: Tables, connection: Connection, wanted: Delivery, cap: Cap | None) -> None:
    """Count after the claim was written, when nobody else can write one for this person.

    Raises:
        OverCap: they have as many as they may.
    """
    import sqlalchemy as sa

    if cap is None:
        return
    table = tables.deliveries
    theirs = (table.c.person == wanted.person, table.c.project_id == wanted.project_id, table.c.key != wanted.key)
    query = sa.select(sa.func.count()).where(*theirs, table.c.state.in_(GOT), table.c.at >= cap.since)
    if int(connection.execute(query).scalar_one()) >= cap.messages:
        raise OverCap


def delivery(row: Mapping[Any, Any]) -> Delivery:
    return Delivery(**{name: row[name] for name in Delivery.__slots__})
