"""Run the demo's SQL: raw batch-export files, then the same rewrite that an import goes through."""

from __future__ import annotations

import math
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio

from posthog_mcp.backends.local.demo.people import INDUSTRIES, people_select, pick
from posthog_mcp.backends.local.demo.timeline import events_select
from posthog_mcp.backends.local.loader import LoadProgress, load
from posthog_mcp.backends.local.schema import TIME, Columns, literal, structure
from posthog_mcp.results import Json

EVENT_COLUMNS: Columns = (
    ("uuid", "UUID"),
    ("event", "String"),
    ("distinct_id", "String"),
    ("person_id", "UUID"),
    ("properties", "String"),
    ("person_properties", "String"),
    ("elements_chain", "String"),
    ("timestamp", TIME),
    ("created_at", TIME),
)
PERSON_COLUMNS: Columns = (
    ("distinct_id", "String"),
    ("person_id", "UUID"),
    ("properties", "String"),
    ("person_distinct_id_version", "Int64"),
    ("person_version", "Int64"),
    ("created_at", TIME),
    ("is_deleted", "Bool"),
)

DEFAULT_EVENTS = 200_000
DEFAULT_DAYS = 180
EVENTS_A_PERSON = 13.6
"""Measured over seeds at 180 days; the number of people follows from the number of events asked for."""
CHUNK = 40_000
TIME_FORMAT = "%Y-%m-%d %H:%M:%S"


async def write_demo_export(
    out: Path,
    *,
    seed: int = 1,
    events: int = DEFAULT_EVENTS,
    days: int = DEFAULT_DAYS,
    end: datetime | None = None,
    progress: LoadProgress | None = None,
) -> None:
    """Write the demo as Parquet in PostHog's batch-export schema: `events/*.parquet`, `persons/*.parquet`.

    The same arguments give the same bytes.
    """
    end = (end or datetime.now(UTC)).replace(second=0, microsecond=0)
    people = max(50, math.ceil(events / EVENTS_A_PERSON * math.sqrt(DEFAULT_DAYS / days)))
    values = {
        "seed": str(seed),
        "days": str(days),
        "companies": str(max(3, people // 12)),
        "end": f"toDateTime64('{end.strftime(TIME_FORMAT)}', 6, 'UTC')",
        "first": f"toDateTime64('{(end - timedelta(days=days)).strftime('%Y-%m-%d')} 00:00:00', 6, 'UTC')",
    }
    statements: list[str] = []
    for first in range(0, people, CHUNK):
        chosen = people_select(first, min(people, first + CHUNK))
        name = f"{first // CHUNK:04d}"
        statements.append(export(out / "events" / f"{name}.parquet", EVENT_COLUMNS, events_select(chosen), values))
        statements.append(export(out / "persons" / f"{name}.parquet", PERSON_COLUMNS, persons_select(chosen), values))
    statements.append(export(out / "events" / "groups.parquet", EVENT_COLUMNS, groups_select(people), values))
    for folder in ("events", "persons"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    await load(statements, writes=[out], progress=progress, label="inventing a year of product data")


def export(path: Path, columns: Columns, select: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        select = select.replace("{" + name + "}", value)
    target = f"file({literal(str(path))}, Parquet, {literal(structure(columns))}, 'none')"
    names = ", ".join(name for name, _ in columns)
    order = "timestamp, uuid" if columns is EVENT_COLUMNS else "distinct_id"
    return f"INSERT INTO FUNCTION {target} SELECT {names} FROM ({select}) ORDER BY {order}"


def persons_select(people: str) -> str:
    """Persons export rows: after sign-up the anonymous id belongs to the known person."""
    started = "least({end}, {first} + toIntervalDay(first_day) + toIntervalHour(12))"
    properties = """concat('{"$initial_referring_domain":"', referring_domain, '"', if(utm_source = '', '',
concat(',"$initial_utm_source":"', utm_source, '"')), if(NOT signed_up, '', concat(',"email":"', email, '","name":"',
full_name, '","signup_channel":"', channel, '","country":"', country, '"')), '}')"""
    return f"""SELECT tupleElement(identity, 1) AS distinct_id, tupleElement(identity, 2) AS person_id, properties,
tupleElement(identity, 3) AS person_distinct_id_version, toInt64(1) AS person_version, created_at, false AS is_deleted
FROM (SELECT {properties} AS properties, {started} AS created_at,
arrayJoin(if(signed_up, [(anonymous_id, known_person, toInt64(1)), (user_id, known_person, toInt64(0))],
  [(anonymous_id, visitor_person, toInt64(0))])) AS identity FROM ({people}))"""


def groups_select(people: int) -> str:
    """One `$groupidentify` a company, on the first day."""
    companies = max(3, people // 12)
    industry = pick("industry", INDUSTRIES, "number")
    plan = pick("company plan", [("free", 0.6), ("team", 0.3), ("business", 0.1)], "number")
    return f"""SELECT toUUID(concat('01900000-0000-4000-8000-', leftPad(lower(hex(toUInt32(number))), 12, '0'))) AS uuid,
'$groupidentify' AS event, concat('company_', toString(number)) AS distinct_id,
toUUID(concat('01910000-0000-4000-8000-', leftPad(lower(hex(toUInt32(number))), 12, '0'))) AS person_id,
concat('{{"$lib":"posthog-node","$process_person_profile":false,"$group_type":"organization","$group_key":"company_',
toString(number), '","$group_set":{{"name":"Company ', toString(number), '","industry":"', {industry},
'","plan":"', {plan}, '","employee_count":', toString(5 + cityHash64({{seed}}, 'staff', number) % 400), '}}}}') AS properties,
'{{}}' AS person_properties, '' AS elements_chain, {{first}} + toIntervalSecond(number % 86400) AS timestamp,
timestamp AS created_at FROM numbers({companies})"""
