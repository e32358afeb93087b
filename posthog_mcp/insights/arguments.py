"""The arguments of run_insight as a question's fields: for the tool, for saving, and for metrics of an analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from posthog_mcp.errors import InvalidInput
from posthog_mcp.insights.question import Question

SOURCES = ("person", "session", "cohort", "hogql", "event")
TAKEN = frozenset({"kind", "series", "breakdowns", "interval", "date_from", "date_to", "compare", "filters"})
KNOWN = ("kind", "series", "breakdown", "interval", "date_from", "date_to", "compare", "filters", "options")


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
    for name in arguments:
        if name not in KNOWN:
            raise InvalidInput(f"run_insight has no argument {name!r}.", fix=f"Use: {', '.join(KNOWN)}.")
    return given(
        arguments.get("kind", "trends"),
        arguments.get("series", []),
        arguments.get("breakdown", []),
        arguments.get("interval", "day"),
        arguments.get("date_from", ""),
        arguments.get("date_to", ""),
        arguments.get("compare", ""),
        arguments.get("filters", []),
        arguments.get("options", {}),
    )
