"""Names: which column, alias, property or lazily joined field `a.b.c` means.

Lookup order of the first part: lambda arguments; a source's name, when something follows; aliases of the SELECT;
ARRAY JOIN names; columns of the sources; WITH expressions. Outer queries are not seen, as in PostHog. A miss is one
finding with the nearest names; `*` is `resolver_star.py`'s.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TypeAlias

from posthog_mcp.hogql.diagnostics import Span
from posthog_mcp.hogql.macros import Builder
from posthog_mcp.hogql.macros_virtual import VIRTUALS
from posthog_mcp.hogql.resolver_lazy import EventPerson, lazy_names, lazy_table, person_fields
from posthog_mcp.hogql.resolver_properties import Base, property_of
from posthog_mcp.hogql.resolver_scopes import (
    AliasTarget,
    ColumnTarget,
    LocalTarget,
    NamedExpr,
    OutputTarget,
    PathPart,
    PropertyTarget,
    QuerySource,
    SelectScope,
    Source,
    TableSource,
)
from posthog_mcp.hogql.resolver_state import Mend, State, did_you_mean
from posthog_mcp.hogql.spelling import identifier, text_literal
from posthog_mcp.hogql.suggest import nearest
from posthog_mcp.hogql.tree_expressions import Field
from posthog_mcp.hogql.types import UNKNOWN, PropertyOwner, PropertyScope, Type, of_field
from posthog_mcp.hogql.usual_names import usual_name

NO_AGGREGATES = {"WHERE": "Use HAVING.", "PREWHERE": "Use HAVING.", "GROUP BY": "", "JOIN ON": "", "ARRAY JOIN": ""}


@dataclass(frozen=True, slots=True)
class Value:
    """A name that has a value; no target when it stands on a table that does not exist."""

    target: ColumnTarget | OutputTarget | AliasTarget | LocalTarget | None
    type: Type


Member: TypeAlias = Source | EventPerson | Value


def resolve_field(state: State, node: Field, scope: SelectScope) -> Type:
    """Point a dotted name at what it means."""
    found = first_member(state, node, scope)
    if found is None:
        return UNKNOWN
    member, rest = found
    while not isinstance(member, Value) and rest:
        child = member_of(state, member, str(rest[0]))
        if child is None:
            return unknown_child(state, node, member, len(node.chain) - len(rest))
        member, rest = child, rest[1:]
    if not isinstance(member, Value):
        text = ".".join(map(str, node.chain))
        return state.error(node, f"`{text}` is a table; a column is expected.", f"Write {text}.column.")
    node.target = member.target
    if not rest and isinstance(member.target, ColumnTarget) and str(node.chain[-1]).startswith("$virt_"):
        return virtual(state, node, member.target, scope)
    if not rest or member.target is None:
        return member.type if member.target else UNKNOWN
    return path_of(state, node, member.target, member.type, tuple(rest))


def virtual(state: State, node: Field, target: ColumnTarget, scope: SelectScope) -> Type:
    """A field that PostHog computes from the row's properties."""
    build = VIRTUALS.get((target.source.table.name, target.name))
    if build is None:
        return UNKNOWN
    node.meaning = build(Builder(node), [str(part) for part in node.chain[:-1]])
    return state.expr(node.meaning, scope)


def path_of(state: State, node: Field, target: Base, kind: Type, path: tuple[PathPart, ...]) -> Type:
    """Properties after a column; an alias or output that is itself a property goes on from there."""
    inner = target.named.expr if isinstance(target, AliasTarget) else None
    known = inner.target if isinstance(inner, Field) else None
    if isinstance(known, PropertyTarget):
        return property_of(state, node, known.base, Type("json", properties=known.scope), (*known.path, *path))
    return property_of(state, node, target, kind, path)


