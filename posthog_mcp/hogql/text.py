"""Print a tree as HogQL: parsing the text gives an equal tree again, by either parser.

Brackets stand only where the grammar needs them: `NOT (a = b) AND c` would be read as a call of `not`. Comments and
layout are the author's and not in the tree: to lay out a query use `layout.py`. What the parsers write as calls (`||`,
`??`, INTERVAL, CASE without a subject) is printed as the calls that they are. Queries are in `text_queries.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias, cast

from posthog_mcp.hogql.spelling import text_literal
from posthog_mcp.hogql.text_levels import LEVELS, Level
from posthog_mcp.hogql.text_names import called, identifier
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
from posthog_mcp.hogql.tree_queries import SelectQuery, SelectSetQuery, ValuesQuery

# Each printer takes its own node class; the table pairs them, which types cannot say.
Print: TypeAlias = Callable[[Any], str]

NUMBERS = {"Infinity": "inf", "-Infinity": "-inf", "NaN": "nan"}
QUERIES = (SelectQuery, SelectSetQuery, ValuesQuery)


def to_hogql(node: Node) -> str:
    """A node as HogQL text.

    Raises:
        TypeError: a node that no parser gives.
    """
    show = _PRINTERS.get(type(node))
    if show is None:
        raise TypeError(f"{type(node).__name__} has no HogQL spelling")
    return show(node)


def operand(node: Expr, at_least: Level = Level.VALUE) -> str:
    """A part of an expression, in brackets if it holds together less tightly than its place asks."""
    text = to_hogql(node)
    return f"({text})" if isinstance(node, QUERIES) or level(node) < at_least else text


def level(node: Expr) -> Level:
    if isinstance(node, ArithmeticOperation):
        return Level.SUM if node.op in "+-" else Level.PRODUCT
    if isinstance(node, Constant):
        return Level.SIGNED if constant(node).startswith("-") else Level.VALUE
    return LEVELS.get(type(node), Level.VALUE)


def listed(nodes: Sequence[Node]) -> str:
    """Members of a list; a query among them in brackets."""
    return ", ".join(member(each) for each in nodes)


def member(node: Node) -> str:
    text = to_hogql(node)
    return f"({text})" if isinstance(node, QUERIES) else text


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
    return f"{operand(node.expr, Level.OR)} AS {identifier(node.alias)}"


def compare(node: CompareOperation) -> str:
    left = operand(node.left, Level.COMPARE)
    if node.is_null_comparison_style:
        return f"{left} IS {'NOT ' if node.op == '!=' else ''}NULL"
    right = operand(node.right, Level.SUM)
    if node.op in ("in", "not in") and isinstance(node.right, Constant):
        right = f"({right})"
    return f"{left} {'=' if node.op == '==' else node.op.upper()} {right}"


def between(node: BetweenExpr) -> str:
    word = "NOT BETWEEN" if node.negated else "BETWEEN"
    parts = [operand(each, Level.DISTINCT_FROM) for each in (node.expr, node.low, node.high)]
    return f"{parts[0]} {word} {parts[1]} AND {parts[2]}"


def distinct_from(node: IsDistinctFrom) -> str:
    word = "IS NOT DISTINCT FROM" if node.negated else "IS DISTINCT FROM"
    return f"{operand(node.left, Level.COMPARE)} {word} {operand(node.right, Level.COMPARE)}"


def order(node: OrderExpr) -> str:
    fill = f" {with_fill(node.with_fill)}" if node.with_fill else ""
    return f"{operand(node.expr, Level.OR)} {node.order}{fill}"


def with_fill(node: WithFillExpr) -> str:
    parts = (("FROM", node.from_value), ("TO", node.to_value), ("STEP", node.step_value))
    return "WITH FILL" + "".join(f" {word} {operand(value)}" for word, value in parts if value)


def interpolation(node: InterpolateExpr) -> str:
    return f"{operand(node.expr)} AS {operand(node.value)}" if node.value else to_hogql(node.expr)


def call(node: Call) -> str:
    """`name(params)(DISTINCT args ORDER BY …) FILTER (WHERE …)`, or `name(params) WITHIN GROUP (…)`."""
    if is_case(node):
        return case(node.args)
    if node.name.lower() == "exists" and len(node.args) == 1 and isinstance(node.args[0], QUERIES):
        return f"{node.name}({to_hogql(node.args[0])})"
    if node.within_group:
        given = listed(node.params or node.args)
        return f"{called(node.name)}({given}) WITHIN GROUP (ORDER BY {listed(node.within_group)})"
    params = f"({listed(node.params)})" if node.params is not None else ""
    ordered = f" ORDER BY {listed(node.order_by)}" if node.order_by else ""
    text = f"{called(node.name)}{params}({'DISTINCT ' if node.distinct else ''}{listed(node.args)}{ordered})"
    if node.filter_expr:
        text += f" FILTER (WHERE {operand(node.filter_expr, Level.OR)})"
    return text


def is_case(node: Call) -> bool:
    """CASE with a subject: that, pairs of WHEN and THEN, and ELSE."""
    many = len(node.args)
    return node.name == "_caseWithExpression" and many > 2 and many % 2 == 0 and node == Call(node.name, node.args)


def case(args: Sequence[Expr]) -> str:
    """CASE of a subject: the call that it is read as has a name that PostHog does not know."""
    pairs = zip(args[1:-1:2], args[2:-1:2], strict=True)
    whens = "".join(f" WHEN {operand(when, Level.OR)} THEN {operand(then, Level.OR)}" for when, then in pairs)
    return f"CASE {operand(args[0], Level.OR)}{whens} ELSE {operand(args[-1], Level.OR)} END"


def expr_call(node: ExprCall) -> str:
    inner = node.expr
    if isinstance(inner, TypeCast):
        return f"{operand(inner.expr)}::{inner.type_name}({listed(node.args)})"
    return f"({to_hogql(inner)})({listed(node.args)})"


def window_function(node: WindowFunction) -> str:
    params = f"({listed(node.exprs or [])})"
    args = f"({listed(node.args)})" if node.args else ""
    over = identifier(node.over_identifier) if node.over_identifier else f"({window(node.over_expr or WindowExpr())})"
    return f"{called(node.name)}{params}{args} OVER {over}"


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
    return f"({', '.join(map(identifier, node.args))}) -> {operand(node.expr, Level.OR)}"


def row(node: Tuple) -> str:
    return f"({listed(node.exprs)}{',' if len(node.exprs) == 1 else ''})"


def mapping(node: Dict) -> str:
    return "{" + ", ".join(f"{operand(key, Level.OR)}: {operand(value, Level.OR)}" for key, value in node.items) + "}"


def access(node: ArrayAccess) -> str:
    return f"{operand(node.array)}{'?.' if node.nullish else ''}[{member(node.property)}]"


def tuple_access(node: TupleAccess) -> str:
    # A number before the dot would swallow it.
    inner = f"({to_hogql(node.tuple)})" if isinstance(node.tuple, Constant) else operand(node.tuple)
    return f"{inner}{'?.' if node.nullish else '.'}{node.index}"


def slice_(node: ArraySlice) -> str:
    bounds = [operand(each, Level.SUM) if each else "" for each in (node.start_expr, node.end_expr)]
    return f"{operand(node.array)}[{bounds[0]}:{bounds[1]}]"


def columns(node: ColumnsExpr) -> str:
    """`*` with EXCLUDE and REPLACE, or COLUMNS(…)."""
    exclude = f" EXCLUDE ({', '.join(map(identifier, node.exclude))})" if node.exclude else ""
    if node.regex is not None:
        return f"COLUMNS({text_literal(node.regex)}){exclude}"
    if node.columns is not None:
        only = node.columns[0] if len(node.columns) == 1 else None
        # A lone text would be read as a pattern.
        text = isinstance(only, Constant) and isinstance(only.value, str)
        return f"COLUMNS({f'({listed(node.columns)})' if text else listed(node.columns)}){exclude}"
    if node.replace:
        pairs = ", ".join(f"{operand(expr, Level.OR)} AS {identifier(name)}" for name, expr in node.replace.items())
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
    return to_hogql(node) if isinstance(node, HogQLXTag) else f"{{{member(node)}}}"


def attribute(node: HogQLXAttribute) -> str:
    value = node.value
    shown = f"[{listed(value)}]" if isinstance(value, list) else member(value)
    return f"{node.name}={{{shown}}}"


def every(node: And) -> str:
    return " AND ".join(operand(each, Level.NOT) for each in node.exprs)


def some(node: Or) -> str:
    return " OR ".join(operand(each, Level.AND) for each in node.exprs)


def negation(node: Not) -> str:
    """What begins with a bracket comes back as a call of `not`: no text says it otherwise."""
    return f"NOT {operand(node.expr, Level.NOT)}"


def calculation(node: ArithmeticOperation) -> str:
    """Left to right, so the right side must hold together more tightly."""
    own = level(node)
    return f"{operand(node.left, own)} {node.op} {operand(node.right, Level(own + 1))}"


def named_argument(node: NamedArgument) -> str:
    return f"{identifier(node.name)} := {operand(node.value, Level.OR)}"


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
    return f"{{{member(node.expr)}}}"


PRINTER = Printer(to_hogql, operand, partial(operand, at_least=Level.OR), listed, member)
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
