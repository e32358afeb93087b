"""Mend a query by the edits that its findings bring, until it checks, and find what its first faults hid.

A syntax error hides every name, an unknown table hides its columns; so a query is mended and looked at again, a few
times, and what comes to light is told at its place in the author's text. `corrected` is given only when the mended
text checks without an error: it is never run by itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from posthog_mcp.hogql.diagnostics import Diagnostic, Edit, Span, diagnostic

ROUNDS = 12
"""Times a query is mended and looked at again: one syntax error a round, any number of names."""
MENDED_WARNINGS = frozenset({"unknown_event", "unknown_property", "unknown_cohort", "unknown_action"})
"""Warnings whose query runs and gives nothing: mended as errors are."""


class Findings(Protocol):
    """What a look at a text found."""

    @property
    def errors(self) -> tuple[Diagnostic, ...]: ...

    @property
    def warnings(self) -> tuple[Diagnostic, ...]: ...


Found = TypeVar("Found", bound=Findings)


async def repaired(
    query: str, first: Found, look: Callable[[str], Awaitable[Found]]
) -> tuple[tuple[Diagnostic, ...], str | None]:
    """Every error, in the order of the author's text, and the corrected query where one was reached.

    `first` is what a look at `query` found. Calls `look` once a round, at most `ROUNDS` times.
    """
    rounds: list[list[Edit]] = []
    errors: list[Diagnostic] = list(first.errors)
    seen = {query}
    text, found = query, first
    for _ in range(ROUNDS):
        edits = chosen([*found.errors, *(each for each in found.warnings if each.code in MENDED_WARNINGS)])
        if not edits:
            break
        text = applied(text, edits)
        rounds.append(edits)
        if text in seen:
            break
        seen.add(text)
        found = await look(text)
        known = {each.message for each in errors}
        errors += [each for each in told(found.errors, query, rounds) if each.message not in known]
    errors.sort(key=lambda each: each.span.start)
    mended = bool(rounds) and not found.errors and text != query
    return tuple(errors), text if mended else None


def chosen(findings: Sequence[Diagnostic]) -> list[Edit]:
    """The edits that can be made at once: where two overlap the shorter one, the other comes in a later round."""
    taken: list[Edit] = []
    for edit in sorted((each.edit for each in findings if each.edit), key=lambda each: each.end - each.start):
        if all(edit.end <= other.start or edit.start >= other.end for other in taken) and edit not in taken:
            taken.append(edit)
    return sorted(taken, key=lambda each: each.start)


def applied(text: str, edits: Sequence[Edit]) -> str:
    """The text with edits that do not overlap."""
    for edit in sorted(edits, key=lambda each: each.start, reverse=True):
        text = edit.on(text)
    return text


def told(errors: Sequence[Diagnostic], query: str, rounds: Sequence[Sequence[Edit]]) -> list[Diagnostic]:
    """Errors of a mended text at their places in the author's; those of our own edits are left out."""
    placed: list[Diagnostic] = []
    for error in errors:
        span: Span | None = error.span
        edit: Edit | None = error.edit
        for edits in reversed(rounds):
            span = before(span, edits) if span else None
            place = before(Span(edit.start, edit.end), edits) if edit else None
            edit = Edit(place.start, place.end, edit.text) if edit and place else None
        if span:
            moved = diagnostic("error", error.code, error.message, query, span, error.fix, edit)
            placed.append(replace(moved, source=error.source))
    return placed


def before(span: Span, edits: Sequence[Edit]) -> Span | None:
    """Where a span of a mended text stood before these edits; None when an edit wrote a part of it."""
    shift = 0
    for edit in edits:
        start = edit.start + shift
        end = start + len(edit.text)
        if span.start < end and start < span.end:
            return None
        if span.start >= end:
            shift += len(edit.text) - (edit.end - edit.start)
    return Span(span.start - shift, span.end - shift)
