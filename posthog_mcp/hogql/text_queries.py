"""Print SELECT, set operations, FROM and WITH as HogQL; expressions are `text.py`'s, which lends its functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from posthog_mcp.hogql.text_names import identifier
from posthog_mcp.hogql.tree_expressions import Expr, Node, Tuple
from posthog_mcp.hogql.tree_queries import (
    CTE,
    GroupingSet,
    JoinConstraint,
    JoinExpr,
    LimitByExpr,
    PivotColumn,
    PivotExpr,
    RatioExpr,
    SampleExpr,
    SelectQuery,
    SelectSetNode,
    SelectSetQuery,
    UnpivotColumn,
    UnpivotExpr,
    ValuesQuery,
)

GROUP_MODES = {"rollup": "ROLLUP ", "cube": "CUBE ", "grouping_sets": "GROUPING SETS "}


@dataclass(frozen=True, slots=True)
class Printer:
    """How expressions are printed: as they are, as part of a greater one, as one that stands alone, in a list."""

    text: Callable[[Node], str]
    operand: Callable[[Expr], str]
    whole: Callable[[Expr], str]
    listed: Callable[[Sequence[Node]], str]
    member: Callable[[Node], str]


QueryPrint: TypeAlias = Callable[[Printer, Any], str]


def select(p: Printer, node: SelectQuery) -> str:
    parts = [ctes(p, node.ctes), f"SELECT {'DISTINCT ' if node.distinct else ''}{p.listed(node.select)}"]
    if node.select_from:
        parts.append(f"FROM {joins(p, node.select_from)}")
    if node.array_join_list:
        parts.append(f"{node.array_join_op} {p.listed(node.array_join_list)}")
    for word, expr in (("PREWHERE", node.prewhere), ("WHERE", node.where)):
        parts.append(f"{word} {p.whole(expr)}" if expr else "")
    parts.append(grouping(p, node))
    for word, expr in (("HAVING", node.having), ("QUALIFY", node.qualify)):
        parts.append(f"{word} {p.whole(expr)}" if expr else "")
    if node.window_exprs:
        windows = [f"{identifier(name)} AS ({p.text(each)})" for name, each in node.window_exprs.items()]
        parts.append(f"WINDOW {', '.join(windows)}")
    if node.order_by:
        parts.append(f"ORDER BY {p.listed(node.order_by)}")
    if node.interpolate is not None:
        parts.append(f"INTERPOLATE ({p.listed(node.interpolate)})" if node.interpolate else "INTERPOLATE")
    if node.limit_by:
        parts.append(limit_by(p, node.limit_by))
    return " ".join(part for part in [*parts, limits(p, node)] if part)


def ctes(p: Printer, nodes: Sequence[CTE] | None) -> str:
    if not nodes:
        return ""
    return f"WITH {'RECURSIVE ' if nodes[0].recursive else ''}{', '.join(cte(p, each) for each in nodes)}"


def cte(p: Printer, node: CTE) -> str:
    if node.cte_type == "column":
        return f"{p.whole(node.expr)} AS {identifier(node.name)}"
    listed = f" ({', '.join(map(identifier, node.columns))})" if node.columns else ""
    key = f" USING KEY ({', '.join(map(identifier, node.using_key))})" if node.using_key else ""
    hint = {None: "", True: "MATERIALIZED ", False: "NOT MATERIALIZED "}[node.materialized]
    return f"{identifier(node.name)}{listed}{key} AS {hint}({p.text(node.expr)})"


def joins(p: Printer, node: JoinExpr) -> str:
    text = table(p, node)
    if node.next_join:
        text += f" {node.next_join.join_type} {joins(p, node.next_join)}"
    return text


def table(p: Printer, node: JoinExpr) -> str:
    """A table with what stands behind it, its join's condition last."""
    text = p.member(node.table) if node.table else ""
    if node.table_args is not None:
        text += f"({p.listed(node.table_args)})"
    if node.alias:
        text += f" AS {identifier(node.alias)}"
    if node.column_aliases:
        text += f" ({', '.join(map(identifier, node.column_aliases))})"
    if node.table_final:
        text += " FINAL"
    if node.sample:
        text += f" {p.text(node.sample)}"
    return f"{text} {p.text(node.constraint)}" if node.constraint else text


