"""Tables reached through a column: `events.person`, `events.session`, `events.group_0`, `persons.pdi`, …

The first use of one makes a joined source; later uses share it, and the printer selects only the columns used.
`events.person` is the person as of the event: its id and properties are columns of the event, anything else joins
persons.
"""

from __future__ import annotations

from dataclasses import dataclass

from posthog_mcp.hogql.catalogue import TableDef
from posthog_mcp.hogql.resolver_scopes import LazyJoin, TableSource
from posthog_mcp.hogql.resolver_state import State

EVENT_PERSON = frozenset({"person", "poe"})


@dataclass(frozen=True, slots=True)
class EventPerson:
    """The person of an event, as of the event."""

    source: TableSource


def group_index(state: State, name: str) -> int | None:
    """The group type's index for `group_0` or for the type's own name."""
    if name in state.catalogue.group_types:
        return state.catalogue.group_types.index(name)
    digit = name.removeprefix("group_")
    return int(digit) if name.startswith("group_") and digit in set("01234") else None


def lazy_names(state: State, source: TableSource) -> list[str]:
    """What may be written after this table besides its columns."""
    groups = list(state.catalogue.group_types) if "group_0" in source.table.joins else []
    return [*source.table.joins, *groups]


def lazy_table(state: State, source: TableSource, name: str) -> TableSource | EventPerson | None:
    """The table that `name` joins, or None when it joins none."""
    joins = source.table.joins
    if source.table.name == "events" and name in EVENT_PERSON and name in joins:
        return EventPerson(source)
    group = group_index(state, name) if "group_0" in joins else None
    return joined(state, source, f"group_{group}" if group is not None else name, group)


def joined(state: State, source: TableSource, name: str, group: int | None = None) -> TableSource | None:
    """The source that a lazy join adds; one for each parent and name."""
    target = state.catalogue.tables.get(source.table.joins.get(name, ""))
    if target and name not in source.lazy:
        link = keys_of(source, name, target)
        if not link:
            return None
        state.tables[target.name] = None
        source.lazy[name] = TableSource(state.fresh(), table=target, join=link, group=group)
        source.columns.add(link.parent_key)
    return source.lazy.get(name)


def keys_of(source: TableSource, name: str, target: TableDef) -> LazyJoin | None:
    """The columns that join the two, by what both have."""
    fields = source.table.fields
    if name.startswith("group_"):
        return LazyJoin(name, source, f"$group_{name[-1]}", "key")
    pairs = {
        "persons": (("person_id", "id"),),
        "person_distinct_ids": (("distinct_id", "distinct_id"), ("id", "person_id")),
        "sessions": (("$session_id", "session_id"), ("session_id", "session_id")),
        "events": (("session_id", "$session_id"),),
    }
    for parent_key, key in pairs.get(target.name, ()):
        if parent_key in fields and key in target.fields:
            many = target.name == "events" or (parent_key, key) == ("id", "person_id")
            return LazyJoin(name, source, parent_key, key, many)
    return None


def person_fields(state: State, person: EventPerson) -> TableSource | None:
    """The joined persons table behind an event's person, for fields that the event does not carry."""
    return joined(state, person.source, "person")
