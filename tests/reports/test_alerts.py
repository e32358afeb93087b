"""Alerts fire when they should, once, and stay silent when they should."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client

from posthog_mcp.analysis.series import MetricSeries
from posthog_mcp.reports.alert_rules import Alert, AlertState, Judgement, alert_of, judged, muted, past_firings, step
from posthog_mcp.reports.alerts import check_alerts, save_alert
from posthog_mcp.results import ProjectInfo
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings
from tests.reports.conftest import project_in

INFO = ProjectInfo(1, "Made", "UTC", "local", "embedded")
DAY = datetime(2026, 1, 1, tzinfo=UTC)


def series(values: list[float]) -> MetricSeries:
    labels = tuple(f"{DAY + timedelta(days=at):%Y-%m-%d}" for at in range(len(values)))
    return MetricSeries("made", labels, tuple(values), "day", "count", INFO, adds=True)


def alert(**more: Any) -> Alert:
    return alert_of({"name": "a", "rule": "absolute", "metric": "m", "lower": 10, **more})


def played(rule: Alert, values: list[float], hours: float = 24) -> list[str]:
    """The events of a metric that has these values, one check a value."""
    state, events = AlertState(), list[str]()
    for at, value in enumerate(values):
        found = judged(rule, series([*([50.0] * 7), *values[: at + 1]]))
        assert found.value == value
        state, event = step(rule, state, found, DAY + timedelta(hours=hours * at))
        events.append(event)
    return events


TABLE = [
    (
        "fires once below, again after the cooldown, then resolves",
        {},
        [50, 5, 5, 50],
        ["", "fired", "again", "resolved"],
    ),
    ("a long cooldown keeps it from telling again", {"cooldown_hours": 72}, [5, 5, 5, 5], ["fired", "", "", "again"]),
    ("two in a row are asked for", {"after": 2}, [5, 50, 5, 5], ["", "", "", "fired"]),
    (
        "hysteresis: over only well inside",
        {"hysteresis": 0.5, "cooldown_hours": 999},
        [5, 12, 16],
        ["fired", "", "resolved"],
    ),
    (
        "flapping within the cooldown is told once",
        {"cooldown_hours": 240},
        [5, 50, 5, 50],
        ["fired", "resolved", "", ""],
    ),
    ("above", {"lower": None, "upper": 60}, [50, 61], ["", "fired"]),
    ("relative, down only", {"rule": "relative", "change": 0.5, "direction": "down"}, [50, 99, 20], ["", "", "fired"]),
    ("relative to nothing", {"rule": "relative", "change": 0.5, "direction": "up"}, [50, 76], ["", "fired"]),
]


@pytest.mark.parametrize(("rule", "values", "events"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_events(rule: dict[str, Any], values: list[float], events: list[str]) -> None:
    assert played(alert(**rule), values) == events


def test_the_same_interval_is_judged_once() -> None:
    found = Judgement("2026-01-08", 5, True, False, "low")
    state, first = step(alert(), AlertState(), found, DAY)
    _, second = step(alert(), state, found, DAY + timedelta(hours=30))

    assert (first, second) == ("fired", "")


def test_in_quiet_hours_it_waits_until_they_are_over() -> None:
    rule = alert(quiet_hours="22-7")
    found = Judgement("2026-01-08", 5, True, False, "low")
    state, at_night = step(rule, AlertState(), found, DAY.replace(hour=23))
    state, in_the_morning = step(rule, state, found, DAY.replace(day=2, hour=7))
    _, later = step(rule, state, found, DAY.replace(day=2, hour=8))

    assert (at_night, in_the_morning, later) == ("", "fired", "")


def test_what_is_over_before_morning_is_never_told() -> None:
    rule = alert(quiet_hours="22-7")
    state, _ = step(rule, AlertState(), Judgement("a", 5, True, False, ""), DAY.replace(hour=23))
    state, event = step(rule, state, Judgement("b", 50, False, True, ""), DAY.replace(day=2, hour=8))

    assert event == ""
    assert not state.firing


@pytest.mark.parametrize(("hours", "silent"), [("22-7", {22, 23, 0, 6}), ("9-17", {9, 16}), ("", set[int]())])
def test_quiet_hours_may_span_midnight(hours: str, silent: set[int]) -> None:
    rule = alert(quiet_hours=hours)
    for hour in (0, 6, 7, 8, 9, 16, 17, 21, 22, 23):
        assert muted(rule, DAY.replace(hour=hour)) == (hour in silent)


def test_muted_until_a_time() -> None:
    rule = alert(muted_until="2026-01-02T00:00:00")

    assert muted(rule, DAY)
    assert not muted(rule, DAY + timedelta(days=1))


@given(st.lists(st.floats(0, 100, allow_nan=False), min_size=1, max_size=30), st.integers(1, 4), st.floats(0, 100))
def test_firings_are_never_closer_than_the_cooldown(values: list[float], after: int, cooldown: float) -> None:
    events = played(alert(after=after, cooldown_hours=cooldown), values)
    told = [at for at, event in enumerate(events) if event in ("fired", "again")]

    assert all((b - a) * 24 >= cooldown for a, b in pairwise(told))
    assert all(values[at] < 10 or "resolved" not in events for at in told)


def test_an_anomaly_is_told_with_its_usual_range() -> None:
    values = [100.0 + 10 * (at % 7) + at % 3 for at in range(60)]

    calm = judged(alert(rule="anomaly"), series(values))
    odd = judged(alert(rule="anomaly"), series([*values, 20.0]))

    assert not calm.broken
    assert odd.broken
    assert "usual" in odd.why


def test_the_past_says_how_often() -> None:
    values = [50.0] * 20 + [5.0] + [50.0] * 5 + [5.0] + [50.0] * 3

    labels = past_firings(alert(), series(values), 30)

    assert labels == ["2026-01-21", "2026-01-27"]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"lower": None}, "lower or upper"),
        ({"quiet_hours": "late"}, "22-7"),
        ({"rule": "theme_growth"}, "theme"),
        ({"metric": None}, "metric"),
        ({"hysteresis": 3}, "less than or equal"),
    ],
)
def test_wrong_alerts_say_why(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(Exception, match=says):
        alert(**wrong)


SIGN_UPS = {"kind": "trends", "series": [{"event": "signed_up"}]}
NOW = datetime(2026, 11, 1, 8, tzinfo=UTC)


async def test_a_check_tells_once_and_keeps_its_state_across_restarts(demo_dir: Path, tmp_path: Path) -> None:
    file = tmp_path / "reports.yaml"
    file.write_text(f"targets:\n  box: {{channel: file, to: {tmp_path / 'box'}}}\n")
    async with project_in(demo_dir, tmp_path, reports=file) as project:
        made = {"name": "Many", "rule": "absolute", "metric": SIGN_UPS, "upper": 1, "targets": ["box"]}
        await save_alert(project, alert_of(made))
        (first,) = await check_alerts(project, now=NOW)
    async with project_in(demo_dir, tmp_path, reports=file) as project:
        (second,) = await check_alerts(project, now=NOW + timedelta(hours=1))

    assert (first.event, [each.state for each in first.deliveries]) == ("fired", ["sent"])
    assert (second.event, second.state.firing) == ("", True)
    assert len(list((tmp_path / "box").glob("*.md"))) == 1


async def test_an_alert_is_tried_on_the_past_before_it_is_saved(demo_dir: Path, tmp_path: Path) -> None:
    state = f"sqlite:///{tmp_path / 'state.sqlite'}"
    settings = Settings.load(data_dir=demo_dir, backend="local", state_url=state, allow_writes=True, toolsets="all")
    given_alert = {"name": "Few", "rule": "absolute", "metric": SIGN_UPS, "lower": "1000", "cooldown_hours": 0}
    async with Client(build_server(settings)) as client:
        plan = (await client.call_tool("save_alert", given_alert)).structured_content or {}
        none = (await client.call_tool("check_alerts", {})).structured_content or {}
        token = {**given_alert, "confirm_token": plan["confirm_token"]}
        saved = (await client.call_tool("save_alert", token)).structured_content or {}
        found = (await client.call_tool("check_alerts", {})).structured_content or {}

    assert "would have fired 30 times in the last 30 days" in plan["past"]
    assert none["count"] == 0
    assert saved["changed"]
    assert (found["count"], found["firing"]) == (1, 1)
    assert "is below 1,000" in found["alerts"][0]["why"]


async def test_unknown_targets_are_refused_when_saving(demo_dir: Path, tmp_path: Path) -> None:
    state = f"sqlite:///{tmp_path / 'state.sqlite'}"
    settings = Settings.load(data_dir=demo_dir, backend="local", state_url=state, allow_writes=True, toolsets="all")
    async with Client(build_server(settings)) as client:
        result: Any = await client.call_tool(
            "save_alert", {"name": "X", "metric": SIGN_UPS, "targets": ["https://evil.example/hook"]}
        )

    assert result.is_error
    assert "[not_found]" in result.content[0].text
