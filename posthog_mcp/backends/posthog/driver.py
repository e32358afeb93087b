"""A PostHog project over HTTP as a Driver: queries with polling and cancelling, the live schema, lists and objects."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import TypedDict, Unpack, cast
from urllib.parse import parse_qsl, urlsplit

import anyio

from posthog_mcp.backends.backend import (
    Capability,
    ListOptions,
    Page,
    Progress,
    QueryAnswer,
    QueryOptions,
    Resource,
    ServerFinding,
    ServerFindings,
)
from posthog_mcp.backends.posthog.client import Body, Client, Manners
from posthog_mcp.backends.posthog.politeness import windows
from posthog_mcp.backends.posthog.schema import catalogue_from
from posthog_mcp.errors import InvalidInput, NotFound, PostHogMcpError, QueryTimeout, Unavailable
from posthog_mcp.hogql.catalogue import Catalogue
from posthog_mcp.hogql.checker import Checker
from posthog_mcp.hogql.parsing import Parser
from posthog_mcp.results import BackendKind, Column, Json, ProjectInfo, Table
from posthog_mcp.settings import Settings

CATALOGUE_SECONDS = 300.0
POLL_SECONDS = 0.5
LONGEST_POLL_SECONDS = 3.0
"""Polls count against the key's limits."""
DEFINITION_PAGES = 10


class RequestOptions(TypedDict, total=False):
    """What `Client.request` takes besides method and path."""

    body: Mapping[str, Json]
    params: Mapping[str, str | int]
    wait_seconds: float
    repeatable: bool


