"""HogQL that asks what an insight asks: a time, one aggregate, further columns to group by, from `events` alone.

Such a query's WHERE says which events are counted, so that they can be grouped by any of their properties; its
conditions on the time give way to the stretches that are compared. What the rows behind it give is compared with the
query's own numbers: a LIMIT that cut rows shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from posthog_mcp.hogql.text import to_hogql
from posthog_mcp.hogql.tree_expressions import Alias, And, BetweenExpr, Call, CompareOperation, Constant, Expr, Field
from posthog_mcp.hogql.tree_queries import SelectQuery
from posthog_mcp.insights.question import Breakdown, Filter, Math, Question, Series

TIMES = ("toStartOf", "toDate", "dateTrunc", "date_trunc", "toMonday", "toDateTime")
PEOPLE: frozenset[str] = frozenset({"uniq", "uniqExact", "count"})
PROPERTY: Mapping[str, Math] = {"sum": "sum", "avg": "avg", "median": "median"}
LEVELS: Mapping[float, Math] = {0.5: "median", 0.75: "p75", 0.9: "p90", 0.95: "p95", 0.99: "p99"}


def question_like(tree: object) -> tuple[Question, list[Breakdown]] | None:
    """The question a checked query asks, and the columns it groups by beside the time; None of any other query."""
    if not isinstance(tree, SelectQuery) or not plain(tree):
        return None
    columns = [each.expr if isinstance(each, Alias) else each for each in tree.select]
    measured = [found for found in map(series_of, columns[1:]) if found is not None]
    kinds = [each for each in columns[1:] if series_of(each) is None]
    if len(columns) < 2 or not is_time(columns[0]) or len(measured) != 1 or any(has_call(each) for each in kinds):
        return None
    event, rest = event_of(tree.where)
    series = measured[0].model_copy(update={"event": event})
    filters = [Filter(key=to_hogql(each), type="hogql", operator="hogql") for each in rest if not names_time(each)]
    question = Question(kind="trends", series=[series], filters=filters)
    return question, [breakdown_of(each) for each in kinds]


def plain(tree: SelectQuery) -> bool:
    """One table, `events`, without an alias; nothing that drops, repeats or joins rows."""
    table = tree.select_from
    parts = (tree.ctes, tree.having, tree.array_join_op, tree.limit_by, tree.offset, tree.prewhere, tree.distinct)
    parts = (*parts, tree.qualify, tree.group_by_mode)
    if table is None or any(parts) or table.next_join or table.alias or table.sample or table.table_args:
        return False
    return isinstance(table.table, Field) and table.table.chain == ["events"]


def is_time(node: Expr) -> bool:
    """The start of an event's interval."""
    return isinstance(node, Call) and node.name.startswith(TIMES)


def names_time(node: Expr) -> bool:
    """A condition on when the event was: the stretches take its place."""
    if isinstance(node, BetweenExpr):
        return is_timestamp(node.expr)
    return isinstance(node, CompareOperation) and (is_timestamp(node.left) or is_timestamp(node.right))


def is_timestamp(node: Expr) -> bool:
    node = node.args[0] if isinstance(node, Call) and len(node.args) == 1 and node.name.startswith(TIMES) else node
    return isinstance(node, Field) and node.chain == ["timestamp"]


def has_call(node: Expr) -> bool:
    """More than a column's name: whether it can be grouped by is not known."""
    return not isinstance(node, Field)


def series_of(node: Expr) -> Series | None:
    """What an aggregate counts; None where no insight counts it."""
    if not isinstance(node, Call) or node.filter_expr or node.order_by or node.within_group:
        return None
    first = node.args[0] if node.args else None
    if node.name == "count" and not node.args:
        return Series()
    if node.name == "countIf" and len(node.args) == 1 and first is not None:
        return Series(filters=[Filter(key=to_hogql(first), type="hogql", operator="hogql")])
    if node.name in PEOPLE and isinstance(first, Field) and first.chain == ["person_id"]:
        return Series(math="dau") if node.name != "count" or node.distinct else Series()
    if node.distinct:
        return None
    name, math = property_of(first), math_of(node)
    return Series(math=math, math_property=name) if name and math else None


def math_of(node: Call) -> Math | None:
    """The math of an aggregate of a property."""
    if node.name in PROPERTY:
        return PROPERTY[node.name]
    level = node.params[0] if node.name in ("quantile", "quantileExact") and node.params else None
    value = level.value if isinstance(level, Constant) else None
    return LEVELS.get(float(value)) if isinstance(value, int | float) else None


def property_of(node: Expr | None) -> str:
    """The event property that is measured, with or without toFloat."""
    if isinstance(node, Call) and node.name in ("toFloat", "toFloatOrNull", "toFloatOrZero") and len(node.args) == 1:
        node = node.args[0]
    if isinstance(node, Field) and len(node.chain) == 2 and node.chain[0] == "properties":
        return str(node.chain[1])
    return ""


def event_of(where: Expr | None) -> tuple[str, Sequence[Expr]]:
    """The one event that a condition names, and its other parts."""
    parts = list(where.exprs) if isinstance(where, And) else [where] if where is not None else []
    for each in parts:
        if isinstance(each, CompareOperation) and each.op == "==" and isinstance(each.right, Constant):
            left, value = each.left, each.right.value
            if isinstance(left, Field) and left.chain == ["event"] and isinstance(value, str):
                return value, [other for other in parts if other is not each]
    return "", parts


def breakdown_of(node: Expr) -> Breakdown:
    """A column as a dimension."""
    chain = node.chain if isinstance(node, Field) else []
    if len(chain) == 2 and chain[0] == "properties":
        return Breakdown(property=str(chain[1]))
    if len(chain) == 3 and chain[:2] == ["person", "properties"]:
        return Breakdown(property=str(chain[2]), type="person")
    return Breakdown(property=to_hogql(node), type="hogql")
