"""What follows a value: JSON properties, array elements, tuple items, and their types.

`properties.x` takes its type from the project's definitions; anything nested reads as text. Indexes count from one.
Properties and events that this project has never seen are warned of with the nearest names it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from posthog_mcp.hogql.catalogue import PropertyType
from posthog_mcp.hogql.diagnostics import Span
from posthog_mcp.hogql.resolver_scopes import (
    AliasTarget,
    ColumnTarget,
    LocalTarget,
    Output,
    OutputTarget,
    PathPart,
    PropertyTarget,
    SelectScope,
)
from posthog_mcp.hogql.resolver_state import Mend, State, did_you_mean
from posthog_mcp.hogql.spelling import identifier
from posthog_mcp.hogql.suggest import nearest
from posthog_mcp.hogql.tree_expressions import Alias, ArrayAccess, ArraySlice, Constant, Expr, Field, TupleAccess
from posthog_mcp.hogql.tree_queries import SelectQuery
from posthog_mcp.hogql.types import OF_PROPERTY, STRING, UNKNOWN, PropertyScope, Type

Base: TypeAlias = ColumnTarget | OutputTarget | AliasTarget | LocalTarget | Expr
Access: TypeAlias = Field | ArrayAccess | TupleAccess
FROM_ONE = "SQL indexes start from one, not from zero."


def property_of(state: State, node: Access, base: Base, base_type: Type, path: tuple[PathPart, ...]) -> Type:
    """Point `node` at a property of a JSON value, or say why there is none."""
    if 0 in path:
        return state.error(node, FROM_ONE, "The first element is 1, the last is -1.")
    if base_type.kind not in ("json", "unknown"):
        name = state.query[node.start : node.end]
        message = f"`{name}`: a {base_type.text()} has no `{path[0]}`."
        return state.error(node, message, "Only JSON values such as `properties` have fields.")
    scope = base_type.properties or PropertyScope("other")
    pushed = push_down(state, base, base_type, path) if isinstance(base, OutputTarget) else None
    node.target = pushed or PropertyTarget(base, path, scope)
    return property_type(state, node, scope, path)


def push_down(state: State, base: OutputTarget, kind: Type, path: tuple[PathPart, ...]) -> OutputTarget | None:
    """Read a property of a subquery's JSON column inside the subquery, where its hot copy is, and not the JSON twice.

    None where the subquery groups or removes duplicates, so that another column would change its rows.
    """
    query = base.source.cte.node.expr if base.source.cte else base.source.query
    inner = base.output.expr.expr if isinstance(base.output.expr, Alias) else base.output.expr
    if not isinstance(query, SelectQuery) or not query.scope or not isinstance(inner, Field):
        return None
    grouped = query.distinct or query.group_by or query.group_by_mode or query.scope.aggregates or query.array_join_list
    if grouped or not isinstance(inner.target, (ColumnTarget, OutputTarget)):
        return None
    known = query.scope.pushed.get((base.output.printed, path))
    if known is None:
        field = Field([str(part) for part in path], **inner.place)
        field.type = property_of(state, field, inner.target, kind, path)
        known = Output("", state.fresh(), field.type, field)
        query.scope.pushed[base.output.printed, path] = known
        query.scope.outputs.append(known)
    return OutputTarget(base.source, known)


def definitions(state: State, scope: PropertyScope) -> Mapping[str, PropertyType]:
    catalogue = state.catalogue
    if scope.owner == "event":
        return catalogue.event_properties
    if scope.owner == "person":
        return catalogue.person_properties
    if scope.owner == "group" and scope.group is not None:
        return catalogue.group_properties.get(scope.group, {})
    return {}


def property_type(state: State, node: Expr, scope: PropertyScope, path: tuple[PathPart, ...]) -> Type:
    """A top-level property's defined type; text for anything else. Warns of names never seen."""
    known = definitions(state, scope)
    name = path[0]
    if not known or not isinstance(name, str):
        return STRING
    if name not in known:
        message = f"{scope.owner.capitalize()} property '{name}' has never been seen in this project."
        place, quoted = name_place(state, node, path)
        fix = did_you_mean(name, list(known), "It will read as NULL.", quote="'")
        rows: Mapping[str, int] = state.catalogue.property_rows if scope.owner == "event" else {}
        edit = None
        if isinstance(fix, Mend):
            edit = fix.text if quoted else identifier(nearest(name, known, 1)[0])
        state.warn(place, "unknown_property", message, with_rows(str(fix), rows), edit)
        return STRING
    return OF_PROPERTY[known[name]] if len(path) == 1 else STRING


