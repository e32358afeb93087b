"""Comparisons: constants are checked against what they stand beside, cohorts become subqueries, events are known.

A text beside a time, a UUID or a number must read as one: the engine would fail on it, row by row or at once.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from posthog_mcp.hogql.resolver_properties import warn_of_event
from posthog_mcp.hogql.resolver_scopes import AliasTarget, ColumnTarget, SelectScope
from posthog_mcp.hogql.resolver_state import State, did_you_mean
from posthog_mcp.hogql.tree_expressions import (
    Array,
    BetweenExpr,
    CompareOperation,
    Constant,
    Expr,
    Field,
    Tuple,
)
from posthog_mcp.hogql.tree_queries import JoinExpr, SelectQuery, SelectSetNode, SelectSetQuery
from posthog_mcp.hogql.types import BOOLEAN, NUMBERS, Type

TEXT_OPERATORS = frozenset({"like", "ilike", "not like", "not ilike", "=~", "=~*", "!~", "!~*"})


def resolve_compare(state: State, node: CompareOperation, scope: SelectScope) -> Type:
    """Both sides, then what only the pair of them can tell."""
    left = state.expr(node.left, scope)
    if node.op in ("in cohort", "not in cohort"):
        resolve_cohort(state, node, scope)
        return BOOLEAN
    right = state.expr(node.right, scope)
    if node.op not in TEXT_OPERATORS:
        if text := text_beside_number(node):
            state.text_as_number(text)
        for constant in constants_of(node.right):
            check_constant(state, left, constant)
            if is_event_name(node.left):
                warn_of_event(state, constant)
        if isinstance(node.left, Constant):
            check_constant(state, right, node.left)
            if is_event_name(node.right):
                warn_of_event(state, node.left)
    return BOOLEAN


def text_beside_number(node: CompareOperation) -> Expr | None:
    """The side that is text while the other is a number; the engine compares them only where the text is a literal."""
    for text, other in ((node.left, node.right), (node.right, node.left)):
        kinds = (text.type or Type()).kind, (other.type or Type()).kind
        if kinds[0] == "string" and kinds[1] in NUMBERS and not isinstance(text, Constant):
            return text
    return None


def resolve_between(state: State, node: BetweenExpr, scope: SelectScope) -> Type:
    kind = state.expr(node.expr, scope)
    for bound in (node.low, node.high):
        state.expr(bound, scope)
        if isinstance(bound, Constant):
            check_constant(state, kind, bound)
    return BOOLEAN


def constants_of(node: Expr) -> list[Constant]:
    """The literals of `= x` and `IN (x, y)`."""
    if isinstance(node, (Tuple, Array)):
        return [each for each in node.exprs if isinstance(each, Constant)]
    return [node] if isinstance(node, Constant) else []


def is_event_name(node: Expr) -> bool:
    target = node.target if isinstance(node, Field) else None
    if isinstance(target, AliasTarget) and isinstance(target.named.expr, Field):
        target = target.named.expr.target
    if not isinstance(target, ColumnTarget) or target.name != "event":
        return False
    return target.source.table.name in ("events", "posthog.ai_events")


def check_constant(state: State, kind: Type, constant: Constant) -> None:
    """A text literal must read as the kind it is compared with."""
    value = constant.value
    if not isinstance(value, str) or constant.value_type:
        return
    if kind.kind in ("datetime", "date") and parse_time(value) is None:
        fix = "Write '2026-01-31', '2026-01-31 10:00:00', or an expression such as now() - INTERVAL 7 DAY."
        state.error(constant, f"'{value}' cannot be read as a time.", fix)
    elif kind.kind == "uuid" and not is_uuid(value):
        state.error(constant, f"'{value}' cannot be read as a UUID.", "Compare toString(id) for anything else.")
    elif kind.kind in ("integer", "float", "decimal") and not is_number(value):
        fix = "Compare with a number; or use toString(…) for text."
        state.error(constant, f"'{value}' is text, compared with a number.", fix)
    elif kind.kind == "boolean" and value.lower() not in ("true", "false", "1", "0"):
        state.error(constant, f"'{value}' is text, compared with true or false.", "Write = true or = false.")


def parse_time(text: str) -> datetime | None:
    """ISO 8601, with a space or T, a zone or none; None for anything else."""
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        return None


def is_uuid(text: str) -> bool:
    try:
        return len(text) == 36 and bool(uuid.UUID(text))
    except ValueError:
        return False


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.strip() == text


def resolve_cohort(state: State, node: CompareOperation, scope: SelectScope) -> None:
    """`person_id IN COHORT 12 | 'name'` means membership in the cohort's people."""
    wanted = node.right.value if isinstance(node.right, Constant) else None
    if not isinstance(wanted, (int, str)) or isinstance(wanted, bool):
        state.error(node.right, "IN COHORT takes one cohort's id or name.", "Write IN COHORT 12, or IN COHORT 'name'.")
        return
    known = state.catalogue.cohorts
    ids = [number for number, name in known.items() if wanted in (number, name) and not isinstance(wanted, bool)]
    if not ids:
        shown = state.query[node.right.start : node.right.end]
        near = did_you_mean(str(wanted), list(known.values()), quote="'")
        fix = near or ("Cohorts: " + ", ".join(f"{i} '{name}'" for i, name in list(known.items())[:5]) if known else "")
        state.error(node.right, f"There is no cohort {shown} in this project.", fix or "List the cohorts first.")
        return
    if len(ids) > 1:
        fix = f"Use one of the ids {', '.join(map(str, ids))}."
        state.error(node.right, f"{len(ids)} cohorts are named '{wanted}'.", fix)
        return
    node.right.type = Type("integer")
    members = cohort_members(state, node.right, ids[0])
    meaning = CompareOperation(node.left, members, "in" if node.op == "in cohort" else "not in")
    meaning.start, meaning.end, meaning.type = node.start, node.end, BOOLEAN
    members.type = state.expr(members, scope)
    node.meaning = meaning


def cohort_members(state: State, place: Expr, cohort: int) -> SelectQuery | SelectSetQuery:
    """Calculated and static cohorts keep their people in two tables."""
    tables = [name for name in ("cohort_people", "static_cohort_people") if name in state.catalogue.tables]
    queries = [members_query(place, table, cohort) for table in tables]
    if len(queries) == 1:
        return queries[0]
    return SelectSetQuery(queries[0], [SelectSetNode(each, "UNION ALL") for each in queries[1:]])


def members_query(place: Expr, table: str, cohort: int) -> SelectQuery:
    at = place.place
    where = CompareOperation(Field(["cohort_id"], **at), Constant(cohort, **at), "==", **at)
    return SelectQuery(
        [Field(["person_id"], **at)], select_from=JoinExpr(table=Field([table], **at), **at), where=where, **at
    )
