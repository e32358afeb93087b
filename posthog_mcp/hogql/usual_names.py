"""Columns as other tools name them, and what they are called in PostHog: slips that no spelling comes near."""

from __future__ import annotations

from collections.abc import Mapping

USUAL_NAMES: Mapping[str, Mapping[str, str]] = {
    "events": {
        "event_name": "event",
        "event_type": "event",
        "name": "event",
        "id": "uuid",
        "event_id": "uuid",
        "user_id": "person_id",
        "user": "person_id",
        "session_id": "$session_id",
        "window_id": "$window_id",
        "date": "toDate(timestamp)",
        "day": "toDate(timestamp)",
        "time": "timestamp",
        "ts": "timestamp",
        "event_time": "timestamp",
        "event_timestamp": "timestamp",
        "occurred_at": "timestamp",
        "url": "properties.$current_url",
        "path": "properties.$pathname",
        "referrer": "properties.$referrer",
        "country": "properties.$geoip_country_code",
    },
    "persons": {
        "person_id": "id",
        "user_id": "id",
        "uuid": "id",
        "distinct_id": "pdi.distinct_id",
        "distinct_ids": "pdi.distinct_id",
        "name": "properties.name",
    },
    "sessions": {
        "$session_id": "session_id",
        "start_time": "$start_timestamp",
        "started_at": "$start_timestamp",
        "timestamp": "$start_timestamp",
        "end_time": "$end_timestamp",
        "channel": "$channel_type",
        "entry_url": "$entry_current_url",
        "bounce": "$is_bounce",
    },
    "groups": {
        "group_key": "key",
        "group_type": "index",
        "group_type_index": "index",
        "group_properties": "properties",
    },
    "person_distinct_ids": {"id": "person_id"},
}
"""Table → wrong name → HogQL. Only names that the table itself does not have are looked up."""


def usual_name(table: str, name: str) -> str | None:
    """What a name of other tools is called in this table."""
    return USUAL_NAMES.get(table, {}).get(name.lower())
