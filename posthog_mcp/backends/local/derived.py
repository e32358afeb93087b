"""Kinds that follow from the data or that an embedded project has exactly one of, in PostHog's REST shapes.

Definitions come from the snapshot's manifest. Ids are UUIDs made from names, so they stay the same from one snapshot
to the next.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence

from posthog_mcp.backends.backend import Resource
from posthog_mcp.backends.local.manifest import Manifest, PropertyDefinition
from posthog_mcp.errors import InvalidInput
from posthog_mcp.hogql.builtin import builtin_tables
from posthog_mcp.hogql.catalogue import DataType, PropertyType
from posthog_mcp.results import Json

Item = dict[str, Json]
Filters = Mapping[str, str]

NAMESPACE = uuid.UUID("5f0a1d58-4c1e-4d5c-9a52-0b1f6f2f7a10")
CREATED = "2026-01-01T00:00:00+00:00"
EVENTS_KEPT = 20
"""A property's definition names that many events at most; with as many, others may have it too."""
SESSION_TYPES: Mapping[DataType, PropertyType] = {
    "integer": "Numeric",
    "float": "Numeric",
    "boolean": "Boolean",
    "datetime": "DateTime",
}

ORGANIZATION_ID = "00000000-0000-4000-8000-0000000000a1"
USER: Item = {
    "id": 1,
    "uuid": "00000000-0000-4000-8000-000000000001",
    "distinct_id": "local",
    "first_name": "Local",
    "last_name": "",
    "email": "local@localhost",
    "is_email_verified": True,
}
MEMBER: Item = {
    "id": "00000000-0000-4000-8000-000000000002",
    "name": "Local",
    "user": USER,
    "level": 15,
    "joined_at": CREATED,
    "updated_at": CREATED,
}


def identified(kind: str, name: str) -> str:
    return str(uuid.uuid5(NAMESPACE, f"{kind}/{name}"))


def derived(resource: Resource, manifest: Manifest, filters: Filters) -> Sequence[Item]:
    """All items of a derived kind, filtered as PostHog's query parameters say; unknown parameters are ignored."""
    makers: Mapping[str, Callable[[Manifest, Filters], Sequence[Item]]] = {
        "event_definitions": event_definitions,
        "property_definitions": property_definitions,
        "groups_types": group_types,
    }
    if resource in makers:
        return makers[resource](manifest, filters)
    singles: Mapping[str, Item] = {
        "projects": project(manifest),
        "organizations": organization(manifest),
        "users": {**USER, "organization": organization(manifest)},
        "members": MEMBER,
    }
    return [singles[resource]] if resource in singles else []


def project(manifest: Manifest) -> Item:
    settings = manifest.project
    return {
        "id": 1,
        "uuid": "00000000-0000-4000-8000-0000000000b1",
        "organization": ORGANIZATION_ID,
        "name": settings.name,
        "timezone": settings.timezone,
        "week_start_day": settings.week_start_day,
        "api_token": "phc_local",
        "is_demo": manifest.source.kind == "demo",
        "ingested_event": manifest.tables["events"].rows > 0,
        "completed_snippet_onboarding": True,
        "created_at": CREATED,
    }


def organization(manifest: Manifest) -> Item:
    return {
        "id": ORGANIZATION_ID,
        "name": "Embedded",
        "slug": "embedded",
        "membership_level": 15,
        "created_at": CREATED,
        "teams": [project(manifest)],
        "projects": [project(manifest)],
    }


def event_definitions(manifest: Manifest, filters: Filters) -> Sequence[Item]:
    """`event_type`: all, event_custom or event_posthog; `ordering` by name or last_seen_at."""
    wanted = filters.get("event_type", "all")
    items: list[Item] = [
        {
            "id": identified("event", name),
            "name": name,
            "description": "",
            "volume_30_day": event.volume_30d,
            "query_usage_30_day": None,
            "created_at": event.first_seen,
            "first_seen_at": event.first_seen,
            "last_seen_at": event.last_seen,
            "last_updated_at": event.last_seen,
            "verified": False,
            "hidden": False,
            "is_action": False,
            "tags": [],
        }
        for name, event in manifest.definitions.events.items()
        if wanted not in ("event_custom", "event_posthog") or name.startswith("$") == (wanted == "event_posthog")
    ]
    ordering = filters.get("ordering", "")
    if ordering.lstrip("-") in ("name", "last_seen_at", "volume_30_day"):
        field = ordering.lstrip("-")
        items.sort(key=lambda item: (isinstance(item[field], str), item[field]), reverse=ordering.startswith("-"))
    return items


def property_definitions(manifest: Manifest, filters: Filters) -> Sequence[Item]:
    """`type` event, person, group (with `group_type_index`) or session; `properties`, `excluded_properties`,
    `is_numerical`, `is_feature_flag`, `event_names` with `filter_by_event_names`.
    """
    kind = filters.get("type", "event")
    known = known_properties(kind, manifest, filters)
    names = listed(filters.get("properties"))
    excluded = listed(filters.get("excluded_properties"))
    events = listed(filters.get("event_names"))
    only_seen = truth(filters.get("filter_by_event_names"))
    items: list[Item] = []
    for name, found in known.items():
        seen = len(found.events) >= EVENTS_KEPT or not events.isdisjoint(found.events)
        numerical = found.type in ("Numeric", "Duration")
        flag = name.startswith("$feature/")
        if (names and name not in names) or name in excluded or (events and only_seen and not seen):
            continue
        if truth(filters.get("is_numerical")) not in (None, numerical):
            continue
        if truth(filters.get("is_feature_flag")) not in (None, flag):
            continue
        items.append(
            {
                "id": identified(kind, name),
                "name": name,
                "property_type": found.type,
                "is_numerical": numerical,
                "is_seen_on_filtered_events": seen if events else None,
                "count": found.count,
                "events": list(found.events),
                "verified": False,
                "hidden": False,
                "tags": [],
            }
        )
    return items


def known_properties(kind: str, manifest: Manifest, filters: Filters) -> Mapping[str, PropertyDefinition]:
    """Definitions of one type.

    Raises:
        InvalidInput: there is no such type.
    """
    found = manifest.definitions
    match kind:
        case "event":
            return found.event_properties
        case "person":
            return found.person_properties
        case "group":
            return found.group_properties.get(filters.get("group_type_index", "0"), {})
        case "session":
            fields = builtin_tables()["sessions"].fields.values()
            rows = manifest.tables["sessions"].rows
            return {
                field.name: PropertyDefinition(type=SESSION_TYPES.get(field.type, "String"), count=rows)
                for field in fields
                if field.name.startswith("$")
            }
        case _:
            fix = "Use event, person, group or session."
            raise InvalidInput(f"There is no property type {kind!r}.", fix=fix, context={"attr": "type"})


def listed(value: str | None) -> set[str]:
    """A JSON list or a comma-separated one."""
    if not value:
        return set()
    try:
        found: Json = json.loads(value)
    except (ValueError, RecursionError):
        found = None
    return set(map(str, found)) if isinstance(found, list) else set(value.split(","))


def truth(value: str | None) -> bool | None:
    return None if value is None else value.lower() in ("true", "1")


def group_types(manifest: Manifest, filters: Filters) -> Sequence[Item]:
    del filters
    return [
        {
            "group_type": name,
            "group_type_index": index,
            "name": name,
            "name_singular": None,
            "name_plural": None,
        }
        for index, name in enumerate(manifest.group_types)
    ]
