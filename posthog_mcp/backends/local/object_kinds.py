"""What the embedded project knows of each metadata kind: a new object's fields, and which values are refused.

Pure data and checks; `objects.py` stores. A field's default tells its type: what is a list, a truth value or an
object there stays one. Fields that are not named here are kept as they come, as a newer PostHog may have more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from posthog_mcp.errors import InvalidInput
from posthog_mcp.results import Json

Body = dict[str, Json]

MAX_OBJECT = 4 << 20
"""Bytes of one object as JSON."""
READ_ONLY = ("id", "short_id", "created_at", "created_by", "updated_at", "last_modified_at")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind. `times` hold ISO 8601 or null; `unique` may not be taken by another object that is not deleted."""

    scope: str
    """Its name in the activity log."""
    defaults: Body
    required: tuple[str, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    times: tuple[str, ...] = ()
    unique: str | None = None
    short_id: bool = False


NAMED: Body = {"name": "", "description": ""}
DATES: Body = {"start_date": None, "end_date": None}

KINDS: Mapping[str, Kind] = {
    "insights": Kind(
        "Insight",
        {
            **NAMED,
            "derived_name": None,
            "query": None,
            "filters": {},
            "dashboards": [],
            "tags": [],
            "saved": True,
            "favorited": False,
            "order": None,
            "result": None,
            "last_refresh": None,
            "is_sample": False,
        },
        short_id=True,
    ),
    "dashboards": Kind(
        "Dashboard",
        {
            **NAMED,
            "tiles": [],
            "pinned": False,
            "tags": [],
            "filters": {},
            "variables": {},
            "is_shared": False,
            "creation_mode": "default",
            "restriction_level": 21,
        },
    ),
    "cohorts": Kind(
        "Cohort",
        {
            **NAMED,
            "is_static": False,
            "filters": {},
            "groups": [],
            "query": None,
            "count": None,
            "is_calculating": False,
            "last_calculation": None,
            "errors_calculating": 0,
        },
        required=("name",),
    ),
    "actions": Kind(
        "Action", {**NAMED, "steps": [], "tags": [], "post_to_slack": False, "pinned_at": None}, required=("name",)
    ),
    "annotations": Kind(
        "Annotation",
        {"content": "", "date_marker": None, "scope": "project", "creation_type": "USR", "dashboard_item": None},
        required=("content",),
        choices={"scope": ("dashboard_item", "dashboard", "project", "organization", "recording")},
        times=("date_marker",),
    ),
    "feature_flags": Kind(
        "FeatureFlag",
        {
            "key": "",
            "name": "",
            "active": True,
            "filters": {},
            "tags": [],
            "rollout_percentage": None,
            "ensure_experience_continuity": False,
            "experiment_set": [],
        },
        required=("key",),
        unique="key",
    ),
    "experiments": Kind(
        "Experiment",
        {**NAMED, **DATES, "feature_flag_key": None, "parameters": {}, "filters": {}, "metrics": [], "archived": False},
        required=("name",),
        times=("start_date", "end_date"),
    ),
    "surveys": Kind(
        "Survey",
        {**NAMED, **DATES, "type": "popover", "questions": [], "conditions": None, "appearance": {}, "archived": False},
        required=("name",),
        choices={"type": ("popover", "widget", "external_survey", "api")},
        times=("start_date", "end_date"),
    ),
    "early_access_feature": Kind(
        "EarlyAccessFeature",
        {**NAMED, "stage": "beta", "documentation_url": "", "feature_flag": None},
        required=("name",),
        choices={"stage": ("draft", "concept", "alpha", "beta", "general-availability", "archived")},
    ),
    "error_tracking_issues": Kind(
        "ErrorTrackingIssue",
        {**NAMED, "status": "active", "assignee": None, "first_seen": None},
        choices={"status": ("active", "archived", "resolved", "pending_release", "suppressed")},
        times=("first_seen",),
    ),
    "notebooks": Kind("Notebook", {"title": "", "content": None, "text_content": ""}, short_id=True),
    "alerts": Kind(
        "AlertConfiguration",
        {
            "name": "",
            "insight": None,
            "enabled": True,
            "threshold": {},
            "condition": {},
            "config": None,
            "state": "Not firing",
            "calculation_interval": "daily",
        },
        choices={"calculation_interval": ("hourly", "daily", "weekly", "monthly")},
    ),
    "subscriptions": Kind(
        "Subscription",
        {
            "title": "",
            "dashboard": None,
            "insight": None,
            "target_type": "email",
            "target_value": "",
            "frequency": "weekly",
            "interval": 1,
            "start_date": None,
        },
        choices={"target_type": ("email", "slack", "webhook"), "frequency": ("daily", "weekly", "monthly", "yearly")},
        times=("start_date",),
    ),
    "batch_exports": Kind(
        "BatchExport",
        {"name": "", "model": "events", "destination": {}, "interval": "hour", "paused": False},
        choices={"model": ("events", "persons", "sessions")},
    ),
    "integrations": Kind("Integration", {"kind": "", "display_name": "", "config": {}, "errors": ""}),
    "hog_functions": Kind("HogFunction", {**NAMED, "type": "destination", "enabled": False, "inputs": {}}),
    "warehouse_tables": Kind("DataWarehouseTable", {"name": "", "format": "Parquet", "url_pattern": "", "columns": []}),
}
"""Kinds that are stored, by their path segment in PostHog's REST API."""


def new_body(kind: str, given: Mapping[str, Json]) -> Body:
    """An object of this kind with what was given over the kind's defaults.

    Raises:
        InvalidInput: a required field is missing, or a value is refused.
    """
    rules = KINDS[kind]
    for name in rules.required:
        if not given.get(name):
            refuse(name, "This field is required.")
    return {**rules.defaults, **checked(kind, given)}


def checked(kind: str, given: Mapping[str, Json]) -> Body:
    """The fields that may be set, each checked.

    Raises:
        InvalidInput: a value is refused; its context names the field as `attr`.
    """
    rules = KINDS[kind]
    fields: Body = {name: value for name, value in given.items() if name not in READ_ONLY}
    for name, value in fields.items():
        check_type(name, value, False if name == "deleted" else rules.defaults.get(name))
        if name in rules.choices and value not in rules.choices[name]:
            refuse(name, f'"{value}" is not a valid choice. Choices: {", ".join(rules.choices[name])}.')
        if name in rules.times and value is not None:
            check_time(name, value)
    stored_text(fields)
    return fields


def check_type(name: str, value: Json, default: Json) -> None:
    """Refuse a value whose type is not its default's; null stands for "unset" where the type is no truth value."""
    words: Mapping[type, str] = {bool: "a boolean", list: "a list", dict: "an object", str: "a string"}
    wanted = type(default)
    unset = value is None and not isinstance(default, bool)
    if wanted not in words or isinstance(value, wanted) or unset:
        return
    refuse(name, f"Must be {words[wanted]}.")


def check_time(name: str, value: Json) -> None:
    try:
        datetime.fromisoformat(str(value))
    except ValueError:
        refuse(name, "Datetime has wrong format. Use ISO 8601, such as 2026-01-31T09:00:00Z.")


def stored_text(body: Body) -> str:
    """The object as JSON text.

    Raises:
        InvalidInput: it holds NaN, half of a surrogate pair, is nested too deeply, or is too large.
    """
    try:
        text = json.dumps(body, ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
    except UnicodeEncodeError:
        raise InvalidInput("A text holds half of a UTF-16 surrogate pair.", fix="Send whole characters.") from None
    except (ValueError, RecursionError):
        raise InvalidInput("A number is not finite, or the object is nested too deeply.") from None
    if size > MAX_OBJECT:
        raise InvalidInput(f"The object is larger than {MAX_OBJECT >> 20} MB.")
    return text


def refuse(name: str, message: str) -> None:
    """Say what is wrong with one field.

    Raises:
        InvalidInput: always.
    """
    raise InvalidInput(f"`{name}`: {message}", fix=f"Correct `{name}`.", context={"attr": name})
