"""A trace's text in pages: whole lines within a number of characters, from an offset or around an anchor.

A page after the first is of the text that the first was cut from, also where the trace has grown since: it is kept for
a few minutes, which saves the host a query a page.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

from anyio import to_thread

from posthog_mcp.errors import InvalidInput
from posthog_mcp.hogql.suggest import nearest
from posthog_mcp.project import Project
from posthog_mcp.traces.text import Detail, TraceText, trace_text

KEPT_SECONDS = 300.0
BEFORE = 1_500
"""Characters shown before an anchor that was asked for."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which text of a trace, and from where: an anchor, or an offset in characters."""

    trace_id: str
    detail: Detail = "full"
    around: str = ""
    offset: int = 0
    budget_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """`text[start:end]`; `next` is the offset of the following page, None at the end."""

    text: str
    start: int
    end: int
    next: int | None


async def text_of(project: Project, asked: Asked) -> TraceText:
    """The text that is asked for; the kept one where an earlier page of it was given.

    Raises:
        NotFound: the project has no such trace.
        PostHogMcpError: what the backend says.
    """
    key = (*project.scope, "page", asked.trace_id, asked.detail, str(asked.budget_tokens))
    if asked.offset or asked.around:
        kept = await to_thread.run_sync(project.texts.get, key)
        if kept is not None:
            return from_json(kept)
    found = await trace_text(project, asked.trace_id, detail=asked.detail, budget_tokens=asked.budget_tokens)
    await to_thread.run_sync(project.texts.put, key, json.dumps(asdict(found)), KEPT_SECONDS)
    return found


def from_json(text: str) -> TraceText:
    fields = cast("dict[str, Any]", json.loads(text))
    fields |= {name: tuple(fields[name]) for name in ("anchors", "landmarks")}
    return TraceText(**fields)


def page_of(text: str, start: int, size: int) -> Page:
    """A page from an offset, at most `size` characters when written as JSON. A line longer than a page is broken.

    Raises:
        InvalidInput: the offset lies beyond the text.
    """
    if start and start >= len(text):
        raise InvalidInput(f"offset {start} lies beyond the text's {len(text):,} characters.", fix="Start from 0.")
    end = end_of(text, start, size)
    while (written := len(json.dumps(text[start:end], ensure_ascii=False))) > size + 2 and end - start > 1:
        end = end_of(text, start, min((end - start) * size // written, end - start - 1))
    return Page(text[start:end].rstrip("\n"), start, end, end if end < len(text) else None)


def end_of(text: str, start: int, size: int) -> int:
    """Where a page ends that has at most `size` characters: behind a line, where one ends in its second half."""
    end = min(start + max(size, 1), len(text))
    line = text.rfind("\n", start + size // 2, end) if end < len(text) else -1
    return line + 1 if line > 0 else end


def place_of(anchor: str, places: Mapping[str, int], text: str) -> int:
    """Where to begin so that an anchor comes with what went before it.

    Raises:
        InvalidInput: the trace has no such anchor.
    """
    at = places.get(anchor.strip().strip("[]"))
    if at is None:
        close = nearest(anchor, places) or spread(places)
        raise InvalidInput(f"This trace has no {anchor!r}.", fix=f"Anchors are such as {', '.join(close)}.")
    start = max(at - BEFORE, 0)
    return text.find("\n", start, at) + 1 if start and text.find("\n", start, at) >= 0 else (at if start else 0)


def spread(anchors: Iterable[str]) -> list[str]:
    """The first and the last of the messages and of the steps."""
    every = list(anchors)
    found = [[each for each in every if each.startswith(kind)] for kind in "me"]
    return [name for group in found if group for name in dict.fromkeys((group[0], group[-1]))]
