"""Which themes are due: read by whoever runs schedules (`posthog-mcp schedule`, cron, a timer)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from posthog_mcp.project import Project
from posthog_mcp.traces.themes import AnalysisTheme, all_themes

NAMED = {"hourly": timedelta(hours=1), "daily": timedelta(days=1), "weekly": timedelta(weeks=1)}
EARLY = timedelta(minutes=5)
"""A run may come so much sooner: a daily timer does not fire at the same second."""


def every(schedule: str) -> timedelta | None:
    """`daily`, `6h`, `2d` as a length of time; None for no schedule."""
    if not schedule:
        return None
    if schedule in NAMED:
        return NAMED[schedule]
    count = int(schedule[:-1])
    return timedelta(hours=count) if schedule.endswith("h") else timedelta(days=count)


async def due_themes(project: Project, now: datetime | None = None) -> list[AnalysisTheme]:
    """Scheduled themes whose last run, by a tool, the command or a schedule, is long enough ago."""
    moment = now or datetime.now(UTC)
    runs = await project.themes.last_runs((await project.driver.project()).id)
    found: list[AnalysisTheme] = []
    for name, theme in (await all_themes(project)).items():
        length = every(theme.schedule)
        if length is None:
            continue
        last = datetime.fromisoformat(runs[name][0]) if name in runs else None
        if last is None or moment - last >= length - EARLY:
            found.append(theme)
    return found
