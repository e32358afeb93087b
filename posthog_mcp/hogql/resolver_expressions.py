"""Expressions: the type of each node kind, and what each may hold.

`resolve_expr` dispatches on the node's class. Calls and windows are in `resolver_calls.py`, names in
`resolver_names.py`, what follows a value in `resolver_properties.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, cast

from posthog_mcp.hogql.resolver_calls import resolve_call, resolve_cast, resolve_expr_call, resolve_window_function
from posthog_mcp.hogql.resolver_compare import resolve_between, resolve_compare
from posthog_mcp.hogql.resolver_names import resolve_field
from posthog_mcp.hogql.resolver_properties import resolve_access, resolve_slice, resolve_tuple_access
from posthog_mcp.hogql.resolver_scopes import NamedExpr, SelectScope
from posthog_mcp.hogql.resolver_star import resolve_columns_expr, resolve_star
from posthog_mcp.hogql.resolver_state import State
from posthog_mcp.hogql.tree_expressions import (
    Alias,
    And,
    ArithmeticOperation,
    Array,
    ArrayAccess,
    ArraySlice,
    BetweenExpr,
    Call,
    ColumnsExpr,
    CompareOperation,
    Constant,
    Dict,
    Expr,
    ExprCall,
    Field,
    HogQLXTag,
    InterpolateExpr,
    IsDistinctFrom,
    Lambda,
    NamedArgument,
    Not,
    Or,
    OrderExpr,
    Placeholder,
    TryCast,
    Tuple,
    TupleAccess,
    TypeCast,
    WindowFunction,
)
from posthog_mcp.hogql.tree_queries import SelectQuery, SelectSetQuery
from posthog_mcp.hogql.types import BOOLEAN, Type, arithmetic, common, of_constant

# Each resolver takes its own node class; the table pairs them, which types cannot say.
Resolve: TypeAlias = Callable[[State, Any, SelectScope], Type]


def resolve_expr(state: State, node: Expr, scope: SelectScope) -> Type:
    """The type of an expression; its names are resolved on the way."""
    resolve = _BY_KIND.get(type(node))
    if resolve is None:
        return state.error(node, f"HogQL's {type(node).__name__} is not supported here.", "Write it another way.")
    return resolve(state, node, scope)


def constant(state: State, node: Constant, scope: SelectScope) -> Type:
    return of_constant(node.value, node.value_type)


def name(state: State, node: Field, scope: SelectScope) -> Type:
    return resolve_star(state, node, scope) if node.chain[-1] == "*" else resolve_field(state, node, scope)


def alias(state: State, node: Alias, scope: SelectScope) -> Type:
    check_alias(state, node)
    frame = scope.locals[-1] if scope.locals else None
    known = node.alias in (scope.aliases if frame is None else frame)
    before = (scope.aggregates, scope.window_calls)
    kind = state.expr(node.expr, scope)
    if known:
        return state.error(node, f"`{node.alias}` is already an alias of this SELECT.", "Choose another name.")
    if frame is not None:
        node.printed = state.fresh()
        frame[node.alias] = (node.printed, kind)
        return kind
    taken = {each.printed for each in scope.aliases.values()}
    printed = node.alias if node.alias not in taken and node.alias else state.fresh()
    named = NamedExpr(node.alias, printed, kind, node.expr)
    named.has_aggregate, named.has_window = scope.aggregates > before[0], scope.window_calls > before[1]
    scope.aliases[node.alias] = named
    return kind


RESERVED = frozenset({"true", "false", "null", "team_id"})


def check_alias(state: State, node: Alias) -> None:
    """Names that PostHog refuses."""
    if node.alias.lower() in RESERVED:
        state.error(node, f"`{node.alias}` is reserved and cannot be an alias.", "Choose another name.")
    if "%" in node.alias:
        state.error(node, f"`{node.alias}` holds the sign %, which names cannot.", "Choose another name.")


def logic(state: State, node: And | Or, scope: SelectScope) -> Type:
    state.exprs(node.exprs, scope)
    return BOOLEAN


def negation(state: State, node: Not, scope: SelectScope) -> Type:
    state.expr(node.expr, scope)
    return BOOLEAN


def calculation(state: State, node: ArithmeticOperation, scope: SelectScope) -> Type:
    kinds = state.exprs([node.left, node.right], scope)
    for side, kind in zip((node.left, node.right), kinds, strict=True):
        if kind.kind == "string":
            state.text_as_number(side)
    return arithmetic(node.op, *kinds)


def distinct_from(state: State, node: IsDistinctFrom, scope: SelectScope) -> Type:
    state.exprs([node.left, node.right], scope)
    return BOOLEAN


def order(state: State, node: OrderExpr, scope: SelectScope) -> Type:
    fill = node.with_fill
    for each in (fill.from_value, fill.to_value, fill.step_value) if fill else ():
        if each:
            state.expr(each, scope)
    return state.expr(node.expr, scope)


def array(state: State, node: Array, scope: SelectScope) -> Type:
    return Type("array", common(state.exprs(node.exprs, scope)))


def row(state: State, node: Tuple, scope: SelectScope) -> Type:
    return Type("tuple", items=tuple(state.exprs(node.exprs, scope)))


def mapping(state: State, node: Dict, scope: SelectScope) -> Type:
    for pair in node.items:
        state.exprs(pair, scope)
    return Type("tuple")


def lambda_(state: State, node: Lambda, scope: SelectScope) -> Type:
    return state.error(node, "A lambda stands only in a function's arguments.", "Write arrayMap(x -> …, array).")


def placeholder(state: State, node: Placeholder, scope: SelectScope) -> Type:
    inner = node.expr
    shown = ".".join(map(str, inner.chain)) if isinstance(inner, Field) else state.query[inner.start : inner.end]
    fix = f"Pass values={{'{shown}': …}}." if "." not in shown else f"Give {shown} a value."
    return state.error(node, f"The placeholder {{{shown}}} has no value.", fix)


def subquery(state: State, node: SelectQuery | SelectSetQuery, scope: SelectScope) -> Type:
    """A scalar subquery, or the right side of IN: one column's type, several as a tuple."""
    outputs = state.outputs(node, scope)
    kinds = tuple(each.type for each in outputs)
    return kinds[0] if len(kinds) == 1 else Type("tuple", items=kinds)


