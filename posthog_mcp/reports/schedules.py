"""Cron strings in the project's zone: what is due, caught up once, by one leader.

Times are reckoned by cronsim: a time that a change to summer time skips runs when the clock has jumped, one that comes
twice runs once. A run is kept by its due time, so that it happens once whoever leads; of several missed runs only the
newest is caught up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from posthog_mcp.errors import InvalidInput
from posthog_mcp.project import Project
from posthog_mcp.results import Json

KIND = "schedule"
LEASE, LEASE_SECONDS = "schedule", 120.0
CATCH_UP = timedelta(days=8)
"""A run that was missed longer ago is not caught up."""
RETRY = timedelta(minutes=50)
"""A theme that failed is tried again after it; shorter than the shortest schedule of a theme, less its tolerance."""


@dataclass(frozen=True, slots=True)
class Due:
    """A schedule whose time has come. `at` is the time it was due, in the project's zone."""

    name: str
    at: datetime


def next_time(cron: str, after: datetime) -> datetime:
    """The first time of a cron string after a moment with a zone.

    Raises:
        InvalidInput: it is no cron string, or never comes.
    """
    from cronsim import CronSim, CronSimError

    try:
        return next(CronSim(cron, after))
    except (CronSimError, StopIteration):
        raise InvalidInput(f"{cron!r} is no cron string.", fix='Write five fields, such as "0 9 * * 1-5".') from None


def last_time(cron: str, now: datetime, since: datetime) -> datetime | None:
    """The newest time of a cron string after `since`, not after now; None where there is none.

    Raises:
        InvalidInput: it is no cron string.
    """
    found, at = None, max(since, now - CATCH_UP)
    while (at := next_time(cron, at)) <= now:
        found = at
    return found


async def due(project: Project, crons: Mapping[str, str], now: datetime) -> list[Due]:
    """Schedules whose time came since they ran last; a new schedule starts now and catches nothing up.

    Raises:
        InvalidInput: a cron string is wrong.
    """
    info = await project.driver.project()
    moment = now.astimezone(ZoneInfo(info.timezone))
    found: list[Due] = []
    for name, cron in crons.items():
        if not cron.strip():
            continue
        kept = await project.desk.documents.get(KIND, info.id, name)
        if kept is None or kept.body.get("cron") != cron:
            await remember(project, name, cron, moment)
            continue
        since = datetime.fromisoformat(str(kept.body["last"])).astimezone(moment.tzinfo)
        at = last_time(cron, moment, since)
        found += [Due(name, at)] if at else []
    return found


async def remember(project: Project, name: str, cron: str, at: datetime) -> None:
    """That everything due up to `at` has been seen to."""
    info = await project.driver.project()
    body: dict[str, Json] = {"cron": cron, "last": at.isoformat()}
    await project.desk.documents.put(KIND, info.id, name, body)


async def tried_lately(project: Project, name: str, now: datetime) -> bool:
    """Whether something without a cron string began so lately, whoever led then."""
    kept = await project.desk.documents.get(KIND, (await project.driver.project()).id, name)
    return kept is not None and now - datetime.fromisoformat(str(kept.body["last"])) < RETRY


async def leads(project: Project, holder: str) -> bool:
    """Whether this process is the one that runs schedules now; a leader that dies is followed within two minutes."""
    return await project.desk.leases.take(LEASE, holder, LEASE_SECONDS)
