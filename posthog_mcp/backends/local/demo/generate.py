"""Run the demo's SQL: raw batch-export files, then the same rewrite that an import goes through."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio

from posthog_mcp.backends.local.demo.objects import demo_objects
from posthog_mcp.backends.local.demo.people import INDUSTRIES, people_select, pick
from posthog_mcp.backends.local.demo.timeline import events_select
from posthog_mcp.backends.local.loader import LoadProgress, load
from posthog_mcp.backends.local.manifest import ProjectSettings, Source
from posthog_mcp.backends.local.objects import Objects
from posthog_mcp.backends.local.rewriting import raw_rows, rewrite, scaled
from posthog_mcp.backends.local.schema import Columns, literal, structure
from posthog_mcp.backends.local.sources import RAW_EVENTS, RAW_PERSONS
from posthog_mcp.backends.local.storage import Snapshot, Store

DEFAULT_EVENTS = 200_000
DEFAULT_DAYS = 180
EVENTS_A_PERSON = 13.6
"""Measured over seeds at 180 days; the number of people follows from the number of events asked for."""
CHUNK = 40_000
TIME_FORMAT = "%Y-%m-%d %H:%M:%S"


async def generate_demo(
    store: Store,
    objects: Objects,
    *,
    seed: int = 1,
    events: int = DEFAULT_EVENTS,
    days: int = DEFAULT_DAYS,
    end: datetime | None = None,
    only_if_empty: bool = False,
    progress: LoadProgress | None = None,
) -> Snapshot:
    """Replace the embedded project by the demo. `end` (UTC) defaults to this minute; nothing is later.

    With `only_if_empty`, a project that another process made meanwhile is left as it is.

    Raises:
        Unavailable: chDB is missing, the folder cannot be written, or another process writes to it.
    """
    end = (end or datetime.now(UTC)).replace(second=0, microsecond=0)
    source = Source(kind="demo", detail={"seed": seed, "events": events, "days": days, "end": end.isoformat()})
    async with store.begin(wait_seconds=120) as writing:
        found = await anyio.to_thread.run_sync(store.current)
        if found is not None and only_if_empty:
            return found
        raw = writing.scratch / "demo"
        await write_demo_export(raw, seed=seed, events=events, days=days, end=end, progress=scaled(progress, 0, 0.4))
        rows = raw_rows(writing, sorted(raw.glob("events/*")), sorted(raw.glob("persons/*")))
        manifest = await rewrite(
            writing, rows, project=ProjectSettings(name="Demo"), source=source, progress=scaled(progress, 0.4, 1)
        )
        await anyio.to_thread.run_sync(objects.seed, demo_objects(end))
        return await writing.commit(manifest)


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
        statements.append(export(out / "events" / f"{name}.parquet", RAW_EVENTS, events_select(chosen), values))
        statements.append(export(out / "persons" / f"{name}.parquet", RAW_PERSONS, persons_select(chosen), values))
    statements.append(export(out / "events" / "groups.parquet", RAW_EVENTS, groups_select(people), values))
    for folder in ("events", "persons"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    await load(statements, writes=[out], progress=progress, label="inventing a year of product data")


def export(path: Path, columns: Columns, select: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        select = select.replace("{" + name + "}", value)
    target = f"file({literal(str(path))}, Parquet, {literal(structure(columns))}, 'none')"
    names = ", ".join(name for name, _ in columns)
    order = "timestamp, uuid" if columns is RAW_EVENTS else "distinct_id"
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
timestamp AS created_at, timestamp AS _inserted_at FROM numbers({companies})"""
