"""Print calls: ClickHouse's names, PostHog's own meanings of some functions, aggregates, windows.

Functions that PostHog reads differently from ClickHouse are in `printer_functions.py`; everything else prints under
its registered name. What only PostHog can run is refused with the registry's reason.
"""

from __future__ import annotations

from posthog_mcp.hogql.functions import FunctionDef
from posthog_mcp.hogql.macros import TRAFFIC
from posthog_mcp.hogql.printer_columns import instant
from posthog_mcp.hogql.printer_compare import condition
from posthog_mcp.hogql.printer_functions import OWN_MEANING
from posthog_mcp.hogql.printer_state import PrintState, Sql, quote
from posthog_mcp.hogql.resolver_calls import text_to_add
from posthog_mcp.hogql.tree_expressions import Call, Constant, Expr, WindowExpr, WindowFrameExpr, WindowFunction
from posthog_mcp.hogql.types import DATETIME

NEVER_NULL = frozenset(
    [
        "count",
        "countIf",
        "countDistinct",
        "uniq",
        "uniqIf",
        "uniqExact",
        "uniqExactIf",
        "uniqHLL12",
        "uniqCombined",
        "groupArray",
        "groupUniqArray",
        "groupArrayIf",
        "groupUniqArrayIf",
        "array_agg",
        "isNull",
        "isNotNull",
        "tuple",
        "array",
        "length",
        "empty",
        "notEmpty",
        "windowFunnel",
        "topK",
        "arrayMap",
        "arrayFilter",
        "splitByChar",
        "splitByString",
        "concat",
        "toTypeName",
        "exists",
        "row_number",
        "rank",
        "dense_rank",
        "ntile",
        "toBool",
        "windowFunnelIf",
        "retention",
        "sequenceMatch",
        "sequenceCount",
        "range",
        "arrayDistinct",
        "arraySort",
        "groupArrayMovingSum",
    ]
)
MAY_BE_NULL = ("OrNull", "nullIf", "toNullable", "JSONExtract", "accurateCast", "arrayElement", "arrayFirst")
FIRST_NOT_NULL = frozenset({"coalesce", "ifNull"})


def print_call(state: PrintState, node: Call) -> Sql:
    """`name(params)(DISTINCT args) FILTER (WHERE …)`."""
    if node.name.lower() == "exists":
        return Sql(f"exists{state.expr(node.args[0]).text}")
    if node.name == "_caseWithExpression":
        return print_case(state, node)
    found = node.function
    if found is None:
        raise state.refuse(node, f"`{node.name}` cannot run embedded.")
    if node.order_by or node.within_group:
        raise state.refuse(node, f"ORDER BY inside {node.name}() cannot run embedded.", "Use arraySort(groupArray(x)).")
    own = OWN_MEANING.get(found.name)
    if own and not node.distinct:
        return own(state, node)
    refuse_missing(state, node, found)
    if text := text_to_add(node):
        raise state.refuse_text(text)
    args = [state.expr(each) for each in node.args]
    texts = [each.text for each in args]
    if found.aggregate and "If" in found.name and texts and found.clickhouse != found.name.removesuffix("If"):
        texts[-1] = condition(state, node.args[-1]) if found.name.endswith("If") else texts[-1]
    if found.name.startswith("windowFunnel") and node.args and node.args[0].type == DATETIME:
        texts[0] = f"toDateTime({texts[0]})"  # it counts whole seconds and refuses finer times
    if found.name in ("if", "multiIf"):
        texts = branches(state, node.args, texts)
    params = f"({', '.join(state.expr(each).text for each in node.params)})" if node.params else ""
    distinct = "DISTINCT " if node.distinct else ""
    text = f"{found.clickhouse}{params}({distinct}{', '.join(texts)})"
    if found.template:
        text = found.template.format(*texts)
    if node.filter_expr:
        text += f" FILTER (WHERE {condition(state, node.filter_expr)})"
    return Sql(text, can_be_null(found, args))


def branches(state: PrintState, args: list[Expr], texts: list[str]) -> list[str]:
    """The conditions of if and multiIf: NULL takes the other branch anyway."""
    last = len(args) - 1
    return [condition(state, each) if i % 2 == 0 and i < last else texts[i] for i, each in enumerate(args)]


