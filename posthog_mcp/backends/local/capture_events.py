"""Capture payloads as PostHog's SDKs send them → checked events. Refusals name the event by its place in the batch.

Rules of PostHog's ingestion that apply here: `$set`, `$set_once` and `$unset` may stand beside or inside properties;
`timestamp` is corrected by the clock difference between `sent_at` and now; a time more than 23 hours ahead is now; a
missing uuid is made up.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from posthog_mcp.errors import InvalidInput
from posthog_mcp.results import Json

MAX_EVENT_NAME = 200
MAX_DISTINCT_ID = 400
FUTURE = timedelta(hours=23)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
MOVED_INSIDE = ("$set", "$set_once", "$unset", "$anon_distinct_id")


@dataclass(slots=True)
class Captured:
    """One event. `person_id` and `person_properties` are filled in when its person is known."""

    uuid: str
    event: str
    distinct_id: str
    timestamp: datetime
    properties: dict[str, Json]
    person_id: str = ""
    person_properties: str = "{}"

    @property
    def has_profile(self) -> bool:
        return self.properties.get("$process_person_profile") is not False


def read_events(events: Sequence[Mapping[str, Json]], now: datetime) -> list[Captured]:
    """Check a whole batch before anything is stored.

    Raises:
        BadEvent: an event is wrong; `context` has its index and the attribute.
    """
    return [read_event(index, event, now) for index, event in enumerate(events)]


class BadEvent(InvalidInput):
    """One event of a batch is wrong. `context` has its index and the attribute."""

    def __init__(self, index: int, name: str, why: str) -> None:
        super().__init__(
            f"Event {index} of the batch: {name} {why}. Nothing of the batch was stored.",
            fix="Correct that event and send the batch again.",
            context={"index": index, "attr": name},
        )


def read_event(index: int, event: Mapping[str, Json], now: datetime) -> Captured:
    """Check one event.

    Raises:
        BadEvent: it is wrong.
    """
    properties = event.get("properties") or {}
    if not isinstance(properties, dict):
        raise BadEvent(index, "properties", "is not an object")
    properties = {**properties, **{name: event[name] for name in MOVED_INSIDE if event.get(name) is not None}}
    found = event.get("distinct_id") or properties.get("distinct_id") or event.get("$distinct_id")
    properties = {name: value for name, value in properties.items() if name not in {"distinct_id", "token"}}
    check_json(index, properties)
    return Captured(
        uuid=read_uuid(index, event.get("uuid")),
        event=read_text(index, "event", event.get("event"), MAX_EVENT_NAME),
        distinct_id=read_text(index, "distinct_id", found, MAX_DISTINCT_ID),
        timestamp=event_time(index, event, now),
        properties=properties,
    )


def read_text(index: int, name: str, value: Json, longest: int) -> str:
    """A name or id; numbers are accepted as PostHog does.

    Raises:
        BadEvent: it is missing or too long.
    """
    text = str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    if not text:
        raise BadEvent(index, name, "is missing")
    if len(text) > longest:
        raise BadEvent(index, name, f"is longer than {longest} characters")
    return storable(text)


def storable(text: str) -> str:
    """UTF-8 has no lone surrogates; JSON has."""
    return text.encode("utf-8", "replace").decode("utf-8")


def json_text(value: Json) -> str:
    return storable(json.dumps(value, ensure_ascii=False))


def read_uuid(index: int, value: Json) -> str:
    """The event's uuid, or a new one.

    Raises:
        BadEvent: it is not a UUID.
    """
    if value is None or value == "":
        return str(uuid.uuid4())
    try:
        return str(uuid.UUID(str(value)))
    except ValueError:
        raise BadEvent(index, "uuid", "is not a UUID") from None


def check_json(index: int, properties: dict[str, Json]) -> None:
    """Refuse what strict JSON cannot say.

    Raises:
        BadEvent: NaN, an infinity, or nesting without end.
    """
    try:
        json.dumps(properties, allow_nan=False)
    except (ValueError, RecursionError):
        raise BadEvent(index, "properties", "holds NaN, an infinity, or too deep nesting") from None


def event_time(index: int, event: Mapping[str, Json], now: datetime) -> datetime:
    """When the event happened, in UTC."""
    given = read_time(index, "timestamp", event.get("timestamp"))
    sent = read_time(index, "sent_at", event.get("sent_at"))
    offset = event.get("offset")
    if given and sent:
        given = now + (given - sent)
    elif given is None:
        late = offset if isinstance(offset, int | float) and not isinstance(offset, bool) else 0
        given = now - timedelta(milliseconds=max(0, late))
    return now if given > now + FUTURE else max(given, EARLIEST)


def read_time(index: int, name: str, value: Json) -> datetime | None:
    """An ISO 8601 time; without an offset it is UTC.

    Raises:
        BadEvent: it is something else.
    """
    if value is None or value == "":
        return None
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        if found is None:
            raise BadEvent(index, name, "is not an ISO 8601 time")
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadEvent(index, name, "is not an ISO 8601 time") from None
