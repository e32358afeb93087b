"""Calls: the whitelist, arity and parameters, where aggregates and windows may stand, lambdas, and casts.

The rules are those that PostHog states in its own messages; what a function is called in ClickHouse and whether it
can run embedded is the printer's business.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from posthog_mcp.hogql.diagnostics import Edit, Span
from posthog_mcp.hogql.foreign_calls import DATE_UNIT, translated
from posthog_mcp.hogql.functions import FunctionDef, find_function, suggest_function
from posthog_mcp.hogql.resolver_exists import refuse_correlated
from posthog_mcp.hogql.resolver_macros import check_array_reduce, percentile, resolve_macro
from posthog_mcp.hogql.resolver_names import NO_AGGREGATES
from posthog_mcp.hogql.resolver_scopes import SelectScope, StarTarget
from posthog_mcp.hogql.resolver_state import Mend, State, did_you_mean
from posthog_mcp.hogql.tokens import tokens
from posthog_mcp.hogql.tree_expressions import (
    Call,
    ColumnsExpr,
    Constant,
    Expr,
    ExprCall,
    Field,
    Lambda,
    SpreadExpr,
    TryCast,
    TypeCast,
    WindowExpr,
    WindowFunction,
)
from posthog_mcp.hogql.types import BOOLEAN, UNKNOWN, Type, common, of_call

FROM_PARSER = frozenset({"_casewithexpression", "exists"})
"""Calls that the parser writes for CASE x WHEN … and EXISTS (…), in lower case; EXISTS comes as it is written."""

NUMERIC = re.compile(r"^(sum|avg|quantiles?|median|stddev|var(Pop|Samp))(Exact|TDigest|Pop|Samp)?(If|OrNull)*$")
"""Aggregates that take numbers only."""

CASTS = {
    **dict.fromkeys(("int", "integer", "bigint", "smallint", "int64", "int32", "uint64", "signed"), "toInt"),
    **dict.fromkeys(("float", "double", "real", "float64", "float32", "double precision", "numeric"), "toFloat"),
    **dict.fromkeys(("text", "string", "varchar", "char", "nullable(string)"), "toString"),
    **dict.fromkeys(("timestamp", "timestamptz", "datetime", "datetime64"), "toDateTime"),
    **dict.fromkeys(("bool", "boolean"), "toBool"),
    **dict.fromkeys(("decimal",), "toDecimal"),
    "nullable(int64)": "toInt",
    "nullable(float64)": "toFloat",
    "date": "toDate",
    "uuid": "toUUID",
}


def resolve_call(state: State, node: Call, scope: SelectScope) -> Type:
    """Check a call against the whitelist, then its arguments in its clause."""
    if node.name.lower() in FROM_PARSER:
        return from_parser(state, node, scope)
    found = find_function(node.name)
    if found is None:
        state.exprs([each for each in node.args if not is_unit(each)], scope)
        return unknown_function(state, node)
    node.function = found
    node.args = spread(state, node.args, scope)
    if found.name in ("percentile_cont", "percentile_disc"):
        return percentile(state, node, scope)
    stars = [each for each in node.args if isinstance(each, Field) and each.chain == ["*"] and found.aggregate]
    node.args = [each for each in node.args if each not in stars]
    check_arity(state, node, found, len(node.args), len(node.params or []), node.distinct)
    if found.kind == "window":
        fix = "Write OVER (PARTITION BY … ORDER BY …)."
        state.error(name_span(node), f"`{node.name}()` needs OVER (…).", fix, Edit(node.end, node.end, " OVER ()"))
    if node.filter_expr and not found.aggregate:
        state.error(node.filter_expr, f"FILTER works on aggregates; `{node.name}` is none.", "Use if(…).")
    if node.distinct and not found.aggregate:
        state.error(name_span(node), f"DISTINCT works on aggregates; `{node.name}` is none.", "Use SELECT DISTINCT.")
    if found.kind == "macro":
        return resolve_macro(state, node, scope, enough=fits_arity(found, len(node.args)))
    if found.name == "arrayReduce":
        check_array_reduce(state, node)
    kinds = aggregate_args(state, node, scope) if found.aggregate else arguments(state, node.args, scope)
    if text := text_to_add(node):
        state.text_as_number(text)
    return of_call(found.name, kinds)


def is_unit(node: Expr) -> bool:
    """`DATEDIFF(day, …)`: other SQLs write units of time bare."""
    return isinstance(node, Field) and len(node.chain) == 1 and bool(DATE_UNIT.match(str(node.chain[0])))


def spread(state: State, args: list[Expr], scope: SelectScope) -> list[Expr]:
    """`coalesce(*COLUMNS('re'))`: the columns as arguments."""
    found: list[Expr] = []
    for each in args:
        inner = each.expr if isinstance(each, SpreadExpr) else None
        if isinstance(inner, ColumnsExpr):
            state.expr(inner, scope)
            found += [expr for _, expr in inner.target.columns] if isinstance(inner.target, StarTarget) else []
        else:
            found.append(each)
    return found


def unknown_function(state: State, node: Call) -> Type:
    """Another SQL's function with its HogQL form, or the nearest allowed names."""
    message = f"Unsupported function call `{node.name}(…)`."
    plain = not (node.params or node.distinct or node.filter_expr or node.order_by or node.within_group)
    texts = [state.query[each.start : each.end] for each in node.args]
    form = translated(node.name, texts) if plain else None
    if form:
        edit = Edit(node.start, node.end, form)
        return state.error(name_span(node), message, f"Write {form[:200]}.", edit)
    near = suggest_function(node.name)
    if not near:
        return state.error(name_span(node), message, "See HogQL's functions.")
    fix = f"Perhaps you meant {' or '.join(f'{name}(…)' for name in near)}."
    return state.error(name_span(node), message, Mend(fix, near[0]))


