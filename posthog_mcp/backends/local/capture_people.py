"""What captured events do to persons and groups, in plain Python, by the rules of PostHog's ingestion.

`$identify` and `$create_alias` join an anonymous id to a person, or merge two persons when the one that goes was never
identified; `$merge_dangerously` always merges. `$set`, `$set_once` and `$unset` change properties, and the first
campaign, referrer and device become `$initial_…`. Events with `$process_person_profile` false change nobody.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from posthog_mcp.backends.local.capture_events import Captured, json_text
from posthog_mcp.results import Json

NAMESPACE = uuid.UUID("6f3c1a52-52f7-4d6b-9b7e-0a4c0d2f8f10")
NOBODY = {
    *("anonymous", "guest", "distinctid", "distinct_id", "id", "not_authenticated", "email", "undefined", "true"),
    *("false", "null", "none", "nan", "0", "[object object]", '"undefined"', '"null"'),
}
"""Ids that are no person's: merging by them would join strangers."""
MERGES = {"$identify": "$anon_distinct_id", "$create_alias": "alias", "$merge_dangerously": "alias"}
FOLLOWED = (
    *(
        "utm_source",
        "utm_medium",
        "utm_campaign",
        "utm_content",
        "utm_term",
        "gclid",
        "gad_source",
        "fbclid",
        "msclkid",
    ),
    *("$referrer", "$referring_domain", "$current_url", "$pathname", "$browser", "$browser_version", "$os"),
    *("$os_version", "$device_type", "$app_version", "$app_build", "$app_name", "$app_namespace"),
)
"""Event properties that a person keeps: the newest under their name, the first as `$initial_…`."""
MAX_GROUP_KINDS = 5


@dataclass(slots=True)
class Person:
    """A person's row. `version` rises with each change."""

    id: str
    created_at: datetime
    last_seen_at: datetime
    properties: dict[str, Json]
    is_identified: bool
    version: int


@dataclass(slots=True)
class People:
    """The persons that a batch touches. `ids` maps distinct_id to (person, version); `moved` old person to new."""

    ids: dict[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])
    persons: dict[str, Person] = field(default_factory=dict[str, Person])
    moved: dict[str, str] = field(default_factory=dict[str, str])
    changed_ids: set[str] = field(default_factory=set[str])
    changed: set[str] = field(default_factory=set[str])

    def apply(self, event: Captured) -> None:
        """Let one event change its person, and note the person's properties on it."""
        if not event.has_profile:
            known = self.ids.get(event.distinct_id)
            event.person_properties = self.text_of(known[0]) if known else "{}"
            return
        other = event.properties.get(MERGES.get(event.event, ""))
        person = self.person_of(event.distinct_id, event.timestamp)
        if isinstance(other, str) and other and other != event.distinct_id:
            person = self.join(person, event, other)
        if event.event in MERGES:
            person.is_identified = True
        self.update(person, event)
        event.person_properties = self.text_of(person.id)

    def person_of(self, distinct_id: str, at: datetime) -> Person:
        """The id's person, new when nobody has it."""
        known = self.ids.get(distinct_id)
        if known and known[0] in self.persons:
            return self.persons[known[0]]
        made = Person(known[0] if known else made_id(distinct_id), at, at, {}, is_identified=False, version=0)
        self.persons[made.id] = made
        self.assign(distinct_id, made.id)
        self.changed.add(made.id)
        return made

    def assign(self, distinct_id: str, person_id: str) -> None:
        before = self.ids.get(distinct_id)
        self.ids[distinct_id] = (person_id, before[1] + 1 if before else 0)
        self.changed_ids.add(distinct_id)

    def join(self, person: Person, event: Captured, other: str) -> Person:
        """Give `other` to the person, with everything its own person had."""
        if NOBODY & {other.strip().lower(), event.distinct_id.strip().lower()}:
            return person
        known = self.ids.get(other)
        loser = self.persons.get(known[0]) if known else None
        if loser is person:
            return person
        if loser and loser.is_identified and event.event != "$merge_dangerously":
            return person
        if loser is None:
            self.assign(other, person.id)
            self.move(known[0] if known else made_id(other), person.id)
            return person
        person.properties = {**loser.properties, **person.properties}
        person.created_at = min(person.created_at, loser.created_at)
        person.last_seen_at = max(person.last_seen_at, loser.last_seen_at)
        for distinct_id, (owner, _) in list(self.ids.items()):
            if owner == loser.id:
                self.assign(distinct_id, person.id)
        self.move(loser.id, person.id)
        del self.persons[loser.id]
        self.changed.add(loser.id)
        return person

    def move(self, old: str, new: str) -> None:
        if old == new:
            return
        self.moved = {source: new if target == old else target for source, target in self.moved.items()}
        self.moved[old] = new

    def update(self, person: Person, event: Captured) -> None:
        """Change properties as the event says; `$set` wins over what the event's own properties tell."""
        followed = {name: event.properties[name] for name in FOLLOWED if event.properties.get(name) is not None}
        first = {f"$initial_{name.removeprefix('$')}": value for name, value in followed.items()}
        once = {**first, **mapping(event.properties.get("$set_once"))}
        person.properties = {**once, **person.properties, **followed, **mapping(event.properties.get("$set"))}
        unset = event.properties.get("$unset")
        for name in unset if isinstance(unset, list | dict) else []:
            person.properties.pop(str(name), None)
        person.created_at = min(person.created_at, event.timestamp)
        person.last_seen_at = max(person.last_seen_at, event.timestamp)
        person.version += 1
        self.changed.add(person.id)

    def text_of(self, person_id: str) -> str:
        person = self.persons.get(person_id)
        return json_text(person.properties) if person else "{}"

    def owner(self, event: Captured) -> str:
        """Whose the event is after the whole batch."""
        known = self.ids.get(event.distinct_id)
        return known[0] if known else made_id(event.distinct_id)

    def gone(self) -> set[str]:
        """Persons that have been merged away."""
        return {person_id for person_id in self.changed if person_id not in self.persons}


