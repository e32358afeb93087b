"""The embedded project as a Driver: HogQL → checked tree → ClickHouse SQL → the engine, and objects from SQLite.

The first use of an empty data folder generates the demo project. Everything blocking runs in worker threads.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import anyio

from posthog_mcp.backends.backend import Capability, ListOptions, Page, QueryAnswer, QueryOptions, Resource
from posthog_mcp.backends.local.cohorts import file_of, keep_members, members, uncalculated
from posthog_mcp.backends.local.demo.generate import DEFAULT_EVENTS, generate_demo
from posthog_mcp.backends.local.engine import Engine, Layout, TableSource
from posthog_mcp.backends.local.listings import Listings
from posthog_mcp.backends.local.loader import LoadProgress
from posthog_mcp.backends.local.objects import Objects
from posthog_mcp.backends.local.schema import system_tables
from posthog_mcp.backends.local.storage import Snapshot, Store, catalogue_for, profile_for
from posthog_mcp.errors import InvalidInput, NotFound, PostHogMcpError, Unavailable
from posthog_mcp.hogql.catalogue import Catalogue
from posthog_mcp.hogql.checker import Checker
from posthog_mcp.hogql.parsing import Parser
from posthog_mcp.hogql.printer import print_clickhouse
from posthog_mcp.hogql.profile import Profile
from posthog_mcp.results import BackendKind, Column, Json, ProjectInfo, Table

logger = logging.getLogger(__name__)

PROJECT_ID = 1
HOST = "embedded"

SCOPES = {"event": "properties", "person": "person.properties", "session": "session"}


class LocalDriver:
    """One data folder, answered by chDB. Nothing is started or read before it is needed."""

    kind: BackendKind = "local"
    capabilities: frozenset[Capability] = frozenset(
        {"hogql", "hogql_metadata", "database_schema", "capture", "write_objects", "cancel"}
    )

    def __init__(self, data_dir: Path, *, demo_events: int = DEFAULT_EVENTS) -> None:
        self.store = Store(data_dir / "local")
        self.objects = Objects(self.store.root)
        self.progress: LoadProgress | None = None
        self._demo_events = demo_events
        self._parser = Parser()
        self._checker = Checker(self._parser, self.catalogue)
        self._engine = Engine(self._layout)
        self._known: tuple[Snapshot, Catalogue, Profile] | None = None
        self._creating = anyio.Lock()
        self._counting = False

    @property
    def checker(self) -> Checker:
        return self._checker

    async def snapshot(self) -> Snapshot:
        """The current data; the demo project is generated into an empty folder first."""
        snapshot = await anyio.to_thread.run_sync(self.store.current)
        if snapshot is not None:
            return snapshot
        async with self._creating:
            snapshot = await anyio.to_thread.run_sync(self.store.current)
            return snapshot or await generate_demo(
                self.store, self.objects, events=self._demo_events, only_if_empty=True, progress=self.progress
            )

    async def project(self) -> ProjectInfo:
        settings = (await self.snapshot()).manifest.project
        return ProjectInfo(PROJECT_ID, settings.name, settings.timezone, "local", HOST, settings.week_start_day)

    async def catalogue(self) -> Catalogue:
        return (await self._current())[1]

    async def _current(self) -> tuple[Snapshot, Catalogue, Profile]:
        snapshot = await self.snapshot()
        if self._known is None or self._known[0] is not snapshot:
            snapshot = await self._with_cohorts(snapshot)
        if self._known is None or self._known[0] is not snapshot:
            cohorts, actions = await anyio.to_thread.run_sync(self._names)
            catalogue = catalogue_for(snapshot.manifest, cohorts=cohorts, actions=actions)
            self._known = (snapshot, catalogue, profile_for(snapshot.manifest))
        return self._known

    async def _with_cohorts(self, snapshot: Snapshot) -> Snapshot:
        """Work out the cohorts that this snapshot lacks; a cohort that cannot be is left empty and says so itself."""
        if self._counting:
            return snapshot
        cohorts = await anyio.to_thread.run_sync(lambda: self.objects.list("cohorts", limit=1000).items)
        missing = uncalculated(snapshot, cohorts)
        if not missing:
            return snapshot
        self._counting = True
        try:
            found: dict[str, tuple[int, set[str]]] = {}
            for cohort in missing:
                try:
                    found[file_of(cohort)] = (cast("int", cohort["id"]), await members(cohort, self._person_ids))
                except PostHogMcpError as error:
                    found[file_of(cohort)] = (cast("int", cohort["id"]), set())
                    await self._note(cohort, {"count": None, "errors_calculating": 1, "last_error": error.message})
            await keep_members(self.store, found)
            for cohort in missing:
                await self._note(cohort, {"count": len(found[file_of(cohort)][1])})
        except Unavailable as error:
            # A read-only or full folder must not keep every other query from its answer.
            logger.warning("cohorts were not worked out: %s", error.message)
            return snapshot
        finally:
            self._counting = False
            self._known = None
        return await self.snapshot()

    async def _note(self, cohort: Mapping[str, Json], changes: dict[str, Json]) -> None:
        await anyio.to_thread.run_sync(self.objects.note, "cohorts", str(cohort["id"]), changes)

    async def _person_ids(self, text: str, properties: Sequence[Mapping[str, Json]]) -> list[str]:
        filters: Json = {"properties": [dict(each) for each in properties]}
        body: dict[str, Json] = {"kind": "HogQLQuery", "query": text, "filters": filters}
        answer = await self.query(body, QueryOptions("cohort", timeout_seconds=60))
        return [str(row[0]) for row in answer.table.rows]

    def _names(self) -> tuple[dict[int, str], dict[int, str]]:
        cohorts = self.objects.list("cohorts", limit=1000).items
        actions = self.objects.list("actions", limit=1000).items
        return named(cohorts), named(actions)

    def _layout(self) -> Layout:
        """What the engine opens for the current snapshot. Blocks briefly.

        Raises:
            Unavailable: the folder was emptied under us.
        """
        snapshot = self.store.current()
        if snapshot is None:
            raise Unavailable("The data folder was emptied while in use.", fix="Ask again; the demo is made anew.")
        system = self.store.root / "system"
        if not system.exists():
            self.objects.publish_all()
        tables = {
            name: TableSource(f"{snapshot.path}/{name}/*.parquet", [(c, k) for c, k in table.columns])
            for name, table in snapshot.manifest.tables.items()
        }
        tables |= {
            name: TableSource(f"{system}/{name}.jsonl", list(columns), "JSONEachRow")
            for name, columns in system_tables().items()
        }
        timezone = snapshot.manifest.project.timezone
        return Layout(snapshot.name, timezone, tables, snapshot.manifest.views, (snapshot.path, system))

    async def query(self, body: Mapping[str, Json], options: QueryOptions) -> QueryAnswer:
        """Run a HogQLQuery body. The text's own LIMIT holds; nothing is added here.

        Raises:
            InvalidInput: the body is not a HogQLQuery.
        """
        text = body.get("query")
        if body.get("kind") != "HogQLQuery" or not isinstance(text, str):
            raise InvalidInput("Only HogQLQuery bodies with a `query` text run here.", context={"attr": "query"})
        _, catalogue, profile = await self._current()
        checked = await self._checker.check(
            text,
            values=mapping(body.get("values")),
            filters=mapping(body.get("filters")),
            variables=mapping(body.get("variables")),
        )
        checked.raise_for_errors()
        printed = await anyio.to_thread.run_sync(print_clickhouse, checked, catalogue, profile)
        answer = await self._engine.run(
            printed.sql,
            {name: parameter.value for name, parameter in printed.parameters.items()},
            timeout_seconds=options.timeout_seconds,
            timezone=catalogue.timezone,
        )
        return QueryAnswer(
            renamed(answer.table, checked.columns),
            text,
            printed.sql,
            answer.elapsed_ms,
            answer.rows_read,
            answer.bytes_read,
            cached=False,
        )

    async def property_values(self, scope: str, name: str, limit: int = 20) -> list[tuple[str, int]]:
        """Most frequent values with counts, over all the data.

        Raises:
            InvalidInput: no such scope.
        """
        holder = SCOPES.get(scope) or (f"{scope}.properties" if scope.startswith("group_") else None)
        if holder is None:
            raise InvalidInput(f"There is no property scope {scope!r}.", fix=f"Use {', '.join(SCOPES)} or group_0.")
        field = f"{holder}.{backquoted(name)}"
        text = (
            f"SELECT toString({field}) AS value, count() AS n FROM events WHERE {field} IS NOT NULL "
            f"GROUP BY value ORDER BY n DESC, value LIMIT {limit}"
        )
        answer = await self.query({"kind": "HogQLQuery", "query": text}, QueryOptions("values"))
        return [(str(row[0]), cast("int", row[1])) for row in answer.table.rows]

    async def list(self, resource: Resource, options: ListOptions) -> Page:
        return await self._listings().list(resource, options)

    async def get(self, resource: Resource, object_id: str) -> dict[str, Json]:
        return await self._listings().get(resource, object_id)

    def _listings(self) -> Listings:
        return Listings(self.objects, self.snapshot, self.query)

    async def create(self, resource: Resource, body: Mapping[str, Json]) -> dict[str, Json]:
        await self.snapshot()
        made = await anyio.to_thread.run_sync(self.objects.create, resource, body)
        self._known = None
        return made

    async def update(self, resource: Resource, object_id: str, body: Mapping[str, Json]) -> dict[str, Json]:
        changed = await anyio.to_thread.run_sync(self.objects.update, resource, object_id, body)
        self._known = None
        return changed

    async def delete(self, resource: Resource, object_id: str) -> None:
        await self.update(resource, object_id, {"deleted": True})

    async def ready(self) -> None:
        await self.snapshot()

    async def aclose(self) -> None:
        await self._engine.aclose()
        await self._parser.aclose()
        await anyio.to_thread.run_sync(self.objects.close)


def renamed(table: Table, columns: tuple[Column, ...]) -> Table:
    """Column names as the author wrote them: the SQL may need others to tell two equal names apart."""
    if len(columns) != len(table.columns):
        return table
    pairs = zip(columns, table.columns, strict=True)
    return replace(table, columns=tuple(Column(ours.name, theirs.type) for ours, theirs in pairs))


def named(items: list[dict[str, Json]]) -> dict[int, str]:
    return {cast("int", item["id"]): str(item["name"]) for item in items}


def mapping(value: Json) -> dict[str, Json] | None:
    return value if isinstance(value, dict) else None


def backquoted(name: str) -> str:
    """A HogQL identifier.

    Raises:
        NotFound: HogQL cannot spell this name.
    """
    if "`" in name or "\\" in name or "%" in name:
        raise NotFound(
            f"HogQL cannot name the property {name!r}.", fix="Read it with JSONExtractString(properties, …)."
        )
    return f"`{name}`"
