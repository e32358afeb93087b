"""Stickiness against answers worked out by hand, and PostHog's own for the same events."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from posthog_mcp.errors import InvalidInput
from posthog_mcp.insights.stickiness import Stickiness
from posthog_mcp.results import Json
from tests.insights.return_data import Done, all_rows, ask, frame_of, project_of, rows_of, table, visits

VISIT = [{"event": "visit"}]


async def people(data_dir: Path, **question: Any) -> list[Json]:
    """The first series' people who were active on 1, 2, … intervals."""
    answer = (await ask(data_dir, kind="stickiness", **({"series": VISIT} | question))).answer
    assert [row[0] for row in answer.rows] == list(range(1, len(answer.rows) + 1))
    return [row[1] for row in answer.rows]


async def test_posthogs_own_answer_for_days_and_hours(tmp_path: Path) -> None:
    one = visits("p1", *(f"2020-01-{day} 12:00" for day in range(11, 20)))
    two = visits("p2", *(f"2020-01-{day} 12:00" for day in range(11, 20, 2)))
    data = await project_of(tmp_path, [*one, *two])
    at = {"date_from": "2020-01-11", "date_to": "2020-01-20"}
    insight = await ask(data, kind="stickiness", series=VISIT, **at)
    assert [row[1] for row in insight.answer.rows] == [0, 0, 0, 0, 1, 0, 0, 0, 1, 0]
    assert insight.answer.facts == (
        "visit: 7 of 10 days active on average (n = 2).",
        "visit: 100.0 % active on at least 5 days (2 of 2).",
        "visit: only 2 people; too few for the share to mean much.",
    )
    hours = await people(data, interval="hour", date_from="2020-01-11", date_to="2020-01-12 00:00")
    assert hours == [2] + [0] * 24


async def test_repeats_and_merged_people_count_once_an_interval(tmp_path: Path) -> None:
    events = [*visits("ann", "2026-01-01 00:00:00", "2026-01-01 23:59:59"), *visits("phone", "2026-01-01 12:00")]
    more = [*visits("phone", "2026-01-02 12:00"), *visits("bob", "2026-01-03 12:00", "2025-12-31 23:59:59")]
    data = await project_of(tmp_path, [*events, *more], created={"ann": "2026-01-01"}, merged={"phone": "ann"})
    at = {"date_from": "2026-01-01", "date_to": "2026-01-03"}
    assert await people(data, **at) == [1, 1, 0]
    facts = (await ask(data, kind="stickiness", series=VISIT, **at)).answer.facts
    assert "visit: 50.0 % active on at least 2 days (1 of 2)." in facts


@pytest.mark.parametrize(("start", "expected"), [(0, [1, 0]), (1, [0, 1])])
async def test_weeks_begin_as_the_projects_do(tmp_path: Path, start: Any, expected: list[Json]) -> None:
    data = await project_of(tmp_path, visits("ann", "2026-01-04 23:59:59", "2026-01-05 00:00:00"), week_start_day=start)
    ends = {0: ("2026-01-04", "2026-01-12"), 1: ("2025-12-29", "2026-01-06")}[start]
    assert await people(data, interval="week", date_from=ends[0], date_to=ends[1]) == expected


async def test_months_end_on_their_last_second(tmp_path: Path) -> None:
    events = [*visits("ann", "2026-01-31 23:59:59", "2026-02-01 00:00:00"), *visits("bob", "2026-02-01", "2026-02-28")]
    data = await project_of(tmp_path, events)
    assert await people(data, interval="month", date_from="2026-01-31", date_to="2026-02-28") == [1, 1]


@pytest.mark.parametrize(
    ("zone", "before", "on", "hours"),
    [
        ("America/New_York", "2025-03-08", "2025-03-09", 23),
        ("America/New_York", "2025-11-01", "2025-11-02", 25),
        ("Europe/Berlin", "2025-03-29", "2025-03-30", 23),
        ("Europe/Berlin", "2025-10-25", "2025-10-26", 25),
    ],
)
async def test_days_of_23_and_25_hours(tmp_path: Path, zone: str, before: str, on: str, hours: int) -> None:
    events = [*visits("ann", f"{before} 23:59:59", f"{on} 00:00:00"), *visits("bob", f"{on} 00:00", f"{on} 23:59:59")]
    data = await project_of(tmp_path, events, zone=zone)
    assert await people(data, date_from=before, date_to=on) == [1, 1]
    found = await people(data, interval="hour", date_from=f"{on} 00:00", date_to=f"{on} 23:59:59")
    assert found == [1, 1] + [0] * (hours - 2)


