"""Toolset `query`: check HogQL, run it, and get the result again as a script or a file."""

from __future__ import annotations

from typing import Annotated, Any

from mcp.types import CallToolResult, ResourceLink, TextContent
from pydantic import Field

from posthog_mcp.queries import exports, shape
from posthog_mcp.queries.check import check_everywhere
from posthog_mcp.queries.kept_runs import last_script
from posthog_mcp.queries.run import run
from posthog_mcp.server.answers import Ctx, answer, project_of, reporting
from posthog_mcp.server.registry import Published
from posthog_mcp.server.tools.discover import ProjectId
from posthog_mcp.server.tools.texts import check_content, history_content

Query = Annotated[str, Field(description="one HogQL SELECT")]


async def validate_hogql(
    ctx: Ctx,
    query: Query,
    values: dict[str, Any] = {},  # noqa: B006
    format: Annotated[bool, Field(description="also lay it out")] = False,
    bound: Annotated[bool, Field(description="also add time ranges and LIMIT")] = False,
    project_id: ProjectId = 0,
) -> CallToolResult:
    """Check HogQL without running it: every error with its fix, the corrected query, warnings, rows it would read, the
    result's columns. Free and fast: use it before execute_hogql."""
    project = await project_of(ctx).select(project_id)
    found = await check_everywhere(project, query, values, formatted=format, bounded=bound)
    return answer(*await check_content(project, found))


async def execute_hogql(
    ctx: Ctx,
    query: Query,
    values: Annotated[dict[str, Any], Field(description="values for {name} placeholders")] = {},  # noqa: B006
    limit: Annotated[int, Field(ge=0, le=50_000, description="row limit; 0: the query's own, else 100")] = 0,
    offset: Annotated[int, Field(ge=0, description="rows of the result to skip")] = 0,
    format: shape.Format = "rows",
    refresh: Annotated[bool, Field(description="run again instead of using the cache")] = False,
    name: Annotated[str, Field(description="remember the query under this name")] = "",
    project_id: ProjectId = 0,
) -> CallToolResult:
    """Run a HogQL SELECT on the project's data (PostHog query API or the embedded engine) and return rows. It is
    validated first. Answers say the limit, time range and project, and `next` when there is more.
    Example: {"query": "SELECT event, count() FROM events WHERE timestamp > now() - INTERVAL 7 DAY GROUP BY event"}"""
    project = await project_of(ctx).select(project_id)
    result = await reporting(
        ctx,
        lambda progress: run(
            project, query, values=values, limit=limit or None, refresh=refresh, name=name or None, progress=progress
        ),
    )
    repeat: dict[str, Any] = {"query": query} | {
        k: v for k, v in (("values", values), ("limit", limit), ("project_id", project_id)) if v
    }
    content = shape.structured(result, offset=offset, form=format, repeat=repeat)
    return answer(content, shape.as_text(result, content))


async def show_last_script(
    ctx: Ctx, query_id: Annotated[str, Field(description="default: the last query")] = ""
) -> CallToolResult:
    """A stand-alone Python script (httpx and environment variables only) that reproduces a query's rows; of a
    run_python call (its run_id) the code with its queries."""
    content = await last_script(project_of(ctx), query_id)
    return answer(content, f"query_id {content['query_id']}\n```python\n{content['script']}```")


async def query_history(
    ctx: Ctx,
    search: Annotated[str, Field(description="part of the query or its name")] = "",
    favourites: Annotated[bool, Field(description="only saved ones")] = False,
    limit: Annotated[int, Field(ge=1, le=200)] = 20,
) -> CallToolResult:
    """Past queries of this project with time, status, rows and milliseconds, newest first."""
    project = project_of(ctx)
    info = await project.driver.project()
    entries = await project.history.search(info.id, search=search or None, favourites=favourites, limit=limit)
    return answer(*history_content(entries))


async def save_query(
    ctx: Ctx,
    query_id: Annotated[str, Field(min_length=1)],
    name: Annotated[str, Field(min_length=1, max_length=200)],
) -> CallToolResult:
    """Keep a past query as a favourite under a name, in the local history (nothing changes in PostHog)."""
    entry = await project_of(ctx).history.name(query_id, name)
    content: dict[str, Any] = {"saved": True, "query_id": entry.query_id, "name": name, "hogql": entry.hogql}
    return answer(content, f"Saved query {entry.query_id} as {name!r} in the local history.\nhogql: {entry.hogql}")


async def export_result(
    ctx: Ctx,
    query_id: Annotated[str, Field(min_length=1)],
    format: exports.ExportFormat = "csv",
) -> CallToolResult:
    """All rows of a result as a file and a resource link. Use it when execute_hogql shows only some of the rows."""
    project = project_of(ctx)
    path, table = await exports.export(project, query_id, format)
    uri = f"posthog://results/{query_id}.{format}"
    content: dict[str, Any] = {"uri": uri, "path": str(path), "format": format, "row_count": len(table.rows)}
    text = f"{len(table.rows)} rows as {format}: {uri} (file {path})"
    link = ResourceLink(
        type="resource_link", uri=uri, name=f"{query_id}.{format}", mime_type=exports.MIME_TYPES[format]
    )
    return CallToolResult(content=[TextContent(type="text", text=text), link], structured_content=content)


TOOLS = (
    Published(validate_hogql, "Check HogQL"),
    Published(execute_hogql, "Run HogQL"),
    Published(show_last_script, "Script of a query", open_world=False),
    Published(query_history, "Past queries", open_world=False),
    Published(save_query, "Save a query", read_only=False, open_world=False),
    Published(export_result, "Export a result", open_world=False),
)