def can_be_null(found: FunctionDef, args: list[Sql]) -> bool:
    if found.name in NEVER_NULL:
        return False
    if found.name in FIRST_NOT_NULL:
        return all(each.nullable for each in args)
    return any(each.nullable for each in args) or any(part in found.clickhouse for part in MAY_BE_NULL)


def refuse_missing(state: PrintState, node: Expr, found: FunctionDef) -> None:
    if found.kind == "missing":
        raise state.refuse(node, f"`{found.name}` cannot run embedded: {found.reason}.")
    if found.name in TRAFFIC:
        message = f"`{found.name}` with an IP address needs PostHog's list of crawler networks."
        raise state.refuse(node, message, "Give the user agent alone.")
    if found.kind == "macro":
        raise state.refuse(node, f"`{found.name}` is PostHog's own and cannot run embedded.")


def print_case(state: PrintState, node: Call) -> Sql:
    """CASE value WHEN … THEN … ELSE … END."""
    value, *rest = [state.expr(each) for each in node.args]
    pairs = zip(rest[:-1:2], rest[1::2], strict=True)
    whens = " ".join(f"WHEN {when.text} THEN {then.text}" for when, then in pairs)
    return Sql(f"(CASE {value.text} {whens} ELSE {rest[-1].text} END)", True)


def print_window_function(state: PrintState, node: WindowFunction) -> Sql:
    """`f(x) OVER (…)`; lag and lead look across the whole partition and give NULL beyond it."""
    found = node.function
    if found is None:
        raise state.refuse(node, f"`{node.name}` cannot run embedded.")
    refuse_missing(state, node, found)
    params, args = (node.exprs or [], node.args) if node.args else ([], node.exprs or [])
    sqls = [state.expr(each) for each in args if not is_star(each)]
    texts, name, whole = [each.text for each in sqls], found.clickhouse, False
    if found.name in ("lag", "lead"):
        name, whole = f"{found.name}InFrame", True
        texts[0] = f"toNullable({texts[0]})"
    given = f"({', '.join(state.expr(each).text for each in params)})" if params else ""
    over = over_clause(state, node, whole)
    return Sql(f"{name}{given}({', '.join(texts)}) OVER {over}", whole or can_be_null(found, sqls))


def is_star(node: Expr) -> bool:
    return getattr(node, "chain", None) == ["*"]


def over_clause(state: PrintState, node: WindowFunction, whole: bool) -> str:
    frame = "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"
    if node.over_identifier:
        return f"({quote(node.over_identifier)} {frame})" if whole else quote(node.over_identifier)
    window = node.over_expr or WindowExpr()
    text = print_window(state, window)
    return f"({text} {frame})" if whole and not window.frame_method else f"({text})"


def print_window(state: PrintState, window: WindowExpr) -> str:
    """What stands inside OVER (…) or WINDOW name AS (…)."""
    parts: list[str] = []
    if window.partition_by:
        parts.append(f"PARTITION BY {', '.join(state.expr(each).text for each in window.partition_by)}")
    if window.order_by:
        keys = [f"{instant(state, each.expr).text} {each.order}" for each in window.order_by]
        parts.append(f"ORDER BY {', '.join(keys)}")
    if window.frame_method and window.frame_start:
        start = frame_bound(state, window.frame_start)
        if window.frame_end:
            parts.append(f"{window.frame_method} BETWEEN {start} AND {frame_bound(state, window.frame_end)}")
        else:
            parts.append(f"{window.frame_method} {start}")
    return " ".join(parts)


def frame_bound(state: PrintState, bound: WindowFrameExpr) -> str:
    if bound.frame_type == "CURRENT ROW" or bound.frame_type is None:
        return "CURRENT ROW"
    value = bound.frame_value
    if value is None:
        return f"UNBOUNDED {bound.frame_type}"
    if isinstance(value, int):
        return f"{value} {bound.frame_type}"
    if not isinstance(value, Constant) or not isinstance(value.value, int):
        raise state.refuse(value, "A window's frame takes whole numbers.", "Write ROWS 5 PRECEDING.")
    return f"{value.value} {bound.frame_type}"
