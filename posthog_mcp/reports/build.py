"""Build a report: examine every insight and check, rank what was found, explain the biggest moves, write."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import anyio

from posthog_mcp.analysis.correlate import LEAST, MOST_SERIES, Correlation, correlate
from posthog_mcp.analysis.explain import explain_change
from posthog_mcp.analysis.explanation import Explanation
from posthog_mcp.analysis.series import MetricSeries
from posthog_mcp.backends.backend import ListOptions, Progress
from posthog_mcp.charts.chart import Chart
from posthog_mcp.delivery.message import quoted
from posthog_mcp.delivery.targets import EXAMPLES, load_targets
from posthog_mcp.errors import NotFound, PostHogMcpError
from posthog_mcp.insights.facts import percent, shown
from posthog_mcp.insights.saved import find
from posthog_mcp.project import Project
from posthog_mcp.reports import watch
from posthog_mcp.reports.completions import completions
from posthog_mcp.reports.findings import Examined, Finding, Period, Report, ReportKind, ranked
from posthog_mcp.reports.growth import examine_lifecycle
from posthog_mcp.reports.period import period_of
from posthog_mcp.reports.stays import who_stays
from posthog_mcp.reports.tiles import examine
from posthog_mcp.reports.writer import BuiltIn, Writer
from posthog_mcp.results import Json

T = TypeVar("T")
MOST_DASHBOARDS, MOST_INSIGHTS, MOST_EXPLAINED, MOST_PICTURES = 8, 40, 3, 4
AT_ONCE = 3
MOST_QUESTIONS = 5
DAYS: Mapping[ReportKind, int] = {"daily": 1, "weekly": 7}
QUIET_KINDS = frozenset({"growth", "release", "table"})
"""Alone they are no reason for a daily report."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a report is asked for. No dashboards: those of the file, else pinned ones, else all."""

    kind: ReportKind = "weekly"
    dashboards: Sequence[str] = ()
    days: int = 0
    now: datetime | None = None


async def build_report(
    project: Project, wanted: Wanted, *, writer: Writer | None = None, progress: Progress | None = None
) -> Report:
    """A report over the last complete days with data.

    Raises:
        NotFound: a named dashboard is not there.
        InvalidInput: the project has no events.
        PostHogMcpError: the backend does not answer at all.
    """
    tell = progress or silent
    period = await period_of(project, wanted.days or DAYS[wanted.kind], wanted.now)
    dashboards = await dashboards_of(project, wanted.dashboards)
    tell(0.05, "dashboards found")
    parts = await tiles_of(project, dashboards, period)
    tell(0.4, "insights computed")
    names = tuple(str(each.get("name")) for each in dashboards)
    looked, notes = await watched(project, wanted.kind, period)
    tell(0.65, "errors, gaps and completions checked")
    together = await anyio.to_thread.run_sync(correlations, parts) if wanted.kind == "weekly" else Examined()
    every_part = (*parts, *looked, together)
    tests = sum(max(each.tests, sum(found.p is not None for found in each.findings)) for each in every_part)
    findings = ranked([found for each in every_part for found in each.findings], tests)
    drivers, questions = await explained(project, findings, [*parts, *looked], period, wanted.kind)
    tell(0.9, "biggest moves explained")
    every = [*findings, *drivers]
    news = [each for each in every if each.kind not in QUIET_KINDS]
    notes = [*quality(period), *notes, *(note for each in parts for note in each.notes)]
    report = Report(
        id=f"{wanted.kind}-{period.last}-{secrets.token_hex(3)}",
        kind=wanted.kind,
        project=await project.driver.project(),
        period=period,
        dashboards=names,
        summary=(),
        trends=tuple(trend for each in (*parts, *looked) for trend in each.trends),
        findings=tuple(sorted(every, key=lambda each: -each.score)),
        notes=tuple(dict.fromkeys(notes)),
        questions=tuple(questions),
        quiet=wanted.kind == "daily" and not news,
        checked=sum(len(each.trends) for each in (*parts, *looked)),
    )
    summary, who = await (writer or BuiltIn()).summary(report)
    return replace(report, summary=tuple(summary), writer=who, pictures=tuple(pictures(report)))


def silent(_: float, __: str) -> None:
    """Nobody waits."""


async def dashboards_of(project: Project, wanted: Sequence[str]) -> list[dict[str, Json]]:
    """The dashboards by name, with their tiles.

    Raises:
        NotFound: one is not there.
        InvalidInput: several have its name.
    """
    if wanted:
        return [await find(project, "dashboards", each) for each in wanted]
    configured = list((await load_targets(project.settings)).file.dashboards)
    found = [each for name in configured or EXAMPLES if (each := await found_or_none(project, name))]
    if found:
        return found
    page = await project.driver.list("dashboards", ListOptions(limit=50))
    listed = sorted(page.items, key=lambda each: not each.get("pinned"))[:MOST_DASHBOARDS]
    return [await project.driver.get("dashboards", str(each["id"])) for each in listed]


