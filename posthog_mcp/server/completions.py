"""Completions of resource arguments from the project: tables, formats, recent queries and traces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp.types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

from posthog_mcp.queries.exports import MIME_TYPES

if TYPE_CHECKING:
    from posthog_mcp.server.app import AnalyticsServer

MAX_VALUES = 100


def register_completions(server: AnalyticsServer) -> None:
    """Answer `completion/complete`."""

    @server.completion()
    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion:
        del ref, context
        values = [value for value in await candidates(server, argument.name) if value.startswith(argument.value)]
        return Completion(values=values[:MAX_VALUES], total=len(values), has_more=len(values) > MAX_VALUES)


async def candidates(server: AnalyticsServer, name: str) -> list[str]:
    if server.project is None:
        return []
    if name == "table":
        return list((await server.project.driver.catalogue()).tables)
    if name == "trace_id":
        from posthog_mcp.traces.listing import recent_ids

        return await recent_ids(server.project, MAX_VALUES)
    if name == "theme":
        from posthog_mcp.traces.themes import all_themes

        return list(await all_themes(server.project))
    if name == "query_id":
        info = await server.project.driver.project()
        return [entry.query_id for entry in await server.project.history.search(info.id, limit=MAX_VALUES)]
    if name == "entry":
        from posthog_mcp.knowledge.definitions import team_library

        return [page.id for page in (await team_library(server.project)).pages]
    if name.endswith(("event", "events")) or name in ("outcome", "action"):
        return list((await server.project.driver.catalogue()).events)
    if name in ("by", "segment", "detail", "breakdown") or name.endswith("property"):
        return list((await server.project.driver.catalogue()).event_properties)
    return list(MIME_TYPES) if name == "form" else []
