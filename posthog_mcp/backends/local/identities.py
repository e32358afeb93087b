"""Who is who, as SQL: distinct_id mappings, persons, and groups, from exports and events.

The persons export's highest versions win; a distinct_id that only events know belongs to the person of its last
event; a person that only events know has the properties of its last event. Deleted persons stay out, and so do
people of propertyless events, as in PostHog.
"""

from __future__ import annotations

from collections.abc import Sequence

from posthog_mcp.backends.local.schema import literal

DERIVED_VERSION = -1
"""Version of mappings and persons that were worked out from events: any export beats it."""

IDENTIFYING = "event IN ('$identify', '$create_alias', '$merge_dangerously')"


def identities(events: str) -> str:
    """SELECT of distinct_id, its last event's person_id, and the least and greatest person_id it ever had."""
    return f"""SELECT distinct_id, argMax(person_id, (timestamp, created_at)) AS latest, min(person_id) AS least,
max(person_id) AS greatest FROM {events} GROUP BY distinct_id"""


def distinct_ids_select(ids: str, persons: str) -> str:
    """SELECT of the table person_distinct_ids; `ids` is what `identities` gave."""
    return f"""SELECT distinct_id, argMax(person_id, rank) AS person_id, max(version) AS version FROM (
SELECT distinct_id, person_id, person_distinct_id_version AS version,
  (person_distinct_id_version, person_version, NOT is_deleted) AS rank, is_deleted FROM {persons}
UNION ALL SELECT distinct_id, latest, toInt64({DERIVED_VERSION}), (toInt64({DERIVED_VERSION}), toInt64(0), 1), false
  FROM {ids})
GROUP BY distinct_id HAVING NOT argMax(is_deleted, rank) ORDER BY distinct_id"""


def moved_select(ids: str, mapping: str) -> str:
    """SELECT of distinct_id and person_id where some event still names another person."""
    return f"""SELECT i.distinct_id AS distinct_id, m.person_id AS person_id FROM {ids} AS i
INNER JOIN {mapping} AS m ON i.distinct_id = m.distinct_id
WHERE i.least != m.person_id OR i.greatest != m.person_id"""


def persons_select(events: str, persons: str, mapping: str) -> str:
    """SELECT of the table persons without its hot columns; `events` already name merged persons."""
    return f"""SELECT m.person_id AS id, if(p.found, p.created_at, e.first) AS created_at,
if(e.found, e.last, NULL) AS last_seen_at,
multiIf(p.found AND p.properties != '', p.properties, e.properties != '', e.properties, '{{}}') AS properties,
(m.ids > 1 OR e.identified) AS is_identified,
if(p.found, p.version, toInt64({DERIVED_VERSION})) AS version
FROM (SELECT person_id, count() AS ids FROM {mapping} GROUP BY person_id) AS m
LEFT ANY JOIN (SELECT person_id, true AS found, argMax(properties, person_version) AS properties,
  max(person_version) AS version, argMax(created_at, person_version) AS created_at
  FROM {persons} WHERE NOT is_deleted GROUP BY person_id) AS p ON m.person_id = p.person_id
LEFT ANY JOIN (SELECT person_id, true AS found, min(timestamp) AS first, max(timestamp) AS last,
  max({IDENTIFYING}) AS identified, max(person_mode != 'propertyless') AS profiled,
  argMaxIf(person_properties, timestamp, person_properties NOT IN ('', '{{}}')) AS properties
  FROM {events} GROUP BY person_id) AS e ON m.person_id = e.person_id
WHERE p.found OR e.profiled"""


def group_kinds_select(events: str) -> str:
    """SELECT of a group type's name, when first seen, and how often its key equals `$group_0` … `$group_4`."""
    slots = ", ".join(f"countIf(slot{slot} != '' AND slot{slot} = key)" for slot in range(5))
    reads = ", ".join(f"JSONExtractString(properties, '$group_{slot}') AS slot{slot}" for slot in range(5))
    return f"""SELECT kind, min(timestamp) AS first, {slots} FROM (
SELECT timestamp, tupleElement(pair, 1) AS kind, tupleElement(pair, 2) AS key, slot0, slot1, slot2, slot3, slot4
FROM (SELECT timestamp, {reads}, arrayJoin(if(event = '$groupidentify',
    [(JSONExtractString(properties, '$group_type'), JSONExtractString(properties, '$group_key'))],
    JSONExtractKeysAndValues(properties, '$groups', 'String'))) AS pair
  FROM {events} WHERE event = '$groupidentify' OR position(properties, '"$groups"') > 0))
WHERE kind != '' GROUP BY kind ORDER BY first, kind LIMIT 100"""


def groups_select(events: str, kinds: Sequence[str]) -> str:
    """SELECT of the table groups: each key's `$group_set` values, the newest of each name."""
    names = ", ".join(literal(kind) for kind in kinds)
    return f"""SELECT toUInt8(indexOf([{names}]::Array(String), kind) - 1) AS index, key, min(first) AS created_at,
max(last) AS updated_at,
concat('{{', arrayStringConcat(arrayMap(x -> concat(toJSONString(tupleElement(x, 1)), ':', tupleElement(x, 2)),
  arraySort(groupArrayIf((name, value), name != ''))), ','), '}}') AS properties
FROM (SELECT kind, key, tupleElement(pair, 1) AS name, argMax(tupleElement(pair, 2), timestamp) AS value,
  min(timestamp) AS first, max(timestamp) AS last
  FROM (SELECT JSONExtractString(properties, '$group_type') AS kind, JSONExtractString(properties, '$group_key') AS key,
    timestamp, arrayJoin(arrayConcat([('', '')], JSONExtractKeysAndValuesRaw(properties, '$group_set'))) AS pair
    FROM {events} WHERE event = '$groupidentify')
  WHERE kind IN [{names}]::Array(String) AND key != '' GROUP BY kind, key, name)
GROUP BY kind, key ORDER BY index, key"""
