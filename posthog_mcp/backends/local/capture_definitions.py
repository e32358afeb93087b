"""Captured events → definitions: a new name gets its type from its first value, a known one keeps it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from posthog_mcp.backends.local.capture_events import Captured
from posthog_mcp.backends.local.capture_people import Groups, mapping
from posthog_mcp.backends.local.definitions import ALWAYS_TEXT, DATETIME, TOP_EVENTS
from posthog_mcp.backends.local.manifest import Definitions, PropertyDefinition
from posthog_mcp.hogql.catalogue import PropertyType
from posthog_mcp.results import Json

TIME_TEXT = re.compile(DATETIME.strip('^$"'))


def learn_properties(before: Definitions, events: Iterable[Captured], groups: Groups) -> Definitions:
    """A new set of definitions that knows these events' properties too."""
    learned = before.model_copy(deep=True)
    for event in events:
        count(learned.event_properties, event.properties, event.event)
        count(learned.person_properties, mapping(event.properties.get("$set_once")))
        count(learned.person_properties, mapping(event.properties.get("$set")))
        kind = event.properties.get("$group_type")
        if event.event == "$groupidentify" and isinstance(kind, str) and kind in groups.kinds:
            found = learned.group_properties.setdefault(str(groups.kinds.index(kind)), {})
            count(found, mapping(event.properties.get("$group_set")), kind)
    return learned


def count(known: dict[str, PropertyDefinition], properties: Mapping[str, Json], event: str = "") -> None:
    for name, value in properties.items():
        if value is None:
            continue
        definition = known.setdefault(name, PropertyDefinition(type=type_of(name, value), count=0))
        definition.count += 1
        if event not in definition.events and len(definition.events) < TOP_EVENTS:
            definition.events.append(event)


def type_of(name: str, value: Json) -> PropertyType:
    """PostHog's property type of one value."""
    if ALWAYS_TEXT.match(name):
        return "String"
    if isinstance(value, bool) or value in ("true", "false"):
        return "Boolean"
    if isinstance(value, int | float):
        return "Numeric"
    return "DateTime" if isinstance(value, str) and TIME_TEXT.fullmatch(value) else "String"
