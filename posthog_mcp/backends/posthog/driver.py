"""A PostHog project over HTTP as a Driver: queries with polling and cancelling, the live schema, lists and objects."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import cast
from urllib.parse import parse_qsl, urlsplit

import anyio

from posthog_mcp.backends.backend import (
    ApiCall,
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
from posthog_mcp.backends.posthog.capture import send_events
from posthog_mcp.backends.posthog.client import Body, Client, Manners
from posthog_mcp.backends.posthog.definitions import Definitions, scopes_of
from posthog_mcp.backends.posthog.jobs import Jobs, Refresh
from posthog_mcp.backends.posthog.kinds import check_hidden, runnable
from posthog_mcp.backends.posthog.politeness import windows
from posthog_mcp.backends.posthog.project_api import ProjectApi
from posthog_mcp.backends.posthog.retrying import Repeat
from posthog_mcp.backends.watched import watched
from posthog_mcp.endpoints.table import Endpoint, table
from posthog_mcp.errors import InvalidInput, NotFound, PostHogMcpError, RateLimited, Unavailable
from posthog_mcp.hogql.catalogue import Catalogue
from posthog_mcp.hogql.checker import Checker
from posthog_mcp.hogql.parsing import Parser
from posthog_mcp.results import BackendKind, Column, Json, ProjectInfo, Table
from posthog_mcp.settings import Settings

CATALOGUE_SECONDS = 300.0
NAMED_IN_QUERIES = ("cohorts", "actions")
"""A new one must be known to the next query."""


class PostHogDriver:
    """One project of one PostHog host, reached with one personal API key."""

    kind: BackendKind = "posthog"
    capabilities: frozenset[Capability] = frozenset(
        {"hogql", "hogql_metadata", "database_schema", "write_objects", "cancel"}
    )

    def __init__(self, settings: Settings, manners: Manners | None = None, client: Client | None = None) -> None:
        """`client`: another project's of the same key, whose connections are shared and stay its own to close."""
        key = settings.api_key.get_secret_value() if settings.api_key else ""
        self._own = client is None
        self.client = client or Client(
            settings.host, key, manners or Manners(limits=tuple(windows(settings.rate_limit)))
        )
        self.api = ProjectApi(self.client, settings.project_id)
        self._jobs = Jobs(self.api)
        self._definitions = Definitions(self.api, self.list)
        self._parser = Parser()
        self._checker = Checker(self._parser, self.catalogue)
        self._catalogue: tuple[float, Catalogue] | None = None
        self._loading = anyio.Lock()
        self.progress: Progress | None = None

    @property
    def checker(self) -> Checker:
        return self._checker

    async def project(self) -> ProjectInfo:
        """The chosen project; without POSTHOG_PROJECT_ID the only one that the key sees."""
        return await self.api.info()

    async def scopes(self) -> tuple[str, ...]:
        """What the key may do; `*` is full access."""
        return scopes_of((await self.client.request("GET", "/api/personal_api_keys/@current/"))[1])

    async def catalogue(self) -> Catalogue:
        """Schema and definitions; read again after five minutes, or kept where the host cannot answer then.

        Raises:
            Unavailable: the host did not answer, the first time.
            RateLimited: it took no more requests, the first time.
        """
        async with self._loading:
            kept = self._catalogue
            if kept is None or time.monotonic() - kept[0] > CATALOGUE_SECONDS:
                try:
                    kept = (time.monotonic(), await self._definitions.load())
                except (Unavailable, RateLimited):
                    if kept is None:
                        raise
                self._catalogue = kept
            return kept[1]

    async def metadata(self, query: str) -> ServerFindings:
        """PostHog's own check (HogQLMetadata): errors, warnings and notices with their places; nothing runs.

        Source: PostHog's query API; positions are offsets of the query, `fix` is a replacement.
        """
        body: Body = {"query": {"kind": "HogQLMetadata", "language": "hogQL", "query": query}}
        _, found = await self.api.request("POST", "query/", body=body, repeat="read")
        return ServerFindings(*(findings_of(found.get(name)) for name in ("errors", "warnings", "notices")))

    async def query(self, body: Mapping[str, Json], options: QueryOptions) -> QueryAnswer:
        """Run a HogQLQuery; a query that PostHog makes a job of is polled, and cancelled with us.

        Raises:
            InvalidInput: the body is not a HogQLQuery.
            Unavailable: the answer has no rows.
        """
        if body.get("kind") != "HogQLQuery":
            raise InvalidInput("Only HogQLQuery bodies run here.", context={"attr": "query"})
        started = time.perf_counter()
        refresh: Refresh = "force_async" if options.refresh else "async"
        with watched("posthog", body) as asked:
            answer = await self._jobs.run(
                runnable(body), options.query_id, options.timeout_seconds, refresh, options.progress
            )
            elapsed = (time.perf_counter() - started) * 1000
            sql, cached = answer.get("clickhouse"), answer.get("is_cached") is True
            told = sql if isinstance(sql, str) else None
            return asked.answered(
                QueryAnswer(self._table(answer), str(body.get("query")), told, elapsed, cached=cached)
            )

    def _table(self, answer: Body) -> Table:
        """Columns and rows.

        Raises:
            PostHogMcpError: as `table_from`, without the key where the host repeats it.
        """
        try:
            return table_from(answer)
        except PostHogMcpError as error:
            clean = self.client.without_key(error)
            raise clean from None

    async def typed_query(
        self,
        query: Mapping[str, Json],
        options: QueryOptions,
        refresh: Refresh | None = None,
        variables: Mapping[str, Json] | None = None,
    ) -> Body:
        """The response body of any allowed kind of query, such as a saved insight's; wrappers are taken off.

        HogQL inside it is checked as any other before anything is sent. `variables` override those of the query.

        Raises:
            PostHogMcpError: the kind is not allowed, HogQL in it does not check, or what PostHog said.
        """
        plain = runnable(query)
        await check_hidden(self._checker, plain)
        mode: Refresh = refresh or ("force_async" if options.refresh else "async")
        more: Body = {"variables_override": dict(variables)} if variables else {}
        with watched("posthog", plain) as asked:
            answer = await self._jobs.run(
                plain, options.query_id, options.timeout_seconds, mode, options.progress, more
            )
            results = answer.get("results")
            asked.told(len(results) if isinstance(results, list) else 0, answer.get("is_cached") is True)
            return answer

    @asynccontextmanager
    async def elsewhere(self, query_id: str) -> AsyncGenerator[None]:
        """A query that a script asks from another machine: it takes its place in this key's limits, and is cancelled
        on the host when whoever waits for it fails or leaves."""
        async with self._jobs.elsewhere(query_id):
            yield

    async def property_values(self, scope: str, name: str, limit: int = 20) -> list[tuple[str, int]]:
        params: dict[str, str | int] = {"key": name}
        path = {"person": "persons/values/", "session": "sessions/values/"}.get(scope, "events/values/")
        if scope.startswith("group_"):
            path, params["group_type_index"] = "groups/property_values/", int(scope.removeprefix("group_"))
        _, body = await self.api.request("GET", path, params=params)
        found = cast("list[Body]", body.get("results") or [])
        return [(str(each.get("name")), int(str(each.get("count") or 0))) for each in found[:limit]]

    async def list(self, resource: Resource, options: ListOptions) -> Page:
        """One page. Of the `next` link only its parameters are taken: the next page is asked of this host."""
        params: dict[str, str | int] = {"limit": options.limit, **options.filters}
        if options.search:
            params["search"] = options.search
        if options.cursor:
            params |= dict(parse_qsl(options.cursor))
        endpoint = endpoint_of(resource, "list")
        _, body = await self.api.call(endpoint, {}, params=params)
        following, count = body.get("next"), body.get("count")
        cursor = urlsplit(following).query if isinstance(following, str) else None
        results = cast("list[Body]", body.get("results") or [])
        if endpoint.shape == "list":
            count = len(results)
        return Page(results, cursor or None, count if isinstance(count, int) else None)

    async def get(self, resource: Resource, object_id: str) -> Body:
        return await self._one(resource, "get", object_id)

    async def create(self, resource: Resource, body: Mapping[str, Json]) -> Body:
        made = (await self.api.call(endpoint_of(resource, "create"), {}, body=body))[1]
        if resource in NAMED_IN_QUERIES:
            self._catalogue = None
        return made

    async def update(self, resource: Resource, object_id: str, body: Mapping[str, Json]) -> Body:
        return await self._one(resource, "update", object_id, body)

    async def delete(self, resource: Resource, object_id: str) -> None:
        if table().of_kind(resource, "delete"):
            await self._one(resource, "delete", object_id)
        else:
            await self.update(resource, object_id, {"deleted": True})

    async def _one(self, resource: Resource, role: str, object_id: str, body: Mapping[str, Json] | None = None) -> Body:
        endpoint = endpoint_of(resource, role)
        return (await self.api.call(endpoint, {endpoint.parameters[0]: object_id}, body=body))[1]

    async def call(self, call: ApiCall) -> tuple[int, Json]:
        """Any endpoint of the table; a POST that changes nothing is repeated like a GET."""
        repeat: Repeat = "write" if call.endpoint.changes else "read"
        status, body = await self.api.call(
            call.endpoint, call.values, call.organization, params=call.params or None, body=call.body, repeat=repeat
        )
        return status, body["results"] if call.endpoint.shape == "list" and body.keys() == {"results"} else body

    async def capture_events(self, events: Sequence[Mapping[str, Json]]) -> int:
        """Sent with the project's own token, which the personal key reads; PostHog tells duplicates by uuid."""
        info = await self.project()
        token = (await self.client.request("GET", f"/api/projects/{info.id}/"))[1].get("api_token")
        return await send_events(self.client.base_url, str(token or ""), events)

    async def ready(self) -> None:
        await self.client.request("GET", "/api/users/@me/")

    async def aclose(self) -> None:
        await self._parser.aclose()
        if self._own:
            await self.client.aclose()


