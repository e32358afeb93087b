"""What a report looks at without being told: exceptions that are new or rise, hours without data, releases, running
experiments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from posthog_mcp.analysis.groups import compare_groups
from posthog_mcp.analysis.metrics import series_of
from posthog_mcp.analysis.series import MetricSeries
from posthog_mcp.backends.backend import ListOptions
from posthog_mcp.delivery.message import quoted
from posthog_mcp.errors import PostHogMcpError
from posthog_mcp.insights.facts import percent, shown
from posthog_mcp.insights.frame import time_literal
from posthog_mcp.project import Project
from posthog_mcp.queries.run import run as run_hogql
from posthog_mcp.reports.findings import Finding, Period
from posthog_mcp.reports.stays import joining_event
from posthog_mcp.results import Json

MOST_EVENTS, MOST_EXPERIMENTS = 8, 3
HOURS_LOOKED, WEEKS, WEEK = 90, 4, 168
LEAST_USUAL = 40
NO_EXCEPTIONS = {"type": "hogql", "key": "event != '$exception'"}
"""An outage makes many of them."""
"""Events usual in a run of several hours, below which chance may explain that there are few."""
TOLD = 4


async def exceptions(project: Project, period: Period) -> list[Finding]:
    """Types of exceptions that were not there in the 30 days before the period, or come twice as often and more.

    Raises:
        PostHogMcpError: a query does not run.
    """
    if "$exception" not in (await project.driver.catalogue()).events:
        return []
    now = f"timestamp >= {time_literal(period.start)}"
    place = "ifNull(toString(properties.$os), '')"
    release = "ifNull(toString(properties.$app_version), '')"
    columns = (
        "ifNull(toString(properties.$exception_types), '') AS type, "
        f"countIf({now}) AS here, countIf(NOT ({now})) AS before, uniqIf(person_id, {now}) AS people, "
        f"minIf(timestamp, {now}) AS first, maxIf(timestamp, {now}) AS last, "
        f"arraySlice(groupUniqArrayIf({place}, {now}), 1, 3) AS systems, "
        f"arraySlice(groupUniqArrayIf({release}, {now}), 1, 3) AS releases"
    )
    since, until = time_literal(period.start - timedelta(days=30)), time_literal(period.end)
    where = f"event = '$exception' AND timestamp >= {since} AND timestamp < {until}"
    query = f"SELECT {columns} FROM events WHERE {where} GROUP BY type HAVING here > 0 ORDER BY here DESC LIMIT 30"
    result = await run_hogql(project, query)
    found: list[Finding] = []
    for row in result.table.rows:
        text = exception_text(row, period)
        if text:
            here, before = float(str(row[1])), float(str(row[2]))
            about = (("count", here), ("before", before), ("people", row[3]))
            score = 75 + min(here / 20, 15) if before == 0 else 60 + min(here / 20, 15)
            name = kind_of(row[0])
            found.append(Finding("errors", name, text, score, None, "", about, result.query_id, result.hogql))
    return found[:TOLD]


def exception_text(row: list[Json], period: Period) -> str:
    """What to say of a type; empty where it is as usual."""
    here, before = float(str(row[1])), float(str(row[2]))
    usual = before / 30 * period.days
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
        f"({shown(before)} in the 30 days before)."
    )


def kind_of(cell: Json) -> str:
    """`["TypeError"]` as TypeError."""
    text = ", ".join(map(str, cell)) if isinstance(cell, list) else str(cell)
    return quoted(text.strip('[]"').replace('"', ""), 60) or "(no type)"


def values(cell: Json) -> str:
    return ", ".join(quoted(str(each), 30) for each in cell if each) if isinstance(cell, list) else ""


async def outages(project: Project, period: Period) -> list[Finding]:
    """Hours in which much less was recorded than in the same hour of the four weeks before, neighbours together.

    Raises:
        PostHogMcpError: a query does not run.
    """
    start = max(period.start, period.end - timedelta(days=HOURS_LOOKED))
    metric = {"kind": "trends", "series": [{"event": "", "filters": [NO_EXCEPTIONS]}], "name": "All events"}
    since = f"{start - timedelta(weeks=WEEKS):%Y-%m-%d}"
    series = await series_of(project, metric, date_from=since, date_to=period.last, interval="hour")
    found: list[Finding] = []
    for run in neighbours(low_hours(series, f"{start:%Y-%m-%d}")):
        had, usual = sum(each.value for each in run), sum(each.usual for each in run)
        text = (
            f"Between **{run[0].label}** and {after(run[-1].label)} only {shown(round(had))} events were recorded "
            f"where {shown(round(usual))} are usual ({percent(1 - had / usual)} fewer): an outage or a gap in tracking."
        )
        about: tuple[tuple[str, Json], ...] = (("usual", usual), ("recorded", had), ("hours", len(run)))
        score = 70 + min(len(run), 15)
        found.append(Finding("outage", "All events", text, score, None, "", about, series.query_id, series.hogql))
    return sorted(found, key=lambda each: -each.score)[:TOLD]


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


async def experiments(project: Project, period: Period) -> list[Finding]:
    """Running experiments: what people of each variant did, of the events that the project has most of.

    Raises:
        PostHogMcpError: a query does not run.
    """
    events = (await project.driver.catalogue()).events
    start = joining_event(events)
    own = [
        each for each in sorted(events, key=lambda each: -events[each]) if not each.startswith("$") and each != start
    ]
    found: list[Finding] = []
    page = await project.driver.list("experiments", ListOptions(limit=50))
    running = [each for each in page.items if each.get("start_date") and not each.get("end_date")]
    for experiment in running[:MOST_EXPERIMENTS]:
        name = quoted(str(experiment.get("name")), 60)
        looked = own[:MOST_EVENTS]
        for event in looked:
            made = await of_experiment(project, str(experiment.get("id")), name, event, len(looked), period)
            found += [made] if made else []
    return found


async def of_experiment(project: Project, id: str, name: str, event: str, tests: int, period: Period) -> Finding | None:
    """One event of an experiment, where a variant differs after correcting for the events looked at."""
    metric = {"kind": "trends", "series": [{"event": event, "math": "dau"}], "name": event}
    try:
        found = await compare_groups(project, metric, f"experiment:{id}", date_to=period.last)
    except PostHogMcpError:
        return None
    base = found.groups[0]
    for each in found.groups[1:]:
        test = each.comparison
        if test is None or each.p is None or not (each.enough and base.enough) or each.p * tests > 0.05:
            continue
        word = "more" if test.difference > 0 else "fewer"
        relative = ""
        if test.relative is not None and test.fieller_low is not None:
            relative = f", {test.relative:+.0%} (95 %: {test.fieller_low:+.0%} to {test.fieller_high:+.0%})"
        text = (
            f"Experiment **{name}**: {word} people of the variant {quoted(each.name, 40)} did {quoted(event, 60)}: "
            f"{percent(each.sample.mean)} of {shown(each.sample.n)}, against {percent(base.sample.mean)} of "
            f"{shown(base.sample.n)} in {quoted(base.name, 40)}{relative}."
        )
        about = (("variant", each.sample.mean), ("control", base.sample.mean), ("p", min(each.p * tests, 1.0)))
        return Finding("experiment", name, text, 50, None, "", about, found.query_id, found.hogql)
    return None


async def releases(project: Project, period: Period) -> list[Finding]:
    """Annotations that fall into the period.

    Raises:
        PostHogMcpError: they cannot be listed.
    """
    page = await project.driver.list("annotations", ListOptions(limit=200))
    told: list[Finding] = []
    for each in page.items:
        at = str(each.get("date_marker") or "")[:10]
        if period.first <= at <= period.last and not each.get("deleted"):
            name = quoted(str(each.get("content") or ""), 100)
            told.append(Finding("release", name, f"{at}: {name}", 15, about=(("at", at),)))
    return sorted(told, key=lambda each: str(dict(each.about)["at"]))[:12]
