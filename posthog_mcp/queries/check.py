"""Check a query without running it: our own findings, the host's, and the query's other forms.

On a PostHog host its own check (HogQLMetadata) is asked too, and what it finds is merged, marked with its source. One
check may fail without the other: what could not be checked is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from posthog_mcp.backends.backend import ServerChecks, ServerFinding, ServerFindings
from posthog_mcp.errors import PostHogMcpError, Unavailable
from posthog_mcp.hogql.checker import Checked
from posthog_mcp.hogql.diagnostics import Diagnostic, Edit, Span, diagnostic
from posthog_mcp.hogql.layout import format_hogql
from posthog_mcp.project import Project
from posthog_mcp.results import Json

SERVER = "posthog"


@dataclass(frozen=True, slots=True)
class Check:
    """`forms`: the query formatted or bounded, by name; `not_checked` says which check could not be made, and why."""

    checked: Checked
    forms: Mapping[str, str] = field(default_factory=dict[str, str])
    not_checked: str = ""


async def check(project: Project, query: str, values: Mapping[str, Json] | None = None) -> Checked:
    """Our own check. Bad HogQL is in the answer's errors, not raised."""
    return await project.driver.checker.check(query, values=values)


async def check_everywhere(
    project: Project,
    query: str,
    values: Mapping[str, Json] | None = None,
    *,
    formatted: bool = False,
    bounded: bool = False,
) -> Check:
    """Our check and the host's, and the forms that were asked for.

    Raises:
        PostHogMcpError: neither check can be made.
        Unavailable: there is no parser here, and the host does not check queries itself.
    """
    missing = ""
    try:
        checked = await project.driver.checker.check(query, values=values, mend_warnings=True)
    except Unavailable as error:
        # No parser on this platform: the host's own check still works.
        checked, missing = Checked(query, None), f"the local check is not available: {error.message}"
        if not isinstance(project.driver, ServerChecks):
            raise
    if isinstance(project.driver, ServerChecks):
        try:
            checked = merged(checked, await project.driver.metadata(query))
        except PostHogMcpError as error:
            if missing:
                raise
            missing = f"the host's own check did not answer: {error.message}"
    forms: dict[str, str] = {}
    if formatted and checked.tree is not None:
        forms["formatted"] = format_hogql(query, checked.tree)
    if bounded and not checked.errors:
        text = await project.driver.checker.bounded(query, values)
        if text is not None:
            forms["bounded"] = text
    return Check(checked, forms, missing)


def merged(checked: Checked, found: ServerFindings) -> Checked:
    """Add what the host found and we did not: a finding at the same place as one of ours is left out."""
    errors = [placed("error", checked.query, each) for each in found.errors]
    warnings = [placed("warning", checked.query, each) for each in (*found.warnings, *found.notices)]
    new_errors = [each for each in errors if not any(overlaps(each, own) for own in checked.errors)]
    new = [each for each in warnings if not any(overlaps(each, own) for own in (*checked.errors, *checked.warnings))]
    return replace(checked, errors=(*checked.errors, *new_errors), warnings=(*checked.warnings, *new))


def placed(severity: Literal["error", "warning"], query: str, found: ServerFinding) -> Diagnostic:
    """A host's finding as one of ours; PostHog's `fix` is the text that replaces the place."""
    start = min(found.start or 0, len(query))
    span = Span(start, max(start, min(len(query) if found.end is None else found.end, len(query))))
    code = "hogql_resolution" if severity == "error" else "posthog_notice"
    fix = f"Write {found.fix}." if found.fix else ""
    edit = Edit(span.start, span.end, found.fix) if found.fix and span.end > span.start else None
    return replace(diagnostic(severity, code, found.message, query, span, fix, edit), source=SERVER)


def overlaps(first: Diagnostic, second: Diagnostic) -> bool:
    return first.span.start < max(second.span.end, second.span.start + 1) and second.span.start < max(
        first.span.end, first.span.start + 1
    )