def first_member(state: State, node: Field, scope: SelectScope) -> tuple[Member, list[PathPart]] | None:
    """What the first part of the name means, and the parts that follow."""
    chain = node.chain
    name = str(chain[0])
    for frame in reversed(scope.locals):
        if name in frame:
            printed, kind = frame[name]
            return Value(LocalTarget(printed), kind), chain[1:]
    qualified = source_named(scope, chain)
    if qualified:
        return qualified
    if name in scope.aliases:
        return use_alias(state, node, scope.aliases[name], scope), chain[1:]
    if name in scope.arrays:
        printed, kind = scope.arrays[name]
        return Value(LocalTarget(printed), kind), chain[1:]
    candidates = [(source, found) for source in scope.sources if (found := member_of(state, source, name)) is not None]
    if candidates:
        merged_columns(node, name, candidates)
        return chosen(state, node, name, candidates, scope), chain[1:]
    cte = scope.ctes.get(name)
    if name in scope.macros or (cte and cte.node.cte_type == "column"):
        if len(chain) > 1:
            message = f"`{name}` is a WITH expression: PostHog reads no fields of one."
            state.error(node, message, f"Write the expression itself before .{chain[1]}.")
        return use_macro(state, node, name, scope), chain[1:]
    if cte and len(chain) == 1:
        fix = "Read from it in a subquery, or join it."
        state.error(node, f"`{name}` is a WITH query; a column is expected.", fix)
        return None
    unknown_name(state, node, name, scope)
    return None


def source_named(scope: SelectScope, chain: list[str | int]) -> tuple[Source, list[PathPart]] | None:
    for length in range(min(3, len(chain) - 1), 0, -1):
        name = ".".join(map(str, chain[:length]))
        for source in scope.sources:
            if name in source.names:
                return source, chain[length:]
    return None


def merged_columns(node: Field, name: str, candidates: list[tuple[Source, Member]]) -> None:
    """The column that USING makes of two under RIGHT JOIN: the joined side is the one that is always there."""
    values = [member for _, member in candidates if isinstance(member, Value)]
    if len(node.chain) > 1 or len(values) != len(candidates) or not any(name in each.outer for each, _ in candidates):
        return
    last = values[-1]
    node.meaning = Field([name], target=last.target, type=last.type, **node.place)


def chosen(state: State, node: Field, name: str, candidates: list[tuple[Source, Member]], scope: SelectScope) -> Member:
    """The one source that has the name; USING makes one column of two."""
    own = [pair for pair in candidates if name not in pair[0].using]
    real = [pair for pair in own if isinstance(pair[0], (TableSource, QuerySource))] or own
    if len(real) > 1 and scope.clause != "USING":
        writings = [f"{source.names[0]}.{name}" for source, _ in real if source.names]
        fix = f"Write {' or '.join(writings)}." if writings else "Name the subqueries and write name.column."
        edit = f"{identifier(real[0][0].names[0])}.{identifier(name)}" if real[0][0].names else None
        message = f"`{name}` is ambiguous: {len(real)} joined tables have it."
        state.error(state.part(node, 0), message, fix, edit)
    return (real or candidates)[0][1]


def member_of(state: State, member: Source | EventPerson, name: str) -> Member | None:
    """The column or lazily joined table of that name, None when there is none."""
    if isinstance(member, EventPerson):
        return event_person_member(state, member, name)
    if isinstance(member, QuerySource):
        for output in member.outputs:
            if output.name == name:
                return Value(OutputTarget(member, output), output.type)
        return Value(None, UNKNOWN) if any(each.name == "*" for each in member.outputs) else None
    if isinstance(member, TableSource):
        return table_member(state, member, name)
    return Value(None, UNKNOWN)


def table_member(state: State, source: TableSource, name: str) -> Member | None:
    name = source.renames.get(name, name)
    field = source.table.fields.get(name)
    if field is None:
        return lazy_table(state, source, name)
    source.columns.add(name)
    kind = of_field(field)
    if kind.kind == "json" and name == "properties":
        owners: dict[str, PropertyOwner] = {"persons": "person", "groups": "group", "events": "event"}
        owner = owners.get(source.table.name, "event" if source.table.name == "posthog.ai_events" else "other")
        kind = Type("json", properties=PropertyScope(owner, source.group))
    return Value(ColumnTarget(source, name), kind)


