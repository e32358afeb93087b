"""Random syntax trees, of the shapes that the parsers give: material for property tests of what prints them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from posthog_mcp.hogql.tree import (
    And,
    ArithmeticOperation,
    Array,
    ArrayAccess,
    BetweenExpr,
    Call,
    CompareOperation,
    Constant,
    Expr,
    Field,
    IsDistinctFrom,
    JoinConstraint,
    JoinExpr,
    Lambda,
    LimitByExpr,
    Not,
    Or,
    OrderExpr,
    Placeholder,
    SelectQuery,
    SelectSetNode,
    SelectSetQuery,
    Tuple,
    TypeCast,
    WindowExpr,
    WindowFunction,
)
from posthog_mcp.hogql.tree_expressions import Alias

WORDS = [
    "event",
    "properties",
    "$browser",
    "select",
    "Order",
    "x y",
    "naïve",
    "from",
    "a",
    "TEAM",
    "🦔",
    "1st",
    "as",
    "`b",
]
names = st.sampled_from(WORDS)
texts = st.one_of(
    st.sampled_from(["", "it's", "a\\b", "\n\t", "%", "{x}", "«»", "--", "/*"]), st.text(max_size=8)
).filter(lambda text: "\0" not in text and not any("\ud800" <= each <= "\udfff" for each in text))
constants = st.one_of(
    st.builds(Constant, texts),
    st.builds(Constant, st.integers(0, 2**40)),
    st.builds(Constant, st.sampled_from([None, True, False, 0.5, 1.5e30, 2.25])),
)
fields = st.builds(Field, st.lists(names, min_size=1, max_size=3))
COMPARE = ["==", "!=", "<", ">=", "like", "not ilike", "in", "not in", "=~", "!~*", "in cohort", "not in cohort"]


def compound(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    """Expressions made of expressions."""
    many = st.lists(inner, min_size=2, max_size=3)
    few = st.lists(inner, max_size=2)
    calls = ["count", "toDate", "if", "left", "arrayMap", "any"]
    return st.one_of(
        st.builds(lambda parts: And([flat(each, And) for each in parts]), many),
        st.builds(lambda parts: Or([flat(each, Or) for each in parts]), many),
        # The parsers read `NOT (…)` as a call, so only what begins with a name stands under Not.
        st.builds(Not, st.one_of(fields, st.builds(CompareOperation, fields, constants, st.sampled_from(["==", "<"])))),
        st.builds(CompareOperation, inner, inner, st.sampled_from(COMPARE)),
        st.builds(ArithmeticOperation, inner, inner, st.sampled_from(["+", "-", "*", "/", "%"])),
        st.builds(BetweenExpr, inner, inner, inner, st.booleans()),
        st.builds(IsDistinctFrom, inner, inner, st.booleans()),
        st.builds(Array, few),
        st.builds(Tuple, many),
        st.builds(ArrayAccess, inner, inner, st.just(False)),
        st.builds(TypeCast, inner, st.sampled_from(["int", "text", "date"])),
        st.builds(Call, st.sampled_from(calls), few),
        st.builds(lambda a, b: Call("sum", [a], distinct=True, filter_expr=b), inner, inner),
        st.builds(lambda a, b: Call("quantile", [a], params=[b]), inner, constants),
        st.builds(lambda a, b: Call("arrayMap", [Lambda(["v", "w"], a), b]), inner, inner),
        st.builds(window, inner, inner),
        st.builds(Placeholder, fields),
    )


def flat(part: Expr, kind: type[And] | type[Or]) -> Expr:
    """The parsers make one AND of AND in AND."""
    while isinstance(part, kind):
        part = part.exprs[0]
    return part


def window(argument: Expr, key: Expr) -> WindowFunction:
    over = WindowExpr(partition_by=[key], order_by=[OrderExpr(argument, "DESC")])
    return WindowFunction("sum", args=[], exprs=[argument], over_expr=over)


expressions = st.recursive(st.one_of(constants, fields), compound, max_leaves=8)


@st.composite
def joins(draw: st.DrawFn) -> JoinExpr:
    table = JoinExpr(table=Field(draw(st.lists(names, min_size=1, max_size=2))), alias=draw(st.none() | names))
    if draw(st.booleans()):
        joined = JoinExpr(table=Field([draw(names)]), alias=draw(names), join_type="LEFT JOIN")
        joined.constraint = JoinConstraint(draw(expressions))
        table.next_join = joined
    return table


@st.composite
def selects(draw: st.DrawFn) -> SelectQuery:
    def maybe(strategy: st.SearchStrategy[Any]) -> Any:
        return draw(st.none() | strategy)

    columns = draw(st.lists(st.one_of(expressions, st.builds(Alias, names, expressions)), min_size=1, max_size=3))
    query = SelectQuery(columns, distinct=draw(st.booleans()))
    query.select_from = maybe(joins())
    if query.select_from:
        query.where = maybe(expressions)
        query.group_by = maybe(st.lists(expressions, min_size=1, max_size=2))
        query.having = maybe(expressions) if query.group_by else None
    query.order_by = maybe(
        st.lists(st.builds(OrderExpr, expressions, st.sampled_from(["ASC", "DESC"])), min_size=1, max_size=2)
    )
    if query.order_by:
        query.limit_by = maybe(
            st.builds(LimitByExpr, st.builds(Constant, st.integers(1, 9)), st.lists(fields, min_size=1, max_size=2))
        )
    query.limit = maybe(st.builds(Constant, st.integers(0, 99)))
    query.offset = maybe(st.builds(Constant, st.integers(0, 99))) if query.limit else None
    return query


@st.composite
def set_queries(draw: st.DrawFn) -> SelectSetQuery:
    operators = st.sampled_from(["UNION ALL", "UNION DISTINCT", "INTERSECT", "EXCEPT"])
    more = [SelectSetNode(draw(selects()), draw(operators)) for _ in range(draw(st.integers(1, 2)))]
    return SelectSetQuery(draw(selects()), more)


queries = st.one_of(selects(), selects(), set_queries())
