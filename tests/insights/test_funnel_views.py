"""Time to convert and conversion by entry on hand-made data: each answer is worked out in the test."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from posthog_mcp.insights.frame import NONE, OTHER
from tests.insights.funnel_data import DAY, Did, ask, project_of, rates

HOUR = 3600
WINDOW = {"funnel_window": 1}
"""A day."""
FIRST, SECOND, THIRD = "2026-03-02", "2026-03-03", "2026-03-04"


async def test_bins_are_the_cube_root_of_the_people_from_least_to_most(tmp_path: Path) -> None:
    journeys: dict[str, Sequence[Did]] = {
        "ann": [(0, "a"), (3600, "b")],
        "bob": [(0, "a"), (2220, "b")],
        "cem": [(0, "a"), (82_800, "b")],
        "dee": [(0, "a")],
    }
    async with project_of(tmp_path, journeys) as project:
        answer = (await ask(project, "ab", funnel_view="time_to_convert")).answer
    # Three people: two bins of (82,800 - 2,220) / 2 = 40,290 seconds, and the longest time on its own.
    assert answer.rows == [[2220, 2], [42_510, 0], [82_800, 1]]
    assert [column.name for column in answer.columns] == ["from_seconds", "people"]
    assert answer.facts == (
        "3 people came to the last step, in 8.2 h on average.",  # 29,540 s
        "Most common: 37 min to 11.8 h, 2 people (66.7 %).",
        "Only 3 people; too few for the shape to mean much.",
    )
    assert (answer.chart.type, answer.chart.column("time")) == ("bar", ["37 min", "11.8 h", "23 h"])


async def test_equal_times_are_one_bin_of_a_minute(tmp_path: Path) -> None:
    journeys: dict[str, Sequence[Did]] = {who: [(0, "a"), (30, "b"), (90, "c")] for who in ("ann", "bob")}
    async with project_of(tmp_path, journeys) as project:
        answer = (await ask(project, "abc", funnel_view="time_to_convert")).answer
    assert answer.rows == [[90, 2], [150, 0], [210, 0]]  # the cube root of 2, rounded up: two bins


async def test_nobody_converted_is_told(tmp_path: Path) -> None:
    async with project_of(tmp_path, {"ann": [(0, "a")], "bob": [(0, "b")]}) as project:
        found = await ask(project, "ab", funnel_view="time_to_convert")
    assert found.answer.rows == [[0, 0], [60, 0]]
    assert found.answer.facts == ("Nobody came to the last step.",)
    assert [note.code for note in found.warnings] == []


async def test_a_rate_is_of_those_who_entered_in_its_interval(tmp_path: Path) -> None:
    journeys: dict[str, Sequence[Did]] = {
        "ann": [(0, "a"), (10, "b")],
        "bob": [(DAY - 1, "a"), (DAY + 5, "b")],  # converts on the day after: counts where they entered
        "cem": [(0, "a"), (5, "a")],
        "dee": [(DAY, "a")],
        "eve": [(2 * DAY, "b")],
    }
    async with project_of(tmp_path, journeys) as project:
        found = await ask(project, "ab", funnel_view="trend")
    assert found.answer.rows[:3] == [[FIRST, 0.6667], [SECOND, 0.0], [THIRD, 0.0]]
    assert (len(found.answer.rows), [column.name for column in found.answer.columns]) == (14, ["day", "conversion"])
    chart = found.answer.chart
    assert (chart.type, chart.unit, chart.series, chart.rows[0]) == (
        "line",
        "percent",
        None,
        [FIRST, "conversion", 0.6667],
    )
    assert found.answer.facts == (
        "conversion: 0.0 % of those who entered in the last complete day (2026-03-15); highest 66.7 % (2026-03-02), "
        "lowest 0.0 % (2026-03-03).",
        "Who entered from 2026-03-02 on had less than 14 days to convert; these rates may be too low.",
    )


async def test_a_person_enters_in_each_interval_anew(tmp_path: Path) -> None:
    journeys: dict[str, Sequence[Did]] = {
        "ann": [(0, "a"), (DAY + HOUR, "a"), (DAY + 2 * HOUR, "b")],
        "bob": [(0, "a"), (DAY, "a"), (2 * DAY, "a")],
    }
    async with project_of(tmp_path, journeys) as project:
        assert await rates(project, "ab") == {FIRST: 0.5, SECOND: 0.5}
        assert await rates(project, "ab", **WINDOW) == {SECOND: 0.5}
        told = (await ask(project, "ab", funnel_view="trend", funnel_window=36, funnel_window_unit="hour")).answer.facts
        assert (
            told[-1] == "Who entered from 2026-03-14 on had less than 36 hours to convert; these rates may be too low."
        )
        assert await rates(project, "ab", **WINDOW, interval="week") == {FIRST: 0.5}


async def test_intervals_are_of_the_project_s_zone(tmp_path: Path) -> None:
    # 20:00 UTC is 5:00 of the next day in Tokyo, the range's first seconds are 9:00.
    journeys: dict[str, Sequence[Did]] = {"ann": [(20 * HOUR, "a"), (21 * HOUR, "b")], "bob": [(HOUR, "a")]}
    async with project_of(tmp_path, journeys, zone="Asia/Tokyo") as project:
        assert await rates(project, "ab") == {SECOND: 1.0}
        assert await rates(project, "ab", funnel_order="unordered") == {SECOND: 1.0}
        found = await rates(project, "ab", interval="hour", date_to="2026-03-03 23:00:00")
        assert found == {f"{SECOND} 05:00": 1.0}
        assert await rates(project, "ab", interval="month") == {"2026-03-01": 0.5}
        assert await rates(project, "ab", interval="week", funnel_order="unordered") == {FIRST: 0.5}


async def test_strict_rates(tmp_path: Path) -> None:
    journeys: dict[str, Sequence[Did]] = {"ann": [(0, "a"), (1, "x"), (2, "b")], "bob": [(0, "a"), (1, "b")]}
    async with project_of(tmp_path, journeys) as project:
        assert await rates(project, "ab", funnel_order="strict") == {FIRST: 0.5}
        assert await rates(project, "ab") == {FIRST: 1.0}


async def test_unordered_rates_count_any_step_as_an_entry(tmp_path: Path) -> None:
    journeys: dict[str, Sequence[Did]] = {
        "ann": [(0, "b"), (10, "a")],
        "bob": [(5, "b"), (2 * DAY, "a")],  # enters on two days, converts from neither
        "cem": [(DAY, "b"), (DAY + 1, "b"), (DAY + 2, "a")],
    }
    async with project_of(tmp_path, journeys) as project:
        assert await rates(project, "ab", funnel_order="unordered", **WINDOW) == {FIRST: 0.5, SECOND: 1.0}
        excluded = {"exclusions": [{"event": "a", "from_step": 1, "to_step": 2}]}
        steps = {"funnel_order": "unordered", **WINDOW, **excluded}
        # Only cem does b twice with no a between; the a takes all other entries away.
        assert await rates(project, "bb", **steps) == {SECOND: 1.0}


async def test_a_broken_attempt_is_in_no_rate(tmp_path: Path) -> None:
    journeys: dict[str, Sequence[Did]] = {
        "ann": [(0, "a"), (1, "b")],
        "bob": [(0, "a")],
        "cem": [(0, "a"), (1, "x")],  # broken, and no further
        "dee": [(0, "a"), (1, "x"), (2, "b"), (DAY, "a"), (DAY + 1, "b")],  # broken on the first day only
        "eve": [(DAY, "a"), (3 * DAY, "a"), (3 * DAY + 1, "x"), (3 * DAY + 2, "b")],  # broken on the way: left out
    }
    excluded = {"exclusions": [{"event": "x", "from_step": 1, "to_step": 2}]}
    async with project_of(tmp_path, journeys) as project:
        assert await rates(project, "ab", **excluded, **WINDOW) == {FIRST: 0.5, SECOND: 1.0}
        assert await rates(project, "ab", **WINDOW) == {FIRST: 0.5, SECOND: 0.5, "2026-03-05": 1.0}


async def test_rates_of_a_breakdown_have_a_line_each_and_the_rest_together(tmp_path: Path) -> None:
    journeys: dict[str, Sequence[Did]] = {
        "ann": [(0, "a", {"plan": "pro"}), (1, "b")],
        "bob": [(0, "a", {"plan": "pro"}), (DAY, "a")],
        "cem": [(0, "a", {"plan": "max"}), (1, "b")],
        "dee": [(0, "a")],
    }
    by_plan = {"breakdowns": [{"property": "plan"}], "funnel_view": "trend"}
    async with project_of(tmp_path, journeys) as project:
        answer = (await ask(project, "ab", **by_plan)).answer
        assert [column.name for column in answer.columns] == ["day", NONE, "max", "pro"]
        assert answer.rows[0] == [FIRST, 0.0, 1.0, 0.5]
        assert answer.chart.series == "series"
        answer = (await ask(project, "ab", **by_plan, breakdown_limit=1)).answer
        assert [column.name for column in answer.columns] == ["day", "pro", OTHER]
        assert answer.rows[0] == [FIRST, 0.5, 0.5]
