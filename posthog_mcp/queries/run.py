"""Run one HogQL query as the tools promise: checked, limited, cached, remembered."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from posthog_mcp.backends.backend import Progress, QueryOptions
from posthog_mcp.errors import InvalidInput, PostHogMcpError
from posthog_mcp.hogql.checker import Checked
from posthog_mcp.hogql.limits import Bounded, bounded
from posthog_mcp.project import Project
from posthog_mcp.queries.check import check
from posthog_mcp.queries.kept_answers import keep_answer, kept_answer
from posthog_mcp.queries.sandboxed import answered
from posthog_mcp.results import DateRange, Json, Note, ProjectInfo, Table
from posthog_mcp.state.history import HistoryEntry

DEFAULT_LIMIT = 100


@dataclass(frozen=True, slots=True)
class QueryResult:
    """A finished query. `hogql` is the text that gives exactly these rows; `query` the author's."""

    query_id: str
    project: ProjectInfo
    query: str
    hogql: str
    values: dict[str, Json]
    date_range: DateRange
    table: Table
    limit: int
    limit_source: str
    """`query`, `default`, `argument`, or `maximum`."""
    truncated: bool
    """More rows exist than `limit`."""
    warnings: tuple[Note, ...]
    elapsed_ms: float
    cached: bool
    sql: str | None = None


async def run(
    project: Project,
    query: str,
    *,
    values: Mapping[str, Json] | None = None,
    limit: int | None = None,
    refresh: bool = False,
    name: str | None = None,
    progress: Progress | None = None,
    keep_rows: bool = True,
) -> QueryResult:
    """Run a query, or serve a result that is younger than the cache's time. Equal queries at once run once.
    `keep_rows`: under the query's id; not where the caller keeps something else there.

    Raises:
        PostHogMcpError: it does not check (nothing ran), or what the driver says.
    """
    given = dict(values or {})
    catalogue = await project.driver.catalogue()
    key = (*project.scope, query, json.dumps(given, sort_keys=True), limit, catalogue.version)
    if not refresh and (found := await kept_answer(project, key)) is not None:
        return await again(project, found, name)
    async with project.flights.turn(key):
        # Whoever waited for an equal query finds its answer now.
        if not refresh and (found := await kept_answer(project, key)) is not None:
            return await again(project, found, name)
        query_id = uuid.uuid4().hex[:16]
        try:
            result = await run_checked(project, query_id, query, given, limit, refresh, progress)
        except PostHogMcpError as error:
            entry = history_entry(query_id, project_id=0, hogql=query, values=given, status=error.code)
            await project.history.remember(replace(entry, project_id=(await project.driver.project()).id))
            raise
        await keep_answer(project, key, result)
        if keep_rows:
            await project.stored.save(query_id, result.table, about(result))
        await remember(project, result, "ok", name)
        return result


async def again(project: Project, found: QueryResult, name: str | None) -> QueryResult:
    """A kept answer, as this call's own in the history."""
    result = replace(found, cached=True, elapsed_ms=0.0)
    await remember(project, result, "ok", name)
    return result


async def run_checked(
    project: Project,
    query_id: str,
    query: str,
    values: dict[str, Json],
    limit: int | None,
    refresh: bool,
    progress: Progress | None,
) -> QueryResult:
    checked = await check(project, query, values)
    checked.raise_for_errors()
    cap = min(limit or project.settings.max_rows, project.settings.max_rows)
    default = min(limit or DEFAULT_LIMIT, cap)
    shown = apply_limit(checked, default, cap)
    asked = apply_limit(checked, default + 1, cap + 1) if shown.added or shown.lowered else shown
    body: dict[str, Json] = {"kind": "HogQLQuery", "query": asked.query, "values": values}
    options = QueryOptions(query_id, project.settings.query_timeout, asked.limit, refresh, progress)
    answer = await answered(project, body, options)
    table = answer.table
    more = len(table.rows) > shown.limit
    if more:
        table = replace(table, rows=table.rows[: shown.limit])
    info = await project.driver.project()
    return QueryResult(
        query_id=query_id,
        project=info,
        query=query,
        hogql=shown.query,
        values=values,
        date_range=checked.date_range or DateRange(None, None, info.timezone),
        table=table,
        limit=shown.limit,
        limit_source=limit_source(shown, limit, project.settings.max_rows),
        truncated=more,
        warnings=(*notes(checked, table), *table.notes),
        elapsed_ms=answer.elapsed_ms,
        cached=False,
        sql=answer.sql,
    )


def apply_limit(checked: Checked, default: int, cap: int) -> Bounded:
    """Limit a checked query's text.

    Raises:
        InvalidInput: a query that did not parse cannot be limited.
    """
    if checked.tree is None:
        raise InvalidInput("The query did not parse.", fix="Run validate_hogql.")
    return bounded(checked.query, checked.tree, default=default, cap=cap)


def limit_source(shown: Bounded, limit: int | None, max_rows: int) -> str:
    if not shown.added and not shown.lowered:
        return "query"
    if limit is not None and shown.limit == limit:
        return "argument"
    return "maximum" if shown.limit == max_rows else "default"


def notes(checked: Checked, table: Table) -> list[Note]:
    """The checker's warnings; what it says about LIMIT is said by the result itself."""
    found = [Note(each.code, each.message, each.fix) for each in checked.warnings if each.code != "missing_limit"]
    if not table.rows:
        why = "The query is valid and no row matches."
        found.append(Note("empty_result", why, "Check event and property values with get_object_fields."))
    return found


def about(result: QueryResult) -> dict[str, Json]:
    """What is kept beside the rows."""
    return {
        "query_id": result.query_id,
        "project": result.project.as_json(),
        "hogql": result.hogql,
        "values": result.values,
        "truncated": result.truncated,
    }


async def remember(project: Project, result: QueryResult, status: str, name: str | None) -> None:
    entry = history_entry(
        result.query_id, project_id=result.project.id, hogql=result.hogql, values=result.values, status=status
    )
    await project.history.remember(
        replace(entry, row_count=len(result.table.rows), elapsed_ms=result.elapsed_ms, cached=result.cached, name=name)
    )


def history_entry(query_id: str, *, project_id: int, hogql: str, values: dict[str, Json], status: str) -> HistoryEntry:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return HistoryEntry(query_id, now, project_id, hogql, json.dumps(values), status, 0, 0.0, False)
