"""Trends on hand-made data: each answer is worked out in the test."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from posthog_mcp.backends.local.importing import import_exports
from posthog_mcp.backends.local.storage import Store
from posthog_mcp.errors import InvalidInput
from posthog_mcp.insights.frame import NONE, OTHER
from posthog_mcp.project import Project
from tests.insights.made import Did, asked, person_id, project_of, table

MARCH = {"date_from": "2026-03-02", "date_to": "2026-03-06"}
"""Monday to Friday."""
EVENTS = [
    Did("ann", "buy", "2026-03-01 23:59:59", {"price": 1000}),  # the day before
    Did("ann", "buy", "2026-03-02 00:00:00", {"price": 10, "plan": "free"}, {"country": "US"}),
    Did("ann", "buy", "2026-03-02 12:00:00", {"price": 30, "plan": "free"}, {"country": "US"}),
    Did("bob", "buy", "2026-03-02 23:59:59.999", {"price": 20, "plan": "pro"}, {"country": "DE"}),
    Did("ann", "view", "2026-03-03 09:00:00", {"plan": "free", "$session_id": "s1"}),
    Did("bob", "view", "2026-03-03 09:00:00", {"$session_id": "s2"}),
    Did("bob", "view", "2026-03-03 09:10:00", {"$session_id": "s2", "plan": ""}),
    Did("ann", "buy", "2026-03-04 10:00:00", {"price": "40", "plan": "pro"}),
    Did("cem", "buy", "2026-03-04 10:00:00", {"price": None, "plan": "max"}),
    Did("cem", "buy", "2026-03-06 18:00:00", {"plan": "max"}),
    Did("dee", "buy", "2026-03-07 00:00:00", {"price": 1000}),  # the day after
]


@pytest.fixture(scope="module")
async def project(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Project]:
    async with project_of(tmp_path_factory.mktemp("trends"), EVENTS) as opened:
        yield opened


async def values(project: Project, **series: Any) -> list[Any]:
    found = await asked(project, kind="trends", series=[{"event": "buy", **series}], **MARCH)
    return [row[1] for row in table(found)]


MATHS: list[tuple[dict[str, Any], list[float]]] = [
    ({}, [3, 0, 2, 0, 1]),
    ({"math": "dau"}, [2, 0, 2, 0, 1]),
    ({"math": "sum", "math_property": "price"}, [60, 0, 40, 0, 0]),
    ({"math": "avg", "math_property": "price"}, [20, 0, 40, 0, 0]),
    ({"math": "min", "math_property": "price"}, [10, 0, 40, 0, 0]),
    ({"math": "max", "math_property": "price"}, [30, 0, 40, 0, 0]),
    ({"math": "median", "math_property": "price"}, [20, 0, 40, 0, 0]),
    ({"math": "p90", "math_property": "price"}, [28, 0, 40, 0, 0]),  # 10, 20, 30: 20 + 0.8 of the way to 30
    ({"math": "avg_count_per_actor"}, [1.5, 0, 1, 0, 1]),  # ann two, bob one
    ({"math": "max_count_per_actor"}, [2, 0, 1, 0, 1]),
    ({"math": "first_time_for_user"}, [1, 0, 1, 0, 0]),  # ann's first was on the day before; bob; cem
    ({"math": "hogql", "math_hogql": "count() * 10"}, [30, 0, 20, 0, 10]),
    ({"filters": [{"key": "plan", "value": ["free", "max"]}]}, [2, 0, 1, 0, 1]),
    ({"filters": [{"key": "price", "operator": "gt", "value": 15}]}, [2, 0, 1, 0, 0]),
    ({"filters": [{"key": "price", "operator": "is_not_set"}]}, [0, 0, 1, 0, 1]),
    ({"filters": [{"key": "country", "type": "person", "value": "DE"}]}, [1, 0, 0, 0, 0]),
]


@pytest.mark.parametrize(("series", "wanted"), MATHS, ids=[str(series) for series, _ in MATHS])
async def test_a_math_a_day(project: Project, series: dict[str, Any], wanted: list[float]) -> None:
    assert await values(project, **series) == wanted


async def test_every_event_and_sessions(project: Project) -> None:
    found = await asked(project, kind="trends", series=[{}, {"event": "view", "math": "unique_session"}], **MARCH)
    assert [row[1:] for row in table(found)] == [[3, 0], [3, 2], [2, 0], [0, 0], [1, 0]]


async def test_people_active_in_the_week_before(project: Project) -> None:
    """ann bought on 1, 2 and 4 March, bob on 2, cem on 4 and 6: each counts for seven days."""
    found = await asked(
        project,
        kind="trends",
        series=[{"event": "buy", "math": "weekly_active"}],
        date_from="2026-03-01",
        date_to="2026-03-13",
    )
    # 1: ann; 2 and 3: ann, bob; 4 to 6: and cem; 7: and dee; 9: bob's day is over; 11: ann's; 13: cem's and dee's last
    assert [row[1] for row in table(found)] == [1, 2, 2, 3, 3, 3, 4, 4, 3, 3, 2, 2, 1]


async def test_people_active_in_a_range_that_begins_within_a_day(project: Project) -> None:
    """The first day that counts is the 9th, when bob's week is over."""
    found = await asked(
        project,
        kind="trends",
        series=[{"event": "buy", "math": "weekly_active"}],
        aggregate=True,
        interval="hour",
        date_from="2026-03-08T12:00:00",
        date_to="2026-03-13",
    )
    assert [row[-1] for row in table(found)] == [3]


