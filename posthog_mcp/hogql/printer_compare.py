"""Print comparisons with PostHog's two-valued logic: a comparison is true or false, never NULL.

NULL equals NULL and differs from everything else; `<`, LIKE and IN are false beside NULL, their negations true. A
plain comparison is printed when neither side can be NULL, inside JOIN ON, and where only true counts.
"""

from __future__ import annotations

from posthog_mcp.hogql.printer_columns import instant, print_property
from posthog_mcp.hogql.printer_literals import beside, is_simple
from posthog_mcp.hogql.printer_state import PrintState, Sql
from posthog_mcp.hogql.resolver_compare import TEXT_OPERATORS, text_beside_number
from posthog_mcp.hogql.resolver_scopes import PropertyTarget
from posthog_mcp.hogql.tree_expressions import (
    And,
    Array,
    ArrayAccess,
    BetweenExpr,
    CompareOperation,
    Constant,
    Expr,
    Field,
    IsDistinctFrom,
    Or,
    Tuple,
)
from posthog_mcp.hogql.tree_queries import SelectQuery, SelectSetQuery
from posthog_mcp.hogql.types import Type

INFIX = {
    "==": "=",
    "!=": "!=",
    "<": "<",
    ">": ">",
    "<=": "<=",
    ">=": ">=",
    "like": "LIKE",
    "ilike": "ILIKE",
    "not like": "NOT LIKE",
    "not ilike": "NOT ILIKE",
    "in": "IN",
    "not in": "NOT IN",
    "global in": "IN",
    "global not in": "NOT IN",
}
NEGATIVE = frozenset({"!=", "not like", "not ilike", "not in", "global not in", "!~", "!~*"})
EQUALITY = frozenset({"==", "!=", "in", "not in", "global in", "global not in"})
BOTH_NULL_IS_EQUAL = frozenset({"==", "like", "ilike", "=~", "=~*"})
MEMBERSHIP = frozenset({"in", "not in", "global in", "global not in"})


def condition(state: PrintState, node: Expr) -> str:
    """Print where NULL and false mean the same."""
    expr = node.meant
    if isinstance(expr, (And, Or)):
        word = " AND " if isinstance(expr, And) else " OR "
        return f"({word.join(condition(state, each) for each in expr.exprs)})"
    if isinstance(expr, CompareOperation):
        return print_compare(state, expr, only_true=True).text
    return state.expr(expr).text


def print_compare(state: PrintState, node: CompareOperation, *, only_true: bool = False) -> Sql:
    """`left op right`."""
    for side, other in ((node.right, node.left), (node.left, node.right)):
        if isinstance(side, Constant) and side.value is None and node.op not in MEMBERSHIP:
            return with_null(state, node, other)
    if node.op in MEMBERSHIP and is_array_value(node.right):
        return in_array(state, node)
    if node.op not in MEMBERSHIP and node.op not in TEXT_OPERATORS and (text := text_beside_number(node)):
        raise state.refuse_text(text)
    left, right = sides(state, node)
    text = spelled(node.op, left, right)
    if node.op in MEMBERSHIP:
        return membership(state, node, text, left, only_true)
    if state.in_join:
        return Sql(text, left.nullable or right.nullable)
    return two_valued(node.op, text, left, right, only_true)


def is_array_value(node: Expr) -> bool:
    """An array that is computed; ClickHouse's IN takes constants and queries only."""
    kind = (node.type or Type()).kind
    return kind == "array" and not isinstance(node, (Array, SelectQuery, SelectSetQuery))


def in_array(state: PrintState, node: CompareOperation) -> Sql:
    text = f"has({state.expr(node.right).text}, {state.expr(node.left).text})"
    return Sql(f"(NOT {text})" if node.op in NEGATIVE else text, True)


def two_valued(op: str, text: str, left: Sql, right: Sql, only_true: bool) -> Sql:
    if not left.nullable and not right.nullable:
        return Sql(text)
    if op in NEGATIVE:
        if not (left.nullable and right.nullable):
            return Sql(f"ifNull({text}, true)")
        return Sql(f"ifNull({text}, isNotNull({left.text}) OR isNotNull({right.text}))")
    if op in BOTH_NULL_IS_EQUAL and left.nullable and right.nullable:
        return Sql(f"ifNull({text}, isNull({left.text}) AND isNull({right.text}))")
    return Sql(text, True) if only_true else Sql(f"ifNull({text}, false)")


def spelled(op: str, left: Sql, right: Sql) -> str:
    if op in ("=~", "=~*", "!~", "!~*"):
        pattern = f"concat('(?i)', {right.text})" if op.endswith("*") else right.text
        call = f"match({left.text}, {pattern})"
        return f"(NOT {call})" if op.startswith("!") else call
    return f"({left.text} {INFIX[op]} {right.text})"


