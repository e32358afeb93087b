"""What a report looks at without being told: exceptions that are new or rise, hours without data, releases, running
experiments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from posthog_mcp.analysis.groups import compare_groups
from posthog_mcp.analysis.metrics import series_of
from posthog_mcp.analysis.series import MetricSeries
from posthog_mcp.analysis.stats.distributions import count_tails
from posthog_mcp.analysis.stats.proportions import more_often
from posthog_mcp.backends.backend import ListOptions
from posthog_mcp.delivery.message import quoted
from posthog_mcp.errors import PostHogMcpError
from posthog_mcp.insights.facts import percent, shown
from posthog_mcp.insights.frame import time_literal
from posthog_mcp.project import Project
from posthog_mcp.queries.run import run as run_hogql
from posthog_mcp.reports.findings import Examined, Finding, Period
from posthog_mcp.reports.stays import joining_event
from posthog_mcp.results import Json

MOST_EVENTS, MOST_EXPERIMENTS = 8, 3
HOURS_LOOKED, WEEKS, WEEK = 90, 4, 168
LEAST_USUAL = 40
NO_EXCEPTIONS = {"type": "hogql", "key": "event != '$exception'"}
"""An outage makes many of them."""
"""Events usual in a run of several hours, below which chance may explain that there are few."""
TOLD = 4
BEFORE_DAYS = 30
"""Of exceptions."""
MEDIAN_OF_FOUR = 1.3
"""The variance of a count about the median of four others, over its own."""


async def exceptions(project: Project, period: Period) -> Examined:
    """Types of exceptions that were not there in the 30 days before the period, or come twice as often and more. Tested
    is on how many days of how many people they came: one person in a loop is no news.

    Raises:
        PostHogMcpError: a query does not run.
    """
    if "$exception" not in (await project.driver.catalogue()).events:
        return Examined()
    now = f"timestamp >= {time_literal(period.start)}"
    place = "ifNull(toString(properties.$os), '')"
    release = "ifNull(toString(properties.$app_version), '')"
    met = "(person_id, toDate(timestamp))"
    columns = (
        "ifNull(toString(properties.$exception_types), '') AS type, "
        f"countIf({now}) AS here, countIf(NOT ({now})) AS before, uniqIf(person_id, {now}) AS people, "
        f"minIf(timestamp, {now}) AS first, maxIf(timestamp, {now}) AS last, "
        f"arraySlice(groupUniqArrayIf({place}, {now}), 1, 3) AS systems, "
        f"arraySlice(groupUniqArrayIf({release}, {now}), 1, 3) AS releases, "
        f"uniqIf({met}, {now}) AS met, uniqIf({met}, NOT ({now})) AS met_before"
    )
    begin = period.start - timedelta(days=BEFORE_DAYS)
    since, until = time_literal(begin), time_literal(period.end)
    where = f"event = '$exception' AND timestamp >= {since} AND timestamp < {until}"
    query = f"SELECT {columns} FROM events WHERE {where} GROUP BY type HAVING here > 0 ORDER BY here DESC LIMIT 30"
    result = await run_hogql(project, query)
    days, found = (f"{begin:%Y-%m-%d}", period.last), list[Finding]()
    for row in result.table.rows:
        text = exception_text(row, period)
        if text:
            here, before, met, met_before = (float(str(row[at])) for at in (1, 2, 8, 9))
            about = (("count", here), ("before", before), ("people", row[3]))
            score = 75 + min(here / 20, 15) if before == 0 else 60 + min(here / 20, 15)
            name, p = kind_of(row[0]), more_often(met, met_before, period.days / (period.days + BEFORE_DAYS))
            made = Finding("errors", name, text, score, p, "", about, result.query_id, result.hogql, days=days)
            found.append(made)
    return Examined(findings=tuple(found[:TOLD]), tests=len(result.table.rows))


def exception_text(row: list[Json], period: Period) -> str:
    """What to say of a type; empty where it is as usual."""
    here, before = float(str(row[1])), float(str(row[2]))
    usual = before / BEFORE_DAYS * period.days
    if here < 5 or (before and here < 2 * usual + 3 * usual**0.5):
        return ""
    state = "is new" if before == 0 else f"rose to {here / usual:.1f} times its usual number"
    parts = [values(row[6]), values(row[7])]
    where = ", release ".join(each for each in parts if each)
    seen = f"{str(row[4])[:16].replace('T', ' ')} to {str(row[5])[:16].replace('T', ' ')}"
    people = f"{shown(float(str(row[3])))} {'person' if row[3] == 1 else 'people'}"
    on = f", on {where}" if where else ""
    return (
        f"The exception **{kind_of(row[0])}** {state}: {shown(here)} times, {people}, {seen}{on} "
        f"({shown(before)} in the {BEFORE_DAYS} days before)."
    )


def kind_of(cell: Json) -> str:
    """`["TypeError"]` as TypeError."""
    text = ", ".join(map(str, cell)) if isinstance(cell, list) else str(cell)
    return quoted(text.strip('[]"').replace('"', ""), 60) or "(no type)"


def values(cell: Json) -> str:
    return ", ".join(quoted(str(each), 30) for each in cell if each) if isinstance(cell, list) else ""


async def outages(project: Project, period: Period) -> Examined:
    """Hours in which much less was recorded than in the same hour of the four weeks before, neighbours together. The
    p-value is corrected for all hours looked at (Bonferroni), so that many true findings elsewhere do not let a quiet
    hour through.

    Raises:
        PostHogMcpError: a query does not run.
    """
    start = max(period.start, period.end - timedelta(days=HOURS_LOOKED))
    metric = {"kind": "trends", "series": [{"event": "", "filters": [NO_EXCEPTIONS]}], "name": "All events"}
    since = f"{start - timedelta(weeks=WEEKS):%Y-%m-%d}"
    series = await series_of(project, metric, date_from=since, date_to=period.last, interval="hour")
    first = f"{start:%Y-%m-%d}"
    looked = sum(each >= first for each in series.labels)
    found: list[Finding] = []
    for run in neighbours(low_hours(series, first)):
        had, usual = sum(each.value for each in run), sum(each.usual for each in run)
        text = (
            f"Between **{run[0].label}** and {after(run[-1].label)} only {shown(round(had))} events were recorded "
            f"where {shown(round(usual))} are usual ({percent(1 - had / usual)} fewer): an outage or a gap in tracking."
        )
        about: tuple[tuple[str, Json], ...] = (("usual", usual), ("recorded", had), ("hours", len(run)))
        score, alone = 70 + min(len(run), 15), count_tails(int(had), usual, spread(series, first, len(run)))[0]
        p = min(1.0, alone * looked)
        days = (since, period.last)
        made = Finding("outage", "All events", text, score, p, "", about, series.query_id, series.hogql, days=days)
        found.append(made)
    return Examined(findings=tuple(sorted(found, key=lambda each: -each.score)[:TOLD]), tests=1)


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour with the median of the same hour and weekday in the weeks before."""

    label: str
    value: float
    usual: float


