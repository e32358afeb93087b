"""Print expressions: literals, logic, arithmetic, arrays, tuples, access, windows, subqueries.

`print_expr` dispatches on the node's class; `condition` prints where only true counts (WHERE, HAVING, ON, -If), so
that a comparison may stay plain although a side can be NULL.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, cast

from posthog_mcp.hogql.printer_calls import print_call, print_window_function
from posthog_mcp.hogql.printer_columns import print_target
from posthog_mcp.hogql.printer_compare import print_between, print_compare, print_distinct_from
from posthog_mcp.hogql.printer_literals import print_constant
from posthog_mcp.hogql.printer_state import PrintState, Sql, quote
from posthog_mcp.hogql.resolver_scopes import PropertyTarget
from posthog_mcp.hogql.tree_expressions import (
    Alias,
    And,
    ArithmeticOperation,
    Array,
    ArrayAccess,
    ArraySlice,
    BetweenExpr,
    Call,
    CompareOperation,
    Constant,
    Dict,
    Expr,
    Field,
    HogQLXTag,
    IsDistinctFrom,
    Lambda,
    Not,
    Or,
    Tuple,
    TupleAccess,
    WindowFunction,
)
from posthog_mcp.hogql.tree_queries import SelectQuery, SelectSetQuery

Print: TypeAlias = Callable[[PrintState, Any], Sql]


def print_expr(state: PrintState, node: Expr) -> Sql:
    """Print one expression.

    Raises:
        HogQLResolutionError: for what this engine cannot run.
    """
    show = _BY_KIND.get(type(node))
    if show is None:
        raise state.refuse(node, f"HogQL's {type(node).__name__} cannot run embedded.")
    return show(state, node)


def print_name(state: PrintState, node: Field) -> Sql:
    return print_target(state, node, node.target)


def print_alias(state: PrintState, node: Alias) -> Sql:
    """An alias inside an expression; others refer to it by name."""
    sql = state.expr(node.expr)
    state.alias_nulls[id(node.expr)] = sql.nullable
    return Sql(f"({sql.text} AS {node.printed or quote(node.alias)})", sql.nullable)


def joined(state: PrintState, exprs: list[Expr], word: str) -> Sql:
    parts = [state.expr(each) for each in exprs]
    return Sql(f"({f' {word} '.join(each.text for each in parts)})", any(each.nullable for each in parts))


def print_and(state: PrintState, node: And) -> Sql:
    return joined(state, node.exprs, "AND")


def print_or(state: PrintState, node: Or) -> Sql:
    return joined(state, node.exprs, "OR")


def print_not(state: PrintState, node: Not) -> Sql:
    sql = state.expr(node.expr)
    return Sql(f"(NOT {sql.text})", sql.nullable)


def print_arithmetic(state: PrintState, node: ArithmeticOperation) -> Sql:
    for side in (node.left, node.right):
        if side.type and side.type.kind == "string":
            raise state.refuse_text(side)
    left, right = state.expr(node.left), state.expr(node.right)
    if node.op == "-" and isinstance(node.left, Constant) and node.left.value == 0:
        return Sql(f"negate({right.text})", right.nullable)
    return Sql(f"({left.text} {node.op} {right.text})", left.nullable or right.nullable)


def print_array(state: PrintState, node: Array) -> Sql:
    return Sql(f"[{', '.join(state.expr(each).text for each in node.exprs)}]")


def print_tuple(state: PrintState, node: Tuple) -> Sql:
    return Sql(f"tuple({', '.join(state.expr(each).text for each in node.exprs)})")


def print_dict(state: PrintState, node: Dict) -> Sql:
    """As PostHog prints it: a tuple that starts with its own mark."""
    parts = [state.bind("__hx_obj"), *(state.expr(each).text for pair in node.items for each in pair)]
    return Sql(f"tuple({', '.join(parts)})")


def print_tag(state: PrintState, node: HogQLXTag) -> Sql:
    """A tuple of the tag's kind, then attribute names and values; children come as a tuple of their own."""
    parts = [state.bind("__hx_tag"), state.bind(node.kind)]
    for attribute in node.attributes:
        value = attribute.value
        shown = print_tuple(state, Tuple(value)) if isinstance(value, list) else state.expr(value)
        parts += [state.bind(attribute.name), shown.text]
    return Sql(f"tuple({', '.join(parts)})")


def print_access(state: PrintState, node: ArrayAccess) -> Sql:
    if isinstance(node.target, PropertyTarget):
        return print_target(state, node, node.target)
    array, key = state.expr(node.array), state.expr(node.property)
    if node.array.type and node.array.type.kind == "tuple":
        return Sql(f"tupleElement({array.text}, {key.text})", True)
    return Sql(f"arrayElement({array.text}, {key.text})", True)


def print_tuple_access(state: PrintState, node: TupleAccess) -> Sql:
    if isinstance(node.target, PropertyTarget):
        return print_target(state, node, node.target)
    inner = state.expr(node.tuple)
    name = "arrayElement" if node.tuple.type and node.tuple.type.kind == "array" else "tupleElement"
    return Sql(f"{name}({inner.text}, {node.index})", True)


def print_slice(state: PrintState, node: ArraySlice) -> Sql:
    """`a[from:to]`, both included; negative bounds count from the end."""
    array = state.expr(node.array).text
    if node.array.type and node.array.type.kind == "string":
        array = f"JSONExtractArrayRaw(ifNull({array}, ''))"
    start = state.expr(node.start_expr).text if node.start_expr else "1"
    if node.end_expr is None:
        return Sql(f"arraySlice({array}, {start})")
    end, size = state.expr(node.end_expr).text, f"length({array})"
    first = f"if({start} < 0, {size} + {start} + 1, {start})"
    last = f"if({end} < 0, {size} + {end} + 1, {end})"
    return Sql(f"arraySlice({array}, {start}, greatest({last} - {first} + 1, 0))")


def print_lambda(state: PrintState, node: Lambda) -> Sql:
    body = state.expr(node.expr)
    names = ", ".join(node.printed)
    return Sql(f"({names}) -> {body.text}", body.nullable)


def print_subquery(state: PrintState, node: SelectQuery | SelectSetQuery) -> Sql:
    """A scalar is NULL when the query gives no row."""
    return Sql(f"({state.select(node)})", True)


_BY_KIND = cast(
    "dict[type[Expr], Print]",
    {
        Constant: print_constant,
        Field: print_name,
        Alias: print_alias,
        And: print_and,
        Or: print_or,
        Not: print_not,
        CompareOperation: print_compare,
        BetweenExpr: print_between,
        IsDistinctFrom: print_distinct_from,
        ArithmeticOperation: print_arithmetic,
        Array: print_array,
        Tuple: print_tuple,
        Dict: print_dict,
        ArrayAccess: print_access,
        TupleAccess: print_tuple_access,
        ArraySlice: print_slice,
        Lambda: print_lambda,
        Call: print_call,
        WindowFunction: print_window_function,
        SelectQuery: print_subquery,
        SelectSetQuery: print_subquery,
        HogQLXTag: print_tag,
    },
)
