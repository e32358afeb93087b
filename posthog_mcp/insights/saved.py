"""Saved insights: found by id, short_id or name, run whatever their query is, saved after a proof that they compute."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from posthog_mcp.backends.backend import ListOptions, Progress, QueryOptions, Resource, TypedQueries
from posthog_mcp.errors import InvalidInput, NotFound
from posthog_mcp.hogql.suggest import nearest
from posthog_mcp.insights.from_filters import query_from_filters
from posthog_mcp.insights.from_native import KINDS, filter_from, question_from
from posthog_mcp.insights.question import Filter, Question
from posthog_mcp.insights.run import Insight, run_insight
from posthog_mcp.project import Project
from posthog_mcp.queries.run import QueryResult
from posthog_mcp.queries.run import run as run_hogql
from posthog_mcp.results import Column, Json, Table

Body = dict[str, Json]
WRAPPERS = ("InsightVizNode", "DataVisualizationNode", "DataTableNode")
CANDIDATES = 200
SHOWN = 8


@dataclass(frozen=True, slots=True)
class Other:
    """The answer of a native query that no question says; `table` has its results as they came."""

    query: Body
    query_id: str
    table: Table
    elapsed_ms: float


Result = Insight | QueryResult | Other


@dataclass(frozen=True, slots=True)
class Override:
    """A dashboard's own range, filters and variables, which its tiles take over."""

    date_from: str = ""
    date_to: str = ""
    properties: Sequence[Mapping[str, Json]] = ()
    variables: Mapping[str, Json] = field(default_factory=dict[str, Json])


async def find(project: Project, resource: Resource, wanted: str) -> Body:
    """One insight or dashboard by id, short_id or name.

    Raises:
        NotFound: there is none; the nearest names are in the fix.
        InvalidInput: several have this name.
    """
    if wanted.isdigit():
        return await project.driver.get(resource, wanted)
    page = await project.driver.list(resource, ListOptions(limit=CANDIDATES, filters=short_id(resource, wanted)))
    for each in page.items:
        if each.get("short_id") == wanted:
            return await project.driver.get(resource, str(each["id"]))
    listed = (await project.driver.list(resource, ListOptions(search=wanted, limit=CANDIDATES))).items
    exact = [each for each in listed if str(each.get("name") or "").casefold() == wanted.casefold()]
    found = exact or listed
    if len(found) == 1:
        return await project.driver.get(resource, str(found[0]["id"]))
    if found:
        told = ", ".join(f"{each['id']} {each.get('name')!r}" for each in found[:SHOWN])
        raise InvalidInput(f"{len(found)} {resource} fit {wanted!r}: {told}.", fix="Give the id of the one you mean.")
    every = (await project.driver.list(resource, ListOptions(limit=CANDIDATES))).items
    near = nearest(wanted, [str(each.get("name") or "") for each in every])
    fix = f"Nearest: {', '.join(near)}." if near else "List them with discover_objects."
    raise NotFound(f"There is no {resource.removesuffix('s')} {wanted!r}.", fix=fix)


def short_id(resource: Resource, wanted: str) -> Mapping[str, str]:
    return {"short_id": wanted} if resource == "insights" else {}


def query_of(saved: Mapping[str, Json]) -> Body:
    """The query that a saved insight runs, its wrapper taken off.

    Raises:
        InvalidInput: it has none.
    """
    query = saved.get("query")
    if isinstance(query, dict) and query:
        source = query.get("source")
        return source if query.get("kind") in WRAPPERS and isinstance(source, dict) else query
    filters = saved.get("filters")
    if isinstance(filters, dict) and filters:
        return query_from_filters(filters)
    raise InvalidInput(f"The insight {saved.get('name')!r} has no query.", fix="Save one with save_insight.")