def low_hours(series: MetricSeries, first: str) -> list[Hour]:
    """Hours from `first` on with less than a third of what is usual and than all of the four weeks before."""
    found: list[Hour] = []
    for at in range(WEEKS * WEEK, series.n):
        past = sorted(series.values[at - back * WEEK] for back in range(1, WEEKS + 1))
        usual = (past[1] + past[2]) / 2
        if series.labels[at] >= first and series.values[at] < min(usual / 3, past[0]):
            found.append(Hour(series.labels[at], series.values[at], usual))
    return found


def spread(series: MetricSeries, first: str, length: int) -> float:
    """The variance of what so many hours in a row record, in multiples of what chance alone would give, over the weeks
    before `first`; a little more, since what is usual is itself an estimate from four of them."""
    start = sum(each < first for each in series.labels) - WEEKS * WEEK
    squares, freedom = 0.0, 0
    for at in range(max(start, 0), max(start, 0) + WEEK - length + 1, length):
        weeks = [sum(series.values[at + back * WEEK : at + back * WEEK + length]) for back in range(WEEKS)]
        mean = sum(weeks) / WEEKS
        if mean > 0:
            squares += sum((each - mean) ** 2 for each in weeks) / mean
            freedom += WEEKS - 1
    return MEDIAN_OF_FOUR * max(squares / freedom if freedom else 1.0, 1.0)


