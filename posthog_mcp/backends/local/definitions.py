"""What the data names: events, properties with their types, and which properties become hot columns.

Types follow PostHog's property definitions: Numeric, Boolean, DateTime or String, voted by the values of a sample
(every event gives about the same number of rows, so rare events count in full). A type needs 99.5 % of the values
that are not null; numbers in quotes count as Numeric only beside at least as many real numbers, so that "007" stays a
text. Names that PostHog keeps as texts (`$feature/…`, `$survey_response…`, `utm_…`) are texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from posthog_mcp.backends.local.manifest import EventDefinition, PropertyDefinition
from posthog_mcp.backends.local.schema import HOT_TYPES, literal
from posthog_mcp.hogql.catalogue import PropertyType
from posthog_mcp.results import Json

SURE = 0.995
SAMPLE_AN_EVENT = 5_000
TOP_EVENTS = 20
MAX_DEFINITIONS = 10_000
HOT_EVENT_PROPERTIES = 64
HOT_PERSON_PROPERTIES = 24
HOT_MAX_LENGTH = 200
"""Average bytes of a value; longer ones stay in the JSON text only."""
HOT_MIN_SHARE = 0.0005
HOT_NAME = re.compile(r"[A-Za-z0-9_$./:+\- ]{1,100}")
NEVER_HOT = {"$set", "$set_once", "$unset", "$groups", "$session_id", "$window_id", "$elements", "$insert_id"}
ALWAYS_TEXT = re.compile(r"\$feature/|\$survey_response|(\$initial_)?utm_")

NUMBER = r"^-?[0-9]"
NUMBER_TEXT = r'^"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?"$'
DATETIME = r'^"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?"$'

USUAL: Mapping[PropertyType, tuple[str, ...]] = {
    "String": (
        *("$current_url", "$pathname", "$host", "$referrer", "$referring_domain", "$browser", "$os", "$device_type"),
        *("$lib", "$geoip_country_code", "utm_source", "utm_medium", "utm_campaign", "$ai_model", "$ai_provider"),
        *("$ai_trace_id", "$exception_level", "$feature_flag", "$feature_flag_response", "$app_version"),
    ),
    "Numeric": ("$ai_latency", "$ai_input_tokens", "$ai_output_tokens", "$ai_total_cost_usd", "$screen_width"),
}
"""Hot columns of a project that starts without any event."""

Votes = Sequence[Json]
"""A row of `property_votes`: key, weight, rows, numbers, number texts, booleans, times, average length, events."""


def event_counts(events: str, last: str) -> str:
    """SELECT of event, total, in the 30 days before `last`, first and last time."""
    return f"""SELECT event, count() AS n, countIf(timestamp > {last} - INTERVAL 30 DAY AND timestamp <= {last}),
{iso("min(timestamp)")}, {iso("max(timestamp)")} FROM {events} GROUP BY event ORDER BY n DESC, event
LIMIT {MAX_DEFINITIONS}"""


def iso(time: str) -> str:
    return f"concat(replaceOne(toString({time}), ' ', 'T'), 'Z')"


def sample_factor(counts: Mapping[str, int]) -> str:
    """SQL of n, for a sample that takes one in n rows of each event."""
    frequent = {name: -(-count // SAMPLE_AN_EVENT) for name, count in counts.items() if count > SAMPLE_AN_EVENT}
    if not frequent:
        return "toUInt64(1)"
    names = ", ".join(literal(name) for name in frequent)
    factors = ", ".join(f"toUInt64({factor})" for factor in frequent.values())
    return f"transform(event, [{names}], [{factors}], toUInt64(1))"


def property_votes(rows: str, column: str) -> str:
    """SELECT of Votes from a relation with `event`, `factor` and a JSON text `column`."""
    return f"""SELECT key, toUInt64(sum(w)) AS weight, sum(n), sum(numbers), sum(texts), sum(booleans), sum(times),
sum(length) / sum(n), arrayMap(x -> tupleElement(x, 2),
  arraySlice(arrayReverseSort(groupArray((w, event))), 1, {TOP_EVENTS}))
FROM (SELECT key, event, sum(factor) AS w, count() AS n, countIf(match(value, {literal(NUMBER)})) AS numbers,
  countIf(match(value, {literal(NUMBER_TEXT)})) AS texts,
  countIf(value IN ('true', 'false', '"true"', '"false"')) AS booleans,
  countIf(match(value, {literal(DATETIME)})) AS times, sum(length(value)) AS length
  FROM (SELECT event, factor, pair.1 AS key, pair.2 AS value
    FROM (SELECT event, factor, arrayJoin(JSONExtractKeysAndValuesRaw({column})) AS pair FROM {rows}))
  WHERE value != 'null' GROUP BY key, event)
GROUP BY key ORDER BY weight DESC, key LIMIT {MAX_DEFINITIONS}"""


@dataclass(frozen=True, slots=True)
class Found:
    """One property as the sample shows it."""

    name: str
    type: PropertyType
    count: int
    length: float
    events: list[str]


def found_properties(rows: Iterable[Votes]) -> list[Found]:
    """What the votes say, most frequent first."""
    return [
        Found(str(row[0]), property_type(row), as_int(row[1]), cast("float", row[7]), cast("list[str]", row[8]))
        for row in rows
    ]


def as_int(cell: Json) -> int:
    return int(cast("int", cell))


def property_type(row: Votes) -> PropertyType:
    seen, numbers, texts, booleans, times = (as_int(row[index]) for index in range(2, 7))
    if ALWAYS_TEXT.match(str(row[0])):
        return "String"
    if numbers + texts >= SURE * seen and numbers >= texts:
        return "Numeric"
    if booleans >= SURE * seen:
        return "Boolean"
    return "DateTime" if times >= SURE * seen else "String"


def usual_properties() -> list[Found]:
    return [Found(name, kind, 0, 0.0, []) for kind, each in USUAL.items() for name in each]


def definitions_of(found: Iterable[Found]) -> dict[str, PropertyDefinition]:
    return {each.name: PropertyDefinition(type=each.type, count=each.count, events=each.events) for each in found}


def event_definitions(rows: Sequence[Sequence[Json]]) -> dict[str, EventDefinition]:
    """From the rows of `event_counts`."""
    return {
        str(row[0]): EventDefinition(
            total=as_int(row[1]), volume_30d=as_int(row[2]), first_seen=str(row[3]), last_seen=str(row[4])
        )
        for row in rows
    }


def hot_columns(
    found: Sequence[Found], prefix: str, most: int, wanted: Iterable[str] = ()
) -> dict[str, tuple[str, str]]:
    """The properties that get a typed column: the `wanted` ones that exist, then the most frequent short ones."""
    usable = [each for each in found if each.name not in NEVER_HOT and HOT_NAME.fullmatch(each.name)]
    total = max((each.count for each in usable), default=0)
    first = set(wanted)
    short = [each for each in usable if each.length <= HOT_MAX_LENGTH and each.count >= HOT_MIN_SHARE * total]
    chosen = [each for each in usable if each.name in first]
    chosen += [each for each in short if each.name not in first][: max(0, most - len(chosen))]
    return {each.name: (f"{prefix}_{each.name}", HOT_TYPES[each.type]) for each in chosen}
