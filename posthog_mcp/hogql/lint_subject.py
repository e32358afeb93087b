"""What a lint looks at, and the questions that many of them ask of a resolved tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TypeAlias

from posthog_mcp.hogql.catalogue import Catalogue
from posthog_mcp.hogql.diagnostics import Diagnostic, Edit, Span, diagnostic
from posthog_mcp.hogql.resolver_scopes import AliasTarget, ColumnTarget, OutputTarget, PropertyTarget, TableSource
from posthog_mcp.hogql.timerange import Scan
from posthog_mcp.hogql.tree import children, walk
from posthog_mcp.hogql.tree_expressions import Alias, And, ArrayAccess, Call, Constant, Expr, Field, Node, TupleAccess
from posthog_mcp.hogql.tree_queries import JoinExpr, Query, SelectQuery, SelectSetQuery


@dataclass(frozen=True)
class Subject:
    """A resolved query without errors. `scans` are the reads of tables that have a time field."""

    query: str
    tree: Query
    catalogue: Catalogue
    scans: list[Scan]
    now: datetime

    def finding(
        self, place: Node | Span, code: str, message: str, fix: str, edit: Edit | str | None = None
    ) -> Diagnostic:
        """A warning at a place of this query; an edit that is a text replaces the place."""
        span = place if isinstance(place, Span) else place.span
        mend = Edit(span.start, span.end, edit) if isinstance(edit, str) else edit
        return diagnostic("warning", code, message, self.query, span, fix, mend)

    def text(self, node: Node) -> str:
        """A node as the author wrote it."""
        return self.query[node.start : node.end]

    @cached_property
    def nodes(self) -> list[Node]:
        """Every node, parents first."""
        return list(walk(self.tree))

    @cached_property
    def selects(self) -> list[SelectQuery]:
        """Every SELECT, outer ones first."""
        return [node for node in self.nodes if isinstance(node, SelectQuery)]

    @cached_property
    def calls(self) -> list[Call]:
        """Every call."""
        return [node for node in self.nodes if isinstance(node, Call)]

    @cached_property
    def owners(self) -> dict[int, SelectQuery]:
        """The SELECT whose FROM holds a join, by the join's id."""
        return {id(join): select for select in self.selects for join in joins_of(select)}


Lint: TypeAlias = Callable[[Subject], Iterator[Diagnostic]]


def joins_of(select: SelectQuery) -> Iterator[JoinExpr]:
    """What FROM holds, in order."""
    join = select.select_from
    while join:
        yield join
        join = join.next_join


def tables_of(select: SelectQuery) -> list[str]:
    """Names of the tables that FROM names itself."""
    return [join.source.table.name for join in joins_of(select) if isinstance(join.source, TableSource)]


def own_nodes(node: Node) -> Iterator[Node]:
    """The node and what is below it, without subqueries."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting += [each for each in children(current) if not isinstance(each, (SelectQuery, SelectSetQuery))]


def conditions_of(expr: Expr | None) -> list[Expr]:
    """The parts of a condition that all must hold."""
    if expr is None:
        return []
    if isinstance(expr, And):
        return [part for each in expr.exprs for part in conditions_of(each)]
    return [expr]


def filters_of(select: SelectQuery) -> list[Expr]:
    """The conditions of WHERE and PREWHERE."""
    return [*conditions_of(select.prewhere), *conditions_of(select.where)]


def plain(node: Node) -> Node:
    """An expression without its alias, and what an alias stands for."""
    while True:
        if isinstance(node, Alias):
            node = node.expr
        elif isinstance(node, Field) and isinstance(node.target, AliasTarget):
            node = node.target.named.expr
        else:
            return node


def column_of(node: Node) -> tuple[str, str] | None:
    """(table, column) of a name that is a table's column, through subqueries too; None for anything else."""
    found = plain(node)
    target = found.target if isinstance(found, Field) else None
    while isinstance(target, OutputTarget) and target.output.expr is not None:
        inner = plain(target.output.expr)
        target = inner.target if isinstance(inner, Field) else None
    return (target.source.table.name, target.name) if isinstance(target, ColumnTarget) else None


def property_of(node: Node) -> PropertyTarget | None:
    """What a JSON property's name points at; None for anything else."""
    found = plain(node)
    target = found.target if isinstance(found, (Field, ArrayAccess, TupleAccess)) else None
    return target if isinstance(target, PropertyTarget) else None


def is_time(node: Node) -> bool:
    """A table's time field."""
    found = plain(node)
    target = found.target if isinstance(found, Field) else None
    return isinstance(target, ColumnTarget) and target.name == target.source.table.time_field


def text_of(node: Node) -> str | None:
    """The value of a text literal."""
    return node.value if isinstance(node, Constant) and isinstance(node.value, str) and not node.value_type else None


def is_aggregate(node: Node) -> bool:
    return isinstance(node, Call) and node.function is not None and node.function.aggregate
