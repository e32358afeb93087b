"""An insight of a dashboard in a report, whatever its kind; one that cannot be computed says why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from posthog_mcp.analysis.asked import Asked, of_query
from posthog_mcp.analysis.metrics import Wanted, lines_of_asked
from posthog_mcp.delivery.message import quoted
from posthog_mcp.errors import InvalidInput, PostHogMcpError
from posthog_mcp.insights.question import Question
from posthog_mcp.insights.run import Insight, run_insight
from posthog_mcp.insights.saved import compute, query_of, url_of
from posthog_mcp.project import Project
from posthog_mcp.queries.run import QueryResult
from posthog_mcp.reports.findings import Examined, Period, Trend
from posthog_mcp.reports.funnels import examine_funnel, ranged
from posthog_mcp.reports.growth import examine_lifecycle, examine_retention
from posthog_mcp.reports.tables import examine_table
from posthog_mcp.reports.trends import examine_series
from posthog_mcp.results import Json

HISTORY_DAYS = 120
MOST_LINES = 5


async def examine(project: Project, saved: Mapping[str, Json], period: Period, dashboard: str) -> Examined:
    """What a saved insight shows of the period."""
    name = quoted(str(saved.get("name") or saved.get("derived_name") or f"insight {saved.get('id')}"), 80)
    try:
        query = query_of(saved)
        found = await examined(project, name, query, url_of(project, saved, "insights"), period, dashboard)
    except PostHogMcpError as error:
        return Examined(notes=(f"**{name}** ({quoted(dashboard, 60)}) could not be computed: {quoted(error.message)}",))
    return replace(found, metric=dict(query), dashboard=dashboard)


async def examined(
    project: Project, name: str, query: dict[str, Json], url: str | None, period: Period, dashboard: str
) -> Examined:
    """By its kind.

    Raises:
        PostHogMcpError: it cannot be computed.
    """
    try:
        asked = replace(of_query(name, query), url=url)
    except InvalidInput:
        return await other(project, name, query, dashboard)
    kind = asked.question.kind if asked.question else "hogql"
    if asked.question is not None and kind == "funnel":
        return await examine_funnel(project, asked, asked.question, period, dashboard)
    if asked.question is not None and kind == "lifecycle":
        return await examine_lifecycle(project, asked, asked.question, period, dashboard)
    if asked.question is not None and kind == "retention":
        return await examine_retention(project, asked, asked.question, period, dashboard)
    if kind == "trends":
        return await over_time(project, asked, period, dashboard)
    if kind == "hogql":
        try:
            return await over_time(project, asked, period, dashboard)
        except InvalidInput:
            return await examine_table(project, asked, period, dashboard)
    if asked.question is not None:
        return await of_the_period(project, name, asked.question, period, dashboard)
    return await other(project, name, query, dashboard)


async def of_the_period(project: Project, name: str, question: Question, period: Period, dashboard: str) -> Examined:
    """A kind without values over time (stickiness, paths): its first fact over the report's own days.

    Raises:
        PostHogMcpError: it cannot be computed.
    """
    plain = question.model_copy(update={"compare": ""})
    return Examined((line_of(await run_insight(project, ranged(plain, period.start, period.end)), name, dashboard),))


def line_of(found: Insight, name: str, dashboard: str) -> Trend:
    """The first fact of an answer, with its chart."""
    answer = found.answer
    text = quoted(answer.facts[0], 300) if answer.facts else f"{len(answer.rows)} rows"
    return Trend(name, dashboard, text, "", replace(answer.chart, title=name), found.query_id, found.hogql)


async def over_time(project: Project, asked: Asked, period: Period, dashboard: str) -> Examined:
    """Its biggest lines, each against its own past.

    Raises:
        PostHogMcpError: it has no values over time, or what the backend says.
    """
    interval = asked.question.interval if asked.question else "day"
    days = {"week": 420, "month": 800}.get(interval, HISTORY_DAYS + period.days)
    start = period.start - timedelta(days=days)
    wanted = Wanted(f"{start:%Y-%m-%d}", period.last, "day" if interval == "hour" else interval)
    lines = (await lines_of_asked(project, asked, wanted, period.moment))[:MOST_LINES]
    parts = [examine_series(replace(each, url=asked.url), period, dashboard) for each in lines]
    if not any(each.trends for each in parts) and parts:
        return parts[0]
    return Examined(
        tuple(trend for each in parts for trend in each.trends),
        tuple(found for each in parts for found in each.findings),
        tuple(one for each in parts for one in each.series),
        tests=sum(each.tests for each in parts),
    )


async def other(project: Project, name: str, query: dict[str, Json], dashboard: str) -> Examined:
    """A query that no question says: its own first fact, over its own range.

    Raises:
        PostHogMcpError: it cannot be computed.
    """
    result = await compute(project, query)
    if isinstance(result, Insight):
        return Examined((line_of(result, name, dashboard),))
    rows, hogql = result.table.rows, result.hogql if isinstance(result, QueryResult) else json.dumps(result.query)
    told = f"{len(rows)} {'row' if len(rows) == 1 else 'rows'}"
    return Examined((Trend(name, dashboard, told, query_id=result.query_id, hogql=hogql),))