def made_id(distinct_id: str) -> str:
    """The person_id that a distinct_id has before anything else is known; always the same."""
    return str(uuid.uuid5(NAMESPACE, distinct_id))


def mapping(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


@dataclass(slots=True)
class Group:
    """A group's row."""

    index: int
    key: str
    created_at: datetime
    updated_at: datetime
    properties: dict[str, Json]


@dataclass(slots=True)
class Groups:
    """Group types by index, and the groups that a batch names by (index, key)."""

    kinds: list[str]
    groups: dict[tuple[int, str], Group] = field(default_factory=dict[tuple[int, str], Group])
    changed: set[tuple[int, str]] = field(default_factory=set[tuple[int, str]])

    def apply(self, event: Captured) -> None:
        """Number the event's groups (`$group_0` …) and take over what `$groupidentify` sets."""
        for kind, key in mapping(event.properties.get("$groups")).items():
            index = self.index_of(kind)
            if index is not None and isinstance(key, str | int):
                event.properties.setdefault(f"$group_{index}", str(key))
        kind, key = event.properties.get("$group_type"), event.properties.get("$group_key")
        if event.event != "$groupidentify" or not isinstance(kind, str) or not isinstance(key, str | int):
            return
        index = self.index_of(kind)
        if index is None:
            return
        at = event.timestamp
        group = self.groups.setdefault((index, str(key)), Group(index, str(key), at, at, {}))
        group.properties = {**group.properties, **mapping(event.properties.get("$group_set"))}
        group.created_at, group.updated_at = min(group.created_at, at), max(group.updated_at, at)
        self.changed.add((index, str(key)))

    def index_of(self, kind: str) -> int | None:
        """A new type gets the next index; there are five at most."""
        if kind not in self.kinds and len(self.kinds) < MAX_GROUP_KINDS:
            self.kinds.append(kind)
        return self.kinds.index(kind) if kind in self.kinds else None


def keys_of(events: Iterable[Captured]) -> set[str]:
    """Every distinct_id that a batch names, as sender or as the other side of a merge."""
    found: set[str] = set()
    for event in events:
        found.add(event.distinct_id)
        other = event.properties.get(MERGES.get(event.event, ""))
        if isinstance(other, str) and other:
            found.add(other)
    return found
