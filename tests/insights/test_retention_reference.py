"""Retention, lifecycle and stickiness of random small projects against the same questions in plain Python."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from posthog_mcp.insights.question import question_of
from posthog_mcp.insights.run import run_insight
from posthog_mcp.insights.words import Interval
from posthog_mcp.results import Json
from posthog_mcp.runtime import open_project
from posthog_mcp.settings import Settings
from tests.insights.return_data import Done, project_of

ZONES = ("UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata")
FIRST, LAST = datetime(2025, 10, 20), datetime(2025, 11, 6)
"""Around both ends of summer time, and the end of a month."""
UNITS: tuple[Interval, ...] = get_args(Interval)
happened = st.tuples(
    st.sampled_from(["ann", "bob", "cat", "dan"]),
    st.integers(-24 * 60 * 25, int((LAST - FIRST).total_seconds() // 60) + 24 * 60 * 3),
    st.sampled_from(["a", "b"]),
    st.sampled_from(["x", "y", None]),
)


@dataclass(frozen=True)
class World:
    """Events by instant; periods by walking instants, hour by hour, on the zone's wall."""

    events: list[tuple[str, datetime, str, str | None]]
    zone: ZoneInfo
    week_start_day: int

    def start(self, moment: datetime, unit: Interval) -> datetime:
        """The start of a moment's period: hours as instants, the others as wall times."""
        if unit == "hour":
            return moment - timedelta(
                minutes=moment.astimezone(self.zone).minute, seconds=moment.second, microseconds=moment.microsecond
            )
        day = moment.astimezone(self.zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        if unit == "week":
            return day - timedelta(days=(day.isoweekday() - self.week_start_day) % 7)
        return day.replace(day=1) if unit == "month" else day

    def periods(self, unit: Interval) -> list[datetime]:
        first, last = (each.replace(tzinfo=self.zone).astimezone(UTC) for each in (FIRST, LAST))
        hours = int((last - first).total_seconds() // 3600) + 24
        return sorted({self.start(first + timedelta(hours=each), unit) for each in range(hours)})

    def numbers(self, unit: Interval, event: str) -> dict[str, set[int]]:
        """Person → the numbers of the periods with such an event; -1 just before the first, then -2 for all earlier."""
        starts = self.periods(unit)
        before = starts[0] - timedelta(microseconds=1)
        previous = self.start(before if before.tzinfo else before.replace(tzinfo=self.zone).astimezone(UTC), unit)
        found: dict[str, set[int]] = defaultdict(set)
        for who, moment, what, _ in self.events:
            if what == event:
                found[who].add(self.number(self.start(moment, unit), starts, previous))
        return found

    def number(self, start: datetime, starts: list[datetime], previous: datetime) -> int:
        if start < starts[0]:
            return -1 if start == previous else -2
        return bisect_right(starts, start) - 1 if start <= starts[-1] else len(starts)


def retained(world: World, unit: Interval, periods: int, first_time: bool, unbounded: bool) -> list[list[int | None]]:
    count = len(world.periods(unit))
    starts, returns = world.numbers(unit, "a"), world.numbers(unit, "b")
    grid: list[list[int | None]] = [[0 if at + k < count else None for k in range(periods)] for at in range(count)]
    for who, numbers in starts.items():
        for cohort in [min(numbers)] if first_time else numbers:
            if not 0 <= cohort < count:
                continue
            back = {at - cohort for at in returns[who] if cohort < at < min(count, cohort + periods)}
            for period in range(max(back, default=0) + 1) if unbounded else {0, *back}:
                grid[cohort][period] = (grid[cohort][period] or 0) + 1
    return grid


def living(world: World, unit: Interval) -> list[list[int]]:
    count = len(world.periods(unit))
    rows = [[0, 0, 0, 0] for _ in range(count)]
    created: dict[str, datetime] = {}
    for who, moment, _, _ in world.events:
        created[who] = min(created.get(who, moment), moment)
    starts = world.periods(unit)
    for who, numbers in world.numbers(unit, "a").items():
        active = {each for each in numbers if -1 <= each < count}
        born = world.start(created[who], unit)
        for at in range(count):
            if at in active:
                new = at == min(active) and starts[at] == born
                rows[at][0 if new else 1 if at - 1 in active else 2] += 1
            elif at - 1 in active:
                rows[at][3] -= 1
    return rows


def stuck(world: World, unit: Interval) -> list[int]:
    """Up to the end of the last day, which need not end a period."""
    end = (LAST + timedelta(days=1)).replace(tzinfo=world.zone)
    inside = World([each for each in world.events if each[1] < end], world.zone, world.week_start_day)
    count = len(world.periods(unit))
    often = Counter(
        len([each for each in numbers if 0 <= each < count]) for numbers in inside.numbers(unit, "a").values()
    )
    return [often[each] for each in range(1, count + 1)]


@settings(max_examples=6, deadline=None, phases=(Phase.explicit, Phase.generate))  # an example takes seconds
@given(
    events=st.lists(happened, min_size=8, max_size=60),
    zone=st.sampled_from(ZONES),
    start=st.sampled_from([0, 1]),
    periods=st.integers(2, 9),
    first_time=st.booleans(),
    unbounded=st.booleans(),
)
async def test_answers_are_those_of_a_plain_count(
    events: list[tuple[str, int, str, str | None]],
    zone: str,
    start: Literal[0, 1],
    periods: int,
    first_time: bool,
    unbounded: bool,
) -> None:
    zero = FIRST.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    happenings = [(who, zero + timedelta(minutes=at), what, os) for who, at, what, os in events]
    happenings += [("eve", zero, "a", "x"), ("eve", zero, "b", None)]
    world = World(happenings, ZoneInfo(zone), start)
    done: list[Done] = [(who, moment.isoformat(), what, {"os": os}) for who, moment, what, os in happenings]
    ends = {"date_from": f"{FIRST:%Y-%m-%d}", "date_to": f"{LAST:%Y-%m-%d}"}
    a, b = {"event": "a"}, {"event": "b"}
    with TemporaryDirectory() as folder:
        data = await project_of(Path(folder), done, zone=zone, week_start_day=start)
        async with open_project(Settings.load(data_dir=data, backend="local")) as project:

            async def rows(kind: str, series: list[dict[str, str]], **asked: Any) -> list[list[Json]]:
                question = question_of({"kind": kind, "series": series, **asked, **ends})
                return (await run_insight(project, question)).answer.rows

            asked: dict[str, Any] = {"retention_type": "first_time" if first_time else "recurring", "periods": periods}
            for unit in UNITS:
                assert [row[1:] for row in await rows("lifecycle", [a], interval=unit)] == living(world, unit)
                assert [row[1] for row in await rows("stickiness", [a], interval=unit)] == stuck(world, unit)
                found = await rows("retention", [a, b], period=unit, unbounded=unbounded, **asked)
                assert [row[2:-1] for row in found[2:]] == retained(world, unit, periods, first_time, unbounded)
            unit = "week" if unbounded else "day"
            found = await rows("retention", [a, b], period=unit, breakdowns=[{"property": "os"}], **asked)
            for os in ("x", "y", None):
                group = [row[3:-1] for row in found if row[0] == (os or "(none)")][2:]
                only = World([each for each in happenings if each[3] == os], world.zone, start)
                expected = retained(only, unit, periods, first_time, unbounded=False)
                assert group == (expected if group or any(row[0] for row in expected) else [])
