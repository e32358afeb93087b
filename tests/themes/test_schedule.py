"""Themes at their times: run by `schedule`, by one leader, and the growth of their groups told by an alert."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from posthog_mcp.commands.schedule import round_of
from posthog_mcp.errors import NotFound
from posthog_mcp.project import Project
from posthog_mcp.reports.alert_rules import alert_of
from posthog_mcp.reports.alerts import check_alerts, save_alert
from posthog_mcp.reports.schedules import leads
from posthog_mcp.runtime import open_project
from posthog_mcp.settings import Settings
from posthog_mcp.traces.clusters import cluster
from posthog_mcp.traces.themes import as_json, find_theme, theme_of
from tests.themes.test_themes import PROMPT

NOW = datetime(2026, 11, 1, tzinfo=UTC)


async def plan_theme(project: Project) -> None:
    theme = theme_of({"name": "Money back", "description": "refund", "prompt": PROMPT, "schedule": "hourly"})
    await project.themes.save_theme(1, theme.id, as_json(theme))


async def test_a_due_theme_is_run_once_by_the_leader_alone(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    await plan_theme(project)
    await leads(project, "another")
    await round_of(project, "me", {})
    assert not await project.themes.last_runs(1)

    await project.desk.leases.leave("schedule", "another")
    await round_of(project, "me", {})
    first = await project.themes.last_runs(1)
    await round_of(project, "me", {})

    assert set(first) == {"money_back"}
    assert await project.themes.last_runs(1) == first
    assert capsys.readouterr().err.count("theme money_back: ") == 1
    assert await project.themes.clusterings(1, "money_back", limit=1)


def growth(change: float, theme: str = "error_analysis") -> dict[str, Any]:
    name = f"{theme} {change}"
    return {"name": name, "rule": "theme_growth", "theme": theme, "change": change, "targets": ["box"]}


async def test_growth_of_a_group_is_told_once(analysed_dir: Path, tmp_path: Path) -> None:
    """Refunds: 4 traces in the first half, 8 in the second, so +100 %."""
    file = tmp_path / "reports.yaml"
    file.write_text(f"targets:\n  box: {{channel: file, to: {tmp_path / 'box'}}}\n")
    loaded = Settings.load(data_dir=analysed_dir, backend="local", reports=file)
    async with open_project(loaded) as project:
        theme = await find_theme(project, "error_analysis")
        await cluster(project, theme, theme.clustering)
        for change in (0.9, 50.0):
            await save_alert(project, alert_of(growth(change)))
        found = {each.alert.change: each for each in await check_alerts(project, now=NOW)}
        again = await check_alerts(project, now=NOW)

    assert [found[change].event for change in (0.9, 50.0)] == ["fired", ""]
    assert "grew by 100 %, from 4 to 8 traces" in found[0.9].state.why
    assert [each.event for each in again] == ["", ""]
    (told,) = (tmp_path / "box").glob("*.md")
    assert "from 4 to 8 traces" in told.read_text()


async def test_a_theme_that_was_never_grouped_cannot_be_checked(project: Project) -> None:
    await save_alert(project, alert_of({**growth(0.5), "targets": []}))
    (found,) = await check_alerts(project, now=NOW)

    assert found.error.startswith(f"[{NotFound.code}]")
