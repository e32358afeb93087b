"""A tiny project for HogQL tests: a catalogue, a physical layout, eight events, and chDB to run printed SQL on.

Its zone is New York, so that every forgotten conversion shows. `plan_price` has a hot copy, the rest is read from
JSON; `$browser` holds the awkward texts.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

from posthog_mcp.hogql.builtin import builtin_tables
from posthog_mcp.hogql.catalogue import Catalogue
from posthog_mcp.hogql.checker import Checked, Checker
from posthog_mcp.hogql.parsing import Parser
from posthog_mcp.hogql.printer import Printed, print_clickhouse
from posthog_mcp.hogql.profile import PhysicalColumn, PhysicalTable, Profile
from posthog_mcp.results import Json

NOW = datetime(2024, 5, 10, 12, tzinfo=UTC)
ZONE = "America/New_York"
CATALOGUE = Catalogue(
    builtin_tables(),
    "1",
    timezone=ZONE,
    week_start_day=1,
    events={"$pageview": 1200, "signup": 30, "purchase": 7},
    event_properties={
        "$browser": "String",
        "price": "Numeric",
        "plan_price": "Numeric",
        "paid": "Boolean",
        "at": "DateTime",
    },
    person_properties={"email": "String", "age": "Numeric"},
    group_types=("organization",),
    group_properties={0: {"plan": "String"}},
    embedded=True,
    cohorts={1: "vips", 2: "twice", 3: "twice"},
    actions={5: "bought"},
    action_steps={
        5: (
            {"event": "purchase"},
            {"event": "signup", "properties": [{"key": "$browser", "value": ["Chrome", "back\\slash\n"]}]},
        )
    },
)
TIME = "DateTime64(6, 'UTC')"
COLUMNS = {
    "events": {
        "uuid": "UUID",
        "event": "String",
        "timestamp": TIME,
        "created_at": TIME,
        "distinct_id": "String",
        "person_id": "UUID",
        "properties": "String",
        "person_properties": "String",
        "elements_chain": "String",
        "$session_id": "Nullable(String)",
        "$window_id": "Nullable(String)",
        **{f"$group_{i}": "String" for i in range(5)},
        "person_mode": "String",
    },
    "persons": {
        "id": "UUID",
        "created_at": TIME,
        "properties": "String",
        "is_identified": "Bool",
        "last_seen_at": f"Nullable({TIME})",
    },
    "person_distinct_ids": {"distinct_id": "String", "person_id": "UUID"},
    "groups": {"index": "UInt8", "key": "String", "created_at": TIME, "updated_at": TIME, "properties": "String"},
    "sessions": {
        "session_id": "String",
        "distinct_id": "String",
        "person_id": "UUID",
        "$start_timestamp": TIME,
        "$session_duration": "Int64",
    },
    "cohort_people": {"person_id": "UUID", "cohort_id": "Int64"},
    "static_cohort_people": {"person_id": "UUID", "cohort_id": "Int64"},
}
HOT = {"plan_price": PhysicalColumn("mat_plan_price", "Nullable(Float64)")}
PROFILE = Profile(
    {
        name: PhysicalTable(
            f"ph.{name}",
            {column: PhysicalColumn(column, kind) for column, kind in columns.items()},
            {"properties": HOT} if name == "events" else {},
        )
        for name, columns in COLUMNS.items()
    },
    "1",
)


def person(number: int) -> str:
    return f"00000000-0000-0000-0000-00000000000{number}"


def event(
    number: int, name: str, time: str, who: int, properties: dict[str, object], **more: object
) -> dict[str, object]:
    return {
        "uuid": f"10000000-0000-0000-0000-00000000000{number}",
        "event": name,
        "timestamp": time,
        "created_at": time,
        "distinct_id": f"d{who}",
        "person_id": person(who),
        "properties": json.dumps(properties),
        "person_properties": json.dumps({"email": f"old{who}@x.io"}),
        "mat_plan_price": properties.get("plan_price"),
        "$session_id": f"s{who}" if who < 3 else None,
        "$group_0": "acme" if who == 1 else "",
        **more,
    }


ROWS: dict[str, list[dict[str, object]]] = {
    "events": [
        event(
            1,
            "$pageview",
            "2024-03-10 06:30:00",
            1,
            {"$browser": "Chrome", "price": 10, "paid": True, "plan_price": 9.5},
        ),
        event(
            2, "$pageview", "2024-03-10 07:30:00", 1, {"$browser": "", "price": "20", "paid": False, "at": "2024-03-09"}
        ),
        event(3, "signup", "2024-03-11 03:00:00", 2, {"$browser": 'say "hi"', "price": "many", "paid": "true"}),
        event(4, "purchase", "2024-03-11 05:00:00", 2, {"$browser": None, "price": 0, "items": [{"id": 7}, {"id": 8}]}),
        event(
            5, "purchase", "2024-11-03 05:30:00", 3, {"$browser": "null", "paid": None, "at": "2024-11-03T05:30:00Z"}
        ),
        event(6, "$pageview", "2024-11-03 06:30:00", 3, {"deep": {"a": {"b": "c"}}, "$browser": ["x"], "price": 1.5}),
        event(7, "signup", "2024-11-04 00:00:00", 3, {"$browser": "back\\slash\n", "plan_price": 3}),
        event(8, "purchase", "2024-12-31 23:59:59.999999", 1, {"$browser": 0, "price": True}),
    ],
    "persons": [
        {"id": person(i), "created_at": f"2024-01-0{i} 00:00:00", "properties": json.dumps(p), "is_identified": i != 3}
        for i, p in ((1, {"email": "ann@x.io", "age": 30}), (2, {"email": "bob@x.io", "age": "41"}), (3, {}))
    ],
    "person_distinct_ids": [
        {"distinct_id": d, "person_id": person(i)} for d, i in (("d1", 1), ("d1b", 1), ("d2", 2), ("d3", 3))
    ],
    "groups": [
        {"index": 0, "key": "acme", "properties": '{"plan":"gold"}'},
        {"index": 1, "key": "acme", "properties": '{"plan":"other type"}'},
    ],
    "sessions": [
        {
            "session_id": f"s{i}",
            "person_id": person(i),
            "$session_duration": i * 60,
            "$start_timestamp": "2024-03-10 06:30:00",
        }
        for i in (1, 2)
    ],
    "cohort_people": [{"person_id": person(1), "cohort_id": 1}],
    "static_cohort_people": [{"person_id": person(2), "cohort_id": 1}],
}


@cache
def engine() -> Any:
    """A chDB session with the small project in it."""
    from chdb.session import Session

    session = Session()
    session.query("CREATE DATABASE IF NOT EXISTS ph")
    for name, columns in COLUMNS.items():
        hot = {"mat_plan_price": "Nullable(Float64)"} if name == "events" else {}
        listed = ", ".join(f"`{column}` {kind}" for column, kind in (columns | hot).items())
        session.query(f"CREATE TABLE ph.{name} ({listed}) ENGINE = Memory")
        rows = "\n".join(json.dumps(row) for row in ROWS[name])
        session.query(f"INSERT INTO ph.{name} FORMAT JSONEachRow {rows}")
    return session


def sql(text: str, parameters: dict[str, str] | None = None) -> list[list[Any]]:
    """Rows of ClickHouse SQL on the small project."""
    escapes = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0"})
    bound = {name: value.translate(escapes) for name, value in (parameters or {}).items()}
    settings = " SETTINGS output_format_json_quote_64bit_integers=0, enable_positional_arguments=1"
    answer = engine().query(text + settings, "JSONCompactEachRow", params=bound)
    return [json.loads(line) for line in answer.bytes().decode().splitlines()]


class SmallProject:
    """Checks, prints and runs HogQL."""

    def __init__(self, parser: Parser) -> None:
        self.parser = parser

    async def check(self, query: str, catalogue: Catalogue = CATALOGUE, **given: dict[str, Json]) -> Checked:
        async def current() -> Catalogue:
            return catalogue

        return await Checker(self.parser, current, now=lambda: NOW).check(query, mend_warnings=True, **given)

    async def print(self, query: str, catalogue: Catalogue = CATALOGUE, **given: dict[str, Json]) -> Printed:
        return print_clickhouse(await self.check(query, catalogue, **given), catalogue, PROFILE)

    async def rows(self, query: str, catalogue: Catalogue = CATALOGUE, **given: dict[str, Json]) -> list[list[Any]]:
        printed = await self.print(query, catalogue, **given)
        return sql(printed.sql, {name: each.value for name, each in printed.parameters.items()})

    async def value(self, expression: str, where: str = "1 = 1") -> Any:
        """One expression over the first matching event."""
        return (await self.rows(f"select {expression} from events where {where} order by timestamp limit 1"))[0][0]
