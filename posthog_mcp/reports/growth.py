"""Who is here: growth accounting (new, returning, resurrecting, dormant) and how many come back."""

from __future__ import annotations

from datetime import datetime, timedelta

from posthog_mcp.analysis.asked import Asked
from posthog_mcp.analysis.metrics import Wanted, lines_of_asked
from posthog_mcp.analysis.stats.proportions import two_proportions
from posthog_mcp.delivery.message import quoted
from posthog_mcp.insights.dates import following
from posthog_mcp.insights.facts import percent, shown
from posthog_mcp.insights.frame import time_literal
from posthog_mcp.insights.question import Question
from posthog_mcp.insights.run import framed
from posthog_mcp.project import Project
from posthog_mcp.queries.run import run as run_hogql
from posthog_mcp.reports.findings import Examined, Finding, Period, Trend

STATUSES = ("new", "returning", "resurrecting", "dormant")
LEAST = 30


async def examine_lifecycle(
    project: Project, asked: Asked, question: Question, period: Period, dashboard: str
) -> Examined:
    """Growth accounting of the whole period against the one before: each person is new, returning (active in both),
    resurrecting (back after one without them) or dormant (active in the one before only), once.

    Raises:
        PostHogMcpError: it does not run.
    """
    frame = await framed(project, question.model_copy(update={"breakdowns": [], "compare": ""}))
    conditions = [each for each in frame.events(question.series[0]) if each]
    result = await run_hogql(project, growth_query(conditions, period))
    counts = [float(str(each or 0)) for each in result.table.rows[0]]
    after, earlier = dict(zip(STATUSES, counts[:4], strict=True)), dict(zip(STATUSES, counts[4:], strict=True))
    name = quoted(asked.name, 80)
    active = sum(after.values()) - after["dormant"]
    if not active:
        return Examined(notes=(f"Nobody was active in **{name}** in {period.words}.",))
    gained, lost = after["new"] + after["resurrecting"], after["dormant"]
    text = (
        f"{shown(active)} active: {shown(after['new'])} new, {shown(after['returning'])} returning, "
        f"{shown(after['resurrecting'])} back after a pause; {shown(lost)} went dormant, {net(gained - lost)}. Before: "
        f"{shown(earlier['new'])} new, {shown(earlier['resurrecting'])} back, {shown(earlier['dormant'])} dormant"
    )
    quick = gained / lost if lost else 0.0
    about = (*after.items(), ("quick_ratio", quick))
    ratio = f" For each person lost, {quick:.2f} came." if lost else ""
    told = f"**{name}**: {text}.{ratio}"
    days = (f"{period.before:%Y-%m-%d}", period.last)
    finding = Finding("growth", name, told, 30, None, dashboard, about, result.query_id, result.hogql, days=days)
    return Examined((Trend(name, dashboard, text, query_id=result.query_id, hogql=result.hogql),), (finding,))


def growth_query(conditions: list[str], period: Period) -> str:
    """One row: the four counts of the period, then those of the one before."""
    length = period.end - period.start
    spans = [(period.start, period.end), (period.before, period.before_end)]
    spans += [
        (start - (period.start - period.before), end - (period.start - period.before)) for start, end in spans[1:]
    ]
    here = [
        f"countIf(timestamp >= {time_literal(start)} AND timestamp < {time_literal(end)}) > 0" for start, end in spans
    ]
    where = " AND ".join([*conditions, f"timestamp >= {time_literal(spans[2][0] - 4 * length)}"])
    until = f"timestamp < {time_literal(period.end)}"
    columns = f"min(person.created_at) AS created, {here[0]} AS now, {here[1]} AS before, {here[2]} AS earlier"
    people = f"SELECT person_id, {columns} FROM events WHERE {where} AND {until} GROUP BY person_id"
    told: list[str] = []
    for at, (now, before) in enumerate((("now", "before"), ("before", "earlier"))):
        new = f"created >= {time_literal(spans[at][0])}"
        told += [f"countIf({now} AND NOT {before} AND {new})", f"countIf({now} AND {before})"]
        told += [f"countIf({now} AND NOT {before} AND NOT ({new}))", f"countIf({before} AND NOT {now})"]
    return f"SELECT {', '.join(told)} FROM ({people}) LIMIT 1"


def net(difference: float) -> str:
    return f"{'+' if difference > 0 else ''}{shown(difference)} net"


async def examine_retention(
    project: Project, asked: Asked, question: Question, period: Period, dashboard: str
) -> Examined:
    """The share that came back in the period after: the newest cohort whose period is over against those before it. It
    is news in the report in whose days that period ended.

    Raises:
        PostHogMcpError: it does not run.
    """
    start = period.end - timedelta(days=400 if question.period == "month" else 84)
    wanted = Wanted(f"{start:%Y-%m-%d}", period.last)
    every = (await lines_of_asked(project, asked, wanted, period.moment))[0]
    over = [following(datetime.fromisoformat(each), every.interval, 2) <= period.end for each in every.labels]
    series = every.of_indices([at for at, each in enumerate(over) if each])
    name, unit = quoted(asked.name, 80), series.interval
    if series.n < 3:
        return Examined(notes=(f"**{name}** has {series.n} complete cohorts, too few to compare.",))
    came = [share * of for share, of in zip(series.values, series.of, strict=True)]
    old = sum(came[:-1]), sum(series.of[:-1])
    last = series.values[-1], series.of[-1]
    text = (
        f"of the {shown(last[1])} people of the {unit} of {series.labels[-1]}, {percent(last[0])} came back the {unit} "
        f"after; {percent(old[0] / old[1] if old[1] else 0.0)} of the {series.n - 1} cohorts before"
    )
    trend = Trend(name, dashboard, text, query_id=series.query_id, hogql=series.hogql)
    test = two_proportions((old[0], came[-1]), (old[1], last[1]))
    about = (("share", last[0]), ("n", last[1]), ("before", old[0] / old[1] if old[1] else 0.0))
    known = following(datetime.fromisoformat(series.labels[-1]), series.interval, 2)
    if min(old[1], last[1]) < LEAST or test.p > 0.05 or known <= period.start:
        return Examined((trend,), tests=1)
    days = (series.labels[0], period.last)
    told, source = f"**{name}**: {text}.", (series.query_id, series.hogql, asked.url)
    found = Finding("retention", name, told, 55, test.p, dashboard, about, *source, days=days)
    return Examined((trend,), (found,), tests=1)
