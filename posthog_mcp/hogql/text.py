"""Print a tree as HogQL: parsing the text gives an equal tree again.

Brackets stand around every operand that is not a plain value, so precedence never matters. Comments and layout are
the author's and not in the tree: to lay out a query use `layout.py`. What the parsers write as calls (CASE, `||`, `??`,
INTERVAL) is printed as the calls that they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias, cast

from posthog_mcp.hogql.spelling import identifier, text_literal
from posthog_mcp.hogql.text_queries import QUERY_PRINTERS, Printer
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
    HogQLXAttribute,
    HogQLXTag,
    InterpolateExpr,
    IsDistinctFrom,
    Lambda,
    NamedArgument,
    Node,
    Not,
    Or,
    OrderExpr,
    Placeholder,
    PositionalRef,
    SpreadExpr,
    TryCast,
    Tuple,
    TupleAccess,
    TypeCast,
    WindowExpr,
    WindowFrameExpr,
    WindowFunction,
    WithFillExpr,
)

# Each printer takes its own node class; the table pairs them, which types cannot say.
Print: TypeAlias = Callable[[Any], str]

ATOMS = (Field, Call, Array, Tuple, ArrayAccess, TupleAccess, ArraySlice, Placeholder, Dict, TypeCast, TryCast)
NUMBERS = {"Infinity": "inf", "-Infinity": "-inf", "NaN": "nan"}
OPERATORS = {"==": "=", "in cohort": "IN COHORT", "not in cohort": "NOT IN COHORT"}


def to_hogql(node: Node) -> str:
    """A node as HogQL text.

    Raises:
        TypeError: a node that no parser gives.
    """
    show = _PRINTERS.get(type(node))
    if show is None:
        raise TypeError(f"{type(node).__name__} has no HogQL spelling")
    return show(node)


def operand(node: Expr) -> str:
    """A part of an expression, in brackets unless it is a plain value."""
    text = to_hogql(node)
    plain = isinstance(node, ATOMS) or (isinstance(node, Constant) and not text.startswith("-"))
    return text if plain else f"({text})"


def listed(nodes: Sequence[Node]) -> str:
    """Members of a list; a query or an alias among them in brackets."""
    return ", ".join(member(each) for each in nodes)


def member(node: Node) -> str:
    text = to_hogql(node)
    bare = type(node).__name__ not in ("SelectQuery", "SelectSetQuery", "ValuesQuery")
    return text if bare else f"({text})"


def constant(node: Constant) -> str:
    value = node.value
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if node.value_type == "number":
        return NUMBERS.get(str(value), str(value))
    if isinstance(value, (int, float)):
        return repr(value)
    return text_literal(value)


def field(node: Field) -> str:
    parts = [str(part) if isinstance(part, int) or part == "*" else identifier(part) for part in node.chain]
    return ".".join(parts)


def alias(node: Alias) -> str:
    return f"{operand(node.expr)} AS {identifier(node.alias)}"


def compare(node: CompareOperation) -> str:
    if node.is_null_comparison_style:
        return f"{operand(node.left)} IS {'NOT ' if node.op == '!=' else ''}NULL"
    return f"{operand(node.left)} {OPERATORS.get(node.op, node.op.upper())} {operand(node.right)}"


def between(node: BetweenExpr) -> str:
    word = "NOT BETWEEN" if node.negated else "BETWEEN"
    return f"{operand(node.expr)} {word} {operand(node.low)} AND {operand(node.high)}"


def distinct_from(node: IsDistinctFrom) -> str:
    word = "IS NOT DISTINCT FROM" if node.negated else "IS DISTINCT FROM"
    return f"{operand(node.left)} {word} {operand(node.right)}"


def order(node: OrderExpr) -> str:
    fill = f" {with_fill(node.with_fill)}" if node.with_fill else ""
    return f"{operand(node.expr)} {node.order}{fill}"


def with_fill(node: WithFillExpr) -> str:
    parts = (("FROM", node.from_value), ("TO", node.to_value), ("STEP", node.step_value))
    return "WITH FILL" + "".join(f" {word} {operand(value)}" for word, value in parts if value)


def interpolation(node: InterpolateExpr) -> str:
    return f"{operand(node.expr)} AS {operand(node.value)}" if node.value else to_hogql(node.expr)


def call(node: Call) -> str:
    """`name(params)(DISTINCT args ORDER BY …) WITHIN GROUP (…) FILTER (WHERE …)`."""
    if node.name.lower() == "exists" and len(node.args) == 1:
        return f"{node.name}{operand(node.args[0])}"
    if node.within_group and node.params and not node.args:
        return f"{identifier(node.name)}({listed(node.params)}) WITHIN GROUP (ORDER BY {listed(node.within_group)})"
    params = f"({listed(node.params)})" if node.params is not None else ""
    ordered = f" ORDER BY {listed(node.order_by)}" if node.order_by else ""
    text = f"{identifier(node.name)}{params}({'DISTINCT ' if node.distinct else ''}{listed(node.args)}{ordered})"
    if node.within_group:
        text += f" WITHIN GROUP (ORDER BY {listed(node.within_group)})"
    if node.filter_expr:
        text += f" FILTER (WHERE {to_hogql(node.filter_expr)})"
    return text


def expr_call(node: ExprCall) -> str:
    inner = node.expr
    if isinstance(inner, TypeCast):
        return f"{operand(inner.expr)}::{inner.type_name}({listed(node.args)})"
    return f"({to_hogql(inner)})({listed(node.args)})"


def window_function(node: WindowFunction) -> str:
    params = f"({listed(node.exprs or [])})"
    args = f"({listed(node.args)})" if node.args else ""
    over = identifier(node.over_identifier) if node.over_identifier else f"({window(node.over_expr or WindowExpr())})"
    return f"{identifier(node.name)}{params}{args} OVER {over}"


def window(node: WindowExpr) -> str:
    parts: list[str] = []
    if node.partition_by:
        parts.append(f"PARTITION BY {listed(node.partition_by)}")
    if node.order_by:
        parts.append(f"ORDER BY {listed(node.order_by)}")
    if node.frame_method and node.frame_start:
        start = frame(node.frame_start)
        both = f"BETWEEN {start} AND {frame(node.frame_end)}" if node.frame_end else start
        parts.append(f"{node.frame_method} {both}")
    return " ".join(parts)


def frame(node: WindowFrameExpr) -> str:
    if node.frame_type == "CURRENT ROW" or node.frame_type is None:
        return "CURRENT ROW"
    value = node.frame_value
    shown = "UNBOUNDED" if value is None else str(value) if isinstance(value, int) else operand(value)
    return f"{shown} {node.frame_type}"


def lambda_(node: Lambda) -> str:
    return f"({', '.join(map(identifier, node.args))}) -> {operand(node.expr)}"


def row(node: Tuple) -> str:
    return f"({listed(node.exprs)}{',' if len(node.exprs) == 1 else ''})"


def mapping(node: Dict) -> str:
    return "{" + ", ".join(f"{operand(key)}: {operand(value)}" for key, value in node.items) + "}"


def access(node: ArrayAccess) -> str:
    return f"{operand(node.array)}{'?.' if node.nullish else ''}[{to_hogql(node.property)}]"


def tuple_access(node: TupleAccess) -> str:
    return f"({to_hogql(node.tuple)}){'?.' if node.nullish else '.'}{node.index}"


def slice_(node: ArraySlice) -> str:
    bounds = [operand(each) if each else "" for each in (node.start_expr, node.end_expr)]
    return f"{operand(node.array)}[{bounds[0]}:{bounds[1]}]"


def columns(node: ColumnsExpr) -> str:
    """`*` with EXCLUDE and REPLACE, or COLUMNS(…)."""
    exclude = f" EXCLUDE ({', '.join(map(identifier, node.exclude))})" if node.exclude else ""
    if node.regex is not None:
        return f"COLUMNS({text_literal(node.regex)}){exclude}"
    if node.columns is not None:
        return f"COLUMNS({listed(node.columns)}){exclude}"
    if node.replace:
        pairs = ", ".join(f"{operand(expr)} AS {identifier(name)}" for name, expr in node.replace.items())
        return f"(*{exclude} REPLACE ({pairs}))"
    return f"*{exclude}" if exclude else "COLUMNS(*)"


def tag(node: HogQLXTag) -> str:
    """`<kind name={value}>children</kind>`; children may be texts, tags or `{values}`."""
    attributes = [each for each in node.attributes if each.name != "children"]
    shown = "".join(f" {attribute(each)}" for each in attributes)
    children = next((each.value for each in node.attributes if each.name == "children"), None)
    if children is None:
        return f"<{node.kind}{shown} />"
    inside = "".join(child(each) for each in (children if isinstance(children, list) else [children]))
    return f"<{node.kind}{shown}>{inside}</{node.kind}>"


def child(node: Expr) -> str:
    return to_hogql(node) if isinstance(node, HogQLXTag) else f"{{{to_hogql(node)}}}"


def attribute(node: HogQLXAttribute) -> str:
    value = node.value
    shown = f"[{listed(value)}]" if isinstance(value, list) else to_hogql(value)
    return f"{node.name}={{{shown}}}"


def every(node: And) -> str:
    return " AND ".join(operand(each) for each in node.exprs)


def some(node: Or) -> str:
    return " OR ".join(operand(each) for each in node.exprs)


def negation(node: Not) -> str:
    """Bare: the parsers read `NOT (…)` as a call of `not`, which means the same and is another tree."""
    text = to_hogql(node.expr)
    return f"NOT ({text})" if isinstance(node.expr, (And, Or)) else f"NOT {text}"


def calculation(node: ArithmeticOperation) -> str:
    return f"{operand(node.left)} {node.op} {operand(node.right)}"


def named_argument(node: NamedArgument) -> str:
    return f"{identifier(node.name)} := {operand(node.value)}"


def type_cast(node: TypeCast) -> str:
    return f"CAST({member(node.expr)} AS {node.type_name})"


def try_cast(node: TryCast) -> str:
    return f"TRY_CAST({member(node.expr)} AS {node.type_name})"


def array(node: Array) -> str:
    return f"[{listed(node.exprs)}]"


def spread(node: SpreadExpr) -> str:
    return f"*{to_hogql(node.expr)}"


def position(node: PositionalRef) -> str:
    return f"#{node.index}"


def placeholder(node: Placeholder) -> str:
    return f"{{{to_hogql(node.expr)}}}"


PRINTER = Printer(to_hogql, operand, listed, member)
_PRINTERS = cast(
    "dict[type[Node], Print]",
    {
        Constant: constant,
        Field: field,
        Alias: alias,
        And: every,
        Or: some,
        Not: negation,
        CompareOperation: compare,
        ArithmeticOperation: calculation,
        BetweenExpr: between,
        IsDistinctFrom: distinct_from,
        OrderExpr: order,
        WithFillExpr: with_fill,
        InterpolateExpr: interpolation,
        Call: call,
        ExprCall: expr_call,
        NamedArgument: named_argument,
        TypeCast: type_cast,
        TryCast: try_cast,
        WindowFunction: window_function,
        WindowExpr: window,
        WindowFrameExpr: frame,
        Lambda: lambda_,
        Array: array,
        Tuple: row,
        Dict: mapping,
        ArrayAccess: access,
        TupleAccess: tuple_access,
        ArraySlice: slice_,
        ColumnsExpr: columns,
        SpreadExpr: spread,
        PositionalRef: position,
        Placeholder: placeholder,
        HogQLXTag: tag,
        HogQLXAttribute: attribute,
        **{kind: partial(show, PRINTER) for kind, show in QUERY_PRINTERS.items()},
    },
)