def text_to_add(node: Call) -> Expr | None:
    """The text that an aggregate of numbers is given."""
    if not node.args or not NUMERIC.match(node.name):
        return None
    return node.args[0] if node.args[0].type and node.args[0].type.kind == "string" else None


def from_parser(state: State, node: Call, scope: SelectScope) -> Type:
    if node.name.lower() == "exists" and refuse_correlated(state, node, scope):
        return BOOLEAN
    kinds = state.exprs(node.args, scope)
    return BOOLEAN if node.name.lower() == "exists" else common([*kinds[2::2], *kinds[-1:]])


def name_span(node: Call | WindowFunction) -> Expr:
    """The call's name, so that a finding underlines the name and not its arguments."""
    return Constant(start=node.start, end=node.start + len(node.name))


def check_arity(state: State, node: Expr, found: FunctionDef, args: int, params: int, distinct: bool = False) -> None:
    """PostHog's own rules and words."""
    what = "Aggregation" if found.aggregate else "Function"
    high = None if distinct else found.max_args
    if args < found.min_args or (high is not None and args > high):
        wanted = amount(found.min_args, high)
        state.error(
            node, f"{what} '{found.name}' expects {wanted} argument{plural(wanted)}, found {args}.", usage(found)
        )
    if params < found.min_params and params == 0:
        message = f"{what} '{found.name}' requires parameters in addition to arguments."
        state.error(node, message, f"Write {found.name}(parameter)(argument).")
    elif params < found.min_params or (found.max_params is not None and params > found.max_params):
        wanted = amount(found.min_params, found.max_params)
        state.error(node, f"{what} '{found.name}' expects {wanted} parameter{plural(wanted)}, found {params}.")


def fits_arity(found: FunctionDef, args: int) -> bool:
    return found.min_args <= args and (found.max_args is None or args <= found.max_args)


def amount(low: int, high: int | None) -> str:
    if high is None:
        return f"at least {low}"
    return str(low) if low == high else f"{low} to {high}"


def plural(wanted: str) -> str:
    return "" if wanted.endswith(" 1") or wanted == "1" else "s"


