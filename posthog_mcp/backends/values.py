"""The most frequent values of a property, as one HogQL query that both drivers run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from posthog_mcp.backends.backend import QueryAnswer
from posthog_mcp.errors import InvalidInput, NotFound
from posthog_mcp.results import Json


@dataclass(frozen=True, slots=True)
class Holder:
    """Where a scope's properties are read: `time` is the column that `since` bounds."""

    table: str
    prefix: str
    where: str = ""
    time: str = ""


HOLDERS = {
    "event": Holder("events", "properties.", time="timestamp"),
    "person": Holder("persons", "properties."),
    "session": Holder("sessions", "", time="$start_timestamp"),
    **{f"group_{index}": Holder("groups", "properties.", f"index = {index}") for index in range(5)},
}


def values_query(scope: str, name: str, limit: int, since: str | None = None) -> dict[str, Json]:
    """A HogQLQuery body: value and count, most frequent first. `since` (ISO 8601) bounds events and sessions.

    Raises:
        InvalidInput: no such scope.
        NotFound: HogQL cannot spell this name.
    """
    holder = HOLDERS.get(scope)
    if holder is None:
        raise InvalidInput(f"There is no property scope {scope!r}.", fix=f"Use one of {', '.join(HOLDERS)}.")
    found = holder.prefix + backquoted(name)
    bounds = [f"{holder.time} >= {{since}}"] if since and holder.time else []
    where = " AND ".join([f"{found} IS NOT NULL", *([holder.where] if holder.where else []), *bounds])
    select = f"SELECT toString({found}) AS value, count() AS n FROM {holder.table} WHERE {where}"  # noqa: S608 (HogQL)
    text = f"{select} GROUP BY value ORDER BY n DESC, value LIMIT {limit}"
    return {"kind": "HogQLQuery", "query": text, "values": {"since": since} if bounds else {}}


def counted(answer: QueryAnswer) -> list[tuple[str, int]]:
    return [(str(row[0]), cast("int", row[1])) for row in answer.table.rows]


def backquoted(name: str) -> str:
    """A HogQL identifier.

    Raises:
        NotFound: HogQL cannot spell this name.
    """
    if not name or "`" in name or "\\" in name or "%" in name:
        fix = "Read it with JSONExtractString(properties, …)."
        raise NotFound(f"HogQL cannot name the property {name!r}.", fix=fix)
    return f"`{name}`"