def with_null(state: PrintState, node: CompareOperation, other: Expr) -> Sql:
    """A literal NULL on one side: what remains is whether the other one is."""
    sql = state.expr(other)
    negative = node.op in NEGATIVE
    if node.op in BOTH_NULL_IS_EQUAL or negative:
        if isinstance(other, Constant):
            return Sql("true" if (other.value is None) != negative else "false")
        if not sql.nullable:
            return Sql("true" if negative else "false")
        return Sql(f"{'isNotNull' if negative else 'isNull'}({plain_side(state, other).text})")
    return Sql("false")


def membership(state: PrintState, node: CompareOperation, text: str, left: Sql, only_true: bool) -> Sql:
    """IN never is NULL; a NULL in the list is matched by NULL."""
    negative = node.op in NEGATIVE
    listed = node.right.exprs if isinstance(node.right, (Tuple, Array)) else [node.right]
    if any(isinstance(each, Constant) and each.value is None for each in listed) and left.nullable:
        both = f"ifNull({text}, {'false' if negative else 'true'})"
        return Sql(both)
    if not left.nullable:
        return Sql(text, False)
    if only_true and not negative:
        return Sql(text, True)
    return Sql(f"ifNull({text}, {'true' if negative else 'false'})")


def sides(state: PrintState, node: CompareOperation) -> tuple[Sql, Sql]:
    """Both sides, each printed with an eye on the other."""
    if node.op in MEMBERSHIP:
        return one_side(state, node.left, node.right, node.op), list_side(state, node.right, node.left)
    return one_side(state, node.left, node.right, node.op), one_side(state, node.right, node.left, node.op)


def one_side(state: PrintState, node: Expr, other: Expr, op: str) -> Sql:
    text = beside(state, node, other.type)
    if text:
        return text
    kind, facing = node.type or Type(), other.type or Type()
    if kind.kind == "datetime":
        return instant(state, node)
    if kind.kind == "date" and facing.kind == "datetime":
        return Sql(f"toDateTime64({state.expr(node).text}, 6, {state.timezone})", state.expr(node).nullable)
    literals = other.exprs if isinstance(other, (Tuple, Array)) else [other]
    if op in EQUALITY and kind.kind == "string" and all(is_simple(each) for each in literals):
        return plain_side(state, node)
    return state.expr(node)


def plain_side(state: PrintState, node: Expr) -> Sql:
    """A property beside simple literals or NULL: its escapes cannot show."""
    target = node.target if isinstance(node, (Field, ArrayAccess)) else None
    if isinstance(target, PropertyTarget):
        return print_property(state, node, target, plain=True)
    return state.expr(node)


def list_side(state: PrintState, node: Expr, left: Expr) -> Sql:
    """The right side of IN: a list of literals is one bound array where no text needs escapes."""
    node = node.meant
    if isinstance(node, (SelectQuery, SelectSetQuery)):
        return state.expr(node)
    items = node.exprs if isinstance(node, (Tuple, Array)) else None
    if items is None:
        if not isinstance(node, Constant):
            return state.expr(node)
        items = [node]
    times = [beside(state, each, left.type) for each in items]
    texts = [each.value for each in items if isinstance(each, Constant) and isinstance(each.value, str)]
    simple = len(texts) == len(items) > 1 and all(map(is_simple, items)) and not any("'" in text for text in texts)
    if simple and not any(times) and (left.type or Type()).kind == "string":
        quoted = ", ".join(f"'{text}'" for text in texts)
        return Sql(state.bind(f"[{quoted}]", "Array(String)"))
    parts = [(time or state.expr(each)).text for time, each in zip(times, items, strict=True)]
    return Sql(f"tuple({', '.join(parts)})")


def print_between(state: PrintState, node: BetweenExpr) -> Sql:
    """BETWEEN is false beside NULL, NOT BETWEEN true."""
    value = one_side(state, node.expr, node.low, "<")
    low, high = one_side(state, node.low, node.expr, "<"), one_side(state, node.high, node.expr, "<")
    text = f"({value.text} {'NOT ' if node.negated else ''}BETWEEN {low.text} AND {high.text})"
    if not (value.nullable or low.nullable or high.nullable):
        return Sql(text)
    return Sql(f"ifNull({text}, {'true' if node.negated else 'false'})")


def print_distinct_from(state: PrintState, node: IsDistinctFrom) -> Sql:
    equal = CompareOperation(node.left, node.right, "==" if node.negated else "!=")
    return print_compare(state, equal)
