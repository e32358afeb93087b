"""Calls that stand for something else: PostHog's own functions, actions, and calls that only look like functions."""

from __future__ import annotations

import re
from collections.abc import Callable

from posthog_mcp.errors import HogQLResolutionError
from posthog_mcp.hogql.diagnostics import Edit
from posthog_mcp.hogql.functions import find_function
from posthog_mcp.hogql.macros import MACROS, TRAFFIC, Builder
from posthog_mcp.hogql.macros_actions import action_condition
from posthog_mcp.hogql.resolver_scopes import SelectScope, TableSource
from posthog_mcp.hogql.resolver_state import State, did_you_mean
from posthog_mcp.hogql.tree import walk
from posthog_mcp.hogql.tree_expressions import Call, Constant, Expr
from posthog_mcp.hogql.types import BOOLEAN, FLOAT, UNKNOWN, Type

REDUCER = re.compile(r"(\w+)(\(\s*[\d.]+(\s*,\s*[\d.]+)*\s*\))?\Z")
"""An aggregate's name with its parameters, as arrayReduce takes it."""


def resolve_macro(state: State, node: Call, scope: SelectScope, *, enough: bool) -> Type:
    """Note on the call what it stands for, and resolve that."""
    name = node.function.name if node.function else node.name
    by_network = name in TRAFFIC and len(node.args) > 1
    if name not in (*MACROS, "matchesAction") or not enough or by_network:
        state.exprs(node.args, scope)
        return UNKNOWN
    if name == "matchesAction":
        return matches_action(state, node, scope)
    inner = [each for arg in node.args for each in walk(arg) if isinstance(each, Call) and each.name in TRAFFIC]
    if name in TRAFFIC and inner:
        state.error(inner[0], f"`{inner[0].name}` cannot stand inside `{node.name}`.", "Use a subquery.")
        return UNKNOWN
    builder = Builder(node, events_name(scope), has_properties(scope))
    return stands_for(state, node, scope, lambda: MACROS[name](builder, node))


def stands_for(state: State, node: Call, scope: SelectScope, build: Callable[[], Expr]) -> Type:
    try:
        node.meaning = build()
    except HogQLResolutionError as error:
        state.exprs(node.args, scope)
        return state.error(node, error.message, error.fix)
    return state.expr(node.meaning, scope)


def has_properties(scope: SelectScope) -> bool:
    tables = [each.table for each in scope.sources if isinstance(each, TableSource)]
    return any("properties" in each.fields for each in tables)


def events_name(scope: SelectScope) -> str:
    """What the events table is called in this SELECT; empty where there is only one source, or none is events."""
    events = [each for each in scope.sources if isinstance(each, TableSource) and each.table.name == "events"]
    return events[0].names[0] if events and len(scope.sources) > 1 and events[0].names else ""


def matches_action(state: State, node: Call, scope: SelectScope) -> Type:
    """An action of this project by id or name, as the conditions of its steps where those are known."""
    given = node.args[0] if node.args else node
    wanted = given.value if isinstance(given, Constant) else None
    actions = state.catalogue.actions
    ids = [number for number, name in actions.items() if wanted in (number, name) and not isinstance(wanted, bool)]
    if not ids:
        fix = did_you_mean(str(wanted), list(actions.values()), "List the actions to see which exist.", quote="'")
        state.error(given, f"There is no action {wanted!r} in this project.", fix)
        return BOOLEAN
    if len(ids) > 1:
        state.error(given, f"{len(ids)} actions are named {wanted!r}.", f"Use one of {', '.join(map(str, ids))}.")
        return BOOLEAN
    if not any(isinstance(each, TableSource) and each.table.name == "events" for each in scope.sources):
        state.error(node, "matchesAction() needs the events table in FROM.", "Write FROM events.")
        return BOOLEAN
    steps = state.catalogue.action_steps.get(ids[0])
    if steps is not None:
        stands_for(state, node, scope, lambda: action_condition(Builder(node, events_name(scope)), list(steps)))
    return BOOLEAN


def check_array_reduce(state: State, node: Call) -> None:
    """arrayReduce names its aggregate in a text: only HogQL's own may stand there."""
    first = node.args[0] if node.args else None
    given = first.value if isinstance(first, Constant) else None
    found = REDUCER.match(given) if isinstance(given, str) else None
    known = find_function(found[1]) if found else None
    if known is None or known.kind != "aggregate" or known.clickhouse != known.name or known.name != (found or "")[1]:
        message = "arrayReduce() takes the name of an aggregate as a text first."
        state.error(first or node, message, "Write arrayReduce('sum', [1, 2]).")


def percentile(state: State, node: Call, scope: SelectScope) -> Type:
    """percentile_cont(0.5) WITHIN GROUP (ORDER BY x) is PostgreSQL's; ClickHouse has quantile."""
    ordered = node.within_group or node.order_by or []
    params = node.params or node.args
    shown = [state.query[each.start : each.end] for each in [*params[:1], *(each.expr for each in ordered[:1])]]
    edit = Edit(node.start, node.end, f"quantile({shown[0]})({shown[1]})") if len(shown) == 2 else None
    state.exprs([each.expr for each in ordered], scope)
    fix = f"Write {edit.text}." if edit else "Write quantile(0.5)(x)."
    state.error(node, f"`{node.name}` is not a function of ClickHouse's.", fix, edit)
    return FLOAT