def tag(state: State, node: HogQLXTag, scope: SelectScope) -> Type:
    for attribute in node.attributes:
        value = attribute.value
        state.exprs(value if isinstance(value, list) else [value], scope)
    return Type("tuple")


def named_argument(state: State, node: NamedArgument, scope: SelectScope) -> Type:
    return state.error(node, "Named arguments are not supported.", "Give the arguments in order.")


def interpolation(state: State, node: InterpolateExpr, scope: SelectScope) -> Type:
    """A column of the SELECT, and what it becomes in the rows that WITH FILL adds."""
    name = node.expr.chain[-1] if isinstance(node.expr, Field) else None
    if name not in [each.name for each in scope.outputs]:
        return state.error(node, "INTERPOLATE takes columns of this SELECT.", "Write INTERPOLATE (name AS name + 1).")
    if node.value:
        state.expr(node.value, scope)
    return state.expr(node.expr, scope)


_BY_KIND = cast(
    "dict[type[Expr], Resolve]",
    {
        Constant: constant,
        Field: name,
        Alias: alias,
        And: logic,
        Or: logic,
        Not: negation,
        CompareOperation: resolve_compare,
        BetweenExpr: resolve_between,
        IsDistinctFrom: distinct_from,
        ArithmeticOperation: calculation,
        Call: resolve_call,
        ExprCall: resolve_expr_call,
        WindowFunction: resolve_window_function,
        TypeCast: resolve_cast,
        TryCast: resolve_cast,
        OrderExpr: order,
        Array: array,
        Tuple: row,
        Dict: mapping,
        Lambda: lambda_,
        ArrayAccess: resolve_access,
        TupleAccess: resolve_tuple_access,
        ArraySlice: resolve_slice,
        ColumnsExpr: resolve_columns_expr,
        Placeholder: placeholder,
        SelectQuery: subquery,
        SelectSetQuery: subquery,
        HogQLXTag: tag,
        NamedArgument: named_argument,
        InterpolateExpr: interpolation,
    },
)
