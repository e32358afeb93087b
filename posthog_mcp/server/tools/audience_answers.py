"""What create_segment and list_segments do."""

from __future__ import annotations

import hashlib
import json

from mcp.types import CallToolResult

from posthog_mcp.audience import segments
from posthog_mcp.audience.segments import Listed, Preview, Segment, Source
from posthog_mcp.delivery.message import quoted
from posthog_mcp.errors import Forbidden, WriteDisabled
from posthog_mcp.insights.facts import percent
from posthog_mcp.insights.saved import url_of
from posthog_mcp.project import Project
from posthog_mcp.queries.shape import clean, fenced
from posthog_mcp.results import Json
from posthog_mcp.server.answers import Ctx, answer, project_of, reporting
from posthog_mcp.server.confirming import asking


async def segment_answer(ctx: Ctx, name: str, source: Source, token: str, project_id: int) -> CallToolResult:
    """Both steps of making a segment.

    Raises:
        WriteDisabled: writes are off.
        PostHogMcpError: the people cannot be worked out, the person declines, or what PostHog says.
    """
    project = await project_of(ctx).select(project_id)
    if not project.settings.allow_writes:
        raise WriteDisabled("Making cohorts is off.", fix="Start the server with --allow-writes.")
    segment = await reporting(ctx, lambda progress: segments.segment_of(project, name, source, progress))
    return await planned_or_made(project, segment, token, ctx)


async def planned_or_made(project: Project, segment: Segment, token: str, caller: Ctx) -> CallToolResult:
    """The plan, or the cohort.

    Raises:
        Forbidden: the person declines.
        PostHogMcpError: the people cannot be worked out, or what PostHog says.
    """
    found = await segments.preview(project, segment)
    digest = hashlib.sha256(json.dumps(dict(segment.body), sort_keys=True).encode()).hexdigest()
    info = (await project.driver.project()).as_json()
    if token:
        await project.confirmations.take(token, digest)
    else:
        lines = [*plan(segment, found), *some(found)]
        said = await asking(caller, lambda _: "\n".join(lines))(lines)
        if said is None:
            return proposed(segment, found, await project.confirmations.issue(digest), info)
        if not said:
            raise Forbidden("The person declined; no cohort was made.", fix="Ask what they want instead.")
    made = await segments.make(project, segment, found.size)
    url = url_of(project, made, "cohorts")
    content: dict[str, Json] = {"changed": True, "id": made["id"], "name": segment.name, "size": found.size, "url": url}
    content |= {"cohort": segment.kind, "why": segment.why}
    following = f"draft_campaign with segment {made['id']}, or ask with `id IN COHORT {made['id']}`"
    kind = f"{KINDS[segment.kind]} ({segment.why})"
    text = f"Made {made['id']} {segment.name!r}, {kind}, with {found.size} people. {url or ''} next: {following}"
    return answer({**content, "project": info, "next": following}, text)


KINDS = {
    "dynamic": "a dynamic cohort, kept up to date by PostHog",
    "behavioural": "a behavioural (dynamic) cohort, kept up to date by PostHog",
    "query": "a cohort with a query, worked out again by PostHog",
    "static": "a static cohort, which stays as it is now",
}


def plan(segment: Segment, found: Preview) -> list[str]:
    """What would be made."""
    return [
        f"Make {KINDS[segment.kind]} ({segment.why}): “{segment.name}”: {str(clean(segment.what))[:300]}",
        f"{found.size} of {found.everybody} people ({percent(found.share)})",
    ]


def some(found: Preview) -> list[str]:
    """Examples for the person, where their client asks them; a model gets them fenced."""
    names = ", ".join(quoted(name or person, 60) for person, name in found.examples)
    return [f"for example {names}"] if names else []


def proposed(segment: Segment, found: Preview, token: str, info: dict[str, Json]) -> CallToolResult:
    shown: list[Json] = [[str(clean(person)), str(clean(name))] for person, name in found.examples]
    following = "call again with the same arguments and this confirm_token, once the person agrees"
    if not found.size:
        following = 'nobody is in it now: look at the values with get_object_fields {"name": "persons"} first'
    content: dict[str, Json] = {
        "changed": False,
        "size": found.size,
        "everybody": found.everybody,
        "share": round(found.share, 4),
        "examples": shown,
        "what": str(clean(segment.what))[:300],
        "cohort": segment.kind,
        "why": segment.why,
        "hogql": segment.hogql[:2000],
        "query_id": found.query_id,
        "confirm_token": token,
        "project": info,
        "next": following,
    }
    lines = [*plan(segment, found), fenced(json.dumps(shown, ensure_ascii=False))]
    return answer(content, "\n".join(["Nothing was made yet.", *lines, f"confirm_token: {token} ({following})"]))


async def segments_answer(ctx: Ctx, search: str, limit: int, project_id: int) -> CallToolResult:
    """Cohorts with size and trend."""
    project = await project_of(ctx).select(project_id)
    found = await segments.list_segments(project, search, limit)
    info = (await project.driver.project()).as_json()
    rows: list[Json] = [[each.id, clean(each.name), each.static, each.size, *trend(each)] for each in found]
    columns: list[Json] = ["id", "name", "static", "size", "size_before", "since"]
    content: dict[str, Json] = {"columns": columns, "rows": rows, "count": len(rows), "project": info, "next": None}
    body = "\n".join(" | ".join(str(cell) for cell in row) for row in [columns, *rows] if isinstance(row, list))
    return answer(content, f"{len(rows)} segments.\n{fenced(body)}")


def trend(each: Listed) -> list[Json]:
    """The earliest size that was kept in the last weeks, and its day."""
    return [each.sizes[0][1], each.sizes[0][0]] if len(each.sizes) > 1 else [None, None]
