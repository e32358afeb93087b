"""Which days a report is about: complete ones, as far as the project has events."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from posthog_mcp.errors import InvalidInput
from posthog_mcp.project import Project
from posthog_mcp.queries.run import run as run_hogql
from posthog_mcp.reports.findings import Period

SLACK = timedelta(hours=6)
"""A day whose last event is so close to midnight is over, although nothing came after."""


async def period_of(project: Project, days: int, now: datetime | None = None) -> Period:
    """The last `days` complete days with data, and as many before them, moved by whole weeks.

    Raises:
        InvalidInput: the project has no events.
    """
    zone = ZoneInfo((await project.driver.project()).timezone)
    present = (now or datetime.now(UTC)).astimezone(zone).replace(tzinfo=None)
    newest = await newest_event(project, zone, present)
    end = midnight(min(present, newest + SLACK))
    start, back = end - timedelta(days=days), timedelta(days=7 * math.ceil(days / 7))
    stale = f"{newest:%Y-%m-%d %H:%M}" if present - newest > timedelta(days=1) else ""
    return Period(start, end, days, start - back, end - back, zone.key, stale)


async def newest_event(project: Project, zone: ZoneInfo, present: datetime) -> datetime:
    """The time of the newest event before now.

    Raises:
        InvalidInput: there is none.
    """
    catalogue = await project.driver.catalogue()
    if catalogue.history:
        newest = catalogue.history[1].astimezone(zone).replace(tzinfo=None)
        if newest <= present:
            return newest
    bound = f"timestamp <= toDateTime('{present:%Y-%m-%d %H:%M:%S}')"
    query = f"SELECT max(timestamp), count() FROM events WHERE {bound} AND timestamp > toDateTime('2015-01-01') LIMIT 1"
    rows = (await run_hogql(project, query)).table.rows
    if not rows or not rows[0][1]:
        raise InvalidInput("The project has no events to report on.", fix="Import or capture some first.")
    return datetime.fromisoformat(str(rows[0][0])).astimezone(zone).replace(tzinfo=None)


def midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
