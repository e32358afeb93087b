"""Spans of time in UTC: what is wanted and not there yet, cut into pieces that one run may have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

LONGEST = timedelta(weeks=1)
"""What one file download may span (PostHog's FILE_DOWNLOAD_MAX_RANGE)."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From `start` until before `end`."""

    start: datetime
    end: datetime


def missing(wanted: Span, there: Iterable[Span]) -> list[Span]:
    """The parts of `wanted` that no span of `there` has, in order."""
    gaps: list[Span] = []
    begun = wanted.start
    for each in merged(there):
        if each.end <= begun or each.start >= wanted.end:
            continue
        if each.start > begun:
            gaps.append(Span(begun, each.start))
        begun = max(begun, each.end)
    if begun < wanted.end:
        gaps.append(Span(begun, wanted.end))
    return gaps


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same time in as few spans as possible, in order."""
    found: list[Span] = []
    for each in sorted(spans):
        if found and each.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, each.end))
        else:
            found.append(each)
    return found


def cut(spans: Sequence[Span], longest: timedelta = LONGEST) -> list[Span]:
    """Pieces that are not longer than `longest`."""
    pieces: list[Span] = []
    for each in spans:
        begun = each.start
        while begun < each.end:
            pieces.append(Span(begun, min(begun + longest, each.end)))
            begun += longest
    return pieces