def neighbours(found: Sequence[Hour]) -> list[list[Hour]]:
    """Runs of hours with at most one hour between, that lost so much that chance does not explain it."""
    runs: list[list[Hour]] = []
    for each in found:
        at = datetime.fromisoformat(each.label)
        if runs and at - datetime.fromisoformat(runs[-1][-1].label) <= timedelta(hours=2):
            runs[-1].append(each)
        else:
            runs.append([each])
    return [
        run for run in runs if sum(each.usual for each in run) >= (LEAST_USUAL if len(run) > 1 else 3 * LEAST_USUAL)
    ]


def after(label: str) -> str:
    return f"{datetime.fromisoformat(label) + timedelta(hours=1):%H:%M}"


async def experiments(project: Project, period: Period) -> Examined:
    """Running experiments: what people of each variant did, of the events that the project has most of.

    Raises:
        PostHogMcpError: a query does not run.
    """
    events = (await project.driver.catalogue()).events
    start = joining_event(events)
    own = [
        each for each in sorted(events, key=lambda each: -events[each]) if not each.startswith("$") and each != start
    ]
    found, tests = list[Finding](), 0
    page = await project.driver.list("experiments", ListOptions(limit=50))
    running = [each for each in page.items if each.get("start_date") and not each.get("end_date")]
    for experiment in running[:MOST_EXPERIMENTS]:
        name = quoted(str(experiment.get("name")), 60)
        for event in own[:MOST_EVENTS]:
            made, looked = await of_experiment(project, str(experiment.get("id")), name, event, period)
            found, tests = [*found, *made], tests + looked
    return Examined(findings=tuple(found), tests=tests)


async def of_experiment(project: Project, id: str, name: str, event: str, period: Period) -> tuple[list[Finding], int]:
    """The variant of an experiment that differs most in one event, if any (p is corrected for the variants); and how
    many events were looked at, none or one."""
    metric = {"kind": "trends", "series": [{"event": event, "math": "dau"}], "name": event}
    try:
        found = await compare_groups(project, metric, f"experiment:{id}", date_to=period.last)
    except PostHogMcpError:
        return [], 0
    base = found.groups[0]
    tested = [
        (each, each.comparison, each.p)
        for each in found.groups[1:]
        if each.comparison is not None and each.p is not None and each.enough and base.enough
    ]
    if not tested:
        return [], 0
    each, test, p = min(tested, key=lambda one: one[2])
    word = "more" if test.difference > 0 else "fewer"
    relative = ""
    if test.relative is not None and test.fieller_low is not None and test.fieller_high is not None:
        low, high = test.fieller_low * 100, test.fieller_high * 100
        relative = f", {test.relative * 100:+.0f} % (95 %: {low:+.0f} % to {high:+.0f} %)"
    text = (
        f"Experiment **{name}**: {word} people of the variant {quoted(each.name, 40)} did {quoted(event, 60)}: "
        f"{percent(each.sample.mean)} of {shown(each.sample.n)}, against {percent(base.sample.mean)} of "
        f"{shown(base.sample.n)} in {quoted(base.name, 40)}{relative}."
    )
    about = (("variant", each.sample.mean), ("control", base.sample.mean))
    began = (found.date_range.date_from or period.first)[:10] if found.date_range else period.first
    days = (began, period.last)
    made = Finding("experiment", name, text, 50, p, "", about, found.query_id, found.hogql, days=days)
    return [made] if p <= 0.05 else [], 1


async def releases(project: Project, period: Period) -> Examined:
    """Annotations that fall into the period.

    Raises:
        PostHogMcpError: they cannot be listed.
    """
    page = await project.driver.list("annotations", ListOptions(limit=200))
    source = f"GET /api/projects/{(await project.driver.project()).id}/annotations/"
    told: list[Finding] = []
    for each in page.items:
        at = str(each.get("date_marker") or "")[:10]
        if period.first <= at <= period.last and not each.get("deleted"):
            name = quoted(str(each.get("content") or ""), 100)
            told.append(
                Finding("release", name, f"{at}: {name}", 15, about=(("at", at),), days=(at, at), source=source)
            )
    return Examined(findings=tuple(sorted(told, key=lambda each: str(dict(each.about)["at"]))[:12]))
