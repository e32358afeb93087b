"""Lifecycle against answers worked out by hand, and PostHog's own for the same events."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from posthog_mcp.errors import InvalidInput
from posthog_mcp.insights.lifecycle import STATUSES, Lifecycle
from posthog_mcp.results import Json
from tests.insights.return_data import Done, all_rows, ask, frame_of, project_of, rows_of, table, visits

VISIT = [{"event": "visit"}]
PEOPLE = {
    "p1": ["11", "12", "13", "15", "17", "19"],
    "p2": ["09", "12"],
    "p3": ["12"],
    "p4": ["15"],
}


async def statuses(data_dir: Path, **question: Any) -> dict[str, list[Json]]:
    """Interval → new, returning, resurrecting, dormant."""
    return table((await ask(data_dir, kind="lifecycle", series=VISIT, **question)).answer)


async def test_posthogs_own_answer_for_days(tmp_path: Path) -> None:
    events = [each for who, days in PEOPLE.items() for each in visits(who, *(f"2020-01-{day} 12:00" for day in days))]
    data = await project_of(tmp_path, events)
    insight = await ask(data, kind="lifecycle", series=VISIT, date_from="2020-01-12", date_to="2020-01-19")
    columns = list(zip(*(row[1:] for row in insight.answer.rows), strict=True))
    assert columns == [
        (1, 0, 0, 1, 0, 0, 0, 0),
        (1, 1, 0, 0, 0, 0, 0, 0),
        (1, 0, 0, 1, 0, 1, 0, 1),
        (0, -2, -1, 0, -2, 0, -1, 0),
    ]
    assert insight.answer.facts[:3] == (
        "visit: net change 0 people in 8 complete days (2 new + 4 resurrecting - 6 dormant).",
        "visit: 25.0 % of the active were returning (n = 8, each day counted).",
        "Last complete day (2020-01-19): 1 active (0 new, 0 returning, 1 resurrecting), 0 dormant.",
    )
    assert insight.answer.chart.rows[:4] == [
        ["2020-01-12", "new", 1],
        ["2020-01-12", "returning", 1],
        ["2020-01-12", "resurrecting", 1],
        ["2020-01-12", "dormant", 0],
    ]


async def test_new_is_who_was_created_in_the_interval_they_were_first_active_in(tmp_path: Path) -> None:
    events = [
        *visits("early", "2026-01-05 10:00", "2026-01-06 10:00"),
        *visits("late", "2026-01-05 10:00", "2026-01-06 10:00"),
        *visits("same", "2026-01-06 23:59:59"),
    ]
    created = {"early": "2026-01-04", "late": "2026-01-06 09:00", "same": "2026-01-06 00:00:00"}
    data = await project_of(tmp_path, events, created=created)
    found = await statuses(data, date_from="2026-01-05", date_to="2026-01-07")
    assert found == {"2026-01-05": [0, 0, 2, 0], "2026-01-06": [1, 2, 0, 0], "2026-01-07": [0, 0, 0, -3]}


async def test_merged_people_are_one_and_repeats_count_once(tmp_path: Path) -> None:
    events = [*visits("ann", "2026-01-05 10:00", "2026-01-05 11:00"), *visits("phone", "2026-01-06 10:00")]
    data = await project_of(tmp_path, events, created={"ann": "2026-01-05"}, merged={"phone": "ann"})
    found = await statuses(data, date_from="2026-01-05", date_to="2026-01-07")
    assert found == {"2026-01-05": [1, 0, 0, 0], "2026-01-06": [0, 1, 0, 0], "2026-01-07": [0, 0, 0, -1]}


async def test_the_interval_before_the_range_is_looked_at(tmp_path: Path) -> None:
    events = [*visits("ann", "2026-01-04 00:00:00", "2026-01-05 10:00"), *visits("bob", "2026-01-03 23:59:59")]
    data = await project_of(tmp_path, [*events, *visits("cat", "2026-01-04 23:59:59")])
    assert await statuses(data, date_from="2026-01-05", date_to="2026-01-05") == {"2026-01-05": [0, 1, 0, -1]}


async def test_events_without_a_person_profile_do_not_count(tmp_path: Path) -> None:
    events: list[Done] = [
        ("ann", "2026-01-05 10:00", "visit", {"$process_person_profile": False}),
        ("bob", "2026-01-05 10:00", "visit", {"$process_person_profile": True}),
        ("cat", "2026-01-05 10:00", "visit", {"$process_person_profile": None}),
    ]
    data = await project_of(tmp_path, events)
    assert await statuses(data, date_from="2026-01-05", date_to="2026-01-05") == {"2026-01-05": [2, 0, 0, 0]}


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (0, {"2026-01-04": [0, 1, 0, 0], "2026-01-11": [0, 0, 0, -1]}),
        (1, {"2025-12-29": [1, 0, 0, 0], "2026-01-05": [0, 0, 0, -1]}),
    ],
)
async def test_weeks_begin_as_the_projects_do(tmp_path: Path, start: Any, expected: dict[str, list[Json]]) -> None:
    data = await project_of(tmp_path, visits("ann", "2026-01-03 23:59:59", "2026-01-04 00:00:00"), week_start_day=start)
    ends = {"date_from": "2026-01-04", "date_to": "2026-01-11"}
    found = await statuses(data, interval="week", **ends)
    assert {label: cells for label, cells in found.items() if label in expected} == expected
    assert len(found) == 2


async def test_months_of_31_and_28_days_follow_each_other(tmp_path: Path) -> None:
    data = await project_of(
        tmp_path, visits("ann", "2026-01-31 23:59:59", "2026-02-01 00:00:00", "2026-04-30 23:59:59")
    )
    found = await statuses(data, interval="month", date_from="2026-01-31", date_to="2026-05-31")
    assert found == {
        "2026-01-01": [1, 0, 0, 0],
        "2026-02-01": [0, 1, 0, 0],
        "2026-03-01": [0, 0, 0, -1],
        "2026-04-01": [0, 0, 1, 0],
        "2026-05-01": [0, 0, 0, -1],
    }


@pytest.mark.parametrize(
    ("zone", "days"),
    [
        ("America/New_York", ["2025-03-08", "2025-03-09", "2025-03-10"]),
        ("America/New_York", ["2025-11-01", "2025-11-02", "2025-11-03"]),
        ("Europe/Berlin", ["2025-03-29", "2025-03-30", "2025-03-31"]),
        ("Europe/Berlin", ["2025-10-25", "2025-10-26", "2025-10-27"]),
    ],
)
async def test_days_of_23_and_25_hours(tmp_path: Path, zone: str, days: list[str]) -> None:
    ann = visits("ann", f"{days[0]} 00:00:00", f"{days[1]} 23:59:59", f"{days[2]} 00:00:00")
    data = await project_of(tmp_path, [*ann, *visits("bob", f"{days[1]} 00:00:00")], zone=zone)
    found = await statuses(data, date_from=days[0], date_to=days[2])
    assert found == {days[0]: [1, 0, 0, 0], days[1]: [1, 1, 0, 0], days[2]: [0, 1, 0, -1]}


async def test_hours_across_the_hour_that_comes_twice(tmp_path: Path) -> None:
    events = visits("ann", "2025-11-02T01:30:00-04:00", "2025-11-02T01:30:00-05:00", "2025-11-02T03:00:00-05:00")
    data = await project_of(tmp_path, events, zone="America/New_York")
    found = await statuses(data, interval="hour", date_from="2025-11-02 01:00", date_to="2025-11-02 03:00")
    assert list(found.items()) == [
        ("2025-11-02 01:00", [1, 0, 0, 0]),
        ("2025-11-02 01:00-0500", [0, 1, 0, 0]),
        ("2025-11-02 02:00", [0, 0, 0, -1]),
        ("2025-11-02 03:00", [0, 0, 1, 0]),
    ]


async def test_nobody_in_the_range(tmp_path: Path) -> None:
    data = await project_of(tmp_path, visits("ann", "2025-01-01 10:00"))
    insight = await ask(data, kind="lifecycle", series=VISIT, date_from="2026-01-01", date_to="2026-01-02")
    assert table(insight.answer) == {"2026-01-01": [0, 0, 0, 0], "2026-01-02": [0, 0, 0, 0]}
    assert insight.answer.facts == ("Nobody did visit in 2 complete days.",)


async def test_the_interval_that_is_not_over_is_marked_and_later_ones_are_not_shown(tmp_path: Path) -> None:
    data = await project_of(tmp_path, visits("ann", "2026-01-01 10:00", "2026-01-02 10:00"))
    at = {"date_from": "2026-01-01", "date_to": "2026-01-05"}
    frame = await frame_of(data, datetime(2026, 1, 3, 12, tzinfo=UTC), kind="lifecycle", series=VISIT, **at)
    answer = Lifecycle().read(frame, await rows_of(data, Lifecycle().hogql(frame)))
    assert table(answer) == {"2026-01-01": [1, 0, 0, 0], "2026-01-02": [0, 1, 0, 0], "2026-01-03": [0, 0, 0, -1]}
    assert answer.chart.incomplete_from == "2026-01-03"
    assert answer.facts[0] == "visit: net change +1 people in 2 complete days (1 new + 0 resurrecting - 0 dormant)."
    assert "2026-01-03 is not over" in answer.facts[-1]


async def test_actors_are_the_people_behind_each_cell(tmp_path: Path) -> None:
    events = [each for who, days in PEOPLE.items() for each in visits(who, *(f"2020-01-{day} 12:00" for day in days))]
    data = await project_of(tmp_path, events)
    question: dict[str, Any] = {"series": VISIT, "date_from": "2020-01-12", "date_to": "2020-01-14"}
    frame = await frame_of(data, kind="lifecycle", **question)
    found = await statuses(data, date_from="2020-01-12", date_to="2020-01-14")
    sizes = {
        (label, status): number for label, row in found.items() for status, number in zip(STATUSES, row, strict=True)
    }
    lists = await all_rows(data, [Lifecycle().actors(frame, *cell) for cell in sizes])
    assert [len({str(row[0]) for row in rows}) for rows in lists] == [len(rows) for rows in lists]
    assert [len(rows) for rows in lists] == [abs(int(str(number))) for number in sizes.values()]
    with pytest.raises(InvalidInput, match="no status 'gone'"):
        Lifecycle().actors(frame, "2020-01-12", "gone")
    with pytest.raises(InvalidInput, match="no day '2020-01-11'"):
        Lifecycle().actors(frame, "2020-01-11", "new")


BAD: list[tuple[dict[str, Any], str]] = [
    ({"series": [{"event": "visit", "math": "weekly_active"}]}, "math weekly_active"),
    ({"breakdowns": [{"property": "os"}]}, "no breakdown"),
    ({"compare": "previous"}, "no comparison"),
]


@pytest.mark.parametrize(("changes", "message"), BAD)
async def test_what_lifecycle_cannot_tell_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    data = await project_of(tmp_path, [("ann", "2026-01-01 10:00", "visit", {"os": "mac"})])
    question: dict[str, Any] = {"series": VISIT, "date_from": "2026-01-01", "date_to": "2026-01-02"} | changes
    with pytest.raises(InvalidInput, match=message):
        await ask(data, kind="lifecycle", **question)
