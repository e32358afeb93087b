"""Why a metric changed: the one call, from a metric and a range to an explanation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from posthog_mcp.analysis.asked import Asked, Definitions, Metric, asked_of
from posthog_mcp.analysis.confirm import confirmed, window_of
from posthog_mcp.analysis.explanation import Explanation
from posthog_mcp.analysis.metrics import HISTORY, Wanted, lines_of_asked
from posthog_mcp.analysis.series import MetricSeries
from posthog_mcp.analysis.windows import Stretch, baseline_of, current_of
from posthog_mcp.backends.backend import Progress
from posthog_mcp.insights.dates import floor, label, moment
from posthog_mcp.insights.words import Interval
from posthog_mcp.project import Project

DAYS_BACK = {"hour": 28, "day": 84, "week": 728, "month": 1460}
"""History before the stretch that says what is usual."""


@dataclass(frozen=True, slots=True)
class Case:
    """A metric with the two stretches that are compared."""

    project: Project
    asked: Asked
    series: MetricSeries
    current: Stretch
    baseline: Stretch
    dimensions: Sequence[str]
    progress: Progress | None


async def explain_change(
    project: Project,
    metric: Metric,
    *,
    date_from: str = "",
    date_to: str = "",
    baseline: str = "",
    dimensions: Sequence[str] = (),
    interval: Interval | None = None,
    definitions: Definitions | None = None,
    now: datetime | None = None,
    progress: Progress | None = None,
) -> Explanation:
    """What changed between a stretch (`date_from` to `date_to`; without them the newest complete week, day of hours,
    month of weeks or quarter) and its baseline (`previous`: the same weekdays before; -4w; or from..to), and why.

    Raises:
        InvalidInput: the metric or the ranges cannot be read, or hold no complete interval.
        NotFound: there is no insight or definition of this name.
        PostHogMcpError: what the backend says.
    """
    asked = await asked_of(project, metric, definitions)
    case = await case_of(project, asked, (date_from, date_to), baseline, dimensions, interval, now, progress)
    before, after = window_of(case.series, case.baseline), window_of(case.series, case.current)
    change = after.value - before.value
    relative = change / before.value if before.value else None
    return Explanation(case.series, after, before, change, relative, confirmed(case.series, case.current))


async def case_of(
    project: Project,
    asked: Asked,
    dates: tuple[str, str],
    baseline: str,
    dimensions: Sequence[str],
    interval: Interval | None,
    now: datetime | None,
    progress: Progress | None,
) -> Case:
    """The metric's history around the stretch, and the two stretches in it."""
    info = await project.driver.project()
    present = (now or datetime.now(UTC)).astimezone(ZoneInfo(info.timezone))
    unit = interval or (asked.question.interval if asked.question else "day")
    first, last = bounds(dates, present, unit, info.week_start_day)
    back = HISTORY[unit]
    if first:
        back = f"{datetime.fromisoformat(first) - timedelta(days=DAYS_BACK[unit]):%Y-%m-%d}"
    wanted = Wanted(back, "", interval)
    series = (await lines_of_asked(project, asked, wanted, now, progress))[0]
    current = current_of(series, first, last)
    compared = baseline_of(series, current, baseline, info.week_start_day)
    if compared.labels()[0] < series.labels[0] and asked.question is not None:
        wanted = replace(wanted, date_from=f"{compared.start - timedelta(days=DAYS_BACK[unit]):%Y-%m-%d}")
        series = (await lines_of_asked(project, asked, wanted, now, progress))[0]
    return Case(project, asked, series, current, compared, dimensions, progress)


def bounds(dates: tuple[str, str], present: datetime, interval: Interval, monday: int) -> tuple[str, str]:
    """The labels of the first and last interval that are asked for; empty where nobody says."""
    found = ["", ""]
    for at, (text, name) in enumerate(zip(dates, ("date_from", "date_to"), strict=True)):
        if text:
            wall = moment(text, present, name)
            if at and interval == "hour" and len(text) == 10:
                wall = wall.replace(hour=23)
            found[at] = label(floor(wall, interval, monday), interval)
    return found[0], found[1]