def event_person_member(state: State, person: EventPerson, name: str) -> Member | None:
    events = person.source
    if name == "properties":
        events.columns.add("person_properties")
        kind = Type("json", properties=PropertyScope("person"))
        return Value(ColumnTarget(events, "person_properties"), kind)
    if name == "id":
        return table_member(state, events, "person_id")
    joined = person_fields(state, person)
    return table_member(state, joined, name) if joined and name in joined.table.fields else None


def use_alias(state: State, node: Field, named: NamedExpr, scope: SelectScope) -> Value:
    """An alias where its value may stand: aggregates not in WHERE, nor inside an aggregate."""
    if named.has_aggregate:
        scope.aggregates += 1
        if scope.inside_aggregate:
            message = f"`{named.name}` is an aggregate; {scope.inside_aggregate}() cannot aggregate it again."
            state.error(node, message, f"If the column is meant, write table.{named.name}; or aggregate in a subquery.")
        elif scope.clause in NO_AGGREGATES:
            fix = NO_AGGREGATES[scope.clause] or "Compute it in a subquery first."
            state.error(node, f"`{named.name}` is an aggregate; {scope.clause} cannot use it.", fix)
    if named.has_window:
        scope.window_calls += 1
        if scope.clause in (*NO_AGGREGATES, "HAVING"):
            message = f"`{named.name}` is a window function; {scope.clause} cannot use it."
            state.error(node, message, "Use QUALIFY, or a subquery.")
    return Value(AliasTarget(named), named.type)


def use_macro(state: State, node: Field, name: str, scope: SelectScope) -> Value:
    """A WITH expression, resolved in the SELECT that uses it, once."""
    named = scope.macros.get(name)
    if named is None:
        cte = scope.ctes.pop(name)  # its own name inside it means something else, or nothing
        expr = copy.deepcopy(cte.node.expr)
        named = NamedExpr(name, state.fresh(), UNKNOWN, expr)
        frames, inside, scope.locals, scope.inside_aggregate = scope.locals, scope.inside_aggregate, [], ""
        before = (scope.aggregates, scope.window_calls)
        clause, scope.clause = scope.clause, "SELECT"
        named.type = state.expr(expr, scope)
        named.has_aggregate, named.has_window = scope.aggregates > before[0], scope.window_calls > before[1]
        scope.locals, scope.inside_aggregate, scope.clause = frames, inside, clause
        scope.macros[name], scope.ctes[name] = named, cte
    return use_alias(state, node, named, scope)


def field_names(state: State, source: Source) -> list[str]:
    """What may follow this source's name."""
    if isinstance(source, TableSource):
        return [*source.renames, *source.table.fields, *lazy_names(state, source)]
    return [each.name for each in source.outputs] if isinstance(source, QuerySource) else []


def unknown_child(state: State, node: Field, member: Source | EventPerson, index: int) -> Type:
    """Say that part `index` of a name is not a column of what stands before it."""
    name, place = str(node.chain[index]), state.part(node, index)
    if isinstance(member, EventPerson):
        persons = state.catalogue.tables.get("persons")
        names, owner = [*persons.fields] if persons else ["id", "properties"], "person"
    else:
        names = field_names(state, member)
        owner = member.table.name if isinstance(member, TableSource) else (member.names or ("the subquery",))[0]
    catalogue = state.catalogue
    if "properties" in names and (name in catalogue.event_properties or name in catalogue.person_properties):
        prefix = ".".join(str(part) for part in node.chain[:index])
        return state.error(
            place,
            f"`{name}` is not a column of {owner}.",
            Mend(f"Write {prefix}.properties.{name}.", f"properties.{identifier(name)}"),
        )
    usual = usual_name(owner, name) if isinstance(member, TableSource) else None
    if usual and "(" not in usual:
        return state.error(place, f"`{name}` is not a column of {owner}.", Mend(f"Write {usual}.", usual))
    fix = did_you_mean(name, names, f"Columns: {', '.join(names[:12])}.")
    return state.error(place, f"`{name}` is not a column of {owner}.", fix)