async def found_or_none(project: Project, name: str) -> dict[str, Json] | None:
    try:
        return await find(project, "dashboards", name)
    except NotFound:
        return None


async def tiles_of(project: Project, dashboards: Sequence[Mapping[str, Json]], period: Period) -> list[Examined]:
    """Every insight once, some at a time, in the dashboards' order."""
    wanted: dict[str, tuple[str, Mapping[str, Json]]] = {}
    for dashboard in dashboards:
        tiles = dashboard.get("tiles")
        for tile in tiles if isinstance(tiles, list) else []:
            insight = tile.get("insight") if isinstance(tile, dict) else None
            if isinstance(tile, dict) and isinstance(insight, dict) and not tile.get("deleted"):
                wanted.setdefault(str(insight.get("id")), (str(dashboard.get("name")), insight))
    chosen = list(wanted.values())[:MOST_INSIGHTS]
    done: dict[int, Examined] = {}
    places = anyio.Semaphore(AT_ONCE)

    async def work(at: int, name: str, insight: Mapping[str, Json]) -> None:
        async with places:
            done[at] = await examine(project, insight, period, name)

    async with anyio.create_task_group() as tasks:
        for at, (name, insight) in enumerate(chosen):
            tasks.start_soon(work, at, name, insight)
    return [done[at] for at in sorted(done)]


async def watched(project: Project, kind: ReportKind, period: Period) -> tuple[list[Examined], list[str]]:
    """What is looked at beside the dashboards; a check that fails becomes a note."""
    notes: list[str] = []

    async def tried(what: str, work: Awaitable[T], empty: T) -> T:
        try:
            return await work
        except PostHogMcpError as error:
            notes.append(f"{what} could not be checked: {quoted(error.message)}")
            return empty

    none = Examined()
    looked = [
        await tried("Exceptions", watch.exceptions(project, period), none),
        await tried("Gaps in the data", watch.outages(project, period), none),
        *await tried("Completions", completions(project, period), list[Examined]()),
    ]
    if kind == "weekly":
        looked.append(await tried("Who stays", who_stays(project, period), none))
        looked.append(await tried("Experiments", watch.experiments(project, period), none))
        looked.append(await tried("Annotations", watch.releases(project, period), none))
        looked += await tried("Growth", growth(project, period), list[Examined]())
    return looked, notes


async def growth(project: Project, period: Period) -> list[Examined]:
    """Growth accounting of everybody who did anything."""
    from posthog_mcp.analysis.asked import Asked
    from posthog_mcp.insights.question import Question, Series

    question = Question(kind="lifecycle", series=[Series(event="")])
    return [await examine_lifecycle(project, Asked("People", question), question, period, "")]


async def explained(
    project: Project, findings: Sequence[Finding], parts: Sequence[Examined], period: Period, kind: ReportKind
) -> tuple[list[Finding], list[str]]:
    """The biggest changes of metrics whose segments can be told, explained; and what to ask next."""
    metrics = {found.metric: each.metric for each in parts for found in each.findings if each.metric}
    moved = [each for each in findings if each.kind in ("change", "completion", "funnel") and each.metric in metrics]
    drivers: list[Finding] = []
    questions: list[str] = []
    for each in moved[: MOST_EXPLAINED if kind == "weekly" else 1]:
        metric = metrics[each.metric]
        try:
            assert isinstance(metric, dict)
            found = await explain_change(project, metric, date_from=period.first, date_to=period.last)
        except PostHogMcpError:
            continue
        drivers += drivers_of(each, found, await query_behind(project, found))
        questions.append(f"Why did {each.metric} change between {period.first} and {period.last}? (`explain_change`)")
    return drivers, [*questions, *asked_next(findings)]


async def query_behind(project: Project, found: Explanation) -> tuple[str, str]:
    """Id and HogQL of the query that the drivers come from."""
    id = found.queries[-1] if found.queries else found.series.query_id
    try:
        return id, (await project.history.get(id)).hogql
    except PostHogMcpError:
        return id, found.series.hogql if id == found.series.query_id else ""


def asked_next(findings: Sequence[Finding]) -> list[str]:
    """What somebody would want to know after reading these."""
    templates: Mapping[str, str] = {
        "errors": "Did the people who met {0} come back, and what had they done before? (`run_insight` paths)",
        "outage": "Which events are missing in the hours without data? (`run_insight`, broken down by event)",
        "segment": "What do people with {0} do less in their first week? (`run_insight` funnel, broken down)",
        "feature": "Does {0} keep people, or do those who stay do it? An experiment would tell.",
        "experiment": "Is the experiment {0} to be ended and shipped? (`compare_groups`)",
        "anomaly": "What happened to {0} on those days? (`explain_change`)",
    }
    told: dict[str, str] = {}
    for each in findings:
        if each.kind in templates:
            told.setdefault(each.kind, templates[each.kind].format(each.metric))
    return list(told.values())[:MOST_QUESTIONS]


