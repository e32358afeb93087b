"""Retention against answers worked out by hand, and PostHog's own for the same events."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from posthog_mcp.errors import InvalidInput
from posthog_mcp.insights.retention import Retention
from posthog_mcp.results import Json
from posthog_mcp.runtime import open_project
from posthog_mcp.settings import Settings
from tests.insights.return_data import Done, all_rows, ask, frame_of, project_of, rows_of, table, visits

VISIT = [{"event": "visit"}]
Grid = dict[str, list[Json]]


async def grid(data_dir: Path, *, series: list[dict[str, Any]] | None = None, **question: Any) -> Grid:
    """The cohorts' counts, period by period."""
    insight = await ask(data_dir, kind="retention", series=series or VISIT, **question)
    rows = table(insight.answer)
    assert all(row[0] == row[1] for label, row in rows.items() if label not in ("all", "of"))
    return {label: row[1:-1] for label, row in rows.items() if label not in ("all", "of")}


def day(number: int, time: str = "05:00:00") -> str:
    return f"2026-01-{number:02d} {time}"


async def test_posthogs_own_answer_for_days_with_a_merged_person(tmp_path: Path) -> None:
    one = visits("one", *(f"2020-06-{each} 05:00" for each in (10, 11, 12, 15, 16)))
    two = visits("two", *(f"2020-06-{each} 05:00" for each in (11, 12, 13, 16)))
    events = [*one, *visits("alias", "2020-06-15 09:00"), *two]
    data = await project_of(tmp_path, events, created={"one": "2020-06-10"}, merged={"alias": "one"})
    found = await grid(data, period="day", periods=11, date_from="2020-06-10", date_to="2020-06-20")
    assert list(found.values()) == [
        [1, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0],
        [2, 2, 1, 0, 1, 2, 0, 0, 0, 0, None],
        [2, 1, 0, 1, 2, 0, 0, 0, 0, None, None],
        [1, 0, 0, 1, 0, 0, 0, 0, None, None, None],
        [0, 0, 0, 0, 0, 0, 0, None, None, None, None],
        [1, 1, 0, 0, 0, 0, None, None, None, None, None],
        [2, 0, 0, 0, 0, None, None, None, None, None, None],
        [0, 0, 0, 0, None, None, None, None, None, None, None],
        [0, 0, 0, None, None, None, None, None, None, None, None],
        [0, 0, None, None, None, None, None, None, None, None, None],
        [0, None, None, None, None, None, None, None, None, None, None],
    ]


async def test_posthogs_own_answer_for_months(tmp_path: Path) -> None:
    one = visits("one", *(f"2020-{each:02d}-10 05:00" for each in (1, 2, 3, 5, 6, 9)))
    two = visits("two", *(f"2020-{each:02d}-10 05:00" for each in (1, 2, 3, 6, 7, 11)))
    data = await project_of(tmp_path, [*one, *two])
    found = await grid(data, period="month", periods=11, date_from="2020-01-10", date_to="2020-11-25")
    assert list(found) == [f"2020-{each:02d}-01" for each in range(1, 12)]
    assert [[cell for cell in row if cell is not None] for row in found.values()] == [
        [2, 2, 2, 0, 1, 2, 1, 0, 1, 0, 1],
        [2, 2, 0, 1, 2, 1, 0, 1, 0, 1],
        [2, 0, 1, 2, 1, 0, 1, 0, 1],
        [0, 0, 0, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 1, 0, 0],
        [2, 1, 0, 1, 0, 1],
        [1, 0, 0, 0, 1],
        [0, 0, 0, 0],
        [1, 0, 0],
        [0, 0],
        [1],
    ]


async def test_the_last_second_of_january_and_the_first_of_february(tmp_path: Path) -> None:
    events = [*visits("ann", "2026-01-31 23:59:59", "2026-02-01 00:00:00"), *visits("bob", "2026-01-31 00:00:00")]
    data = await project_of(tmp_path, [*events, *visits("cat", "2026-02-28 23:59:59.9", "2026-03-01 00:00:00")])
    found = await grid(data, period="month", periods=3, date_from="2026-01-31", date_to="2026-03-31")
    assert found == {"2026-01-01": [2, 1, 0], "2026-02-01": [2, 1, None], "2026-03-01": [1, None, None]}