async def test_a_breakdown_keeps_the_biggest_and_folds_the_rest(project: Project) -> None:
    found = await asked(
        project, kind="trends", series=[{"event": "buy"}], breakdowns=[{"property": "plan"}], breakdown_limit=2, **MARCH
    )
    names = [column.name for column in found.answer.columns]
    assert names == ["day", "free", "max", OTHER]  # two each; pro has two as well, and comes later by name
    assert [row[1:] for row in table(found)] == [[2, 0, 1], [0, 0, 0], [0, 1, 1], [0, 0, 0], [0, 1, 0]]


async def test_no_value_is_a_value_of_its_own(project: Project) -> None:
    found = await asked(project, kind="trends", series=[{"event": "view"}], breakdowns=[{"property": "plan"}], **MARCH)
    assert [column.name for column in found.answer.columns] == ["day", "free", NONE]
    assert table(found)[1] == ["2026-03-03", 1, 2]


async def test_several_properties_at_once(project: Project) -> None:
    found = await asked(
        project,
        kind="trends",
        series=[{"event": "buy"}],
        breakdowns=[{"property": "plan"}, {"property": "country", "type": "person"}],
        **MARCH,
    )
    assert "free::US" in [column.name for column in found.answer.columns]
    assert table(found)[0][[column.name for column in found.answer.columns].index("free::US")] == 2


async def test_formulas_divide_by_nothing_as_zero(project: Project) -> None:
    found = await asked(
        project,
        kind="trends",
        series=[{"event": "buy"}, {"event": "view"}],
        formula="A / B; (A + B) * 10 - 1",
        **MARCH,
    )
    assert [row[1:] for row in table(found)] == [[0, 29], [0, 29], [0, 19], [0, -1], [0, 9]]


@pytest.mark.parametrize("formula", ["A / C", "A +", "__import__('os')", "A.real", "A if B else 1", "'x'", "A B"])
async def test_what_is_no_formula_is_told(project: Project, formula: str) -> None:
    with pytest.raises(InvalidInput, match="formula") as raised:
        await asked(project, kind="trends", series=[{"event": "buy"}, {"event": "view"}], formula=formula, **MARCH)
    assert "A to B" in raised.value.fix


async def test_a_moving_average_is_floored_and_a_running_sum_grows(project: Project) -> None:
    smooth = await asked(project, kind="trends", series=[{"event": "buy"}], smoothing=2, **MARCH)
    assert [row[1] for row in table(smooth)] == [3, 1, 1, 1, 0]  # 3; 1.5; 1; 1; 0.5
    running = await asked(project, kind="trends", series=[{"event": "buy"}], cumulative=True, **MARCH)
    assert [row[1] for row in table(running)] == [3, 3, 5, 5, 6]
    people = await asked(project, kind="trends", series=[{"event": "buy", "math": "dau"}], cumulative=True, **MARCH)
    assert [row[1] for row in table(people)] == [2, 2, 3, 3, 3]


async def test_the_period_before_stands_beside(project: Project) -> None:
    found = await asked(project, kind="trends", series=[{"event": "buy"}], compare="previous", **MARCH)
    assert [column.name for column in found.answer.columns] == ["day", "buy", "buy (earlier)"]
    assert [row[1:] for row in table(found)] == [[3, 0], [0, 0], [2, 0], [0, 0], [1, 1]]  # 25 Feb to 1 Mar
    weeks = await asked(project, kind="trends", series=[{"event": "buy"}], compare="-2d", **MARCH)
    assert [row[2] for row in table(weeks)] == [0, 1, 3, 0, 2]


async def test_one_value_for_the_whole_range(project: Project) -> None:
    found = await asked(project, kind="trends", series=[{"event": "buy", "math": "dau"}], aggregate=True, **MARCH)
    assert table(found) == [["buy (people)", 3]]
    assert found.answer.chart.type == "number"
    by = await asked(
        project, kind="trends", series=[{"event": "buy"}], aggregate=True, breakdowns=[{"property": "plan"}], **MARCH
    )
    assert sorted(table(by)) == [["free", 2], ["max", 2], ["pro", 2]]


async def test_weeks_begin_as_the_projects_do(tmp_path: Path) -> None:
    """1 March 2026 is a Sunday."""
    for monday, wanted in (
        (False, [["2026-03-01", 7], ["2026-03-08", 0]]),
        (True, [["2026-02-23", 1], ["2026-03-02", 6]]),
    ):
        folder = tmp_path / str(monday)
        folder.mkdir()
        asking = {"kind": "trends", "series": [{"event": "buy"}], "interval": "week"}
        async with project_of(folder, EVENTS[:-1], monday=monday) as opened:
            found = await asked(opened, **asking, date_from="2026-03-01", date_to="2026-03-08")
            assert [row[:2] for row in table(found)][:2] == wanted


