"""Raw events and persons → physical rows, as SQL: one JSON parse a row gives every hot property and special column.

A hot value is what HogQL reads from the JSON text: NULL when missing or null, texts without their quotes, nested
values as raw JSON; Numeric and Boolean columns hold NULL where the value is not one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from posthog_mcp.backends.local.schema import EVENTS, GROUP_SLOTS, PERSONS, TEXT, Columns, HotColumns, literal, quoted

SPECIAL = (
    "$session_id",
    "$window_id",
    *(f"$group_{slot}" for slot in range(GROUP_SLOTS)),
    "$groups",
    "$process_person_profile",
    "$exception_issue_id",
)
CHAIN_TAGS = "a|button|form|input|select|textarea|label"


@dataclass(frozen=True, slots=True)
class Shape:
    """What one snapshot made of its JSON columns. `kinds` names group types by index."""

    events: HotColumns = field(default_factory=dict[str, tuple[str, str]])
    people_on_events: HotColumns = field(default_factory=dict[str, tuple[str, str]])
    people: HotColumns = field(default_factory=dict[str, tuple[str, str]])
    kinds: Sequence[str] = ()

    @property
    def event_columns(self) -> Columns:
        return (*EVENTS, *self.events.values(), *self.people_on_events.values())

    @property
    def person_columns(self) -> Columns:
        return (*PERSONS, *self.people.values())


def events_select(rows: str, shape: Shape, *, person_id: str = "person_id") -> str:
    """SELECT of `shape.event_columns` from a relation of raw events. `person_id` is SQL of the merged person."""
    names = (*SPECIAL, *(name for name in shape.events if name not in SPECIAL))
    own = {name: f"tupleElement(own, {position})" for position, name in enumerate(names, 1)}
    theirs = {name: f"tupleElement(theirs, {position})" for position, name in enumerate(shape.people_on_events, 1)}
    groups = [f"{group_key(slot, shape.kinds, own)} AS `$group_{slot}`" for slot in range(GROUP_SLOTS)]
    chain = "elements_chain"
    selected = [
        *("uuid", "event", "timestamp", "created_at", "distinct_id", f"{person_id} AS person_id"),
        "if(properties = '', '{}', properties) AS properties",
        "if(person_properties = '', '{}', person_properties) AS person_properties",
        chain,
        f"if({own['$process_person_profile']} = 'false', 'propertyless', 'full') AS person_mode",
        f"nullIf({own['$session_id']}, '') AS `$session_id`",
        f"nullIf({own['$window_id']}, '') AS `$window_id`",
        *groups,
        f"extract({chain}, {literal(CHAIN_VALUE.format('href'))}) AS elements_chain_href",
        f"{every(chain, CHAIN_VALUE.format('text'))} AS elements_chain_texts",
        f"{every(chain, CHAIN_VALUE.format('attr_id'))} AS elements_chain_ids",
        f"{every(chain, f'(?:^|;)({CHAIN_TAGS})(?:[.:]|$)')} AS elements_chain_elements",
        f"toUUIDOrNull({own['$exception_issue_id']}) AS issue_id",
        *(f"{typed(own[name], kind)} AS {quoted(column)}" for name, (column, kind) in shape.events.items()),
        *(
            f"{typed(theirs[name], kind)} AS {quoted(column)}"
            for name, (column, kind) in shape.people_on_events.items()
        ),
    ]
    parsed = [f"{parse('properties', names)} AS own"]
    if theirs:
        parsed.append(f"{parse('person_properties', tuple(theirs))} AS theirs")
    return f"SELECT {', '.join(selected)} FROM (SELECT *, {', '.join(parsed)} FROM {rows})"


CHAIN_VALUE = '(?::|"){}="(.*?)"'


def every(chain: str, pattern: str) -> str:
    return f"if({chain} = '', []::Array(String), arrayDistinct(extractAll({chain}, {literal(pattern)})))"


def group_key(slot: int, kinds: Sequence[str], own: dict[str, str]) -> str:
    given = f"ifNull({own[f'$group_{slot}']}, '')"
    if slot >= len(kinds):
        return given
    named = f"JSONExtract(ifNull({own['$groups']}, ''), {literal(kinds[slot])}, {literal(TEXT)})"
    return f"if({given} != '', {given}, ifNull({named}, ''))"


def persons_hot_select(persons: str, shape: Shape) -> str:
    """SELECT of `shape.person_columns` from a relation with the columns of `schema.PERSONS`."""
    names = tuple(shape.people)
    values = [
        f"{typed(f'tupleElement(own, {position})', kind)} AS {quoted(column)}"
        for position, (column, kind) in enumerate(shape.people.values(), 1)
    ]
    parsed = f", {parse('properties', names)} AS own" if names else ""
    selected = ", ".join([*(quoted(name) for name, _ in PERSONS), *values])
    return f"SELECT {selected} FROM (SELECT *{parsed} FROM {persons})"


def parse(column: str, names: Sequence[str]) -> str:
    inside = ", ".join(f"{quoted(name)} {TEXT}" for name in names)
    return f"JSONExtract({column}, {literal(f'Tuple({inside})')})"


def typed(text: str, kind: str) -> str:
    if "Float64" in kind:
        return f"toFloat64OrNull({text})"
    if "Bool" in kind:
        return f"multiIf({text} = 'true', true, {text} = 'false', false, NULL)"
    return text