class PostHogDriver:
    """One project of one PostHog host, reached with one personal API key."""

    kind: BackendKind = "posthog"
    capabilities: frozenset[Capability] = frozenset(
        {"hogql", "hogql_metadata", "database_schema", "write_objects", "cancel"}
    )

    def __init__(self, settings: Settings, manners: Manners | None = None) -> None:
        key = settings.api_key.get_secret_value() if settings.api_key else ""
        self._client = Client(settings.host, key, manners or Manners(limits=tuple(windows(settings.rate_limit))))
        self._project_id = settings.project_id
        self._parser = Parser()
        self._checker = Checker(self._parser, self.catalogue)
        self._info: ProjectInfo | None = None
        self._catalogue: tuple[float, Catalogue] | None = None
        self._prefix = "projects"
        self._proven = False
        self._loading = anyio.Lock()
        self.progress: Progress | None = None

    @property
    def checker(self) -> Checker:
        return self._checker

    async def project(self) -> ProjectInfo:
        """The chosen project; without POSTHOG_PROJECT_ID the only one that the key sees.

        Raises:
            InvalidInput: the key sees several projects and none was chosen.
            NotFound: it sees no such project.
        """
        if self._info is None:
            found = await self._find_project()
            zone, first_day = str(found.get("timezone") or "UTC"), 1 if found.get("week_start_day") == 1 else 0
            name = str(found.get("name") or "")
            self._info = ProjectInfo(int(str(found["id"])), name, zone, "posthog", self._client.host, first_day)
        return self._info

    async def _find_project(self) -> Body:
        if self._project_id is not None:
            try:
                return (await self._client.request("GET", f"/api/projects/{self._project_id}/"))[1]
            except NotFound:
                seen = await self._visible_projects()
                names = ", ".join(f"{each['id']} {each['name']}" for each in seen) or "none"
                message = f"{self._client.host} has no project {self._project_id} that this key can see."
                raise NotFound(message, fix=f"Set POSTHOG_PROJECT_ID to one of: {names}.") from None
        seen = await self._visible_projects()
        if len(seen) != 1:
            names = ", ".join(f"{each['id']} {each['name']}" for each in seen) or "none"
            raise InvalidInput("The key sees several projects.", fix=f"Set POSTHOG_PROJECT_ID to one of: {names}.")
        return seen[0]

    async def _visible_projects(self) -> list[Body]:
        _, body = await self._client.request("GET", "/api/projects/")
        return cast("list[Body]", body.get("results") or [])

    async def _path(self, rest: str) -> str:
        return f"/api/{self._prefix}/{(await self.project()).id}/{rest}"

    async def _reach(self, method: str, rest: str, **options: Unpack[RequestOptions]) -> tuple[int, Body]:
        """A request below the project; hosts of before 2025 have some of it below environments, so a first 404 is
        tried there once.

        Raises:
            NotFound: neither prefix has it.
        """
        try:
            answer = await self._client.request(method, await self._path(rest), **options)
        except NotFound:
            if self._proven:
                raise
            self._prefix = "environments"
            try:
                answer = await self._client.request(method, await self._path(rest), **options)
            except NotFound:
                self._prefix = "projects"
                raise
        self._proven = True
        return answer

    async def catalogue(self) -> Catalogue:
        """Schema and definitions; read again after five minutes."""
        async with self._loading:
            if self._catalogue is None or time.monotonic() - self._catalogue[0] > CATALOGUE_SECONDS:
                self._catalogue = (time.monotonic(), await self._load_catalogue())
            return self._catalogue[1]

    async def _load_catalogue(self) -> Catalogue:
        info = await self.project()
        asked: Body = {"query": {"kind": "DatabaseSchemaQuery"}}
        _, schema = await self._reach("POST", "query/", body=asked, repeatable=True)
        lists: dict[str, list[Body]] = {"events": await self._all("event_definitions", {})}
        for scope in ("event", "person"):
            lists[scope] = await self._all("property_definitions", {"type": scope})
        lists["group_types"] = (await self.list("groups_types", ListOptions())).items
        for index in range(len(lists["group_types"])):
            filters = {"type": "group", "group_type_index": str(index)}
            lists[f"group_{index}"] = await self._all("property_definitions", filters)
        for kind in ("cohorts", "actions"):
            lists[kind] = await self._all(cast("Resource", kind), {})
        return catalogue_from(info, schema, lists)

    async def _all(self, resource: Resource, filters: Mapping[str, str]) -> list[Body]:
        items: list[Body] = []
        cursor: str | None = None
        for _ in range(DEFINITION_PAGES):
            page = await self.list(resource, ListOptions(limit=500, cursor=cursor, filters=filters))
            items += page.items
            cursor = page.next
            if cursor is None:
                break
        return items

    async def metadata(self, query: str) -> ServerFindings:
        """PostHog's own check (HogQLMetadata): errors, warnings and notices with their places; nothing runs.

        Source: PostHog's query API; positions are offsets of the query, `fix` is a replacement.
        """
        body: Body = {"query": {"kind": "HogQLMetadata", "language": "hogQL", "query": query}}
        _, found = await self._reach("POST", "query/", body=body, repeatable=True)
        return ServerFindings(*(findings_of(found.get(name)) for name in ("errors", "warnings", "notices")))

    async def query(self, body: Mapping[str, Json], options: QueryOptions) -> QueryAnswer:
        """Run a HogQLQuery; a query that PostHog makes a job of is polled, and cancelled with us.

        Raises:
            InvalidInput: the body is not a HogQLQuery.
            QueryTimeout: `options.timeout_seconds` passed.
        """
        if body.get("kind") != "HogQLQuery":
            raise InvalidInput("Only HogQLQuery bodies run here.", context={"attr": "query"})
        allowed = ("kind", "query", "values", "filters", "variables")
        request: Body = {
            "query": {name: body[name] for name in allowed if name in body},
            "refresh": "force_async" if options.refresh else "async",
            "client_query_id": options.query_id,
        }
        started = time.perf_counter()
        try:
            async with self._client.limiter.query():
                with anyio.fail_after(options.timeout_seconds):
                    answer = await self._poll(request, options)
        except TimeoutError:
            await self._cancel(options.query_id)
            message = f"The query ran longer than {options.timeout_seconds:g} s and was stopped."
            raise QueryTimeout(message, fix="Shorten the time range, or raise POSTHOG_MCP_QUERY_TIMEOUT.") from None
        except anyio.get_cancelled_exc_class():
            await self._cancel(options.query_id)
            raise
        elapsed = (time.perf_counter() - started) * 1000
        sql = answer.get("clickhouse")
        return QueryAnswer(
            table_from(answer),
            str(body.get("query")),
            sql if isinstance(sql, str) else None,
            elapsed,
            cached=answer.get("is_cached") is True,
        )

    @asynccontextmanager
    async def elsewhere(self, query_id: str) -> AsyncGenerator[None]:
        """A query that a script asks from another machine: it takes its place in this key's limits, and is cancelled
        on the host when whoever waits for it fails or leaves.

        Raises:
            PostHogMcpError: what the waiting one raised.
        """
        async with self._client.limiter.query():
            await self._client.limiter.turn()
            try:
                yield
            except (PostHogMcpError, anyio.get_cancelled_exc_class()):
                await self._cancel(query_id)
                raise

    async def _poll(self, request: Body, options: QueryOptions) -> Body:
        status, answer = await self._reach(
            "POST", "query/", body=request, wait_seconds=options.timeout_seconds, repeatable=True
        )
        pause = POLL_SECONDS
        while status == 202 or ("query_status" in answer and "results" not in answer):
            job = cast("Body", answer.get("query_status") or {})
            if job.get("complete") is True:
                return cast("Body", job.get("results") or {})
            if options.progress:
                options.progress(*progress_of(job))
            await anyio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_POLL_SECONDS)
            status, answer = await self._reach("GET", f"query/{job.get('id')}/")
        return answer

    async def _cancel(self, query_id: str) -> None:
        with anyio.move_on_after(5, shield=True):
            try:
                await self._client.request("DELETE", await self._path(f"query/{query_id}/"))
            except PostHogMcpError:
                return

    async def property_values(self, scope: str, name: str, limit: int = 20) -> list[tuple[str, int]]:
        path = await self._path("persons/values/" if scope == "person" else "events/values/")
        _, body = await self._client.request("GET", path, params={"key": name})
        found = cast("list[Body]", body.get("results") or [])
        return [(str(each.get("name")), int(str(each.get("count") or 0))) for each in found[:limit]]

    async def list(self, resource: Resource, options: ListOptions) -> Page:
        params: dict[str, str | int] = {"limit": options.limit, **options.filters}
        if options.search:
            params["search"] = options.search
        if options.cursor:
            params |= dict(parse_qsl(options.cursor))
        if resource in {"projects", "organizations"}:
            _, body = await self._client.request("GET", f"/api/{resource}/", params=params)
        else:
            _, body = await self._reach("GET", f"{resource}/", params=params)
        following = body.get("next")
        cursor = urlsplit(following).query if isinstance(following, str) and self._client.same_host(following) else None
        count = body.get("count")
        results = body.get("results")
        return Page(cast("list[Body]", results or []), cursor, count if isinstance(count, int) else None)

    async def get(self, resource: Resource, object_id: str) -> Body:
        return (await self._client.request("GET", await self._path(f"{resource}/{object_id}/")))[1]

    async def create(self, resource: Resource, body: Mapping[str, Json]) -> Body:
        return (await self._client.request("POST", await self._path(f"{resource}/"), body=body))[1]

    async def update(self, resource: Resource, object_id: str, body: Mapping[str, Json]) -> Body:
        return (await self._client.request("PATCH", await self._path(f"{resource}/{object_id}/"), body=body))[1]

    async def delete(self, resource: Resource, object_id: str) -> None:
        await self.update(resource, object_id, {"deleted": True})

    async def ready(self) -> None:
        await self._client.request("GET", "/api/users/@me/")

    async def aclose(self) -> None:
        await self._parser.aclose()
        await self._client.aclose()