@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("America/New_York", ("2025-03-08", "2025-03-09", "2025-03-10")),
        ("America/New_York", ("2025-11-01", "2025-11-02", "2025-11-03")),
        ("Europe/Berlin", ("2025-03-29", "2025-03-30", "2025-03-31")),
        ("Europe/Berlin", ("2025-10-25", "2025-10-26", "2025-10-27")),
    ],
)
async def test_days_of_23_and_25_hours_end_at_midnight(tmp_path: Path, zone: str, change: tuple[str, str, str]) -> None:
    before, on, after = change
    events = [
        *visits("ann", f"{before} 23:59:59", f"{on} 00:00:00"),
        *visits("bob", f"{on} 23:59:59", f"{after} 00:00:00"),
        *visits("cat", f"{on} 00:00:00", f"{on} 23:59:59"),
    ]
    data = await project_of(tmp_path, events, zone=zone)
    found = await grid(data, period="day", periods=3, date_from=before, date_to=after)
    assert found == {before: [1, 1, 0], on: [3, 1, None], after: [1, None, None]}


async def test_the_hour_that_comes_twice_is_two_hours(tmp_path: Path) -> None:
    events = visits("ann", "2025-11-02T01:30:00-04:00", "2025-11-02T01:30:00-05:00", "2025-11-02T02:00:00-05:00")
    data = await project_of(tmp_path, events, zone="America/New_York")
    at = {"date_from": "2025-11-02 00:00", "date_to": "2025-11-02 03:00", "interval": "hour"}
    found = await grid(data, period="hour", periods=3, **at)
    day = "2025-11-02"
    assert list(found) == [f"{day} 00:00", f"{day} 01:00", f"{day} 01:00-0500", f"{day} 02:00", f"{day} 03:00"]
    assert list(found.values())[1:4] == [[1, 1, 1], [1, 1, 0], [1, 0, None]]


async def test_the_hour_that_is_skipped_is_none(tmp_path: Path) -> None:
    data = await project_of(tmp_path, visits("ann", "2025-03-30 01:30", "2025-03-30 03:00"), zone="Europe/Berlin")
    at = {"date_from": "2025-03-30 01:00", "date_to": "2025-03-30 04:00", "interval": "hour"}
    found = await grid(data, period="hour", periods=2, **at)
    assert found == {"2025-03-30 01:00": [1, 1], "2025-03-30 03:00": [1, 0], "2025-03-30 04:00": [0, None]}


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (0, {"2025-12-28": [1, 1], "2026-01-04": [2, None]}),
        (1, {"2025-12-29": [2, 1], "2026-01-05": [1, None]}),
    ],
)
async def test_weeks_begin_as_the_projects_do(tmp_path: Path, start: Any, expected: Grid) -> None:
    saturday, sunday, monday = "2026-01-03 23:59:59", "2026-01-04 00:00:00", "2026-01-05 00:00:00"
    events = [*visits("ann", saturday, sunday), *visits("bob", sunday, monday)]
    data = await project_of(tmp_path, events, week_start_day=start)
    assert await grid(data, period="week", periods=2, date_from="2026-01-03", date_to="2026-01-06") == expected


async def test_first_time_looks_before_the_range(tmp_path: Path) -> None:
    events = [
        *visits("old", "2025-11-01 10:00", day(1), day(2)),
        *visits("new", day(1), day(1, "23:00:00"), day(2), day(3)),
        *visits("late", day(3), "2026-02-10 10:00"),
        *visits("after", "2026-02-11 10:00"),
    ]
    data = await project_of(tmp_path, events)
    at = {"period": "day", "periods": 3, "date_from": "2026-01-01", "date_to": "2026-01-03"}
    found = await grid(data, retention_type="first_time", **at)
    assert found == {"2026-01-01": [1, 1, 1], "2026-01-02": [0, 0, None], "2026-01-03": [1, None, None]}
    everybody = await grid(data, **at)
    assert everybody == {"2026-01-01": [2, 2, 1], "2026-01-02": [2, 1, None], "2026-01-03": [2, None, None]}


async def test_first_time_with_a_filter_is_the_first_that_passes_it(tmp_path: Path) -> None:
    paid: dict[str, Json] = {"plan": "pro"}
    events: list[Done] = [
        ("ann", day(1), "visit", {"plan": None}),
        ("ann", day(2), "visit", paid),
        ("ann", day(3), "visit"),
        ("bob", day(1), "visit", paid),
        ("bob", day(2), "visit", paid),
        ("eve", day(2), "visit"),
    ]
    data = await project_of(tmp_path, events)
    filtered = [{"event": "visit", "filters": [{"key": "plan", "value": "pro"}]}, {"event": "visit"}]
    at = {"period": "day", "periods": 2, "date_from": "2026-01-01", "date_to": "2026-01-03"}
    found = await grid(data, series=filtered, retention_type="first_time", **at)
    assert found == {"2026-01-01": [1, 1], "2026-01-02": [1, 1], "2026-01-03": [0, None]}