async def compute(
    project: Project,
    query: Body,
    *,
    override: Override | None = None,
    refresh: bool = False,
    progress: Progress | None = None,
) -> Result:
    """The result of any native query.

    Raises:
        InvalidInput: it cannot be computed here, or does not check.
        PostHogMcpError: what the backend says.
    """
    over = override or Override()
    if query.get("kind") == "HogQLQuery":
        return await of_hogql(project, query, over, refresh, progress)
    if query.get("kind") in KINDS:
        try:
            question = question_from(query)
        except InvalidInput:
            if not isinstance(project.driver, TypedQueries):
                raise
        else:
            return await run_insight(project, overridden(question, over), refresh=refresh, progress=progress)
    if not isinstance(project.driver, TypedQueries):
        text = f"Queries of kind {query.get('kind')} do not run on the embedded project."
        raise InvalidInput(text, fix="Set POSTHOG_API_KEY, or write it in HogQL.")
    return await other(project, query, refresh, progress)


async def of_hogql(
    project: Project, query: Body, over: Override, refresh: bool, progress: Progress | None
) -> QueryResult:
    """A HogQL insight with its values; variables and filters of the dashboard are put in as values."""
    values = query.get("values")
    given: Body = dict(values) if isinstance(values, dict) else {}
    text = str(query.get("query") or "")
    for name, value in variable_values(query.get("variables")).items():
        text = text.replace(f"{{variables.{name}}}", f"{{{name}}}")
        given[name] = over.variables.get(name, value)
    return await run_hogql(project, text, values=given, refresh=refresh, progress=progress)


def variable_values(variables: Json) -> Body:
    """Code name → value, as insights and dashboards keep their variables."""
    entries = list(variables.values()) if isinstance(variables, dict) else []
    found = [each for each in entries if isinstance(each, dict) and each.get("code_name")]
    return {str(each["code_name"]): each.get("value") for each in found}


async def other(project: Project, query: Body, refresh: bool, progress: Progress | None) -> Other:
    """A native query of another kind, on PostHog."""
    assert isinstance(project.driver, TypedQueries)
    query_id = secrets.token_hex(8)
    options = QueryOptions(query_id, project.settings.query_timeout, refresh=refresh, progress=progress)
    begun = time.perf_counter()
    response = await project.driver.typed_query(query, options)
    elapsed = (time.perf_counter() - begun) * 1000
    table = as_table(response)
    await project.stored.save(query_id, table, {"query_id": query_id, "hogql": "", "values": {}, "truncated": False})
    return Other(query, query_id, table, elapsed)


def as_table(response: Mapping[str, Json]) -> Table:
    """A response's results as rows, whatever their shape."""
    results = response.get("results")
    items: list[Json] = results if isinstance(results, list) else [results]
    names, columns = response.get("columns"), list[str]()
    if isinstance(names, list) and all(isinstance(each, list) for each in items):
        columns = [str(each) for each in names]
        rows = cast("list[list[Json]]", items)
    elif all(isinstance(each, dict) for each in items):
        objects = cast("list[dict[str, Json]]", items)
        columns = list(dict.fromkeys(name for each in objects for name in each))
        rows = [[each.get(name) for name in columns] for each in objects]
    else:
        columns, rows = ["value"], [[each] for each in items]
    return Table(tuple(Column(name, "unknown") for name in columns), rows)


def overridden(question: Question, over: Override) -> Question:
    """The question with a dashboard's range and filters."""
    changes: dict[str, object] = {}
    if over.date_from:
        changes |= {"date_from": over.date_from, "date_to": over.date_to}
    if over.properties:
        more = [Filter.model_validate(filter_from(each)) for each in over.properties]
        changes["filters"] = [*question.filters, *more]
    return question.model_copy(update=changes) if changes else question


def url_of(project: Project, saved: Mapping[str, Json], kind: str) -> str | None:
    """The address of its page in PostHog; None on the embedded project."""
    if not project.settings.uses_posthog:
        return None
    page = saved.get("short_id") if kind == "insights" else saved.get("id")
    return f"{project.settings.host}/project/{project.settings.project_id or '@current'}/{kind}/{page}"
