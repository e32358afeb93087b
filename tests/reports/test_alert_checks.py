"""Alerts checked against planted days: summer time, the past, restarts, replicas, a target that is down."""

from __future__ import annotations

import socket
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from posthog_mcp.project import Project
from posthog_mcp.reports.alert_rules import alert_of
from posthog_mcp.reports.alerts import check_alerts, save_alert, tried
from posthog_mcp.reports.schedules import leads
from posthog_mcp.runtime import open_project
from posthog_mcp.settings import Settings
from tests.insights.made import Did, project_of
from tests.reports.receivers import Receiver

SEEN = {"kind": "trends", "series": [{"event": "seen"}]}
FIRST = datetime(2026, 8, 27)
LOW = {40, 45, 46, 47, 52, 58}
"""Days with 2 events; others have 10, the 53rd 6."""
COUNTS = [2 if day in LOW else 6 if day == 53 else 10 for day in range(60)]


@pytest.fixture(scope="module")
async def berlin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 days up to 2026-10-25, and ten in March, of a project in Berlin."""
    march = [(datetime(2026, 3, 20) + timedelta(days=at), 10) for at in range(10)]
    days = [*march, *((FIRST + timedelta(days=at), count) for at, count in enumerate(COUNTS))]
    events = [Did("ann", "seen", f"{day:%Y-%m-%d}T10:{number:02}:00") for day, count in days for number in range(count)]
    folder = tmp_path_factory.mktemp("berlin")
    async with project_of(folder, events, zone="Europe/Berlin"):
        return folder / "data"


@asynccontextmanager
async def opened(data: Path, folder: Path, state: str = "", receiver: Receiver | None = None) -> AsyncIterator[Project]:
    """The project with a state of its own, and a target that posts to the receiver."""
    more: dict[str, Any] = {"state_url": state or f"sqlite:///{folder / 'state.sqlite'}"}
    if receiver is not None:
        more |= {"report_webhook_url": f"{receiver.url}/in", "allow_private_targets": True}
    async with open_project(Settings.load(data_dir=data, backend="local", **more)) as project:
        yield project


def few(**more: Any) -> Any:
    return alert_of({"name": "Few", "rule": "absolute", "metric": SEEN, "lower": 5, "cooldown_hours": 0, **more})


@pytest.mark.parametrize(
    ("silent", "loud"),
    [("2026-03-28 05:59", "2026-03-28 06:00"), ("2026-03-29 04:59", "2026-03-29 05:00"),
     ("2026-10-24 04:59", "2026-10-24 05:00"), ("2026-10-25 05:59", "2026-10-25 06:00")],
    ids=["before summer time", "first day of it", "last day of it", "after it"],
)  # fmt: skip
async def test_quiet_hours_follow_the_clock_of_the_project(
    berlin: Path, tmp_path: Path, silent: str, loud: str
) -> None:
    """Quiet until 7:00 in Berlin, which is 6:00 UTC in winter and 5:00 in summer."""
    async with opened(berlin, tmp_path) as project:
        await save_alert(project, few(lower=None, upper=1, quiet_hours="22-7"))
        moments = [datetime.fromisoformat(f"{each}+00:00") for each in (silent, loud)]
        events = [(await check_alerts(project, now=each))[0].event for each in moments]

    assert events == ["", "fired"]


@pytest.mark.parametrize("cooldown", [0, 48, 200])
async def test_the_past_has_as_many_firings_as_were_planted(berlin: Path, tmp_path: Path, cooldown: int) -> None:
    """Counted by hand from the planted days: each low day, unless one was told within the cooldown."""
    told: list[int] = []
    for day in sorted(LOW):
        if day >= 30 and (not told or (day - told[-1]) * 24 >= cooldown):
            told.append(day)
    async with opened(berlin, tmp_path) as project:
        text = await tried(project, few(cooldown_hours=cooldown), datetime(2026, 10, 26, 8, tzinfo=UTC))

    assert f"fired {len(told)} times in the last 30 days" in text
    assert all(f"{FIRST + timedelta(days=day):%Y-%m-%d}" in text for day in told)


async def test_hysteresis_and_cooldown_hold_over_restarts(berlin: Path, tmp_path: Path, receiver: Receiver) -> None:
    """Low on the 52nd day; 6 on the 53rd is no longer low but not over either; 10 on the 54th is. Of the days 45 to 47
    the second lies within the cooldown."""
    events: list[str] = []
    for day in (45, 46, 47, 48, 52, 53, 54):
        async with opened(berlin, tmp_path, receiver=receiver) as project:
            if not events:
                rule = few(hysteresis=0.5, cooldown_hours=48, targets=["webhook"])
                await save_alert(project, rule)
            now = (FIRST + timedelta(days=day + 1, hours=8)).replace(tzinfo=UTC)
            events.append((await check_alerts(project, now=now))[0].event)

    assert events == ["fired", "", "again", "resolved", "fired", "", "resolved"]
    assert [each.json["facts"]["event"] for each in receiver.requests] == [each for each in events if each]


async def test_what_reached_nobody_is_told_at_the_next_check(berlin: Path, tmp_path: Path, receiver: Receiver) -> None:
    receiver.faults = [404]
    async with opened(berlin, tmp_path, receiver=receiver) as project:
        await save_alert(project, few(targets=["webhook"], cooldown_hours=48))
        now = (FIRST + timedelta(days=53, hours=8)).replace(tzinfo=UTC)
        found = [(await check_alerts(project, now=now + timedelta(minutes=15 * at)))[0] for at in range(3)]

    assert [[each.state for each in check.deliveries] for check in found] == [["failed"], ["sent"], []]
    assert len({each.headers["idempotency-key"] for each in receiver.requests}) == 1


@pytest.fixture(params=["sqlite", "postgresql"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A state database that replicas share."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'shared.sqlite'}"
        return
    import psycopg

    try:
        socket.create_connection(("127.0.0.1", 5432), 1).close()
    except OSError:
        pytest.skip("no PostgreSQL at 127.0.0.1:5432")
    name = f"posthog_mcp_{uuid.uuid4().hex[:10]}"
    with psycopg.connect("postgresql://postgres@127.0.0.1:5432/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield f"postgresql://postgres@127.0.0.1:5432/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def test_of_two_replicas_one_leads_and_an_alert_is_told_once(
    berlin: Path, tmp_path: Path, state: str, receiver: Receiver
) -> None:
    """Even where both check at the same moment, as when a leader was thought dead."""
    now = (FIRST + timedelta(days=53, hours=8)).replace(tzinfo=UTC)
    async with (
        opened(berlin, tmp_path, state, receiver) as one,
        opened(berlin, tmp_path, state, receiver) as two,
    ):
        await save_alert(one, few(targets=["webhook"]))
        leading = [await leads(one, "one"), await leads(two, "two"), await leads(one, "one")]
        async with anyio.create_task_group() as tasks:
            for each in (one, two):
                tasks.start_soon(check_alerts_at, each, now)
        (later,) = await check_alerts(two, now=now + timedelta(minutes=5))

    assert leading == [True, False, True]
    assert len(receiver.requests) == 1
    assert (later.event, later.state.firing) == ("", True)


async def check_alerts_at(project: Project, now: datetime) -> None:
    await check_alerts(project, now=now)