async def test_coming_back_is_another_event_in_a_later_period(tmp_path: Path) -> None:
    events: list[Done] = [
        ("ann", day(1, "10:00:00"), "signup"),
        ("ann", day(1, "11:00:00"), "buy"),
        ("ann", day(3), "buy"),
        ("ann", day(3), "buy"),
        ("bob", day(1), "buy"),
        ("bob", day(2), "signup"),
        ("cat", day(2), "buy"),
    ]
    data = await project_of(tmp_path, events)
    series = [{"event": "signup"}, {"event": "buy"}]
    at = {"period": "day", "periods": 3, "date_from": "2026-01-01", "date_to": "2026-01-03"}
    found = await grid(data, series=series, **at)
    assert found == {"2026-01-01": [1, 0, 1], "2026-01-02": [1, 0, None], "2026-01-03": [0, None, None]}


async def test_unbounded_counts_then_or_later_as_far_as_is_shown(tmp_path: Path) -> None:
    data = await project_of(tmp_path, [*visits("ann", day(1), day(4)), *visits("bob", day(1), day(2))])
    at = {"period": "day", "date_from": "2026-01-01", "date_to": "2026-01-04"}
    assert (await grid(data, periods=4, **at))["2026-01-01"] == [2, 1, 0, 1]
    assert (await grid(data, periods=4, unbounded=True, **at))["2026-01-01"] == [2, 2, 1, 1]
    assert (await grid(data, periods=3, unbounded=True, **at))["2026-01-01"] == [2, 1, 0]


async def test_groups_that_only_came_before_or_after_the_range_are_not_shown(tmp_path: Path) -> None:
    early: list[Done] = [("cat", "2025-12-01 10:00", "visit", {"os": "linux"})]
    late: list[Done] = [("bob", day(9), "visit", {"os": "mac"}), ("bob", day(10), "visit", {"os": "mac"})]
    data = await project_of(tmp_path, [("ann", day(1), "visit", {"os": "win"}), *visits("ann", day(8)), *early, *late])
    at = {"period": "day", "periods": 3, "date_from": "2026-01-01", "date_to": "2026-01-03"}
    for kind in ("recurring", "first_time"):
        found = await grid(data, retention_type=kind, unbounded=True, **at)
        assert found == {"2026-01-01": [1, 0, 0], "2026-01-02": [0, 0, None], "2026-01-03": [0, None, None]}
        by: dict[str, Any] = {"breakdowns": [{"property": "os"}], "retention_type": kind, **at}
        answer = (await ask(data, kind="retention", series=VISIT, **by)).answer
        assert {row[0] for row in answer.rows} == {"win"}


async def test_groups_by_cohorts(tmp_path: Path) -> None:
    events: list[Done] = [
        *visits("ann", day(1), day(2)),
        *visits("bob", day(1)),
        ("ann", day(1), "buy"),
    ]
    data = await project_of(tmp_path, events)
    buyers = {"kind": "HogQLQuery", "query": "SELECT person_id FROM events WHERE event = 'buy'"}
    async with open_project(Settings.load(data_dir=data, backend="local")) as project:
        made = await project.driver.create("cohorts", {"name": "Buyers", "query": cast("Json", buyers)})
    at = {"period": "day", "periods": 2, "date_from": "2026-01-01", "date_to": "2026-01-02"}
    by = [{"property": str(made["id"]), "type": "cohort"}, {"property": "all", "type": "cohort"}]
    question: dict[str, Any] = {"kind": "retention", "series": VISIT, "breakdowns": by, **at}
    answer = (await ask(data, **question)).answer
    firsts = {str(row[0]): row[2:-1] for row in answer.rows if row[1] == "2026-01-01"}
    assert firsts == {"all": [2, 2, 1], "Buyers": [1, 1, 1]}
    frame = await frame_of(data, **question)
    assert len(await rows_of(data, Retention().actors(frame, "2026-01-01", 0, "Buyers"))) == 1
    counts = [{"count": 1}, {"count": 1}], [{"count": 1}, {"count": 0}], [{"count": 2}, {"count": 1}]
    native = [
        {"label": "Day 0", "breakdown_value": str(made["id"]), "values": counts[0]},
        {"label": "Day 1", "breakdown_value": str(made["id"]), "values": counts[1]},
        {"label": "Day 0", "breakdown_value": "0", "values": counts[2]},
        {"label": "Day 1", "breakdown_value": "0", "values": counts[1]},
    ]
    assert Retention().read_native(frame, {"results": cast("Json", native)}) == answer