def name_place(state: State, node: Expr, path: tuple[PathPart, ...]) -> tuple[Span, bool]:
    """Where the property's own name is written, and whether as a text: `properties['name']`."""
    inner = node
    for _ in range(len(path) - 1):
        inner = (
            inner.array if isinstance(inner, ArrayAccess) else inner.tuple if isinstance(inner, TupleAccess) else inner
        )
    if isinstance(inner, ArrayAccess) and isinstance(inner.property, Constant):
        text = state.query[inner.property.start : inner.property.start + 1]
        return inner.property.span, text == "'"
    if isinstance(inner, Field) and path[0] in inner.chain:
        return state.part(inner, len(inner.chain) - 1 - inner.chain[::-1].index(path[0])), False
    return node.span, False


def resolve_access(state: State, node: ArrayAccess, scope: SelectScope) -> Type:
    """`value[key]`: a property, an array's element, or a map's value."""
    inner = state.expr(node.array, scope)
    key = node.property
    state.expr(key, scope)
    part = key.value if isinstance(key, Constant) else None
    if isinstance(part, (int, str)) and not isinstance(part, bool):
        return access(state, node, node.array, inner, part)
    if inner.kind == "json" or isinstance(target_of(node.array), PropertyTarget):
        return state.error(key, "A property's name must be written out.", "Write properties['name'].")
    return inner.element or UNKNOWN


def resolve_tuple_access(state: State, node: TupleAccess, scope: SelectScope) -> Type:
    """`value.1`: a tuple's item, an array's element, or an array inside a property."""
    inner = state.expr(node.tuple, scope)
    if inner.kind == "tuple" and node.index > 0:
        if inner.items and node.index > len(inner.items):
            message = f"The tuple has {len(inner.items)} items, not {node.index}."
            return state.error(node, message, "Items count from 1.")
        return inner.items[node.index - 1] if inner.items else UNKNOWN
    return access(state, node, node.tuple, inner, node.index)


def access(state: State, node: ArrayAccess | TupleAccess, value: Expr, inner: Type, part: PathPart) -> Type:
    if part == 0:
        return state.error(node, FROM_ONE, "The first element is 1, the last is -1.")
    target = target_of(value)
    if isinstance(target, PropertyTarget):
        node.target = PropertyTarget(target.base, (*target.path, part), target.scope)
        return property_type(state, node, target.scope, (*target.path, part))
    if inner.kind == "json":
        usable = isinstance(target, (ColumnTarget, OutputTarget, AliasTarget, LocalTarget))
        return property_of(state, node, target if usable else value, inner, (part,))
    if inner.kind in ("array", "map", "tuple", "unknown"):
        return inner.element or UNKNOWN
    if not isinstance(target, ColumnTarget) and not isinstance(value, Constant):
        return UNKNOWN  # our type of a computed value is a guess
    shown = state.query[value.start : value.end]
    return state.error(node, f"`{shown}` is a {inner.text()}; it has no `{part}`.", "Only JSON and arrays have parts.")


def target_of(value: Expr) -> object:
    return value.target if isinstance(value, (Field, ArrayAccess, TupleAccess)) else None


def resolve_slice(state: State, node: ArraySlice, scope: SelectScope) -> Type:
    """`array[from:to]`, both included, counted from one."""
    inner = state.expr(node.array, scope)
    for bound in (node.start_expr, node.end_expr):
        if bound:
            state.expr(bound, scope)
            if isinstance(bound, Constant) and bound.value == 0:
                state.error(bound, FROM_ONE, "The first element is 1, the last is -1.")
    return inner if inner.kind == "array" else Type("array", STRING if inner.kind == "string" else None)


def warn_of_event(state: State, node: Constant) -> None:
    """An event's name in a comparison that this project has never sent."""
    events = state.catalogue.events
    if not events or not isinstance(node.value, str) or node.value in events:
        return
    fix = did_you_mean(node.value, list(events), "List the events to see which exist.", quote="'")
    message = f"Event '{node.value}' has never been seen in this project."
    state.warn(node, "unknown_event", message, with_volumes(fix, events), fix.text if isinstance(fix, Mend) else None)


def with_volumes(fix: str, events: Mapping[str, int]) -> str:
    """Add how often each suggested event came in the last 30 days."""
    return with_counts(fix, events, "in 30 days")


def with_rows(fix: str, rows: Mapping[str, int]) -> str:
    """Add how many events carry each suggested property."""
    return with_counts(fix, rows, "events have it")


def with_counts(fix: str, counts: Mapping[str, int], unit: str) -> str:
    shown = [f"'{name}': {counts[name]:,} {unit}" for name in fix.split("'")[1::2] if name in counts]
    return f"{fix} ({'; '.join(shown)})" if shown else fix
