"""Time ranges that queries ask for, in a project in New York (now: 2024-05-10 08:00 there, weeks begin on Monday)."""

from __future__ import annotations

import pytest
from small_project import SmallProject

MAY_1 = "2024-05-01T00:00:00-04:00"
CONDITIONS = [
    ("timestamp >= '2024-05-01'", MAY_1, None),
    ("timestamp >= '2024-05-01' AND timestamp < '2024-05-02'", MAY_1, "2024-05-02T00:00:00-04:00"),
    ("timestamp BETWEEN '2024-05-01' AND '2024-05-02 10:30:00'", MAY_1, "2024-05-02T10:30:00-04:00"),
    ("'2024-05-01' <= timestamp", MAY_1, None),
    ("timestamp >= '2024-05-01T00:00:00Z'", "2024-04-30T20:00:00-04:00", None),
    ("timestamp >= toDateTime('2024-05-01 00:00:00')", MAY_1, None),
    ("timestamp >= toDateTime('2024-05-01 00:00:00', 'UTC')", "2024-04-30T20:00:00-04:00", None),
    ("timestamp > now() - INTERVAL 7 DAY", "2024-05-03T08:00:00-04:00", None),
    ("timestamp > now() - INTERVAL '2 hour'", "2024-05-10T06:00:00-04:00", None),
    ("timestamp > now() - 86400", "2024-05-09T08:00:00-04:00", None),
    ("timestamp > today() - 2", "2024-05-08T00:00:00-04:00", None),
    ("timestamp > yesterday()", "2024-05-09T00:00:00-04:00", None),
    ("timestamp > '2024-03-31'::date - INTERVAL 1 MONTH", "2024-02-29T00:00:00-05:00", None),
    ("timestamp > subtractMonths(now(), 2)", "2024-03-10T08:00:00-04:00", None),
    ("timestamp > dateSub('day', 3, today())", "2024-05-07T00:00:00-04:00", None),
    ("timestamp > date_add(today(), INTERVAL -3 DAY)", "2024-05-07T00:00:00-04:00", None),
    ("timestamp >= toStartOfWeek(now())", "2024-05-06T00:00:00-04:00", None),
    ("timestamp >= toStartOfWeek(now(), 0)", "2024-05-05T00:00:00-04:00", None),
    ("timestamp >= date_trunc('quarter', now())", "2024-04-01T00:00:00-04:00", None),
    ("toDate(timestamp) = '2024-03-10'", "2024-03-10T00:00:00-05:00", "2024-03-11T00:00:00-04:00"),
    ("toDate(timestamp) <= '2024-05-01'", None, "2024-05-02T00:00:00-04:00"),
    ("toStartOfMonth(timestamp) < '2024-05-01'", None, MAY_1),
    ("toStartOfMonth(timestamp) > '2024-04-01'", MAY_1, None),
    ("toYear(timestamp) = 2023", "2023-01-01T00:00:00-05:00", "2024-01-01T00:00:00-05:00"),
    ("toYYYYMM(timestamp) = 202405", MAY_1, "2024-06-01T00:00:00-04:00"),
    ("dateDiff('day', timestamp, now()) <= 9", MAY_1, None),
    ("timestamp > '2024-04-01' AND (event = 'a' AND timestamp >= '2024-05-01')", MAY_1, None),
    ("(event = 'a' AND timestamp > '2024-05-01') OR timestamp > '2024-05-05'", MAY_1, None),
]


@pytest.mark.parametrize(("condition", "low", "high"), CONDITIONS)
async def test_a_condition_on_the_time_field_is_the_range(
    project: SmallProject, condition: str, low: str | None, high: str | None
) -> None:
    checked = await project.check(f"SELECT count() FROM events WHERE {condition}")
    assert not checked.errors
    assert checked.date_range
    assert (checked.date_range.date_from, checked.date_range.date_to) == (low, high)
    assert checked.date_range.timezone == "America/New_York"


UNCERTAIN = [
    "event = 'a' OR timestamp > '2024-05-01'",
    "NOT timestamp > '2024-05-01'",
    "timestamp > created_at",
    "timestamp != '2024-05-01'",
    "created_at > '2024-05-01'",
]


@pytest.mark.parametrize("condition", UNCERTAIN)
async def test_what_is_not_certain_leaves_the_range_open(project: SmallProject, condition: str) -> None:
    checked = await project.check(f"SELECT count() FROM events WHERE {condition}")
    assert checked.date_range
    assert (checked.date_range.date_from, checked.date_range.date_to) == (None, None)


SINCE = "SELECT 1 FROM events WHERE timestamp >"
QUERIES = [
    ("SELECT * FROM (SELECT timestamp AS t FROM events) WHERE t >= '2024-05-01'", MAY_1),
    ("WITH a AS (SELECT toDate(timestamp) AS day FROM events) SELECT day FROM a WHERE day >= '2024-05-01'", MAY_1),
    ("SELECT toDate(timestamp) AS day FROM events WHERE day >= '2024-05-01'", MAY_1),
    ("SELECT 1 FROM events PREWHERE timestamp >= '2024-05-01'", MAY_1),
    ("SELECT 1 FROM persons p JOIN events e ON e.person_id = p.id AND e.timestamp >= '2024-05-01'", MAY_1),
    ("SELECT 1 FROM sessions WHERE $start_timestamp >= '2024-05-01'", MAY_1),
    (f"{SINCE} '2024-05-03' UNION ALL {SINCE} '2024-05-01'", MAY_1),
    (f"{SINCE} '2024-05-03' UNION ALL SELECT 1 FROM events", None),
    ("WITH a AS (SELECT timestamp AS t FROM events) SELECT 1 FROM a JOIN a b ON a.t = b.t WHERE a.t > '2024-05-01'", None),
]  # fmt: skip


@pytest.mark.parametrize(("query", "low"), QUERIES)
async def test_ranges_are_found_through_aliases_subqueries_and_unions(
    project: SmallProject, query: str, low: str | None
) -> None:
    checked = await project.check(query)
    assert not checked.errors
    assert checked.date_range
    assert checked.date_range.date_from == low


async def test_without_a_timed_table_there_is_no_range(project: SmallProject) -> None:
    assert (await project.check("SELECT id FROM persons WHERE created_at > '2024-01-01'")).date_range is None


async def test_filters_give_the_range(project: SmallProject) -> None:
    checked = await project.check(
        "SELECT 1 FROM events WHERE {filters}", filters={"dateRange": {"date_from": "2024-05-01"}}
    )
    assert checked.date_range
    assert checked.date_range.date_from == MAY_1