async def test_groups_by_an_event_property_count_returns_of_the_same_value(tmp_path: Path) -> None:
    mac, win = {"os": "mac"}, {"os": "win"}
    events: list[Done] = [
        ("ann", day(1), "visit", mac),
        ("ann", day(2), "visit", win),
        ("bob", day(1), "visit", mac),
        ("bob", day(2), "visit", mac),
        ("cat", day(1), "visit"),
        ("cat", day(2), "visit", {"os": ""}),
        ("dan", day(1), "visit", {"os": None}),
    ]
    data = await project_of(tmp_path, events)
    at = {"period": "day", "periods": 2, "date_from": "2026-01-01", "date_to": "2026-01-02"}
    by: dict[str, Any] = {"kind": "retention", "series": VISIT, "breakdowns": [{"property": "os"}], **at}
    insight = await ask(data, **by)
    rows = [row[:-1] for row in insight.answer.rows if row[1] not in ("all", "of")]
    assert rows == [
        ["(none)", "2026-01-01", 2, 2, 1],
        ["(none)", "2026-01-02", 1, 1, None],
        ["mac", "2026-01-01", 2, 2, 1],
        ["mac", "2026-01-02", 1, 1, None],
        ["win", "2026-01-01", 0, 0, 0],
        ["win", "2026-01-02", 1, 1, None],
    ]
    few = await ask(data, **by, breakdown_limit=1)
    assert [row[:-1] for row in few.answer.rows if row[:2] == ["(other)", "2026-01-01"]] == [
        ["(other)", "2026-01-01", 2, 2, 1]
    ]
    frame = await frame_of(data, **by)
    assert len(await rows_of(data, Retention().actors(frame, "2026-01-01", 1, "(none)"))) == 1
    with pytest.raises(InvalidInput, match="cannot be listed"):
        Retention().actors(frame, "2026-01-01", 1, "(other)")


async def test_groups_by_a_person_property(tmp_path: Path) -> None:
    events: list[Done] = [
        ("ann", day(1), "visit", {"person": {"plan": "pro"}}),
        ("ann", day(2), "visit", {"person": {"plan": "pro"}}),
        ("bob", day(1), "visit", {"person": {"seats": 2}}),
    ]
    data = await project_of(tmp_path, events)
    at = {"period": "day", "periods": 2, "date_from": "2026-01-01", "date_to": "2026-01-02"}
    by = [{"property": "plan", "type": "person"}]
    insight = await ask(data, kind="retention", series=VISIT, breakdowns=by, **at)
    firsts = {str(row[0]): row[2:-1] for row in insight.answer.rows if row[1] == "2026-01-01"}
    assert firsts == {"pro": [1, 1, 1], "(none)": [1, 1, 0]}
    assert {row[1] for row in insight.answer.chart.rows} == {"pro", "(none)"}


async def test_nobody_in_the_range(tmp_path: Path) -> None:
    data = await project_of(tmp_path, visits("ann", "2025-01-01 10:00"))
    at = {"period": "day", "periods": 2, "date_from": "2026-01-01", "date_to": "2026-01-02"}
    insight = await ask(data, kind="retention", series=VISIT, **at)
    assert table(insight.answer)["2026-01-01"] == [0, 0, 0, None]
    assert insight.answer.facts[0] == "Nobody did visit in this range."
    assert insight.answer.chart.rows == []
    by = await ask(data, kind="retention", series=VISIT, breakdowns=[{"property": "plan", "type": "person"}], **at)
    assert (by.answer.rows, by.answer.facts) == ([], ("Nobody did visit in this range.",))


