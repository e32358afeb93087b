"""What the tools that list and read traces do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from mcp.types import CallToolResult

from posthog_mcp.project import Project
from posthog_mcp.queries import shape
from posthog_mcp.queries.shape import DATA_NOTE, fenced
from posthog_mcp.results import Json
from posthog_mcp.server.answers import Ctx, answer, project_of, reporting
from posthog_mcp.traces.links import trace_link
from posthog_mcp.traces.listing import TraceFilters
from posthog_mcp.traces.listing import list_traces as listed
from posthog_mcp.traces.pages import Asked, Page, page_of, place_of, spread, text_of
from posthog_mcp.traces.text import TraceText, trace_text

PAGE = 8_000
"""Characters of a trace's text in one answer, written as JSON."""


async def list_answer(
    ctx: Ctx, filters: TraceFilters, limit: int, offset: int, given: dict[str, Json], project_id: int
) -> CallToolResult:
    """Traces, one a row."""
    project = await project_of(ctx).select(project_id)
    found = await reporting(ctx, lambda progress: listed(project, filters, limit=limit, progress=progress))
    content = shape.structured(found, offset=offset, repeat=given)
    return answer(content, f"{shape.as_text(found, content)}\nread one: read_trace with its trace_id")


async def read_answer(ctx: Ctx, asked: Asked, project_id: int) -> CallToolResult:
    """A page of one trace."""
    project = await project_of(ctx).select(project_id)
    found = await reporting(ctx, lambda _: text_of(project, asked))
    start = place_of(asked.around, found.places, found.text) if asked.around else asked.offset
    page = page_of(found.text, start, PAGE)
    following = next_of(asked, page, project_id)
    content = page_content(found, page, following, (await project.driver.project()).as_json())
    content["link"] = trace_link(project.settings, asked.trace_id, str(found.facts["timestamp"]))
    return answer(content, read_text(content, found))


def next_of(asked: Asked, page: Page, project_id: int) -> dict[str, Json] | None:
    """Arguments that give the page after this one."""
    if page.next is None:
        return None
    same: dict[str, Json] = {"detail": asked.detail, "budget_tokens": asked.budget_tokens, "project_id": project_id}
    return {"trace_id": asked.trace_id, **{key: value for key, value in same.items() if value}, "offset": page.next}


def page_content(found: TraceText, page: Page, following: Json, info: dict[str, Json]) -> dict[str, Json]:
    return {
        **content_of(found),
        "text": page.text,
        "characters": cast("list[Json]", [page.start, page.end, len(found.text)]),
        "truncated": page.next is not None or page.start > 0 or found.cut,
        "next": following,
        "project": info,
        "data_note": DATA_NOTE,
    }


def content_of(found: TraceText) -> dict[str, Json]:
    facts: dict[str, Json] = {key: value for key, value in found.facts.items() if value not in (None, "", [], 0)}
    return {
        "trace_id": found.trace_id,
        "facts": facts,
        "tokens": found.tokens,
        "anchors": cast("list[Json]", spread(found.anchors)),
        "look_at": cast("list[Json]", list(found.landmarks)),
    }


def read_text(content: Mapping[str, Json], found: TraceText) -> str:
    """The page, and how to go on."""
    start, end, length = cast("list[int]", content["characters"])
    whole = start == 0 and end == length
    facts = f"{json.dumps(content['facts'], ensure_ascii=False)}\n" if start else ""
    lines = [
        f"trace {found.trace_id}: {'all' if whole else f'characters {start:,}–{end:,}'} of {length:,}, about "
        f"{found.tokens:,} tokens in all"
        f"{'; abridged to the budget' if found.cut else ''}",
        *([f"look at: {', '.join(found.landmarks)}"] if found.landmarks else []),
        fenced(f"{facts}{content['text']}"),
        f"anchors {', '.join(spread(found.anchors))}: read_trace with around opens one",
    ]
    if content["next"] is not None:
        lines.append(f"next: {json.dumps(content['next'], ensure_ascii=False)}")
    info = cast("dict[str, Json]", content["project"])
    lines.append(f"project {info['id']} {info['name']} on {info['host']} ({info['backend']}); {content['link']}")
    return "\n".join(lines)


async def trace_resource(project: Project, trace_id: str) -> str:
    """A whole trace as the resource shows it: within the default budget, marked as data."""
    found = await trace_text(project, trace_id)
    return f"{DATA_NOTE}\n{fenced(found.text)}"
