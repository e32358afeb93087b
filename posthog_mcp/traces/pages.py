"""A trace's text in pages: whole lines within a number of characters, from an offset or around an anchor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from posthog_mcp.errors import InvalidInput
from posthog_mcp.hogql.suggest import nearest

BEFORE = 1_500
"""Characters shown before an anchor that was asked for."""


@dataclass(frozen=True, slots=True)
class Page:
    """`text[start:end]`; `next` is the offset of the following page, None at the end."""

    text: str
    start: int
    end: int
    next: int | None


def page_of(text: str, start: int, size: int) -> Page:
    """A page from an offset. A line that is longer than a page is broken.

    Raises:
        InvalidInput: the offset lies beyond the text.
    """
    if start and start >= len(text):
        raise InvalidInput(f"offset {start} lies beyond the text's {len(text):,} characters.", fix="Start from 0.")
    end = min(start + size, len(text))
    if end < len(text):
        line = text.rfind("\n", start + size // 2, end)
        end = line + 1 if line > 0 else end
    return Page(text[start:end].rstrip("\n"), start, end, end if end < len(text) else None)


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