def constraint(p: Printer, node: JoinConstraint) -> str:
    if node.constraint_type == "ON":
        return f"ON {p.whole(node.expr)}"
    names = node.expr.exprs if isinstance(node.expr, Tuple) else [node.expr]
    return f"USING ({p.listed(names)})"


def sample(p: Printer, node: SampleExpr) -> str:
    skip = f" OFFSET {p.text(node.offset_value)}" if node.offset_value else ""
    return f"SAMPLE {p.text(node.sample_value)}{skip}"


def ratio(p: Printer, node: RatioExpr) -> str:
    return p.text(node.left) + (f"/{p.text(node.right)}" if node.right else "")


def grouping(p: Printer, node: SelectQuery) -> str:
    if node.group_by_mode == "all":
        return "GROUP BY ALL"
    if node.group_by is None:
        return ""
    mode = GROUP_MODES.get(node.group_by_mode or "", "")
    return f"GROUP BY {mode}({p.listed(node.group_by)})" if mode else f"GROUP BY {p.listed(node.group_by)}"


def limit_by(p: Printer, node: LimitByExpr) -> str:
    skip = f" OFFSET {p.operand(node.offset_value)}" if node.offset_value else ""
    return f"LIMIT {p.operand(node.n)}{skip} BY {p.listed(node.exprs)}"


def limits(p: Printer, node: SelectQuery | SelectSetQuery) -> str:
    text = ""
    if node.limit:
        text = f"LIMIT {p.operand(node.limit)}{' %' if node.limit_percent else ''}"
        text += " WITH TIES" if node.limit_with_ties else ""
    if node.offset:
        text += f"{' ' if text else ''}OFFSET {p.operand(node.offset)}"
    return text


def set_query(p: Printer, node: SelectSetQuery) -> str:
    """Members in order; in brackets where they have a limit or members of their own, or the whole has a limit."""
    parts = [set_member(p, node.initial_select_query)]
    parts += [f"{each.set_operator} {set_member(p, each.select_query)}" for each in node.subsequent_select_queries]
    text = " ".join(parts)
    limit = limits(p, node)
    return f"({text}) {limit}" if limit else text


def set_member(p: Printer, node: Expr) -> str:
    return f"({p.text(node)})"


def pivoted(p: Printer, node: Expr) -> str:
    """What PIVOT works on; joined tables in brackets."""
    return f"({p.text(node)})" if isinstance(node, JoinExpr) and node.next_join else p.member(node)


def pivot(p: Printer, node: PivotExpr) -> str:
    groups = f" GROUP BY {p.listed(node.group_by)}" if node.group_by else ""
    columns = " ".join(p.text(each) for each in node.columns)
    return f"{pivoted(p, node.table)} PIVOT ({p.listed(node.aggregates)} FOR {columns}{groups})"


def unpivot(p: Printer, node: UnpivotExpr) -> str:
    nulls = " INCLUDE NULLS" if node.include_nulls else ""
    return f"{pivoted(p, node.table)} UNPIVOT{nulls} ({', '.join(p.text(each) for each in node.columns)})"


def unpivot_column(p: Printer, node: UnpivotColumn) -> str:
    return f"{p.text(node.value_columns)} FOR {p.text(node.name_columns)} IN ({p.listed(node.unpivot_values)})"


def values(p: Printer, node: ValuesQuery) -> str:
    return "VALUES " + ", ".join(f"({p.listed(row)})" for row in node.rows)


def set_node(p: Printer, node: SelectSetNode) -> str:
    return f"{node.set_operator} {set_member(p, node.select_query)}"


def grouping_set(p: Printer, node: GroupingSet) -> str:
    return f"({p.listed(node.exprs)})"


def pivot_column(p: Printer, node: PivotColumn) -> str:
    return f"{p.text(node.column)} IN ({p.listed(node.values)})"


QUERY_PRINTERS = cast(
    "dict[type[Node], QueryPrint]",
    {
        SelectQuery: select,
        SelectSetQuery: set_query,
        SelectSetNode: set_node,
        CTE: cte,
        JoinExpr: joins,
        JoinConstraint: constraint,
        SampleExpr: sample,
        RatioExpr: ratio,
        GroupingSet: grouping_set,
        LimitByExpr: limit_by,
        PivotExpr: pivot,
        PivotColumn: pivot_column,
        UnpivotExpr: unpivot,
        UnpivotColumn: unpivot_column,
        ValuesQuery: values,
    },
)
