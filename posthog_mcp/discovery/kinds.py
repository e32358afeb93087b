"""The kinds of thing that can be discovered, and where each one is listed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from posthog_mcp.backends.backend import Resource

Kind = Literal[
    "event",
    "property",
    "person_property",
    "session_property",
    "group",
    "table",
    "action",
    "cohort",
    "insight",
    "dashboard",
    "annotation",
    "feature_flag",
    "experiment",
    "survey",
    "session_recording",
    "early_access_feature",
    "error_issue",
    "notebook",
    "alert",
    "subscription",
    "batch_export",
    "integration",
    "hog_function",
    "warehouse_table",
    "member",
    "project",
    "organization",
    "activity",
]
KINDS: tuple[Kind, ...] = get_args(Kind)


def plural(kind: str) -> str:
    """`activities` of activity, `cohorts` of cohort."""
    return f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a kind is listed. `fields` are the ones shown, in order."""

    resource: Resource
    fields: tuple[str, ...]
    filters: Mapping[str, str] = field(default_factory=dict[str, str])


SOURCES: Mapping[Kind, Source] = {
    "event": Source("event_definitions", ("name", "volume_30_day", "last_seen_at")),
    "property": Source("property_definitions", ("name", "property_type", "count"), {"type": "event"}),
    "person_property": Source("property_definitions", ("name", "property_type", "count"), {"type": "person"}),
    "group": Source("groups_types", ("group_type", "group_type_index")),
    "action": Source("actions", ("id", "name", "description")),
    "cohort": Source("cohorts", ("id", "name", "count", "is_static")),
    "insight": Source("insights", ("id", "short_id", "name", "description")),
    "dashboard": Source("dashboards", ("id", "name", "description")),
    "annotation": Source("annotations", ("id", "content", "date_marker", "scope")),
    "feature_flag": Source("feature_flags", ("id", "key", "name", "active")),
    "experiment": Source("experiments", ("id", "name", "feature_flag_key", "start_date", "end_date")),
    "survey": Source("surveys", ("id", "name", "type", "start_date")),
    "session_recording": Source("session_recordings", ("id", "distinct_id", "start_time", "recording_duration")),
    "early_access_feature": Source("early_access_feature", ("id", "name", "stage")),
    "error_issue": Source("error_tracking_issues", ("id", "name", "status", "first_seen")),
    "notebook": Source("notebooks", ("id", "short_id", "title")),
    "alert": Source("alerts", ("id", "name", "enabled")),
    "subscription": Source("subscriptions", ("id", "title", "target_type", "frequency")),
    "batch_export": Source("batch_exports", ("id", "name", "model", "paused")),
    "integration": Source("integrations", ("id", "kind", "display_name")),
    "hog_function": Source("hog_functions", ("id", "name", "type", "enabled")),
    "warehouse_table": Source("warehouse_tables", ("id", "name", "format")),
    "member": Source("members", ("id", "name", "level")),
    "project": Source("projects", ("id", "name", "timezone")),
    "organization": Source("organizations", ("id", "name")),
    "activity": Source("activity_log", ("created_at", "activity", "scope", "item_id", "detail")),
}
"""Tables and session properties are not here: they come from the catalogue."""