def usage(found: FunctionDef) -> str:
    names = ", ".join("abcdefgh"[: min(found.min_args, 8)])
    return f"Write {found.name}({names})." if found.min_args else ""


def aggregate_args(state: State, node: Call, scope: SelectScope) -> list[Type]:
    """Arguments of an aggregate, which may hold no other one."""
    if scope.inside_aggregate:
        message = f"Aggregation '{node.name}' cannot be nested inside another aggregation '{scope.inside_aggregate}'."
        state.error(node, message, "Aggregate in a subquery, then aggregate its result.")
    elif scope.clause in NO_AGGREGATES:
        fix = NO_AGGREGATES[scope.clause] or "Compute it in a subquery first."
        state.error(node, f"Aggregation '{node.name}' cannot stand in {scope.clause}.", fix)
    outer, scope.inside_aggregate = scope.inside_aggregate, node.name
    kinds = arguments(state, node.args, scope)
    state.exprs(node.params or [], scope)
    for each in [node.filter_expr, *(node.order_by or []), *(node.within_group or [])]:
        if each:
            state.expr(each, scope)
    scope.inside_aggregate = outer
    scope.aggregates += 1
    return kinds


def arguments(state: State, args: Sequence[Expr], scope: SelectScope) -> list[Type]:
    """Argument types in order; lambdas last, so that theirs take the arrays' element types."""
    kinds = [UNKNOWN] * len(args)
    for i, each in enumerate(args):
        if not isinstance(each, Lambda):
            kinds[i] = state.expr(each, scope)
    elements = [kind.element or UNKNOWN for each, kind in zip(args, kinds, strict=True) if not isinstance(each, Lambda)]
    for i, each in enumerate(args):
        if isinstance(each, Lambda):
            kinds[i] = resolve_lambda(state, each, scope, elements)
    if args and isinstance(args[0], Lambda) and kinds[0].kind != "unknown":
        return [Type("array", kinds[0]), *kinds[1:]]
    return kinds


def resolve_lambda(state: State, node: Lambda, scope: SelectScope, elements: Sequence[Type]) -> Type:
    """The body's type, with the arguments taken from the arrays in order."""
    padded = [*elements, *[UNKNOWN] * len(node.args)]
    scope.locals.append({name: (state.fresh(), kind) for name, kind in zip(node.args, padded, strict=False)})
    node.printed = [printed for printed, _ in scope.locals[-1].values()]
    node.type = state.expr(node.expr, scope)
    scope.locals.pop()
    return node.type


def resolve_window_function(state: State, node: WindowFunction, scope: SelectScope) -> Type:
    """`f(x) OVER (…)`: any aggregate or window function, over what the SELECT has aggregated."""
    found = find_function(node.name)
    params, args = (node.exprs or [], node.args) if node.args else ([], node.exprs or [])
    if found is None or found.kind not in ("window", "aggregate"):
        what = "Unsupported function call" if found is None else "Not a window function:"
        state.error(name_span(node), f"{what} `{node.name}(…)`.", did_you_mean(node.name, WINDOWS))
        return UNKNOWN
    if re.search(r"\)\s*filter\s*\(\s*where\b", state.query[node.start : node.end], re.IGNORECASE):
        message = "FILTER on a window function is dropped by HogQL's parser."
        state.error(node, message, f"Use {node.name}If(x, condition).", filter_as_if(state, node))
    node.function = found
    args = [each for each in args if not (isinstance(each, Field) and each.chain == ["*"])]
    check_arity(state, node, found, len(args), len(params))
    if scope.clause in (*NO_AGGREGATES, "HAVING"):
        message = f"The window function '{node.name}' cannot stand in {scope.clause}."
        state.error(node, message, "Use QUALIFY, or filter in an outer query.")
    if scope.inside_aggregate:
        message = f"The window function '{node.name}' cannot stand inside the aggregation '{scope.inside_aggregate}'."
        state.error(node, message, "Compute it in a subquery first.")
    kinds = arguments(state, args, scope)
    state.exprs(list(params), scope)
    if node.over_identifier and node.over_identifier not in scope.windows:
        near = did_you_mean(node.over_identifier, sorted(scope.windows), "Add WINDOW name AS (…).")
        state.error(over_name(state, node), f"There is no window `{node.over_identifier}`.", near)
    if node.over_expr:
        resolve_window(state, node.over_expr, scope)
    scope.window_calls += 1
    return of_call(found.name, kinds)


