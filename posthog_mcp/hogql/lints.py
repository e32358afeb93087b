"""Warnings about queries that are valid and probably not meant: a lint is one function and its name in `LINTS`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from posthog_mcp.hogql.catalogue import Catalogue
from posthog_mcp.hogql.diagnostics import Diagnostic, Span, diagnostic
from posthog_mcp.hogql.timerange import bounds_of
from posthog_mcp.hogql.tree import walk
from posthog_mcp.hogql.tree_expressions import Call, Field, Node
from posthog_mcp.hogql.tree_queries import JoinExpr, Query, SelectQuery

Lint = Callable[[str, Query, Catalogue], Iterator[Diagnostic]]

BIG_TABLES = {"events", "sessions", "posthog.ai_events", "ai_events"}


def no_time_range(query: str, tree: Query, catalogue: Catalogue) -> Iterator[Diagnostic]:
    """A big table is read without a bound on its time field."""
    now = datetime.now(ZoneInfo(catalogue.timezone))
    for select in selects(tree):
        table = table_name(select.select_from)
        if table not in BIG_TABLES or select.select_from is None:
            continue
        field = catalogue.tables[table].time_field or "timestamp"
        if select.where is None or not list(bounds_of(select.where, {field}, now)):
            message = f"`{table}` is read without a time range: the whole history is scanned."
            fix = f"Add a condition such as {field} > now() - INTERVAL 30 DAY."
            yield found(query, select.select_from, "no_time_range", message, fix)


def select_star(query: str, tree: Query, catalogue: Catalogue) -> Iterator[Diagnostic]:
    """Every column of a big table, the JSON included."""
    del catalogue
    for select in selects(tree):
        for column in select.select:
            if isinstance(column, Field) and column.chain[-1:] == ["*"] and table_name(select.select_from) in BIG_TABLES:
                message = "`*` reads every column, the whole properties JSON included."
                yield found(query, column, "select_star", message, "Name the columns that you need.")


def missing_limit(query: str, tree: Query, catalogue: Catalogue) -> Iterator[Diagnostic]:
    """Without LIMIT a default one is added."""
    del catalogue
    if tree.limit is None and not is_one_row(tree):
        message = "There is no LIMIT: execute_hogql adds LIMIT 100, as PostHog does, and says so."
        end = Span(len(query.rstrip()), len(query.rstrip()))
        yield diagnostic("warning", "missing_limit", message, query, end, "Add LIMIT with the number of rows you need.")


def distinct_id_as_person(query: str, tree: Query, catalogue: Catalogue) -> Iterator[Diagnostic]:
    """Counting distinct_ids counts devices and logins, not people."""
    del catalogue
    for node in walk(tree):
        counts = isinstance(node, Call) and (node.name.startswith("uniq") or (node.name == "count" and node.distinct))
        if counts and isinstance(node, Call) and any(is_distinct_id(argument) for argument in node.args):
            message = "This counts distinct_ids: one person has several (before and after login, a device each)."
            yield found(query, node, "distinct_id_as_person", message, "Count person_id to count people.")


LINTS: tuple[Lint, ...] = (no_time_range, select_star, missing_limit, distinct_id_as_person)


def lint(query: str, tree: Query, catalogue: Catalogue) -> list[Diagnostic]:
    """All findings of all lints, in the order of the text."""
    findings = [each for check in LINTS for each in check(query, tree, catalogue)]
    return sorted(findings, key=lambda each: each.span.start)


def selects(tree: Query) -> Iterator[SelectQuery]:
    return (node for node in walk(tree) if isinstance(node, SelectQuery))


def table_name(join: JoinExpr | None) -> str | None:
    if join is None or not isinstance(join.table, Field):
        return None
    return ".".join(str(part) for part in join.table.chain)


def is_distinct_id(node: Node) -> bool:
    return isinstance(node, Field) and node.chain[-1:] == ["distinct_id"]


def is_one_row(tree: Query) -> bool:
    """Aggregates without GROUP BY give one row."""
    if not isinstance(tree, SelectQuery) or tree.group_by or tree.group_by_mode:
        return False
    calls = [node for column in tree.select for node in walk(column) if isinstance(node, Call)]
    return any(call.function is not None and call.function.aggregate for call in calls)


def found(query: str, place: Node, code: str, message: str, fix: str) -> Diagnostic:
    return diagnostic("warning", code, message, query, place.span, fix)
