"""Fill `{name}`, `{variables.x}`, `{filters}` and `{filters.dateRange.from}` with expressions, before resolving.

Values become literals: a list stands as an array, or as the list of an IN. `{filters}` becomes conditions on the
table that its SELECT reads, or TRUE. What has no value stays, and the resolver names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from posthog_mcp.hogql.catalogue import Catalogue
from posthog_mcp.hogql.diagnostics import Diagnostic, diagnostic
from posthog_mcp.hogql.filters import conditions, date_bounds, literal_time
from posthog_mcp.hogql.tree import Node, children, rewrite
from posthog_mcp.hogql.tree_expressions import And, Array, CompareOperation, Constant, Expr, Field, Placeholder, Tuple
from posthog_mcp.hogql.tree_queries import SelectQuery
from posthog_mcp.results import Json


@dataclass(frozen=True, slots=True)
class Filling:
    """What placeholders stand for. `now` is in the project's time zone."""

    values: Mapping[str, Json]
    filters: Mapping[str, Json]
    variables: Mapping[str, Json]
    now: datetime


def fill(tree: Node, query: str, filling: Filling, catalogue: Catalogue) -> list[Diagnostic]:
    """Replace placeholders in place; returns warnings about filters that cannot be applied here."""
    notes: list[Diagnostic] = []
    if "{" not in query:
        return notes
    fill_filters(tree, None, query, filling, catalogue, notes)
    rewrite(tree, lambda node: filled(node, filling))
    return notes


def filled(node: Node, filling: Filling) -> Node:
    if isinstance(node, CompareOperation) and any(unset_date(each, filling) for each in (node.left, node.right)):
        return Constant(True, **node.place)
    if isinstance(node, CompareOperation) and node.op in ("in", "not in") and isinstance(node.right, Array):
        node.right = (
            Tuple(node.right.exprs, start=node.right.start, end=node.right.end) if node.right.exprs else node.right
        )
        return node
    return value_of(node, filling) if isinstance(node, Placeholder) else node


def name_of(node: Node) -> list[str]:
    inner = node.expr if isinstance(node, Placeholder) else None
    return [str(part) for part in inner.chain] if isinstance(inner, Field) else []


def unset_date(node: Node, filling: Filling) -> bool:
    """`timestamp > {filters.dateRange.from}` holds for every row when no such bound is given."""
    name = name_of(node)
    return name[:2] == ["filters", "dateRange"] and bound(name, filling) is None


def bound(name: list[str], filling: Filling) -> datetime | None:
    low, high = date_bounds(filling.filters, filling.now)
    return {"from": low, "to": high}.get(name[-1]) if len(name) == 3 else None


def value_of(node: Placeholder, filling: Filling) -> Node:
    if node.meaning:
        return node.meaning
    name = name_of(node)
    place = node.place
    if name[:2] == ["filters", "dateRange"]:
        moment = bound(name, filling)
        return Constant(literal_time(moment), **place) if moment else node
    if len(name) == 2 and name[0] == "variables" and name[1] in filling.variables:
        return as_expr(filling.variables[name[1]], node)
    if len(name) == 1 and name[0] in filling.values:
        return as_expr(filling.values[name[0]], node)
    return node


def as_expr(value: Json, node: Placeholder) -> Expr:
    """A literal or an array of literals; an object stays a placeholder, since it has no HogQL spelling."""
    place = node.place
    if isinstance(value, list):
        return Array([as_expr(each, node) for each in value], **place)
    if isinstance(value, dict):
        return node
    return Constant(value, **place)


def fill_filters(
    node: Node,
    select: SelectQuery | None,
    query: str,
    filling: Filling,
    catalogue: Catalogue,
    notes: list[Diagnostic],
) -> None:
    """Find `{filters}` with the SELECT around it, and say which conditions it means there."""
    select = node if isinstance(node, SelectQuery) else select
    for child in children(node):
        if isinstance(child, Placeholder) and name_of(child) == ["filters"] and select:
            exprs, warnings = conditions(filling.filters, filling.now, select, catalogue, child)
            child.meaning = And(exprs, **child.place) if exprs else Constant(True)
            notes += [diagnostic("warning", "filters", text, query, child.span) for text in warnings]
        else:
            fill_filters(child, select, query, filling, catalogue, notes)
