"""Schedules keep the project's clock through summer time, catch up once, and run at one place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from posthog_mcp.errors import InvalidInput
from posthog_mcp.reports.schedules import due, last_time, leads, next_time, remember
from tests.reports.conftest import project_in

BERLIN = ZoneInfo("Europe/Berlin")


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("cron", "after", "comes"),
    [
        ("0 9 * * *", "2026-03-28T12:00", "2026-03-29 07:00"),
        ("0 9 * * *", "2026-03-27T12:00", "2026-03-28 08:00"),
        ("0 9 * * *", "2026-10-24T12:00", "2026-10-25 08:00"),
        ("30 2 * * *", "2026-03-29T00:00", "2026-03-29 01:00"),
        ("30 2 * * *", "2026-10-25T00:00", "2026-10-25 00:30"),
        ("0 16 * * 5", "2026-10-23T16:00", "2026-10-30 15:00"),
    ],
)
def test_times_follow_the_clock_on_the_wall(cron: str, after: str, comes: str) -> None:
    """The expected times are worked out by hand: Berlin jumps at 2026-03-29 02:00 and back at 2026-10-25 03:00."""
    assert utc(next_time(cron, berlin(after))) == comes


def test_an_hour_that_comes_twice_runs_once() -> None:
    first = next_time("30 2 * * *", berlin("2026-10-25T00:00"))

    assert utc(next_time("30 2 * * *", first)) == "2026-10-26 01:30"


def test_only_the_newest_missed_time_is_caught_up() -> None:
    found = last_time("0 9 * * *", berlin("2026-06-10T12:00"), berlin("2026-06-05T12:00"))

    assert found == berlin("2026-06-10T09:00")


def test_what_was_missed_long_ago_is_left() -> None:
    assert last_time("0 9 1 1 *", berlin("2026-06-10T12:00"), berlin("2025-06-10T12:00")) is None


@pytest.mark.parametrize("cron", ["", "9 o'clock", "61 * * * *", "* * * *"])
def test_no_cron_string_is_told(cron: str) -> None:
    with pytest.raises(InvalidInput, match="cron"):
        next_time(cron, berlin("2026-06-10T12:00"))


async def test_a_new_schedule_starts_now_and_a_restart_catches_up_once(demo_dir: Path, tmp_path: Path) -> None:
    crons, begun = {"daily": "0 9 * * *"}, datetime(2026, 6, 10, 12, tzinfo=UTC)
    async with project_in(demo_dir, tmp_path) as project:
        assert await due(project, crons, begun) == []
    async with project_in(demo_dir, tmp_path) as project:
        later = begun + timedelta(days=3)
        (found,) = await due(project, crons, later)
        await remember(project, "daily", crons["daily"], found.at)
        again = await due(project, crons, later + timedelta(minutes=1))

    assert found.at == datetime(2026, 6, 13, 9, tzinfo=UTC)
    assert again == []


async def test_one_of_two_replicas_leads(demo_dir: Path, tmp_path: Path) -> None:
    async with project_in(demo_dir, tmp_path) as one, project_in(demo_dir, tmp_path) as other:
        first = await leads(one, "one"), await leads(other, "other")
        await one.desk.leases.leave("schedule", "one")

        assert first == (True, False)
        assert await leads(other, "other")
