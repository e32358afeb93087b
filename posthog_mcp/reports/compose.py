"""A report as a message: its sections in the order that people read them."""

from __future__ import annotations

from collections.abc import Sequence

from posthog_mcp.charts.alt import alt_text
from posthog_mcp.charts.chart import Chart
from posthog_mcp.charts.png import png_of
from posthog_mcp.charts.spec import spec
from posthog_mcp.delivery.message import Message, Picture, Section
from posthog_mcp.errors import PostHogMcpError
from posthog_mcp.reports.findings import Finding, Report
from posthog_mcp.results import Json

MOST_TRENDS = 20


async def message_of(report: Report, *, pictures: bool = True) -> Message:
    """The report to send; without pictures where they cannot be drawn."""
    drawn = await drawn_of(report.pictures) if pictures else ()
    return Message(report.id, title_of(report), sections_of(report, drawn), footer_of(report), facts_of(report))


def title_of(report: Report) -> str:
    return f"{report.kind.capitalize()} report: {report.project.name}, {report.period.words}"


def sections_of(report: Report, pictures: Sequence[Picture] = ()) -> tuple[Section, ...]:
    """Sections with something in them."""
    if report.quiet:
        return (Section("", report.summary),)
    parts = [
        Section("Summary", (lead(report),), report.summary),
        Section("Trends", points=trends_of(report), pictures=tuple(pictures)),
        Section("User behaviour", points=texts(report.of("funnel", "retention", "growth", "segment", "feature"))),
        Section("Unusual", points=texts(report.of("outage", "errors", "anomaly"))),
        Section("Biggest changes and their drivers", points=texts(by_metric(report))),
        Section("Experiments", points=texts(report.of("experiment"))),
        Section("Moving together", points=texts(report.of("correlation"))),
        Section("Tables", points=texts(report.of("table"))),
        Section("Released or noted in this period", points=texts(by_date(report.of("release")))),
        Section("Data quality", points=report.notes or ("Nothing was found to be wrong.",)),
        Section("Worth asking", points=report.questions),
    ]
    wanted = parts if report.kind == "weekly" else [each for each in parts if each.title != "Moving together"]
    return tuple(each for each in wanted if each.points)


def lead(report: Report) -> str:
    """One sentence before the points."""
    moved = {each.metric for each in report.of("change", "completion", "funnel", "retention")}
    trouble = len(report.of("outage", "errors"))
    count = f"{len(moved)} of {report.checked}" if moved else f"none of {report.checked}"
    also = (
        f"; {trouble} {'outage or error stands' if trouble == 1 else 'outages or errors stand'} out" if trouble else ""
    )
    return f"{count[0].upper()}{count[1:]} metrics moved beyond season and noise{also}."


def by_metric(report: Report) -> list[Finding]:
    """Changes, each followed by its drivers."""
    changes = report.of("change", "completion", "shift")
    drivers = report.of("driver")
    told: list[Finding] = []
    for each in changes:
        told += [each, *(one for one in drivers if one.metric == each.metric)]
    return told + [each for each in drivers if each not in told]


def by_date(findings: Sequence[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda each: each.text)


def texts(findings: Sequence[Finding]) -> tuple[str, ...]:
    return tuple(each.text for each in findings)


def trends_of(report: Report) -> tuple[str, ...]:
    elsewhere = {each.metric for each in report.of("growth")}
    lines = [each for each in report.trends if each.name not in elsewhere]
    shown = [f"**{each.name}**: {f'`{each.spark}` ' if each.spark else ''}{each.text}" for each in lines]
    left = [f"… {len(shown) - MOST_TRENDS} more"] if len(shown) > MOST_TRENDS else []
    return (*shown[:MOST_TRENDS], *left)


def footer_of(report: Report) -> str:
    names = ", ".join(report.dashboards) or "no dashboards"
    written = "" if report.writer == "built-in" else f"; summary by {report.writer}"
    return (
        f"{report.checked} metrics of {names}; project {report.project.name} ({report.project.id}) on "
        f"{report.project.host}; days in {report.project.timezone}; at most 5 % of the tested findings are expected to "
        f"be chance{written}. {report.id}"
    )


async def drawn_of(charts: Sequence[Chart]) -> tuple[Picture, ...]:
    """The charts as pictures; one that cannot be drawn is left out."""
    made: list[Picture] = []
    for each in charts:
        try:
            made.append(Picture(each.title, alt_text(each), await png_of(spec(each))))
        except PostHogMcpError:
            continue
    return tuple(made)


def facts_of(report: Report) -> dict[str, Json]:
    """The report as data. Each finding has its days and its `query_id`, each trend its name, text and `query_id`;
    `queries` holds each HogQL once, by that id. The project and its time zone are those of the whole report."""
    period, zone = report.period, report.project.timezone
    findings: list[Json] = [
        {**each.as_json(), "date_range": range_of(each.days or (period.first, period.last), zone)}
        for each in report.findings
    ]
    return {
        "id": report.id,
        "kind": report.kind,
        "project": report.project.as_json(),
        "date_range": range_of((period.first, period.last), zone),
        "compared_with": {"from": f"{period.before:%Y-%m-%d}", "days": period.days},
        "dashboards": list(report.dashboards),
        "summary": list(report.summary),
        "findings": findings,
        "queries": queries_of(report),
        "trends": [[each.name, each.text, each.query_id] for each in report.trends],
        "notes": list(report.notes),
        "questions": list(report.questions),
        "quiet": report.quiet,
        "metrics_checked": report.checked,
        "writer": report.writer,
    }


def range_of(days: tuple[str, str], zone: str) -> Json:
    return {"from": days[0], "to": days[1], "timezone": zone}


def queries_of(report: Report) -> dict[str, Json]:
    """Every HogQL behind a number, by its id."""
    findings = [query for each in report.findings for query in ((each.query_id, each.hogql), each.compared)]
    every = [*findings, *((each.query_id, each.hogql) for each in report.trends)]
    return {id: hogql for id, hogql in every if id and hogql}