NEW_YORK = "America/New_York"


async def test_days_are_the_projects_own_also_when_clocks_change(tmp_path: Path) -> None:
    """On 8 March 2026 New York's clocks go from 02:00 to 03:00: the day has 23 hours."""
    events = [
        Did("a", "x", "2026-03-08T04:59:59+00:00"),  # 7 March, 23:59:59
        Did("a", "x", "2026-03-08T05:00:00+00:00"),  # 8 March, 00:00
        Did("a", "x", "2026-03-09T03:59:59+00:00"),  # 8 March, 23:59:59
        Did("a", "x", "2026-03-09T04:00:00+00:00"),  # 9 March, 00:00
    ]
    async with project_of(tmp_path, events, zone=NEW_YORK) as opened:
        days = await asked(opened, kind="trends", series=[{"event": "x"}], date_from="2026-03-07", date_to="2026-03-09")
        assert table(days) == [["2026-03-07", 1], ["2026-03-08", 2], ["2026-03-09", 1]]
        hours = await asked(
            opened,
            kind="trends",
            series=[{"event": "x"}],
            interval="hour",
            date_from="2026-03-08",
            date_to="2026-03-08",
        )
        by_hour = dict(map(tuple, table(hours)))
        assert (by_hour["2026-03-08 00:00"], by_hour["2026-03-08 23:00"], sum(by_hour.values())) == (1, 1, 2)


async def test_months_of_every_length(tmp_path: Path) -> None:
    events = [Did("a", "x", f"{day} 23:59:59") for day in ("2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30")]
    events.append(Did("a", "x", "2026-03-01 00:00:00"))
    async with project_of(tmp_path, events) as opened:
        found = await asked(
            opened,
            kind="trends",
            series=[{"event": "x"}],
            interval="month",
            date_from="2026-01-15",
            date_to="2026-04-30",
        )
        assert table(found) == [["2026-01-01", 1], ["2026-02-01", 1], ["2026-03-01", 2], ["2026-04-01", 1]]


async def test_merged_people_are_one(tmp_path: Path) -> None:
    """A person of two ids: the export's events name the person that they became."""
    events = [Did("anon", "x", "2026-03-02 10:00"), Did("user", "x", "2026-03-02 11:00")]
    export = tmp_path / "persons.jsonl"
    rows = [
        {
            "distinct_id": who,
            "person_id": person_id("user"),
            "properties": {},
            "person_distinct_id_version": 1,
            "person_version": 1,
            "created_at": "2026-03-01T00:00:00Z",
            "is_deleted": False,
        }
        for who in ("anon", "user")
    ]
    export.write_text("\n".join(map(json.dumps, rows)))
    async with project_of(tmp_path, events) as opened:
        await import_exports(Store(tmp_path / "data" / "local"), [export])
        found = await asked(opened, kind="trends", series=[{"event": "x", "math": "dau"}], **MARCH)
        assert table(found)[0] == ["2026-03-02", 1]


async def test_the_summary_says_total_best_worst_and_smallness(project: Project) -> None:
    facts = (await asked(project, kind="trends", series=[{"event": "buy"}], **MARCH)).answer.facts
    assert facts[0] == "buy: 6 in 5 complete days; highest 3 (2026-03-02), lowest 0 (2026-03-03)."
    assert "too few" in facts[2]


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ({"series": [{"event": "by"}]}, "buy"),
        ({"series": [{"event": "buy"}], "date_from": "2026-03-06", "date_to": "2026-03-02"}, "begins after it ends"),
        ({"series": [{"event": "buy"}], "date_from": "yesterday-ish"}, "is no date"),
        ({"series": []}, "takes 1 to 20 series"),
        ({"series": [{"event": "buy", "math": "sum"}]}, "math_property"),
        ({"series": [{"event": "buy", "math": "summ"}]}, "Input should be"),
        ({"series": [{"event": "buy"}], "breakdowns": [{"property": "plam"}]}, "plan"),
        ({"series": [{"event": "buy", "filters": [{"key": "prise", "value": 1}]}]}, "price"),
        ({"series": [{"event": "buy", "filters": [{"key": "price", "operator": "near", "value": 1}]}]}, "Operators"),
        ({"series": [{"event": "buy"}], "breakdowns": [{"property": "9", "type": "cohort"}]}, "no cohort"),
        ({"series": [{"action": "signup"}]}, "no action"),
        ({"series": [{"event": "buy", "evnt": 1}]}, "evnt"),
        ({"series": [{"event": "buy"}], "interval": "hour", "date_from": "2000-01-01"}, "more than 5,000"),
    ],
    ids=str,
)
async def test_what_cannot_be_asked_is_told(project: Project, question: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        await asked(project, **{"kind": "trends", **question})
    assert says in raised.value.as_text()