async def test_the_hour_that_comes_twice_is_two(tmp_path: Path) -> None:
    events = visits("ann", "2025-11-02T01:30:00-04:00", "2025-11-02T01:30:00-05:00")
    data = await project_of(tmp_path, events, zone="America/New_York")
    assert await people(data, interval="hour", date_from="2025-11-02 00:00", date_to="2025-11-02 02:59") == [0, 1, 0, 0]


async def test_series_with_filters_and_comparison_have_their_own_columns(tmp_path: Path) -> None:
    events: list[Done] = [
        ("ann", "2026-01-03 10:00", "visit", {"os": "mac"}),
        ("ann", "2026-01-04 10:00", "visit", {"os": None}),
        ("bob", "2026-01-04 10:00", "visit"),
        ("ann", "2026-01-01 10:00", "visit", {"os": "mac"}),
    ]
    data = await project_of(tmp_path, events)
    series = [*VISIT, {"event": "visit", "name": "on mac", "filters": [{"key": "os", "value": "mac"}]}]
    at = {"date_from": "2026-01-03", "date_to": "2026-01-04", "compare": "previous"}
    insight = await ask(data, kind="stickiness", series=series, **at)
    assert [each.name for each in insight.answer.columns] == [
        "intervals", "visit", "visit (earlier)", "on mac", "on mac (earlier)",
    ]  # fmt: skip
    assert insight.answer.rows == [[1, 1, 1, 1, 1], [2, 1, 0, 0, 0]]
    assert "visit: the average is up 50.0 % on the range before (1)." in insight.answer.facts
    assert insight.answer.chart.compared == ("visit (earlier)", "on mac (earlier)")


async def test_groups_can_be_counted_instead_of_people(tmp_path: Path) -> None:
    acme, none = {"$groups": {"company": "acme"}, "$group_0": "acme"}, {"$group_0": ""}
    events: list[Done] = [
        ("ann", "2026-01-01 10:00", "visit", dict(acme)),
        ("bob", "2026-01-02 10:00", "visit", dict(acme)),
        ("cat", "2026-01-02 10:00", "visit", dict(none)),
    ]
    data = await project_of(tmp_path, events)
    series = [{"event": "visit", "math": "unique_group", "math_group_type_index": 0}]
    assert await people(data, series=series, date_from="2026-01-01", date_to="2026-01-02") == [0, 1]
    frame = await frame_of(data, kind="stickiness", series=series, date_from="2026-01-01", date_to="2026-01-02")
    assert await rows_of(data, Stickiness().actors(frame, 2)) == [["acme"]]


async def test_nobody_in_the_range(tmp_path: Path) -> None:
    data = await project_of(tmp_path, visits("ann", "2025-01-01 10:00"))
    insight = await ask(data, kind="stickiness", series=VISIT, date_from="2026-01-01", date_to="2026-01-02")
    assert table(insight.answer) == {"1": [0], "2": [0]}
    assert insight.answer.facts == ("visit: nobody in this range.",)


async def test_the_interval_that_is_not_over_is_told(tmp_path: Path) -> None:
    data = await project_of(tmp_path, visits("ann", "2026-01-01 10:00"))
    at = {"date_from": "2026-01-01", "date_to": "2026-01-05"}
    frame = await frame_of(data, datetime(2026, 1, 3, 12, tzinfo=UTC), kind="stickiness", series=VISIT, **at)
    answer = Stickiness().read(frame, await rows_of(data, Stickiness().hogql(frame)))
    assert answer.facts[-1] == "The day of 2026-01-03 is not over; it counts like the others."


async def test_actors_are_the_people_behind_each_cell(tmp_path: Path) -> None:
    events = [*visits("ann", "2026-01-01", "2026-01-02"), *visits("bob", "2026-01-02"), *visits("cat", "2026-01-01")]
    data = await project_of(tmp_path, events)
    at = {"date_from": "2026-01-01", "date_to": "2026-01-02"}
    frame = await frame_of(data, kind="stickiness", series=VISIT, **at)
    lists = await all_rows(data, [Stickiness().actors(frame, intervals) for intervals in (1, 2)])
    assert [len(rows) for rows in lists] == await people(data, **at) == [2, 1]
    with pytest.raises(InvalidInput, match="no series 1"):
        Stickiness().actors(frame, 1, series=1)
    with pytest.raises(InvalidInput, match="no breakdown"):
        await people(data, breakdowns=[{"property": "os"}], **at)
    with pytest.raises(InvalidInput, match="math hogql"):
        await people(data, series=[{"event": "visit", "math": "hogql", "math_hogql": "count()"}], **at)
