"""Resources: table schemas, the project's events, LLM traces, and full results as files."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from anyio import Path, to_thread
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceNotFoundError

from posthog_mcp.discovery.fields import table_fields
from posthog_mcp.errors import NotFound
from posthog_mcp.project import Project
from posthog_mcp.queries.exports import MIME_TYPES, export
from posthog_mcp.state.usage import usage

if TYPE_CHECKING:
    from posthog_mcp.server.app import AnalyticsServer


@contextmanager
def looked_up() -> Generator[None]:
    """What is not found becomes MCP's own error.

    Raises:
        ResourceNotFoundError: in our words.
    """
    try:
        yield
    except NotFound as error:
        raise ResourceNotFoundError(error.as_text()) from None


def register_resources(server: AnalyticsServer) -> None:
    """Publish every resource and template."""

    @server.resource(
        "posthog://events", title="Events of the project", mime_type="application/json",
        description="Every event name with its volume in the last 30 days.",
    )  # fmt: skip
    async def events() -> str:
        if server.project is None:
            raise ResourceNotFoundError("The server is not running.")
        return json.dumps(dict((await server.project.driver.catalogue()).events), ensure_ascii=False)

    @server.resource(
        "posthog://schema/{table}", title="Fields of a table", mime_type="application/json",
        description="Columns and lazy joins of one HogQL table.",
    )  # fmt: skip
    async def schema(table: str, ctx: Context[Project, Any]) -> str:
        catalogue = await ctx.request_context.lifespan_context.driver.catalogue()
        with looked_up():
            found = table_fields(catalogue, table)
        return json.dumps([[field.name, field.type, field.description] for field in found.fields])

    @server.resource(
        "posthog://knowledge/{entry}", title="Knowledge entry", mime_type="text/markdown",
        description="One page of the knowledge base, such as the reason behind a finding of validate_hogql.",
    )  # fmt: skip
    async def knowledge(entry: str, ctx: Context[Project, Any]) -> str:
        from posthog_mcp.knowledge.definitions import text_of

        with looked_up():
            return await text_of(ctx.request_context.lifespan_context, entry)

    @server.resource(
        "posthog://usage", title="Usage", mime_type="application/json",
        description="Calls, errors, times and slow queries of the last 30 days; an admin's holds everybody's.",
    )  # fmt: skip
    async def usage_of_server() -> str:
        project, audit = server.project, server.audit
        if project is None or audit is None:
            raise ResourceNotFoundError("The audit is off, so nothing is counted.")
        whose = None if project.principal.role == "admin" else project.principal.id
        return json.dumps(await to_thread.run_sync(lambda: usage(audit, principal=whose)), ensure_ascii=False)

    @server.resource(
        "posthog://traces/{trace_id}", title="LLM trace", mime_type="text/plain",
        description="One LLM trace as text, within 30,000 tokens.",
    )  # fmt: skip
    async def traces(trace_id: str, ctx: Context[Project, Any]) -> str:
        from posthog_mcp.server.tools.trace_answers import trace_resource

        with looked_up():
            return await trace_resource(ctx.request_context.lifespan_context, trace_id)

    @server.resource(
        "posthog://reports/{report_id}", title="Report", mime_type="text/markdown",
        description="A report that build_report made, whole; `latest` is the last one.",
    )  # fmt: skip
    async def report(report_id: str, ctx: Context[Project, Any]) -> str:
        from posthog_mcp.delivery.message import markdown
        from posthog_mcp.reports.store import load

        with looked_up():
            return markdown(await load(ctx.request_context.lifespan_context, report_id))

    @server.resource(
        "posthog://guide/intent-to-query", title="From a question to the query", mime_type="text/markdown",
        description="Which question is asked how: a decision tree and every intent, on one page.",
    )  # fmt: skip
    async def guide() -> str:
        from posthog_mcp.knowledge.guide_page import guide_page

        return await to_thread.run_sync(guide_page)

    @server.resource(
        "posthog://results/{query_id}.{form}", title="Rows of a query",
        description="All rows of a result: csv, json, jsonl or parquet.",
    )  # fmt: skip
    async def results(query_id: str, form: str, ctx: Context[Project, Any]) -> str | bytes:
        if form not in MIME_TYPES:
            raise ResourceNotFoundError(f"There is no format {form!r}: use {', '.join(MIME_TYPES)}.")
        with looked_up():
            path, _ = await export(ctx.request_context.lifespan_context, query_id, form)
        file = Path(path)
        return await file.read_bytes() if form == "parquet" else await file.read_text(encoding="utf-8")
