"""Who leads: one holder at a time, for so many seconds, among processes that share a state database."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from posthog_mcp.state.desk.holders import died
from posthog_mcp.state.desk.tables import DeskDatabase, Tables

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Leases:
    """Leases by name. Clocks of the processes are taken to agree within some seconds."""

    def __init__(self, database: DeskDatabase, now: Callable[[], float] = time.time) -> None:
        self._database = database
        self._now = now

    async def take(self, name: str, holder: str, seconds: float) -> bool:
        """Take or prolong a lease; False while another holds it that is not known to be dead."""
        from sqlalchemy.exc import IntegrityError

        moment = self._now()

        dead = await self._dead(name)

        def renew(tables: Tables, connection: Connection) -> bool:
            table = tables.leases
            free = table.c.holder.in_([holder, *dead]) | (table.c.until < moment)
            change = table.update().where(table.c.name == name, free).values(holder=holder, until=moment + seconds)
            return connection.execute(change).rowcount == 1

        def begin(tables: Tables, connection: Connection) -> None:
            row = {"name": name, "holder": holder, "until": moment + seconds}
            connection.execute(tables.leases.insert(), [row])

        if await self._database.run(renew):
            return True
        try:
            await self._database.run(begin)
        except IntegrityError:
            return False
        return True

    async def _dead(self, name: str) -> list[str]:
        """The lease's holder, where it is a process of this machine that has ended."""

        def holders(tables: Tables, connection: Connection) -> list[str]:
            table = tables.leases
            query = table.select().with_only_columns(table.c.holder).where(table.c.name == name)
            return [str(each) for each in connection.execute(query).scalars()]

        return [each for each in await self._database.run(holders) if died(each)]

    async def leave(self, name: str, holder: str) -> None:
        """Give a lease up, so that another need not wait."""

        def work(tables: Tables, connection: Connection) -> None:
            table = tables.leases
            connection.execute(table.delete().where(table.c.name == name, table.c.holder == holder))

        await self._database.run(work)
