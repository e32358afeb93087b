"""Resolve a tree against a catalogue: every name gets a target, every expression a type, every fault a finding.

`resolve` is the way in. The clauses of SELECT and set operations are here, in the order in which their names
become visible; FROM and WITH are in `resolver_from.py`, names in `resolver_names.py`, expressions in
`resolver_expressions.py`, calls in `resolver_calls.py`. Nothing here knows where a column lives.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import cast

from posthog_mcp.hogql.catalogue import Catalogue
from posthog_mcp.hogql.diagnostics import Diagnostic
from posthog_mcp.hogql.resolver_calls import resolve_window
from posthog_mcp.hogql.resolver_expressions import resolve_expr
from posthog_mcp.hogql.resolver_from import resolve_ctes, resolve_from
from posthog_mcp.hogql.resolver_groups import check_groups
from posthog_mcp.hogql.resolver_names import member_of
from posthog_mcp.hogql.resolver_scopes import Output, PropertyTarget, SelectScope, StarTarget
from posthog_mcp.hogql.resolver_state import State, TooMuchWork
from posthog_mcp.hogql.tree import Node, rewrite, walk
from posthog_mcp.hogql.tree_expressions import (
    Alias,
    ArrayAccess,
    ColumnsExpr,
    Constant,
    Expr,
    Field,
    OrderExpr,
    TupleAccess,
)
from posthog_mcp.hogql.tree_queries import GroupingSet, Query, SelectQuery, SelectSetQuery
from posthog_mcp.hogql.types import Type, common


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a resolution found; the tree itself carries the targets and types."""

    errors: tuple[Diagnostic, ...]
    warnings: tuple[Diagnostic, ...]
    outputs: tuple[Output, ...]
    tables: tuple[str, ...]


def resolve(tree: Query, query: str, catalogue: Catalogue) -> Resolved:
    """Resolve in place and collect every finding."""
    state = State(query, catalogue, resolve_expr, resolve_query)
    outputs: list[Output] = []
    try:
        outputs = state.outputs(tree, None)
    except TooMuchWork:
        pass
    order = sorted(state.errors, key=lambda each: each.span.start)
    return Resolved(tuple(order), tuple(state.warnings), tuple(outputs), tuple(state.tables))


def resolve_query(state: State, query: Query, parent: SelectScope | None) -> list[Output]:
    """Columns of a SELECT or of a set operation; `parent` lends its CTEs, nothing else."""
    if isinstance(query, SelectSetQuery):
        return resolve_set(state, query, parent)
    return resolve_select(state, query, parent)


def resolve_set(state: State, query: SelectSetQuery, parent: SelectScope | None) -> list[Output]:
    """The first member names the columns, and lends its CTEs to the others."""
    first = query.initial_select_query
    outputs = state.outputs(first, parent)
    shared = SelectScope(parent=parent, ctes=dict(parent.ctes) if parent else {})
    if isinstance(first, SelectQuery) and first.scope:
        shared.ctes.update(first.scope.ctes)
    columns = [[each.type for each in outputs]]
    for part in query.subsequent_select_queries:
        member = state.outputs(part.select_query, shared)
        if "BY NAME" in part.set_operator:
            continue
        if len(member) != len(outputs) and not state.errors:
            message = f"{part.set_operator} joins {counted(len(outputs))} with {len(member)}."
            state.error(part.select_query, message, "Select the same number of columns in each part.")
        columns.append([each.type for each in member])
    for place, limit in (("LIMIT", query.limit), ("OFFSET", query.offset)):
        resolve_clause(state, shared, place, [limit] if limit else [])
    return [
        Output(each.name, each.printed, common([c[i] for c in columns if i < len(c)])) for i, each in enumerate(outputs)
    ]


def resolve_select(state: State, node: SelectQuery, parent: SelectScope | None) -> list[Output]:
    scope = SelectScope(parent=parent, ctes=dict(parent.ctes) if parent else {})
    node.scope = scope
    resolve_ctes(state, node.ctes or [], scope)
    resolve_from(state, node.select_from, scope)
    resolve_array_join(state, node, scope)
    scope.windows = set(node.window_exprs or {})
    resolve_columns(state, node, scope)
    for clause, expr in (("PREWHERE", node.prewhere), ("WHERE", node.where)):
        resolve_clause(state, scope, clause, [expr] if expr else [])
    resolve_clause(state, scope, "GROUP BY", grouping(node))
    check_positions(state, node.group_by or [], scope, "GROUP BY")
    resolve_clause(state, scope, "HAVING", [node.having] if node.having else [])
    resolve_clause(state, scope, "QUALIFY", [node.qualify] if node.qualify else [])
    if node.qualify:
        state.refused_by_posthog(node.qualify, "QUALIFY", "Filter in an outer query.")
    for window in (node.window_exprs or {}).values():
        resolve_window(state, window, scope)
    resolve_clause(state, scope, "ORDER BY", list[Expr](node.order_by or []))
    check_positions(state, list[Expr](node.order_by or []), scope, "ORDER BY")
    resolve_limits(state, node, scope)
    check_groups(state, node, scope)
    return list(scope.outputs)


def resolve_clause(state: State, scope: SelectScope, clause: str, exprs: list[Expr]) -> None:
    scope.clause = clause
    for expr in exprs:
        state.expr(expr, scope)


def grouping(node: SelectQuery) -> list[Expr]:
    return [
        each for group in node.group_by or [] for each in (group.exprs if isinstance(group, GroupingSet) else [group])
    ]


