"""What the team did around the change: annotations, flags, experiments; and which other events moved with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from posthog_mcp.analysis.case import Case
from posthog_mcp.analysis.explanation import Finding, Happening
from posthog_mcp.analysis.holidays import known_days_of
from posthog_mcp.analysis.sources import later_of, within
from posthog_mcp.analysis.stats.cube import Amounts, Cube
from posthog_mcp.analysis.stats.distributions import chi2_sf
from posthog_mcp.analysis.stats.drivers import g_test
from posthog_mcp.analysis.stats.multiple import benjamini_hochberg
from posthog_mcp.backends.backend import ListOptions, Resource
from posthog_mcp.errors import PostHogMcpError
from posthog_mcp.insights.facts import shown
from posthog_mcp.insights.frame import conjunction
from posthog_mcp.queries.run import run as run_hogql
from posthog_mcp.results import Json

KINDS: Sequence[tuple[Resource, str, str, tuple[tuple[str, str], ...]]] = (
    ("annotations", "annotation", "content", (("date_marker", ""),)),
    ("feature_flags", "flag", "key", (("created_at", "created"), ("updated_at", "changed"))),
    ("experiments", "experiment", "name", (("start_date", "started"), ("end_date", "ended"))),
)
"""Resource, what it is called, its name's field, and its times with what happened then."""
LOGGED = {
    "FeatureFlag": "flag", "Experiment": "experiment", "Annotation": "annotation", "Action": "action",
    "Cohort": "cohort", "HogFunction": "hog function", "Survey": "survey", "EarlyAccessFeature": "early access feature",
}  # fmt: skip
"""Scopes of the activity log that can change what is measured, and what they are called."""
PAGES, PAGE = 5, 100
"""How far back the activity log is read, newest first."""
MOST = 12
COMPANIONS = 6
SMALL = 0.01
TOGETHER = 2.0
"""Events of one kind that are taken to come together."""


async def happenings_of(case: Case, onset: datetime) -> list[Happening]:
    """What lies between the baseline's start and the current end, the nearest to the onset first."""
    found: list[Happening] = []
    for resource, kind, field, times in KINDS:
        try:
            page = await case.project.driver.list(resource, ListOptions(limit=200))
        except PostHogMcpError:
            continue
        for item in page.items:
            found += within_case(case, onset, item, kind, field, times)
    logged = await logged_of(case, onset)
    told = {(each.kind, each.at) for each in logged}
    found = [each for each in found if (each.kind, each.at) not in told or each.kind == "annotation"]
    noted = {(each.kind, each.at) for each in found}
    found += [each for each in logged if (each.kind, each.at) not in noted]
    return sorted(found, key=lambda each: abs(each.days))[:MOST]


def holidays_in(case: Case, onset: datetime, known: Sequence[str]) -> list[Happening]:
    """The known days that lie in either stretch: the other may have none.

    Raises:
        InvalidInput: a day or country that cannot be read.
        Unavailable: the holidays of countries are not installed.
    """
    days = known_days_of(known, case.series.labels)
    found: list[Happening] = []
    for day, name in days.items():
        at = datetime.fromisoformat(day)
        if any(each.start <= at < each.end for each in (case.baseline, case.current)):
            found.append(Happening("holiday", name, day, round((onset - at).total_seconds() / 86_400, 1)))
    return found[:MOST]


async def logged_of(case: Case, onset: datetime) -> list[Happening]:
    """Changes that the activity log holds in the stretches: who edits a flag twice shows twice."""
    found: list[Happening] = []
    first, cursor = min(case.baseline.start, case.current.start), None
    for _ in range(PAGES):
        try:
            page = await case.project.driver.list("activity_log", ListOptions(limit=PAGE, cursor=cursor))
        except PostHogMcpError:
            return found
        for item in page.items:
            found += entry(case, onset, item)
        oldest = wall(page.items[-1].get("created_at"), case.series.project.timezone) if page.items else None
        cursor = page.next
        if cursor is None or oldest is None or oldest < first:
            break
    return found


def entry(case: Case, onset: datetime, item: Mapping[str, Json]) -> list[Happening]:
    """One entry of the log, where it is of a kind that matters and lies in the stretches."""
    kind, detail = LOGGED.get(str(item.get("scope"))), item.get("detail")
    if kind is None or not isinstance(detail, dict):
        return []
    changes = detail.get("changes")
    fields = (
        [str(each.get("field") or "") for each in changes if isinstance(each, dict)]
        if isinstance(changes, list)
        else []
    )
    told = f" ({', '.join(dict.fromkeys(filter(None, fields[:4])))})" if any(fields) else ""
    what = f"{item.get('activity') or 'changed'}{told}"
    named: dict[str, Json] = {"name": detail.get("name") or item.get("item_id"), "at": item.get("created_at")}
    return within_case(case, onset, named, kind, "name", (("at", what),))


def within_case(
    case: Case,
    onset: datetime,
    item: Mapping[str, Json],
    kind: str,
    field: str,
    times: Sequence[tuple[str, str]],
) -> list[Happening]:
    """An object's times that lie in the stretches."""
    found: list[Happening] = []
    first = min(case.baseline.start, case.current.start)
    for key, what in times:
        at = wall(item.get(key), case.series.project.timezone)
        if at is None or not first <= at <= case.current.end:
            continue
        name = " ".join(part for part in (str(item.get(field) or ""), what) if part)
        days = (onset - at).total_seconds() / 86_400
        found.append(Happening(kind, name[:120], f"{at:%Y-%m-%d %H:%M}", round(days, 1)))
    return found


def wall(value: Json, zone: str) -> datetime | None:
    """A time of the API in the project's zone."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found.astimezone(ZoneInfo(zone)).replace(tzinfo=None) if found.tzinfo else found


async def companions_of(case: Case, condition: str) -> list[Finding]:
    """Other events that changed otherwise than all together, among those that fit a condition (of a driver)."""
    conditions = [within(case), *([condition] if condition else [])]
    typed = "$exception_types" in case.catalogue.event_properties
    error = "concat(event, ' ', substring(ifNull(toString(properties.$exception_types), ''), 1, 60))"
    event = f"if(event = '$exception', {error}, event)" if typed else "event"
    query = (
        f"SELECT named, countIf(later = 0) AS before, countIf(later = 1) AS after FROM "
        f"(SELECT {event} AS named, {later_of(case)} AS later FROM events {conjunction(conditions)}) "
        f"GROUP BY named ORDER BY before + after DESC, named LIMIT 100"
    )
    rows = (await run_hogql(case.project, query, limit=100, progress=case.progress)).table.rows
    cells = [((str(row[0]),), Amounts(float(str(row[1])), float(str(row[2])))) for row in rows]
    cube = Cube(("event",), cells, scale=len(case.current.labels()) / len(case.baseline.labels()), unit=TOGETHER)
    whole = cube.whole
    tests = [g_test(cube, each, whole - each) for _, each in cells]
    adjusted = benjamini_hochberg([chi2_sf(each, 1) for each in tests])
    own = {series.event for series in case.question.series} if case.question else set[str]()
    order = sorted(range(len(cells)), key=lambda at: -tests[at])
    found: list[Finding] = []
    for at in order:
        (name,), each = cells[at]
        if adjusted[at] <= SMALL and name not in own and len(found) < COMPANIONS:
            text = f"event {name}: {shown(each.before)} before, {shown(each.after)} now"
            found.append(Finding("event_moved", text))
    return found
