"""Lints about joins that answer another question than the one that was asked."""

from __future__ import annotations

from collections.abc import Iterator

from posthog_mcp.hogql.diagnostics import Diagnostic
from posthog_mcp.hogql.lint_subject import Lint, Subject, column_of, filters_of, joins_of, own_nodes, text_of
from posthog_mcp.hogql.resolver_scopes import QuerySource, TableSource
from posthog_mcp.hogql.tree_expressions import CompareOperation, Field, Node
from posthog_mcp.hogql.tree_queries import JoinExpr, SelectQuery


def manual_funnel(subject: Subject) -> Iterator[Diagnostic]:
    """Steps joined by person: windowFunnel counts the same in one pass, with order and a window."""
    for select in subject.selects:
        steps = [join for join in joins_of(select) if event_names(join, select)]
        names = {name for join in steps for name in event_names(join, select)}
        by_person = any(joins_people(join) for join in joins_of(select))
        if len(steps) > 1 and len(names) > 1 and by_person:
            message = "Funnel steps are joined by person: each join multiplies rows that windowFunnel would count."
            fix = "Use windowFunnel(seconds)(timestamp, event = 'a', event = 'b') GROUP BY person_id."
            yield subject.finding(steps[1].table or steps[1], "manual_funnel", message, fix)


def event_names(join: JoinExpr, select: SelectQuery) -> set[str]:
    """The events that one side of a join is limited to."""
    source = join.source
    query = source.query or (source.cte.node.expr if source.cte else None) if isinstance(source, QuerySource) else None
    if isinstance(query, SelectQuery):
        return {name for part in filters_of(query) for name in names_in(part, query)}
    if isinstance(source, TableSource) and source.table.name == "events":
        on = [join.constraint.expr] if join.constraint else []
        parts = [*filters_of(select), *on]
        return {name for part in parts for name in names_in(part, select) if reads_source(part, source)}
    return set()


def names_in(part: Node, select: SelectQuery) -> list[str]:
    """Event names that a condition demands."""
    found: list[str] = []
    for node in own_nodes(part):
        if isinstance(node, CompareOperation) and node.op == "==" and column_of(node.left) == ("events", "event"):
            found += [name for name in [text_of(node.right)] if name]
    return found


def reads_source(part: Node, source: TableSource) -> bool:
    targets = [each.target for each in own_nodes(part) if isinstance(each, Field)]
    return any(getattr(each, "source", None) is source for each in targets)


def joins_people(join: JoinExpr) -> bool:
    for node in own_nodes(join.constraint) if join.constraint else ():
        if isinstance(node, CompareOperation) and node.op == "==":
            columns = [column_of(node.left), column_of(node.right)]
            if all(each and each[1] in ("person_id", "distinct_id") for each in columns):
                return True
    return False


def left_join_null(subject: Subject) -> Iterator[Diagnostic]:
    """Where a LEFT JOIN finds nothing, ClickHouse gives the type's default value, not NULL."""
    for select in subject.selects:
        joined = {
            id(join.source) for join in joins_of(select) if (join.join_type or "").upper().split()[:1] == ["LEFT"]
        }
        for node in filters_of(select):
            if not isinstance(node, CompareOperation) or not node.is_null_comparison_style:
                continue
            target = node.left.target if isinstance(node.left, Field) else None
            column = column_of(node.left)
            table = subject.catalogue.tables.get(column[0]) if column else None
            known = table.fields.get(column[1]) if table and column else None
            if known and not known.nullable and id(getattr(target, "source", None)) in joined:
                name = subject.text(node.left)
                message = f"`{name}` is never NULL: rows without a match have its type's default value."
                fix = (
                    "Use LEFT ANTI JOIN, or NOT IN (SELECT …), for rows without a match; INNER JOIN for those with one."
                )
                yield subject.finding(node, "left_join_null", message, fix)


JOINS: tuple[Lint, ...] = (manual_funnel, left_join_null)