def drivers_of(finding: Finding, found: Explanation, query: tuple[str, str]) -> list[Finding]:
    """The segments that an explanation blames, and what happened at the time."""
    told: list[Finding] = []
    for driver in found.drivers[:2]:
        if not 0.05 < driver.share <= 1.5:
            continue
        share = f"{driver.share * 100:.0f} % of the change"
        whole = f"more than the whole change ({share})" if driver.share > 1 else share
        spell = percent if found.series.unit == "share" else number
        went = f"went from {spell(driver.before)} to {spell(driver.after)}"
        text = f"**{finding.metric}**: {quoted(driver.name, 100)} {went}: {whole}"
        about = (("share", driver.share), ("q", driver.q), ("n", driver.n))
        told.append(
            Finding("driver", finding.metric, f"{text}.", finding.score - 3, None, finding.dashboard, about, *query)
        )
    near = [each for each in found.happenings if -0.5 <= each.days <= 3]
    if near and found.drivers:
        names = "; ".join(f"{quoted(each.name, 60)} ({quoted(each.at, 20)})" for each in near[:2])
        text = f"**{finding.metric}**: shortly before the change: {names}; a coincidence until tested."
        told.append(Finding("driver", finding.metric, text, finding.score - 10, None, finding.dashboard, (), *query))
    days = (found.baseline.first[:10], found.current.last[:10])
    return [replace(each, days=days) for each in told]


def number(value: float) -> str:
    """A value without decimals that nobody needs."""
    return shown(round(value)) if abs(value) >= 100 else shown(round(value, 2))


def correlations(parts: Sequence[Examined]) -> Examined:
    """Daily metrics of different dashboards that move together beyond season and trend; every pair is a test."""
    series: dict[str, tuple[MetricSeries, str]] = {}
    for each in parts:
        for one in each.series:
            if one.n >= LEAST and any(one.values):
                series.setdefault(quoted(one.name, 80), (one, each.dashboard))
    chosen = {name: replace(one, name=name) for name, (one, _) in list(series.items())[:MOST_SERIES]}
    if len(chosen) < 2:
        return Examined()
    try:
        found = correlate(list(chosen.values()))
    except PostHogMcpError:
        return Examined()
    pairs = [(each, chosen[each.first], chosen[each.second]) for each in found if each.explained_by is None]
    told = [together(*each) for each in pairs if not same_event(each[1], each[2])]
    return Examined(findings=tuple(told[:3]), tests=len(chosen) * (len(chosen) - 1) // 2)


def same_event(first: MetricSeries, second: MetricSeries) -> bool:
    """Whether both count one event: a part and its whole move together without saying anything."""
    events = [
        {(each.event, each.action) for each in one.question.series} if one.question else set[tuple[str, str]]()
        for one in (first, second)
    ]
    return bool(events[0] & events[1])


def together(pair: Correlation, first: MetricSeries, second: MetricSeries) -> Finding:
    """What is told of two metrics."""
    days = f", {pair.lag} {'day' if pair.lag == 1 else 'days'} later" if pair.lag else ""
    word = "tends to move with" if pair.r > 0 else "tends to move against"
    text = (
        f"**{pair.second}** {word} **{pair.first}**{days} (r = {pair.r:.2f}, 95 %: {pair.low:.2f} to {pair.high:.2f}, "
        f"{pair.n} days; season and trend taken off). Moving together is not causing."
    )
    return Finding(
        "correlation", f"{pair.first} and {pair.second}", text, 20 + 10 * abs(pair.r), pair.p,
        about=(("r", pair.r), ("lag", pair.lag)),
        query_id=first.query_id,
        hogql=first.hogql,
        compared=(second.query_id, second.hogql),
        days=(max(first.labels[0], second.labels[0]), min(first.labels[-1], second.labels[-1])),
    )  # fmt: skip


def quality(period: Period) -> list[str]:
    """What is the matter with the data as such."""
    if not period.stale:
        return []
    return [
        f"The newest event is of {period.stale}; the report ends with the last complete day of data, {period.last}."
    ]


def pictures(report: Report) -> list[Chart]:
    """The charts of the metrics that the findings are about, then of the first trends."""
    drawn = [(trend.name, trend.chart) for trend in report.trends if trend.chart is not None]
    charts = {name: chart for name, chart in drawn if chart.rows}
    wanted = [each.metric for each in report.findings if each.metric in charts]
    names = list(dict.fromkeys([*wanted, *charts]))[:MOST_PICTURES]
    return [charts[name] for name in names]