def table_from(answer: Body) -> Table:
    """Columns and rows of a query response.

    Raises:
        Unavailable: the response is not one.
    """
    results, names, types = answer.get("results"), answer.get("columns"), answer.get("types")
    if not isinstance(results, list) or not isinstance(names, list):
        raise Unavailable("PostHog's answer has no rows.", fix="Try again; check that the host is PostHog.")
    kinds = [str(pair[1]) if isinstance(pair, list) else str(pair) for pair in types] if isinstance(types, list) else []
    kinds += ["unknown"] * (len(names) - len(kinds))
    columns = tuple(Column(str(name), kind) for name, kind in zip(names, kinds, strict=False))
    return Table(columns, cast("list[list[Json]]", results))


def progress_of(job: Body) -> tuple[float, str]:
    """A fraction and what PostHog tells of a running query."""
    told = job.get("query_progress")
    rows, expected = (told.get("rows_read"), told.get("estimated_rows_total")) if isinstance(told, dict) else (0, 0)
    if not isinstance(rows, int) or not isinstance(expected, int) or expected <= 0:
        return 0.5, "PostHog is running the query"
    return min(rows / expected, 0.99), f"PostHog has read {rows:,} of about {expected:,} rows"


def findings_of(listed: Json) -> tuple[ServerFinding, ...]:
    """The findings of one list of a HogQLMetadata answer; what has no message is left out."""
    found: list[ServerFinding] = []
    for each in listed if isinstance(listed, list) else []:
        if isinstance(each, dict) and isinstance(each.get("message"), str):
            start, end, fix = each.get("start"), each.get("end"), each.get("fix")
            place = (start if isinstance(start, int) else None, end if isinstance(end, int) else None)
            found.append(ServerFinding(str(each["message"]), *place, fix if isinstance(fix, str) else None))
    return tuple(found)
