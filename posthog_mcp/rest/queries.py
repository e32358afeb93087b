"""The query endpoint: HogQLQuery, HogQLMetadata and DatabaseSchemaQuery; at once, or as a job that is polled."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

import anyio
from anyio.abc import TaskGroup

from posthog_mcp.backends.backend import Driver, QueryOptions
from posthog_mcp.errors import InvalidInput, NotFound, PostHogMcpError
from posthog_mcp.hogql.catalogue import Catalogue, TableDef
from posthog_mcp.hogql.diagnostics import Diagnostic
from posthog_mcp.hogql.limits import bounded
from posthog_mcp.results import Json

DEFAULT_LIMIT, MAX_LIMIT = 100, 50_000
ASYNC = {"async", "force_async", "lazy_async"}
KEEP_JOBS = 100
Body = dict[str, Json]


@dataclass(slots=True)
class Job:
    """An asynchronous query."""

    id: str
    started: str
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    results: Body | None = None
    error: PostHogMcpError | None = None

    def status(self) -> Body:
        """PostHog's query_status."""
        return {
            "id": self.id,
            "team_id": 1,
            "complete": self.results is not None or self.error is not None,
            "error": self.error is not None,
            "error_message": self.error.message if self.error else None,
            "query_async": True,
            "start_time": self.started,
            "results": self.results,
        }


class Queries:
    """Runs query bodies; asynchronous ones in `tasks`."""

    def __init__(self, driver: Driver, tasks: TaskGroup) -> None:
        self._driver = driver
        self._tasks = tasks
        self._jobs: dict[str, Job] = {}

    async def submit(self, request: Mapping[str, Json]) -> tuple[int, Body]:
        """Status and body of POST /query/.

        Raises:
            InvalidInput: no query, or a kind that is not served.
        """
        query = request.get("query")
        if not isinstance(query, dict):
            raise InvalidInput("This field is required.", context={"attr": "query"})
        if request.get("refresh") in ASYNC or request.get("async") is True:
            return 202, {"query_status": self._start(query, request).status()}
        return 200, await self.answer(query)

    def _start(self, query: Body, request: Mapping[str, Json]) -> Job:
        job = Job(str(request.get("client_query_id") or uuid.uuid4()), datetime.now(UTC).isoformat())
        self._jobs[job.id] = job
        while len(self._jobs) > KEEP_JOBS:
            del self._jobs[next(iter(self._jobs))]
        self._tasks.start_soon(self._work, job, query)
        return job

    async def _work(self, job: Job, query: Body) -> None:
        with job.scope:
            try:
                job.results = await self.answer(query)
            except PostHogMcpError as error:
                job.error = error

    def job(self, job_id: str) -> Job:
        """A job by its id.

        Raises:
            NotFound: there is none.
        """
        if job_id not in self._jobs:
            raise NotFound(f"Query {job_id} not found.")
        return self._jobs[job_id]

    def cancel(self, job_id: str) -> None:
        """Stop a job and forget it.

        Raises:
            NotFound: there is none.
        """
        self.job(job_id).scope.cancel()
        del self._jobs[job_id]

    async def answer(self, query: Body) -> Body:
        """The response body of one query.

        Raises:
            InvalidInput: the kind is not served.
        """
        kind = query.get("kind")
        if kind == "HogQLQuery":
            return await self._hogql(query)
        if kind == "HogQLMetadata":
            return await self._metadata(query)
        if kind == "DatabaseSchemaQuery":
            return {"tables": schema_tables(await self._driver.catalogue()), "joins": []}
        raise InvalidInput(f"Unsupported query kind: {kind}", context={"attr": "query"})

    async def _hogql(self, query: Body) -> Body:
        text = query.get("query")
        if not isinstance(text, str):
            raise InvalidInput("This field is required.", context={"attr": "query"})
        checker = self._driver.checker
        values, filters, variables = (
            cast("Body | None", query.get(name)) for name in ("values", "filters", "variables")
        )
        checked = await checker.check(text, values=values, filters=filters, variables=variables)
        checked.raise_for_errors()
        assert checked.tree is not None
        shown = bounded(text, checked.tree, default=DEFAULT_LIMIT, cap=MAX_LIMIT)
        asked = bounded(text, checked.tree, default=DEFAULT_LIMIT + 1, cap=MAX_LIMIT) if shown.added else shown
        answer = await self._driver.query({**query, "query": asked.query}, QueryOptions(uuid.uuid4().hex))
        rows = answer.table.rows
        return {
            "results": cast("list[Json]", rows[: shown.limit]),
            "columns": [column.name for column in answer.table.columns],
            "types": [[column.name, column.type] for column in answer.table.columns],
            "hogql": shown.query,
            "clickhouse": answer.sql,
            "query": query,
            "hasMore": len(rows) > shown.limit,
            "limit": shown.limit,
            "offset": 0,
            "timings": [{"k": "./clickhouse_execute", "t": answer.elapsed_ms / 1000}],
            "is_cached": answer.cached,
            "error": None,
            "modifiers": {},
        }

    async def _metadata(self, query: Body) -> Body:
        text = str(query.get("query") or "")
        checked = await self._driver.checker.check(text)
        return {
            "isValid": not checked.errors,
            "query": text,
            "errors": [notice(each) for each in checked.errors],
            "warnings": [notice(each) for each in checked.warnings],
            "notices": [],
            "table_names": list(checked.tables),
        }


def notice(found: Diagnostic) -> Body:
    """PostHog's shape: `fix` is the text that replaces the place, where there is one."""
    exact = found.edit and (found.edit.start, found.edit.end) == (found.span.start, found.span.end)
    fix = found.edit.text if exact and found.edit else None
    return {"message": found.message, "start": found.span.start, "end": found.span.end, "fix": fix}


def schema_tables(catalogue: Catalogue) -> Body:
    return {name: schema_table(table) for name, table in catalogue.tables.items()}


def schema_table(table: TableDef) -> Body:
    fields: Body = {
        field.name: {"name": field.name, "hogql_value": field.name, "type": field.type, "schema_valid": True}
        for field in table.fields.values()
    }
    joins: Body = {
        name: {"name": name, "hogql_value": name, "type": "lazy_table", "schema_valid": True, "table": target}
        for name, target in table.joins.items()
    }
    return {"type": table.kind, "id": table.name, "name": table.name, "fields": {**fields, **joins}}
