"""The arguments of run_insight as a question's fields: for the tool, for saving, and for metrics of an analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from posthog_mcp.errors import InvalidInput
from posthog_mcp.insights.question import Question

SOURCES = ("person", "session", "cohort", "hogql", "event")
KNOWN = ("kind", "series", "breakdown", "interval", "date_from", "date_to", "compare", "filters", "funnel_window",
         "options")  # fmt: skip
TAKEN = frozenset({"kind", "series", "breakdowns", "interval", "date_from", "date_to", "compare", "filters"})


def given(
    kind: str,
    series: Sequence[Mapping[str, Any]],
    breakdown: Sequence[str],
    interval: str,
    date_from: str,
    date_to: str,
    compare: str,
    filters: Sequence[Mapping[str, Any]],
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """The arguments as a question's fields.

    Raises:
        InvalidInput: an option is none.
    """
    known = set(Question.model_fields) - TAKEN
    for name in options:
        if name not in known:
            raise InvalidInput(f"There is no option {name!r}.", fix=f"Options: {', '.join(sorted(known))}.")
    return {
        "kind": kind,
        "series": [dict(each) for each in series],
        "breakdowns": [breakdown_of(each) for each in breakdown],
        "interval": interval,
        "date_from": date_from,
        "date_to": date_to,
        "compare": compare,
        "filters": [dict(each) for each in filters],
        **options,
    }


def breakdown_of(text: str) -> dict[str, Any]:
    """`person:country` as a breakdown."""
    source, colon, name = text.partition(":")
    if colon and source in SOURCES:
        return {"property": name, "type": source}
    if colon and source.startswith("group_") and source[6:].isdigit():
        return {"property": name, "type": "group", "group_type_index": int(source[6:])}
    return {"property": text}


def as_question(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a run_insight call as a question's fields; nothing where there are none.

    Raises:
        InvalidInput: there is no such argument.
    """
    if not arguments:
        return {}
    asked = folded(dict(arguments))
    for name in asked:
        if name not in KNOWN:
            raise InvalidInput(f"run_insight has no argument {name!r}.", fix=f"Use: {', '.join(KNOWN)}.")
    window = {"funnel_window": asked["funnel_window"]} if asked.get("funnel_window") else {}
    return given(
        asked.get("kind", "trends"),
        asked.get("series", []),
        asked.get("breakdown", []),
        asked.get("interval", "day"),
        asked.get("date_from", ""),
        asked.get("date_to", ""),
        asked.get("compare", ""),
        asked.get("filters", []),
        {**window, **asked.get("options", {})},
    )


def folded(arguments: dict[str, Any]) -> dict[str, Any]:
    """A call as it may also be written: options beside the other arguments, one thing in place of a list of it."""
    options = set(Question.model_fields) - {*TAKEN, "funnel_window"}
    found = {name: value for name, value in arguments.items() if name not in options}
    beside = {name: value for name, value in arguments.items() if name in options}
    within = found.get("options")
    if beside and (within is None or isinstance(within, dict)):
        found["options"] = {**beside, **cast("dict[str, Any]", within or {})}
    if "breakdown" in found:
        found["breakdown"] = [
            breakdown_text(cast("dict[str, Any]", each)) if isinstance(each, dict) and "property" in each else each
            for each in listed(found["breakdown"])
        ]
    if "series" in found:
        found["series"] = [{"event": each} if isinstance(each, str) else each for each in listed(found["series"])]
    if isinstance(found.get("filters"), dict):
        found["filters"] = filters_of(cast("dict[str, Any]", found["filters"]))
    if isinstance(found.get("compare"), bool):
        found["compare"] = "previous" if found["compare"] else ""
    return found


def listed(value: object) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value] if value else []


def filters_of(given: dict[str, Any]) -> list[dict[str, Any]]:
    """One filter, or names with the values that they have."""
    return [given] if "key" in given else [{"key": name, "value": value} for name, value in given.items()]


def breakdown_text(fields: Mapping[str, Any]) -> str:
    """A breakdown as its fields, in the short spelling."""
    source = fields.get("type", "event")
    name = f"group_{fields.get('group_type_index', 0)}" if source == "group" else source
    return str(fields["property"]) if source == "event" else f"{name}:{fields['property']}"
