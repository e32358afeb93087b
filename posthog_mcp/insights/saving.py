"""What saving an insight or a dashboard would send: only what was named, and only after it was computed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from posthog_mcp.backends.backend import Progress
from posthog_mcp.errors import InvalidInput
from posthog_mcp.insights.kinds import KINDS
from posthog_mcp.insights.question import Question, question_of
from posthog_mcp.insights.run import framed
from posthog_mcp.insights.saved import Body, Result, compute, find, query_of
from posthog_mcp.project import Project
from posthog_mcp.results import Json


@dataclass(frozen=True, slots=True)
class Draft:
    """One change: the method and path of the API, its body, and what the insight gives (None where it is not asked)."""

    method: str
    path: str
    body: Body
    result: Result | None = None


async def insight_draft(
    project: Project,
    insight: str,
    fields: Mapping[str, Json],
    question: Mapping[str, Any],
    hogql: str,
    progress: Progress | None = None,
) -> Draft:
    """A new insight, or the change of one.

    Raises:
        InvalidInput: there is nothing to save, or the query does not compute; nothing was saved.
        PostHogMcpError: what the backend says of the query.
    """
    body: Body = {name: value for name, value in fields.items() if value not in ("", [])}
    if question and hogql:
        raise InvalidInput("Give `question` or `hogql`, not both.", fix="Leave one out.")
    if question:
        body["query"] = {"kind": "InsightVizNode", "source": await saved_query(project, question_of(dict(question)))}
    elif hogql:
        body["query"] = {"kind": "DataVisualizationNode", "source": {"kind": "HogQLQuery", "query": hogql}}
    result = await compute(project, query_of(body), progress=progress) if "query" in body else None
    if insight:
        found = await find(project, "insights", insight)
        return Draft("PATCH", f"insights/{found['id']}/", body, result)
    if "query" not in body:
        fix = "Give `question` (arguments of run_insight) or `hogql`; to change one give `insight`."
        raise InvalidInput("A new insight needs a query.", fix=fix)
    body.setdefault("name", "")
    return Draft("POST", "insights/", body, result)


async def saved_query(project: Project, question: Question) -> Json:
    """The native query with the dates as they were written, so that it goes on moving with time."""
    query = KINDS[question.kind].native(await framed(project, question))
    dates: Body = {"date_from": question.date_from or "-7d"}
    if question.date_to:
        dates["date_to"] = question.date_to
    return {**query, "dateRange": dates}


async def dashboard_drafts(
    project: Project, dashboard: str, fields: Mapping[str, Json], add: Sequence[str]
) -> tuple[list[Draft], list[Body]]:
    """The dashboard's own change (none where only insights are added), and the insights to put on it.

    Raises:
        NotFound: there is no such dashboard or insight.
        InvalidInput: a new one needs a name, or nothing would change.
    """
    body: Body = {name: value for name, value in fields.items() if value not in ("", [])}
    insights = [await find(project, "insights", each) for each in add]
    if dashboard:
        found = await find(project, "dashboards", dashboard)
        if not body and not insights:
            raise InvalidInput("Nothing would change.", fix="Give a field to change, or insights to add.")
        return ([Draft("PATCH", f"dashboards/{found['id']}/", body)] if body else []), insights
    if "name" not in body:
        raise InvalidInput("A new dashboard needs a name.", fix="Give `name`; to change one give `dashboard`.")
    return [Draft("POST", "dashboards/", body)], insights


def placed(insight: Mapping[str, Json], dashboard: Json) -> Draft | None:
    """Put an insight on a dashboard; None where it is there already."""
    given = insight.get("dashboards")
    there: list[Json] = given if isinstance(given, list) else []
    if dashboard in there:
        return None
    return Draft("PATCH", f"insights/{insight['id']}/", {"dashboards": [*there, dashboard]})