def endpoint_of(resource: Resource, role: str) -> Endpoint:
    """Where a resource is listed, got, created, changed or deleted.

    Raises:
        NotFound: PostHog has no such call.
    """
    found = table().of_kind(resource, role)
    if found is None:
        raise NotFound(f"PostHog's API cannot {role} {resource}.", fix="Find what there is with search_api.")
    return found


def table_from(answer: Body) -> Table:
    """Columns and rows of a query response.

    Raises:
        Unavailable: the response is not one.
        InvalidInput: it tells an error.
    """
    results, names, types = answer.get("results"), answer.get("columns"), answer.get("types")
    if isinstance(told := answer.get("error"), str) and told:
        raise InvalidInput(f"PostHog: {told[:2000]}", fix="Run validate_hogql for the place.")
    if not isinstance(results, list) or not isinstance(names, list):
        raise Unavailable("PostHog's answer has no rows.", fix="Try again; check that the host is PostHog.")
    kinds = [str(pair[1]) if isinstance(pair, list) else str(pair) for pair in types] if isinstance(types, list) else []
    kinds += ["unknown"] * (len(names) - len(kinds))
    columns = tuple(Column(str(name), kind) for name, kind in zip(names, kinds, strict=False))
    return Table(columns, cast("list[list[Json]]", results))


def findings_of(listed: Json) -> tuple[ServerFinding, ...]:
    """The findings of one list of a HogQLMetadata answer; what has no message is left out."""
    found: list[ServerFinding] = []
    for each in listed if isinstance(listed, list) else []:
        if isinstance(each, dict) and isinstance(each.get("message"), str):
            start, end, fix = each.get("start"), each.get("end"), each.get("fix")
            place = (start if isinstance(start, int) else None, end if isinstance(end, int) else None)
            found.append(ServerFinding(str(each["message"]), *place, fix if isinstance(fix, str) else None))
    return tuple(found)
