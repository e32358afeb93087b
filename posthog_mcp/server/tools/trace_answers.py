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
from posthog_mcp.traces.listing import TraceFilters
from posthog_mcp.traces.listing import list_traces as listed
from posthog_mcp.traces.pages import page_of, place_of, spread
from posthog_mcp.traces.text import Detail, TraceText, trace_text

PAGE = 8_000
"""Characters of a trace's text in one answer."""


async def list_answer(
    ctx: Ctx, filters: TraceFilters, limit: int, offset: int, given: dict[str, Json], project_id: int
) -> CallToolResult:
    """Traces, one a row."""
    project = await project_of(ctx).select(project_id)
    found = await reporting(ctx, lambda progress: listed(project, filters, limit=limit, progress=progress))
    content = shape.structured(found, offset=offset, repeat=given)
    return answer(content, f"{shape.as_text(found, content)}\nread one: read_trace with its trace_id")


async def read_answer(
    ctx: Ctx, trace_id: str, detail: Detail, around: str, offset: int, budget: int, project_id: int
) -> CallToolResult:
    """A page of one trace."""
    project = await project_of(ctx).select(project_id)
    found = await reporting(ctx, lambda _: trace_text(project, trace_id, detail=detail, budget_tokens=budget))
    start = place_of(around, found.places, found.text) if around else offset
    page = page_of(found.text, start, PAGE)
    repeat: dict[str, Json] = {
        "trace_id": trace_id,
        "detail": detail,
        "budget_tokens": budget,
        "project_id": project_id,
    }
    following: Json = None
    if page.next is not None:
        following = {**{key: value for key, value in repeat.items() if value}, "offset": page.next}
    content: dict[str, Json] = {
        **content_of(found),
        "text": page.text,
        "characters": cast("list[Json]", [page.start, page.end, len(found.text)]),
        "truncated": page.next is not None or page.start > 0 or found.cut,
        "next": following,
        "project": (await project.driver.project()).as_json(),
        "data_note": DATA_NOTE,
    }
    return answer(content, read_text(content, found))


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
    lines.append(f"project {info['id']} {info['name']} on {info['host']} ({info['backend']})")
    return "\n".join(lines)


async def trace_resource(project: Project, trace_id: str) -> str:
    """A whole trace as the resource shows it: within the default budget, marked as data."""
    found = await trace_text(project, trace_id)
    return f"{DATA_NOTE}\n{fenced(found.text)}"
