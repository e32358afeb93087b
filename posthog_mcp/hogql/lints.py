"""Warnings about queries that are valid and probably not meant: a lint is one function and its place in `LINTS`.

Each takes a `Subject` (a resolved query without errors) and yields findings that say why and what to write instead.
Their ids are stable: callers filter by them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from posthog_mcp.hogql.catalogue import Catalogue
from posthog_mcp.hogql.diagnostics import Diagnostic, Span, diagnostic
from posthog_mcp.hogql.limits import body_end
from posthog_mcp.hogql.resolver_scopes import TableSource
from posthog_mcp.hogql.timerange import Scan, scans
from posthog_mcp.hogql.tree import walk
from posthog_mcp.hogql.tree_expressions import Call, Field, Node
from posthog_mcp.hogql.tree_queries import JoinExpr, Query, SelectQuery, SelectSetQuery


@dataclass(frozen=True, slots=True)
class Subject:
    """What lints look at. `scans` are the reads of tables that have a time field."""

    query: str
    tree: Query
    catalogue: Catalogue
    scans: list[Scan]

    def finding(self, place: Node | Span, code: str, message: str, fix: str) -> Diagnostic:
        """A warning at a place of this query."""
        span = place if isinstance(place, Span) else place.span
        return diagnostic("warning", code, message, self.query, span, fix)


Lint = Callable[[Subject], Iterator[Diagnostic]]


def lint(query: str, tree: Query, catalogue: Catalogue, now: datetime | None = None) -> list[Diagnostic]:
    """All findings of all lints, in the order of the text."""
    subject = Subject(query, tree, catalogue, scans(tree, catalogue, now or datetime.now(UTC)))
    findings = [each for check in LINTS for each in check(subject)]
    return sorted(findings, key=lambda each: each.span.start)


def no_time_range(subject: Subject) -> Iterator[Diagnostic]:
    """A table with a time field is read from its beginning."""
    for scan in subject.scans:
        if not scan.bounds.low_held and scan.source.table.kind == "posthog":
            table, field = scan.source.table.name, scan.source.table.time_field
            message = f"`{table}` is read without a time range: its whole history is scanned."
            fix = f"Add a condition such as {field} >= now() - INTERVAL 30 DAY."
            yield subject.finding(scan.join.table or scan.join, "no_time_range", message, fix)


def select_star(subject: Subject) -> Iterator[Diagnostic]:
    """Every column, the whole properties among them."""
    for select in walk(subject.tree):
        for column in select.select if isinstance(select, SelectQuery) else ():
            if is_star(column) and isinstance(select, SelectQuery) and reads_properties(select.select_from):
                message = "`*` reads every column, the whole properties JSON among them."
                yield subject.finding(column, "select_star", message, "Name the columns that you need.")


def missing_limit(subject: Subject) -> Iterator[Diagnostic]:
    """Without LIMIT a default one is added."""
    if subject.tree.limit is None and not is_one_row(subject.tree):
        end = body_end(subject.query, subject.tree)
        message = "There is no LIMIT: a default one is added when the query runs."
        fix = "Add LIMIT with the number of rows you need."
        yield subject.finding(Span(end, end), "missing_limit", message, fix)


def union_limit(subject: Subject) -> Iterator[Diagnostic]:
    """LIMIT after the last part of a UNION belongs to that part."""
    tree = subject.tree
    last = tree.queries()[-1] if isinstance(tree, SelectSetQuery) else None
    if isinstance(last, SelectQuery) and last.limit and subject.query[: last.start].rstrip()[-1:] != "(":
        message = "This LIMIT binds the last SELECT only, not the whole."
        yield subject.finding(last.limit, "union_limit", message, "Put the parts in brackets: (… UNION ALL …) LIMIT n.")


def limit_comma(subject: Subject) -> Iterator[Diagnostic]:
    """`LIMIT a, b` is read as a rows from row b on, the reverse of MySQL and ClickHouse."""
    for select in walk(subject.tree):
        limit, offset = (select.limit, select.offset) if isinstance(select, SelectQuery) else (None, None)
        if limit and offset and subject.query[limit.end : offset.start].strip() == ",":
            rows, skipped = (subject.query[each.start : each.end] for each in (limit, offset))
            message = f"HogQL reads LIMIT {rows}, {skipped} as {rows} rows after skipping {skipped}."
            fix = f"Write LIMIT {rows} OFFSET {skipped}, or the other way round."
            yield subject.finding(Span(limit.start, offset.end), "limit_comma", message, fix)


def count_distinct_distinct_id(subject: Subject) -> Iterator[Diagnostic]:
    """Counting distinct_ids counts devices and logins, not people."""
    for node in walk(subject.tree):
        counts = isinstance(node, Call) and (node.name.startswith("uniq") or (node.name == "count" and node.distinct))
        if counts and isinstance(node, Call) and any(is_distinct_id(argument) for argument in node.args):
            message = "This counts distinct_ids: one person has several (before and after login, one a device)."
            fix = "Count person_id to count people."
            yield subject.finding(node, "count_distinct_distinct_id", message, fix)


LINTS: tuple[Lint, ...] = (
    no_time_range,
    select_star,
    missing_limit,
    union_limit,
    limit_comma,
    count_distinct_distinct_id,
)


def is_star(column: Node) -> bool:
    return isinstance(column, Field) and column.chain[-1:] == ["*"]


def reads_properties(join: JoinExpr | None) -> bool:
    while join:
        if isinstance(join.source, TableSource) and "properties" in join.source.table.fields:
            return True
        join = join.next_join
    return False


def is_distinct_id(node: Node) -> bool:
    return isinstance(node, Field) and node.chain[-1:] == ["distinct_id"]


def is_one_row(tree: Query) -> bool:
    """Aggregates without GROUP BY give one row."""
    if not isinstance(tree, SelectQuery) or tree.group_by or tree.group_by_mode:
        return False
    calls = [node for column in tree.select for node in walk(column) if isinstance(node, Call)]
    return any(call.function is not None and call.function.aggregate for call in calls)