def unknown_name(state: State, node: Field, name: str, scope: SelectScope) -> None:
    """Say that a name is unknown, with where else it exists or what is near."""
    if any(name in source.names for source in scope.sources):
        state.error(node, f"`{name}` is a table; a column is expected.", f"Write {name}.column.")
        return
    outer = scope.parent
    if outer and any(name in source.names or name in field_names(state, source) for source in outer.sources):
        fix = "A subquery does not see the outer query's columns: join instead."
        state.error(node, f"`{name}` belongs to the outer query.", fix)
        return
    place = state.part(node, 0)
    alias = alias_of(name, scope) if len(node.chain) > 1 else None
    fix = Mend(f"FROM calls it `{alias}`.", identifier(alias)) if alias else fix_of_name(state, place, name, scope)
    state.error(place, f"Unknown column `{name}`.", fix)


def alias_of(name: str, scope: SelectScope) -> str | None:
    """The alias under which FROM has a table or WITH query of this name."""
    for source in scope.sources:
        own = source.table.name if isinstance(source, TableSource) else ""
        if isinstance(source, QuerySource) and source.cte:
            own = source.cte.name
        if own == name and source.names:
            return source.names[0]
    return None


def fix_of_name(state: State, place: Span, name: str, scope: SelectScope) -> str:
    if name == "team_id":
        return "Leave it out: every query reads this project only."
    tables = [source.table for source in scope.sources if isinstance(source, TableSource)]
    owners = {each.name for each in tables if "properties" in each.fields}
    if state.query[place.start : place.start + 1] == '"' and is_text(state, name):
        return Mend(
            f"Names stand in double quotes, texts in single ones: write {text_literal(name)}.", text_literal(name)
        )
    prefix = property_prefix(state, name, owners)
    if prefix:
        return Mend(f"Write {prefix}.{name}.", f"{prefix}.{identifier(name)}")
    constant = CONSTANTS.get(name.lower())
    if constant:
        return Mend(f"Write {constant}.", constant)
    usual = next((found for table in tables if (found := usual_name(table.name, name))), None)
    if usual:
        return Mend(f"Write {usual}.", usual)
    names = [each for source in scope.sources for each in field_names(state, source)]
    columns = list(dict.fromkeys([*scope.aliases, *scope.arrays, *names, *scope.ctes]))
    near = did_you_mean(name, columns)
    if not near and state.query[place.start : place.start + 1] == '"':
        return Mend(f"Write {text_literal(name)} for a text.", text_literal(name))
    return (
        near
        or near_property(state, name, owners)
        or ("Add a FROM clause." if not scope.sources else f"Columns: {', '.join(names[:12])}.")
    )


CONSTANTS = {
    "current_date": "today()",
    "current_timestamp": "now()",
    "localtimestamp": "now()",
    "sysdate": "now()",
    "curdate": "today()",
}
"""What other SQLs write without brackets."""


def is_text(state: State, name: str) -> bool:
    """Whether a name in double quotes is rather a text: an event, or nothing that a name could be."""
    return name in state.catalogue.events or not name or " " in name or "%" in name


def property_prefix(state: State, name: str, owners: set[str]) -> str:
    """Where a property of this name lives, for the tables of this SELECT; empty where it does not."""
    if name in state.catalogue.event_properties and owners & {"events", "posthog.ai_events"}:
        return "properties"
    if name in state.catalogue.person_properties and owners:
        return "properties" if "persons" in owners else "person.properties"
    return ""


SHORTEST = 3
"""Characters of a name that may be a slip of a property's."""


def near_property(state: State, name: str, owners: set[str]) -> str:
    """The nearest property, when no column is near."""
    if len(name) < SHORTEST or not owners & {"events", "posthog.ai_events", "persons"}:
        return ""
    known = [*state.catalogue.event_properties, *state.catalogue.person_properties]
    for each in nearest(name, known):
        prefix = property_prefix(state, each, owners)
        if prefix:
            return Mend(f"Did you mean `{prefix}.{each}`?", f"{prefix}.{identifier(each)}")
    return ""
