"""JSON documents of a kind, each with a version: alerts, built reports, approvals, campaigns, suppressions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from posthog_mcp.results import Json
from posthog_mcp.state.desk.tables import DeskDatabase, Tables

if TYPE_CHECKING:
    from sqlalchemy import Connection

Body = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Kept:
    """A document as it was read. `at` is when it was last written, ISO 8601 in UTC."""

    id: str
    body: Body
    version: int
    at: str


class Documents:
    """Documents by kind, project and id."""

    def __init__(self, database: DeskDatabase) -> None:
        self._database = database

    async def get(self, kind: str, project_id: int, id: str) -> Kept | None:
        """One document."""

        def work(tables: Tables, connection: Connection) -> Kept | None:
            table = tables.documents
            query = table.select().where(table.c.kind == kind, table.c.project_id == project_id, table.c.id == id)
            row = connection.execute(query).mappings().first()
            return kept(row) if row is not None else None

        return await self._database.run(work)

    async def list(self, kind: str, project_id: int, limit: int = 200) -> list[Kept]:
        """Documents of a kind, the last written first."""

        def work(tables: Tables, connection: Connection) -> list[Kept]:
            table = tables.documents
            query = table.select().where(table.c.kind == kind, table.c.project_id == project_id)
            rows = connection.execute(query.order_by(table.c.at.desc(), table.c.id).limit(limit)).mappings()
            return [kept(row) for row in rows]

        return await self._database.run(work)

    async def add(self, kind: str, project_id: int, id: str, body: Mapping[str, Json]) -> bool:
        """Write a new document; False where there is one of this id."""
        from sqlalchemy.exc import IntegrityError

        row = {"kind": kind, "project_id": project_id, "id": id, "body": text(body), "version": 1, "at": now()}

        def work(tables: Tables, connection: Connection) -> None:
            connection.execute(tables.documents.insert(), [row])

        try:
            await self._database.run(work)
        except IntegrityError:
            return False
        return True

    async def put(self, kind: str, project_id: int, id: str, body: Mapping[str, Json]) -> None:
        """Write a document, new or over what is there."""
        while not await self.add(kind, project_id, id, body):
            found = await self.get(kind, project_id, id)
            if found is not None and await self.swap(kind, project_id, found, body):
                return

    async def swap(self, kind: str, project_id: int, found: Kept, body: Mapping[str, Json]) -> bool:
        """Write over a document as it was read; False where somebody wrote in between."""

        def work(tables: Tables, connection: Connection) -> bool:
            table = tables.documents
            where = (table.c.kind == kind, table.c.project_id == project_id, table.c.id == found.id)
            change = table.update().where(*where, table.c.version == found.version)
            values = {"body": text(body), "version": found.version + 1, "at": now()}
            return connection.execute(change.values(**values)).rowcount == 1

        return await self._database.run(work)

    async def delete(self, kind: str, project_id: int, id: str) -> bool:
        """Whether there was one."""

        def work(tables: Tables, connection: Connection) -> bool:
            table = tables.documents
            gone = table.delete().where(table.c.kind == kind, table.c.project_id == project_id, table.c.id == id)
            return connection.execute(gone).rowcount == 1

        return await self._database.run(work)


def kept(row: Mapping[Any, Any]) -> Kept:
    return Kept(str(row["id"]), cast("Body", json.loads(row["body"])), int(row["version"]), str(row["at"]))


def text(body: Mapping[str, Json]) -> str:
    return json.dumps(dict(body), ensure_ascii=False)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
