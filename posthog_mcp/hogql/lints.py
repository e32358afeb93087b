"""Warnings about queries that are valid and probably not meant: a lint is one function and its place in a tuple.

Each takes a `Subject` (a resolved query without errors) and yields findings that say why and what to write instead.
Their ids are stable: callers filter by them. Every lint has an entry in `knowledge/practice/` (its id with hyphens),
whose queries the tests run: one that triggers it, and one that does not.
"""

from __future__ import annotations

from datetime import datetime

from posthog_mcp.hogql.catalogue import Catalogue
from posthog_mcp.hogql.diagnostics import Diagnostic
from posthog_mcp.hogql.lint_subject import Lint, Subject
from posthog_mcp.hogql.lints_cost import COST
from posthog_mcp.hogql.lints_joins import JOINS
from posthog_mcp.hogql.lints_meaning import MEANING
from posthog_mcp.hogql.timerange import scans
from posthog_mcp.hogql.tree_queries import Query

LINTS: tuple[Lint, ...] = (*COST, *MEANING, *JOINS)


def subject_of(query: str, tree: Query, catalogue: Catalogue, now: datetime) -> Subject:
    """A resolved query as lints look at it; `now` is in the project's time zone."""
    return Subject(query, tree, catalogue, scans(tree, catalogue, now), now)


def lint(subject: Subject) -> list[Diagnostic]:
    """All findings of all lints, in the order of the text."""
    findings = [each for check in LINTS for each in check(subject)]
    return sorted(findings, key=lambda each: each.span.start)
