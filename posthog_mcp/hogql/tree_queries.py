"""Query nodes of the syntax tree: SELECT, set operations, FROM and joins, CTEs, PIVOT, VALUES, LIMIT BY.

Data only; `tree.py` builds and visits them, `tree_expressions.py` has what stands inside them. The resolver
writes the names a SELECT sees into `scope`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from posthog_mcp.hogql.tree_expressions import Constant, Expr, Node, OrderExpr, WindowExpr

if TYPE_CHECKING:
    from posthog_mcp.hogql.resolver_scopes import SelectScope, Source


@dataclass(slots=True)
class RatioExpr(Expr):
    left: Constant
    right: Constant | None = None


@dataclass(slots=True)
class SampleExpr(Expr):
    sample_value: RatioExpr
    offset_value: RatioExpr | None = None


@dataclass(slots=True)
class JoinConstraint(Expr):
    """`expr` of USING is a Field or a Tuple of them."""

    expr: Expr
    constraint_type: Literal["ON", "USING"] = "ON"


@dataclass(slots=True)
class JoinExpr(Expr):
    """One table of FROM; `join_type` and `constraint` say how it joins the ones before it."""

    table: Expr | None = None
    alias: str | None = None
    join_type: str | None = None
    constraint: JoinConstraint | None = None
    next_join: JoinExpr | None = None
    table_args: list[Expr] | None = None
    column_aliases: list[str] | None = None
    table_final: bool | None = None
    sample: SampleExpr | None = None
    source: Source | None = field(default=None, compare=False, repr=False)


@dataclass(slots=True)
class PivotColumn(Expr):
    column: Expr
    values: list[Expr]


@dataclass(slots=True)
class PivotExpr(Expr):
    table: Expr
    aggregates: list[Expr]
    columns: list[PivotColumn]
    group_by: list[Expr] | None = None


@dataclass(slots=True)
class UnpivotColumn(Expr):
    value_columns: Expr
    name_columns: Expr
    unpivot_values: list[Expr]


@dataclass(slots=True)
class UnpivotExpr(Expr):
    table: Expr
    columns: list[UnpivotColumn]
    include_nulls: bool = False


@dataclass(slots=True)
class ValuesQuery(Expr):
    rows: list[list[Expr]]


@dataclass(slots=True)
class GroupingSet(Expr):
    exprs: list[Expr]


@dataclass(slots=True)
class LimitByExpr(Expr):
    n: Expr
    exprs: list[Expr]
    offset_value: Expr | None = None


@dataclass(slots=True)
class CTE(Expr):
    """`name AS (query)` (subquery) or `expr AS name` (column)."""

    name: str
    expr: Expr
    cte_type: Literal["column", "subquery"] = "subquery"
    recursive: bool = False
    materialized: bool | None = None
    columns: list[str] | None = None
    using_key: list[str] | None = None


@dataclass(slots=True)
class SelectQuery(Expr):
    select: list[Expr]
    ctes: list[CTE] | None = None
    distinct: bool = False
    select_from: JoinExpr | None = None
    array_join_op: str | None = None
    array_join_list: list[Expr] | None = None
    prewhere: Expr | None = None
    where: Expr | None = None
    group_by: list[Expr] | None = None
    group_by_mode: Literal["all", "rollup", "cube", "grouping_sets"] | None = None
    having: Expr | None = None
    qualify: Expr | None = None
    window_exprs: dict[str, WindowExpr] | None = None
    order_by: list[OrderExpr] | None = None
    interpolate: list[Expr] | None = None
    limit_by: LimitByExpr | None = None
    limit: Expr | None = None
    offset: Expr | None = None
    limit_with_ties: bool = False
    limit_percent: bool = False
    scope: SelectScope | None = field(default=None, compare=False, repr=False)


@dataclass(slots=True)
class SelectSetNode(Node):
    select_query: Query
    set_operator: str


@dataclass(slots=True)
class SelectSetQuery(Expr):
    """`a UNION ALL b EXCEPT c …`, flat, in the order written."""

    initial_select_query: Query
    subsequent_select_queries: list[SelectSetNode]
    limit: Expr | None = None
    offset: Expr | None = None
    limit_with_ties: bool = False
    limit_percent: bool = False

    def queries(self) -> list[Query]:
        """All members in order."""
        return [self.initial_select_query, *(part.select_query for part in self.subsequent_select_queries)]


Query: TypeAlias = "SelectQuery | SelectSetQuery"