def filter_as_if(state: State, node: WindowFunction) -> Edit | None:
    """`sum(x) FILTER (WHERE c) OVER …` as `sumIf(x, c) OVER …`."""
    text = state.query[node.start : node.end]
    found = re.match(r"(\w+)\((.*?)\)\s*filter\s*\(\s*where\b(.*)\)\s*over\b", text, re.IGNORECASE | re.DOTALL)
    if not found or not find_function(f"{found[1]}If"):
        return None
    args = [
        each for each in (found[2].strip().replace("*", "") if found[2].strip() == "*" else found[2].strip(),) if each
    ]
    call = f"{found[1]}If({', '.join([*args, found[3].strip()])}) OVER"
    return Edit(node.start, node.start + found.end(), call)


def over_name(state: State, node: WindowFunction) -> Span:
    """The name after OVER."""
    last = list(tokens(state.query[: node.end], node.start))[-1]
    return Span(last.start, last.end)


WINDOWS = ["row_number", "rank", "dense_rank", "lag", "lead", "first_value", "last_value", "nth_value", "ntile", "sum"]


def resolve_window(state: State, window: WindowExpr, scope: SelectScope) -> None:
    """The parts of OVER (…) or of WINDOW name AS (…)."""
    state.exprs([*(window.partition_by or []), *(window.order_by or [])], scope)
    for frame in (window.frame_start, window.frame_end):
        if frame and isinstance(frame.frame_value, Expr):
            state.expr(frame.frame_value, scope)


def resolve_cast(state: State, node: TypeCast | TryCast, scope: SelectScope) -> Type:
    """`x::int` and CAST(x AS int) mean toInt(x), and so on; unreadable values become NULL."""
    if isinstance(node, TryCast):
        state.refused_by_posthog(
            node, "TRY_CAST", "Write toInt(x), toFloat(x), …: they give NULL for what cannot be read."
        )
    function = CASTS.get(node.type_name.strip().lower())
    if not function:
        state.expr(node.expr, scope)
        fix = did_you_mean(node.type_name, list(CASTS), "Use int, float, text, bool, date, timestamp or uuid.")
        return state.error(node, f"There is no cast to `{node.type_name}`.", str(fix), cast_edit(state, node, fix))
    node.meaning = Call(function, [node.expr], start=node.start, end=node.end)
    return state.expr(node.meaning, scope)


def cast_edit(state: State, node: TypeCast | TryCast, fix: str) -> Edit | None:
    """The nearest type in the type's place, where the text ends with it."""
    text = state.query[node.start : node.end]
    found = re.search(r"([\w ]+)\)?\s*\Z", text) if isinstance(fix, Mend) else None
    if not found or found[1].strip().lower() != node.type_name.strip().lower():
        return None
    start = node.start + found.start(1)
    return Edit(start, node.start + found.end(1), fix.text if isinstance(fix, Mend) else "")


def resolve_expr_call(state: State, node: ExprCall, scope: SelectScope) -> Type:
    """`x::decimal(10, 2)`; nothing else that is called this way has a meaning."""
    cast = node.expr
    if isinstance(cast, TypeCast) and cast.type_name in ("decimal", "datetime64", "varchar"):
        node.meaning = cast
        return state.expr(cast, scope)
    if isinstance(cast, Field):
        name = ".".join(map(str, cast.chain))
        return state.error(cast, f"Unsupported function call `{name}(…)`.", "Functions have no table before them.")
    return state.error(node, "This value cannot be called.", "Write function(argument).")
