"""PIVOT and UNPIVOT in FROM, as the plain SELECT that each stands for.

PIVOT gives a column for every value and aggregate (`value`, or `value_aggregate` when there are several), grouped by
GROUP BY or, without one, by every column that it does not use. UNPIVOT gives a row for every listed column, NULLs left
out unless INCLUDE NULLS.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import product

from posthog_mcp.hogql.tree import walk
from posthog_mcp.hogql.tree_expressions import (
    Alias,
    And,
    Array,
    Call,
    ColumnsExpr,
    CompareOperation,
    Constant,
    Expr,
    Field,
    Tuple,
    TupleAccess,
)
from posthog_mcp.hogql.tree_queries import JoinExpr, PivotExpr, Query, SelectQuery, SelectSetQuery, UnpivotExpr

PAIR = "__unpivoted"


def pivoted(node: PivotExpr) -> SelectQuery | None:
    """The SELECT that a PIVOT stands for; None where it has a form that we do not know."""
    at = node.place
    lists = [each.values for each in node.columns]
    if not node.columns or not all(isinstance(named(each)[1], Call) for each in node.aggregates):
        return None
    columns: list[Expr] = []
    for values in product(*lists):
        conditions: list[Expr] = [
            CompareOperation(copy.deepcopy(column.column), named(value)[1], "==", **at)
            for column, value in zip(node.columns, values, strict=True)
        ]
        label = "_".join(named(value)[0] or literal_name(named(value)[1]) for value in values)
        for aggregate in node.aggregates:
            own, call = named(aggregate)
            name = label if len(node.aggregates) == 1 and not own else f"{label}_{own or literal_call(call)}"
            columns.append(Alias(name, filtered(call, conditions), **at))
    source = JoinExpr(table=node.table, **at)
    if node.group_by:
        keys = [copy.deepcopy(each) for each in node.group_by]
        return SelectQuery([*keys, *columns], select_from=source, group_by=copy.deepcopy(node.group_by), **at)
    fields = [each for part in [*node.aggregates, *node.columns] for each in walk(part) if isinstance(each, Field)]
    used = {str(each.chain[-1]) for each in fields if each.chain != ["*"]}
    rest = ColumnsExpr(all_columns=True, exclude=sorted(used), may_be_empty=True, **at)
    return SelectQuery([rest, *columns], select_from=source, group_by_mode="all", **at)


def named(expr: Expr) -> tuple[str, Expr]:
    return (expr.alias, expr.expr) if isinstance(expr, Alias) else ("", expr)


def literal_name(value: Expr) -> str:
    return str(value.value) if isinstance(value, Constant) else ""


def literal_call(call: Expr) -> str:
    return call.name if isinstance(call, Call) else ""


def filtered(call: Expr, conditions: Sequence[Expr]) -> Expr:
    """An aggregate over the rows where the conditions hold."""
    made = copy.deepcopy(call)
    if isinstance(made, Call):
        own = [made.filter_expr] if made.filter_expr else []
        every = [*own, *(copy.deepcopy(each) for each in conditions)]
        made.filter_expr = every[0] if len(every) == 1 else And(every, **call.place)
    return made


def unpivoted(node: UnpivotExpr) -> SelectQuery | None:
    """The SELECT that an UNPIVOT stands for; None for several value columns at once."""
    at = node.place
    if len(node.columns) != 1:
        return None
    column = node.columns[0]
    if not isinstance(column.name_columns, Field) or not isinstance(column.value_columns, Field):
        return None
    fields = [named(each) for each in column.unpivot_values]
    if not all(isinstance(field, Field) for _, field in fields):
        return None
    used = [str(field.chain[-1]) for _, field in fields if isinstance(field, Field)]
    pairs: list[Expr] = [
        Tuple([Constant(label or name, **at), field], **at) for (label, field), name in zip(fields, used, strict=True)
    ]
    pair = Field([PAIR], **at)
    value = TupleAccess(pair, 2, **at)
    select: list[Expr] = [
        ColumnsExpr(all_columns=True, exclude=used, may_be_empty=True, **at),
        Alias(str(column.name_columns.chain[-1]), TupleAccess(pair, 1, **at), **at),
        Alias(str(column.value_columns.chain[-1]), value, **at),
    ]
    there = CompareOperation(copy.deepcopy(value), Constant(None, **at), "!=", **at)
    return SelectQuery(
        select,
        select_from=JoinExpr(table=node.table, **at),
        array_join_op="ARRAY JOIN",
        array_join_list=[Alias(PAIR, Array(pairs, **at), **at)],
        where=None if node.include_nulls else there,
        **at,
    )


def query_of(node: PivotExpr | UnpivotExpr) -> Query | None:
    made = pivoted(node) if isinstance(node, PivotExpr) else unpivoted(node)
    inner = node.table
    return made if isinstance(inner, (Field, SelectQuery, SelectSetQuery, PivotExpr, UnpivotExpr)) else None