async def test_what_is_not_over_is_null_or_marked_and_left_out_of_the_weights(tmp_path: Path) -> None:
    events = [*visits("ann", day(1), day(2), day(3)), *visits("bob", day(1), day(3)), *visits("cat", day(2))]
    data = await project_of(tmp_path, events)
    at = {"period": "day", "periods": 3, "date_from": "2026-01-01", "date_to": "2026-01-05"}
    frame = await frame_of(data, datetime(2026, 1, 3, 12, tzinfo=UTC), kind="retention", series=VISIT, **at)
    answer = Retention().read(frame, await rows_of(data, Retention().hogql(frame)))
    assert answer.rows == [
        ["all", 6, 4, 1, None, None],
        ["of", 6, 4, 2, None, None],
        ["2026-01-01", 2, 2, 1, 2, 2],
        ["2026-01-02", 2, 2, 1, None, 1],
        ["2026-01-03", 2, 2, None, None, 0],
    ]
    assert "day 1: 50.0 % came back (weighted, n = 2)." in answer.facts
    assert any("2026-01-03 is not over" in fact for fact in answer.facts)
    assert [row for row in answer.chart.rows if row[5]] == [
        [2, "2026-01-01", 1.0, 2, 2, True],
        [1, "2026-01-02", 0.5, 1, 2, True],
        [0, "2026-01-03", 1.0, 2, 2, True],
    ]


async def test_facts_tell_the_weighted_share_and_the_best_and_worst_cohort(tmp_path: Path) -> None:
    first = [each for n in range(40) for each in visits(f"a{n}", day(1), *([day(2)] if n < 20 else []))]
    second = [each for n in range(20) for each in visits(f"b{n}", day(2), *([day(3)] if n < 4 else []))]
    data = await project_of(tmp_path, [*first, *second])
    at = {"period": "day", "periods": 3, "date_from": "2026-01-01", "date_to": "2026-01-03"}
    insight = await ask(data, kind="retention", series=VISIT, **at)
    assert insight.answer.facts[:3] == (
        "day 1: 30.0 % came back (weighted, n = 80).",
        "day 2: 0.0 % came back (weighted, n = 40).",
        "day 1, cohorts of 30 or more: best 2026-01-01 (50.0 % of 40), worst 2026-01-02 (10.0 % of 40).",
    )
    assert not any("too few" in fact for fact in insight.answer.facts)


async def test_actors_are_the_people_behind_each_cell(tmp_path: Path) -> None:
    events = [*visits("ann", day(1), day(2), day(3)), *visits("bob", day(1), day(3)), *visits("cat", day(2), day(3))]
    data = await project_of(tmp_path, events)
    at = {"period": "day", "periods": 3, "date_from": "2026-01-01", "date_to": "2026-01-03"}
    for unbounded in (False, True):
        question: dict[str, Any] = {"kind": "retention", "series": VISIT, "unbounded": unbounded, **at}
        frame = await frame_of(data, **question)
        found = await grid(data, unbounded=unbounded, **at)
        sizes = {(label, period): number for label, row in found.items() for period, number in enumerate(row)}
        lists = await all_rows(data, [Retention().actors(frame, *cell) for cell in sizes])
        assert [len({str(row[0]) for row in rows}) for rows in lists] == [number or 0 for number in sizes.values()]


BAD: list[tuple[dict[str, Any], str]] = [
    ({"series": [{"event": "visit", "math": "unique_session"}]}, "math unique_session"),
    ({"breakdowns": [{"property": "os"}, {"property": "plan"}]}, "one breakdown"),
    ({"breakdowns": [{"property": "$channel", "type": "session"}]}, "breakdown by session"),
    ({"breakdowns": [{"property": "9", "type": "cohort"}]}, "no cohort '9'"),
    ({"compare": "previous"}, "comparison"),
    ({"period": "hour", "date_from": "2026-01-01", "date_to": "2026-01-31"}, "at most 500"),
]


@pytest.mark.parametrize(("changes", "message"), BAD)
async def test_what_retention_cannot_tell_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    data = await project_of(tmp_path, [("ann", day(1), "visit", {"os": "mac", "plan": "pro"})])
    question: dict[str, Any] = {"series": VISIT, "date_from": "2026-01-01", "date_to": "2026-01-02"} | changes
    with pytest.raises(InvalidInput, match=message):
        await ask(data, kind="retention", **question)


async def test_actors_of_a_cell_that_is_not_there_are_refused(tmp_path: Path) -> None:
    data = await project_of(tmp_path, visits("ann", day(1)))
    at = {"period": "day", "periods": 3, "date_from": "2026-01-01", "date_to": "2026-01-03"}
    frame = await frame_of(data, kind="retention", series=VISIT, **at)
    with pytest.raises(InvalidInput, match="no day '2026-01-09'"):
        Retention().actors(frame, "2026-01-09", 0)
    with pytest.raises(InvalidInput, match="no period 3"):
        Retention().actors(frame, "2026-01-01", 3)
