"""Columns that are neither aggregated nor grouped: ClickHouse refuses them, after PostHog's own check let them pass.

The rule is ClickHouse's: beside an aggregate or a GROUP BY, an expression may hold grouping keys (as they are written
or by alias), constants, aggregates, and functions of those.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import fields

from posthog_mcp.hogql.clauses import group_by_edit
from posthog_mcp.hogql.resolver_scopes import (
    AliasTarget,
    ColumnTarget,
    LocalTarget,
    OutputTarget,
    PropertyTarget,
    SelectScope,
    StarTarget,
)
from posthog_mcp.hogql.resolver_state import State
from posthog_mcp.hogql.tree import children
from posthog_mcp.hogql.tree_expressions import (
    Alias,
    ArrayAccess,
    Call,
    ColumnsExpr,
    Constant,
    Expr,
    Field,
    Node,
    OrderExpr,
    TupleAccess,
)
from posthog_mcp.hogql.tree_queries import GroupingSet, SelectQuery, SelectSetQuery


def check_groups(state: State, node: SelectQuery, scope: SelectScope) -> None:
    """Report the columns of a SELECT that stand bare beside aggregates, all in one finding with the GROUP BY to add."""
    if node.group_by_mode == "all" or not (node.group_by or scope.aggregates) or state.errors:
        return
    keys = {key_of(each) for each in group_keys(node, scope)}
    told: set[Hashable] = set()
    bare: list[Node] = []
    wanted: list[str] = []
    for item in node.select:
        found = list(ungrouped(item, keys, scope))
        if found:
            bare += found
            wanted += columns_to_add(state, item, found)
            told |= {key_of(each) for each in [item, *found]}
    later = [*([node.having] if node.having else []), *(each.expr for each in node.order_by or [])]
    beyond = [each for expr in later for each in ungrouped(expr, keys | told, scope)]
    if not bare and not beyond:
        return
    shown = list(dict.fromkeys(state.query[each.start : each.end] for each in [*bare, *beyond]))
    verb = "is" if len(shown) == 1 else "are"
    message = f"{' and '.join(f'`{each[:80]}`' for each in shown[:5])} {verb} neither aggregated nor in GROUP BY."
    add = list(dict.fromkeys(wanted))
    fix = f"Add GROUP BY {', '.join(add)}; or aggregate, such as any(…)." if add else "Aggregate it, such as max(…)."
    edit = group_by_edit(state.query, node, add) if add and not beyond and node.group_by_mode is None else None
    state.error((bare or beyond)[0], message, fix, edit, "not_aggregated")


def group_keys(node: SelectQuery, scope: SelectScope) -> Iterator[Expr]:
    """The grouping expressions; a position stands for its column."""
    for group in node.group_by or []:
        for each in group.exprs if isinstance(group, GroupingSet) else [group]:
            position = each.value if isinstance(each, Constant) else None
            if type(position) is int and 1 <= position <= len(scope.outputs):
                chosen = scope.outputs[position - 1].expr
                if chosen:
                    yield chosen
            else:
                yield each


def ungrouped(node: Node, keys: set[Hashable], scope: SelectScope) -> Iterator[Node]:
    """The columns below a node that no key covers."""
    expr = node.meant if isinstance(node, Expr) else node
    if isinstance(expr, (Constant, SelectQuery, SelectSetQuery)) or key_of(expr) in keys:
        return
    if isinstance(expr, Call) and expr.function and expr.function.aggregate:
        return
    target = expr.target if isinstance(expr, (Field, ArrayAccess, TupleAccess, ColumnsExpr)) else None
    if isinstance(target, AliasTarget):
        if any(True for _ in ungrouped(target.named.expr, keys, scope)):
            yield node
    elif isinstance(target, StarTarget):
        if any(key_of(each) not in keys for _, each in target.columns):
            yield node
    elif isinstance(target, PropertyTarget):
        base = target.base
        if isinstance(base, Expr):
            yield from ungrouped(base, keys, scope)
        elif target_key(base) not in keys and not is_local(base, scope):
            yield node
    elif isinstance(target, LocalTarget):
        if not is_local(target, scope):
            yield node
    elif isinstance(expr, Field):
        yield node
    else:
        for child in children(expr):
            yield from ungrouped(child, keys, scope)


def is_local(target: object, scope: SelectScope) -> bool:
    """A lambda's argument; an ARRAY JOIN's column is a column like any other."""
    return isinstance(target, LocalTarget) and target.printed not in scope.array_printed


def key_of(node: Node) -> Hashable:
    """Equal for expressions that mean the same, whatever their aliases."""
    expr = node.meant if isinstance(node, Expr) else node
    if isinstance(expr, Alias):
        return key_of(expr.expr)
    target = expr.target if isinstance(expr, (Field, ArrayAccess, TupleAccess)) else None
    if target is not None:
        return target_key(target)
    plain = tuple(
        value
        for each in fields(expr)
        if each.compare and isinstance(value := getattr(expr, each.name), (str, int, float))
    )
    function = expr.function.name if isinstance(expr, Call) and expr.function else ""
    return (type(expr).__name__, function, plain, tuple(key_of(each) for each in children(expr)))


def target_key(target: object) -> Hashable:
    if isinstance(target, AliasTarget):
        return key_of(target.named.expr)
    if isinstance(target, ColumnTarget):
        return ("column", id(target.source), target.name)
    if isinstance(target, OutputTarget):
        return ("output", id(target.source), target.output.printed)
    if isinstance(target, PropertyTarget):
        base = target.base
        return ("property", key_of(base) if isinstance(base, Expr) else target_key(base), target.path)
    return ("local", target.printed) if isinstance(target, LocalTarget) else ("star", id(target))


def columns_to_add(state: State, item: Expr, bare: list[Node]) -> list[str]:
    """What to group by for one column of the SELECT: all of it, or its bare parts when it also aggregates."""
    if isinstance(item, (OrderExpr, ColumnsExpr)) or (isinstance(item, Field) and item.chain[-1] == "*"):
        return []
    if any(isinstance(each, Call) and each.function and each.function.aggregate for each in below(item)):
        return [state.query[each.start : each.end] for each in bare]
    return [state.query[item.start : item.end]] if not isinstance(item, Alias) else [item.alias]


def below(node: Node) -> Iterator[Node]:
    yield node
    for child in children(node):
        if not isinstance(child, (SelectQuery, SelectSetQuery)):
            yield from below(child)
