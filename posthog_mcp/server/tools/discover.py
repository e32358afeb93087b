"""Toolset `discover`: what is in the project."""

from __future__ import annotations

from typing import Annotated

from mcp.types import CallToolResult
from pydantic import Field

from posthog_mcp.discovery import fields as describing
from posthog_mcp.discovery import objects as listing
from posthog_mcp.server.answers import Ctx, answer, project_of, reporting
from posthog_mcp.server.registry import Published
from posthog_mcp.server.tools.texts import fields_content, listing_content, overview_text

ProjectId = Annotated[int, Field(ge=0, description="0: the configured project")]


async def discover_objects(
    ctx: Ctx,
    kind: Annotated[
        str, Field(description="event, property, person_property, table, insight, ...; empty: overview")
    ] = "",
    search: Annotated[str, Field(description="part of a name")] = "",
    limit: Annotated[int, Field(ge=1, le=500)] = 50,
    cursor: Annotated[str, Field(description="`next` of the page before")] = "",
    project_id: ProjectId = 0,
) -> CallToolResult:
    """What exists in this project. Start here. Without kind: project, data range, top events, every kind with its
    count. With kind: its objects by name, most used first. For properties and values use get_object_fields.
    Example: {"kind": "event", "search": "sign"}"""
    project = await project_of(ctx).select(project_id)
    if not kind:
        found = await reporting(ctx, lambda _: listing.overview(project))
        return answer(found, overview_text(found))
    page = await listing.objects(project, kind, search=search or None, limit=limit, cursor=cursor or None)
    return answer(*await listing_content(project, page, search))


async def get_object_fields(
    ctx: Ctx,
    name: Annotated[str, Field(description="an event, table, `persons`, `sessions`, a group type, or a kind")],
    kind: Annotated[str, Field(description="when the name is ambiguous: event, table, ...")] = "",
    values_for: Annotated[str, Field(description="a property: give up to 50 of its values")] = "",
    project_id: ProjectId = 0,
) -> CallToolResult:
    """Fields of an event, table, persons, sessions, a group or a metadata kind: type, share of rows that have it,
    and real values. Use it before filtering or grouping. Example: {"name": "$pageview"}"""
    project = await project_of(ctx).select(project_id)
    found = await describing.fields(project, name, kind or None, values_for or None)
    return answer(*await fields_content(project, found))


TOOLS = (
    Published(discover_objects, "Discover what is in the project"),
    Published(get_object_fields, "Describe fields and values"),
)