def resolve_limits(state: State, node: SelectQuery, scope: SelectScope) -> None:
    if node.limit_by:
        resolve_clause(state, scope, "LIMIT BY", node.limit_by.exprs)
        check_positions(state, node.limit_by.exprs, scope, "LIMIT BY")
        rest = [node.limit_by.n, node.limit_by.offset_value]
        resolve_clause(state, scope, "LIMIT BY", [each for each in rest if each])
    resolve_clause(state, scope, "LIMIT", [each for each in (node.limit, node.offset) if each])
    check_percent(state, node)
    resolve_clause(state, scope, "INTERPOLATE", node.interpolate or [])


def check_percent(state: State, node: SelectQuery | SelectSetQuery) -> None:
    value = node.limit.value if node.limit_percent and isinstance(node.limit, Constant) else None
    if node.limit_percent and node.limit and not (isinstance(value, (int, float)) and 0 < value <= 100):
        state.error(node.limit, "LIMIT … % takes a number between 0 and 100.", "Write LIMIT 40 %.")


def check_positions(state: State, exprs: list[Expr], scope: SelectScope, clause: str) -> None:
    for each in exprs:
        expr = each.expr if isinstance(each, OrderExpr) else each
        position = expr.value if isinstance(expr, Constant) else None
        if isinstance(position, int) and not isinstance(position, bool) and not 1 <= position <= len(scope.outputs):
            message = f"{clause} {position}: the SELECT has {counted(len(scope.outputs))}."
            state.error(expr, message, "Positions count from 1; or write the column's name.")


def counted(columns: int) -> str:
    return "1 column" if columns == 1 else f"{columns} columns"


def resolve_array_join(state: State, node: SelectQuery, scope: SelectScope) -> None:
    scope.clause = "ARRAY JOIN"
    for item in node.array_join_list or []:
        if not isinstance(item, Alias):
            state.error(item, "ARRAY JOIN needs a name for each array.", "Write ARRAY JOIN items AS item.")
            continue
        item.expr = array_named(node, item.expr, scope, state)
        array = state.expr(item.expr, scope)
        printed = state.fresh()
        scope.array_printed.append(printed)
        scope.arrays[item.alias] = (printed, array.element or Type())


def array_named(node: SelectQuery, expr: Expr, scope: SelectScope, state: State) -> Expr:
    """ARRAY JOIN may name an alias of the SELECT, which is resolved later: its expression stands in its place."""
    aliases = {each.alias: each.expr for each in node.select if isinstance(each, Alias)}
    hidden = [name for name in aliases if any(member_of(state, each, name) is not None for each in scope.sources)]
    named = {name: each for name, each in aliases.items() if name not in hidden}
    if not any(isinstance(each, Field) and str(each.chain[0]) in named for each in walk(expr)):
        return expr
    return spelled_out(state, expr, named, [SPELLED_OUT])


SPELLED_OUT = 2_000
"""Nodes that the aliases of one ARRAY JOIN may stand for."""


def spelled_out(state: State, expr: Expr, named: dict[str, Expr], left: list[int]) -> Expr:
    """An expression with the SELECT's aliases replaced by what they stand for.

    Raises:
        TooMuchWork: they stand for too many nodes.
    """

    def change(node: Node) -> Node:
        left[0] -= 1
        if left[0] < 0:
            state.error(expr, "The aliases of this ARRAY JOIN stand for too much.", "Use a subquery.")
            raise TooMuchWork
        known = named.get(str(node.chain[0])) if isinstance(node, Field) and len(node.chain) == 1 else None
        rest = {name: each for name, each in named.items() if each is not known}
        return spelled_out(state, known, rest, left) if known else node

    return cast("Expr", rewrite(copy.deepcopy(expr), change))


def resolve_columns(state: State, node: SelectQuery, scope: SelectScope) -> None:
    """Resolve the SELECT list left to right, and name what it gives."""
    scope.clause = "SELECT"
    taken = {item.alias for item in node.select if isinstance(item, Alias)}
    for item in node.select:
        kind = state.expr(item, scope)
        target = item.target if isinstance(item, (Field, ColumnsExpr)) else None
        if isinstance(target, StarTarget):
            for name, expr in target.columns:
                scope.outputs.append(Output(name, claim(state, name, taken), expr.type or Type(), expr))
        elif isinstance(item, Alias):
            named = scope.aliases.get(item.alias)
            printed = named.printed if named and named.expr is item.expr else claim(state, item.alias, taken)
            scope.outputs.append(Output(item.alias, printed, kind, item))
        else:
            name = column_name(state, item)
            scope.outputs.append(Output(name, claim(state, name, taken), kind, item))


def claim(state: State, name: str, taken: set[str]) -> str:
    """The name itself, or a fresh one when another column of the SELECT has it."""
    if name in taken or not name:
        return state.fresh()
    taken.add(name)
    return name


def column_name(state: State, item: Expr) -> str:
    """As PostHog names it: a field by its last part, anything else by its text."""
    target = item.target if isinstance(item, (Field, ArrayAccess, TupleAccess)) else None
    if isinstance(target, PropertyTarget) and isinstance(target.path[-1], str):
        return target.path[-1]
    if isinstance(item, Field):
        return str(item.chain[-1])
    text = state.query[item.start : item.end].strip()
    return re.sub(r"\s+", " ", text)
