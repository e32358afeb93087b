"""The embedded project as a Driver: HogQL → checked tree → ClickHouse SQL → the engine, and objects from SQLite.

The first use of an empty data folder generates the demo project. Everything blocking runs in worker threads.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
from pydantic import SecretStr

from posthog_mcp.backends.backend import ApiCall, Capability, ListOptions, Page, QueryAnswer, QueryOptions, Resource
from posthog_mcp.backends.local.api import embedded_call
from posthog_mcp.backends.local.clickhouse.people import KeptCohorts
from posthog_mcp.backends.local.clickhouse.server_data import ServerData
from posthog_mcp.backends.local.cohorts import Cohorts
from posthog_mcp.backends.local.demo.generate import DEFAULT_EVENTS, generate_demo
from posthog_mcp.backends.local.downloads import Downloads
from posthog_mcp.backends.local.engine import Engine, Layout, TableSource
from posthog_mcp.backends.local.listings import Listings
from posthog_mcp.backends.local.loader import LoadProgress
from posthog_mcp.backends.local.objects import Objects
from posthog_mcp.backends.local.project_tables import project_views, publish_project
from posthog_mcp.backends.local.schema import system_tables
from posthog_mcp.backends.local.storage import Snapshot, Store, catalogue_for, profile_for
from posthog_mcp.backends.local.tiles import place_tiles
from posthog_mcp.backends.values import counted, values_query
from posthog_mcp.backends.watched import watched
from posthog_mcp.errors import Forbidden, InvalidInput, Unavailable
from posthog_mcp.hogql.catalogue import Catalogue
from posthog_mcp.hogql.checker import Checked, Checker
from posthog_mcp.hogql.parsing import Parser
from posthog_mcp.hogql.printer import print_clickhouse
from posthog_mcp.hogql.profile import Profile
from posthog_mcp.results import BackendKind, Column, Json, ProjectInfo, Table

PROJECT_ID = 1
HOST = "embedded"

COHORT = re.compile("cohort", re.IGNORECASE)
COHORT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Known:
    """What names mean and where columns lie, for one state of the data and its objects."""

    snapshot: Snapshot
    stamp: str
    catalogue: Catalogue
    profile: Profile


class LocalDriver:
    """One data folder, answered by chDB, or by the ClickHouse server that `clickhouse` names.

    Nothing is started or read before it is needed. With a server the folder holds metadata objects only.
    """

    kind: BackendKind = "local"
    capabilities: frozenset[Capability] = frozenset(
        {"hogql", "hogql_metadata", "database_schema", "capture", "write_objects", "cancel"}
    )

    def __init__(
        self, data_dir: Path, *, demo_events: int = DEFAULT_EVENTS, clickhouse: SecretStr | None = None
    ) -> None:
        self.store = Store(data_dir / "local")
        self.objects = Objects(self.store.root)
        self.progress: LoadProgress | None = None
        self._demo_events = demo_events
        self._parser = Parser()
        self._checker = Checker(self._parser, self.catalogue)
        self.server = ServerData(clickhouse, self.store.root, self.objects) if clickhouse else None
        self._cohorts = (KeptCohorts if self.server else Cohorts)(
            self.store, self.objects, self.snapshot, self._person_ids
        )
        self._engine = self.server.engine(self._cohorts) if self.server else Engine(self._layout)
        if self.server:
            self.capabilities = LocalDriver.capabilities - {"capture"}
        self._listings = Listings(self.objects, self.snapshot, self.query)
        self.downloads = Downloads(self._files)
        self._known: Known | None = None
        self._creating = anyio.Lock()

    @property
    def checker(self) -> Checker:
        return self._checker

    async def snapshot(self) -> Snapshot:
        """The current data; the demo project is generated into an empty folder first."""
        if self.server:
            return await self.server.snapshot()
        # One call asks dozens of times: a stat costs less than a thread.
        snapshot = self.store.known() or await anyio.to_thread.run_sync(self.store.current)
        if snapshot is not None:
            return snapshot
        async with self._creating:
            snapshot = await anyio.to_thread.run_sync(self.store.current)
            return snapshot or await generate_demo(
                self.store, self.objects, events=self._demo_events, only_if_empty=True, progress=self.progress
            )

    async def _files(self) -> Snapshot:
        """The data as Parquet files.

        Raises:
            InvalidInput: it lies on a ClickHouse server.
        """
        if self.server:
            raise InvalidInput("File downloads are not made from a ClickHouse server.", fix="Query it instead.")
        return await self.snapshot()

    async def project(self) -> ProjectInfo:
        settings = (await self.snapshot()).manifest.project
        host = str(self.server.address) if self.server else HOST
        return ProjectInfo(PROJECT_ID, settings.name, settings.timezone, "local", host, settings.week_start_day)

    async def catalogue(self) -> Catalogue:
        return (await self._current()).catalogue

    async def _current(self) -> Known:
        """What the data says now; read again when the snapshot or any metadata object has changed."""
        snapshot = await self.snapshot()
        stamp = self.objects.stamp()
        if self._known is None or self._known.snapshot is not snapshot or self._known.stamp != stamp:
            cohorts, actions, steps = await anyio.to_thread.run_sync(self._names)
            catalogue = catalogue_for(snapshot.manifest, cohorts=cohorts, actions=actions, version_suffix=f"-{stamp}")
            catalogue = replace(catalogue, action_steps=steps, embedded=True)
            profile = (self.server.profile if self.server else profile_for)(snapshot.manifest)
            self._known = Known(snapshot, stamp, catalogue, profile)
        return self._known

    def _names(self) -> tuple[dict[int, str], dict[int, str], dict[int, list[dict[str, Json]]]]:
        actions = self.objects.names("actions")
        steps = {number: steps_of(self.objects.get("actions", str(number))) for number in actions}
        return self.objects.names("cohorts"), actions, steps

    async def _person_ids(self, text: str, properties: Sequence[Mapping[str, Json]]) -> list[str]:
        """The first column of a cohort's query.

        Raises:
            InvalidInput: a property filter cannot be applied; without it the cohort would hold everybody.
        """
        filters: Json = {"properties": [dict(each) for each in properties]}
        body: dict[str, Json] = {"kind": "HogQLQuery", "query": text, "filters": filters}
        checked = await self._check(body)
        if any(warning.code == "filters" for warning in checked.warnings):
            fix = "Use an operator such as exact, icontains, regex, gt, lt or is_set."
            raise InvalidInput("A person property condition of the cohort cannot be worked out here.", fix=fix)
        answer = await self._answer(body, QueryOptions("cohort", timeout_seconds=COHORT_SECONDS))
        return [str(row[0]) for row in answer.table.rows]

    def _layout(self) -> Layout:
        """What the engine opens for the current snapshot. Blocks briefly.

        Raises:
            Unavailable: the folder was emptied under us.
        """
        snapshot = self.store.current()
        if snapshot is None:
            raise Unavailable("The data folder was emptied while in use.", fix="Ask again; the demo is made anew.")
        system, views = self.objects.folder, project_views()
        if not self.objects.is_published():
            self.objects.publish_all()
        publish_project(system, snapshot.manifest)
        tables = {
            name: TableSource(f"{snapshot.path}/{name}/*.parquet", [(c, k) for c, k in table.columns])
            for name, table in snapshot.manifest.tables.items()
        }
        tables |= {
            name: TableSource(f"{system}/{name}.jsonl", list(columns), "JSONEachRow")
            for name, columns in system_tables().items()
            if name not in views
        }
        timezone = snapshot.manifest.project.timezone
        return Layout(snapshot.name, timezone, tables, {**snapshot.manifest.views, **views}, (snapshot.path, system))

    async def query(self, body: Mapping[str, Json], options: QueryOptions) -> QueryAnswer:
        """Run a HogQLQuery body. The text's own LIMIT holds; nothing is added here.

        Raises:
            InvalidInput: the body is not a HogQLQuery.
        """
        if COHORT.search(json.dumps(dict(body))):
            await self._cohorts.refresh()
        with watched("local", body) as asked:
            return asked.answered(await self._answer(body, options))

    async def _check(self, body: Mapping[str, Json]) -> Checked:
        """Check a HogQLQuery body.

        Raises:
            InvalidInput: the body is not a HogQLQuery.
        """
        text = body.get("query")
        if body.get("kind") != "HogQLQuery" or not isinstance(text, str):
            raise InvalidInput("Only HogQLQuery bodies with a `query` text run here.", context={"attr": "query"})
        checked = await self._checker.check(
            text,
            values=mapping(body.get("values")),
            filters=mapping(body.get("filters")),
            variables=mapping(body.get("variables")),
        )
        checked.raise_for_errors()
        return checked

    async def _answer(self, body: Mapping[str, Json], options: QueryOptions) -> QueryAnswer:
        known = await self._current()
        checked = await self._check(body)
        printed = await anyio.to_thread.run_sync(print_clickhouse, checked, known.catalogue, known.profile)
        answer = await self._engine.run(
            printed.sql,
            {name: parameter.value for name, parameter in printed.parameters.items()},
            timeout_seconds=options.timeout_seconds,
            timezone=known.catalogue.timezone,
        )
        return QueryAnswer(
            renamed(answer.table, checked.columns),
            checked.query,
            printed.sql,
            answer.elapsed_ms,
            answer.rows_read,
            answer.bytes_read,
        )

    async def property_values(self, scope: str, name: str, limit: int = 20) -> list[tuple[str, int]]:
        """Most frequent values with counts, over all the data."""
        return counted(await self.query(values_query(scope, name, limit), QueryOptions("values")))

    async def list(self, resource: Resource, options: ListOptions) -> Page:
        await self._count_cohorts(resource)
        return await self._listings.list(resource, options)

    async def get(self, resource: Resource, object_id: str) -> dict[str, Json]:
        await self._count_cohorts(resource)
        return await self._listings.get(resource, object_id)

    async def _count_cohorts(self, resource: Resource) -> None:
        """Cohorts show how many people they hold."""
        if resource == "cohorts":
            await self.snapshot()
            await self._cohorts.refresh()

    async def create(self, resource: Resource, body: Mapping[str, Json]) -> dict[str, Json]:
        await self.snapshot()
        made = await anyio.to_thread.run_sync(self.objects.create, resource, body)
        await anyio.to_thread.run_sync(place_tiles, self.objects, resource, made, body)
        return await self._counted(resource, made)

    async def update(self, resource: Resource, object_id: str, body: Mapping[str, Json]) -> dict[str, Json]:
        await self.snapshot()
        changed = await anyio.to_thread.run_sync(self.objects.update, resource, object_id, body)
        await anyio.to_thread.run_sync(place_tiles, self.objects, resource, changed, body)
        return await self._counted(resource, changed)

    async def _counted(self, resource: Resource, body: dict[str, Json]) -> dict[str, Json]:
        """A cohort that was just written, with its people counted."""
        if resource != "cohorts" or body.get("deleted"):
            return body
        await self._cohorts.refresh()
        return await anyio.to_thread.run_sync(self.objects.get, resource, str(body["id"]))

    async def delete(self, resource: Resource, object_id: str) -> None:
        await self.update(resource, object_id, {"deleted": True})

    async def call(self, call: ApiCall) -> tuple[int, Json]:
        return await embedded_call(self, self.downloads, call)

    async def capture_events(self, events: Sequence[Mapping[str, Json]]) -> int:
        """Stored at once; an event whose uuid is there already is left out.

        Raises:
            Forbidden: the project lies on a ClickHouse server, which is only read.
        """
        if self.server:
            raise Forbidden("A project on a ClickHouse server is only read.", fix="Load the events there instead.")
        from posthog_mcp.backends.local.ingest import capture

        await self.snapshot()
        return await capture(self.store, events)

    async def ready(self) -> None:
        """Whether a query would be answered.

        Raises:
            PostHogMcpError: the folder or the server cannot be read.
        """
        await (self.server.ready() if self.server else self.snapshot())

    async def aclose(self) -> None:
        await self._engine.aclose()
        await self._parser.aclose()
        await anyio.to_thread.run_sync(self.objects.close)
        await anyio.to_thread.run_sync(self.downloads.close)


def renamed(table: Table, columns: tuple[Column, ...]) -> Table:
    """Column names as the author wrote them: the SQL may need others to tell two equal names apart."""
    if len(columns) != len(table.columns):
        return table
    pairs = zip(columns, table.columns, strict=True)
    return replace(table, columns=tuple(Column(ours.name, theirs.type) for ours, theirs in pairs))


def steps_of(action: Mapping[str, Json]) -> list[dict[str, Json]]:
    """An action's steps; those that are no objects are left out."""
    steps = action.get("steps")
    return [each for each in steps if isinstance(each, dict)] if isinstance(steps, list) else []


def mapping(value: Json) -> dict[str, Json] | None:
    return value if isinstance(value, dict) else None
