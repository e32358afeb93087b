"""Saving insights and dashboards: computed first, shown as a plan, made when confirmed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from posthog_mcp.api.calls import Called, Proposed, Request, call_api
from posthog_mcp.api.plans import allowed
from posthog_mcp.backends.backend import Progress
from posthog_mcp.endpoints.matching import match
from posthog_mcp.endpoints.table import Method
from posthog_mcp.errors import Forbidden
from posthog_mcp.insights.run import Insight
from posthog_mcp.insights.saved import Body, find, url_of
from posthog_mcp.insights.saving import Draft, dashboard_drafts, insight_draft, placed
from posthog_mcp.project import Project
from posthog_mcp.queries.shape import clean, fenced
from posthog_mcp.results import Json
from posthog_mcp.server.answers import Ctx
from posthog_mcp.server.confirming import asking
from posthog_mcp.server.tools.api_texts import brief, called_content, proposed_content, question
from posthog_mcp.server.tools.texts import Shown


async def store_insight(
    project: Project,
    insight: str,
    fields: Mapping[str, Json],
    asked: Mapping[str, Any],
    hogql: str,
    token: str,
    ctx: Ctx,
    progress: Progress,
) -> Shown:
    """Both steps of saving an insight.

    Raises:
        PostHogMcpError: writes are off, the query does not compute, or what PostHog says; nothing was saved.
    """
    allowed(match("POST", "insights/").endpoint, project.settings)
    draft = await insight_draft(project, insight, fields, asked, hogql, progress)
    request = request_of(draft, token)
    done = await call_api(project, request, asking(ctx, question))
    if isinstance(done, Proposed):
        content, text = proposed_content(done)
        return {**content, **computed(draft)}, f"{text}\n{json.dumps(computed(draft))}"
    content, text = called_content(done, request)
    saved = saved_object(done)
    url = url_of(project, saved, "insights")
    more: dict[str, Json] = {"id": saved.get("id"), "short_id": saved.get("short_id"), "url": url, **computed(draft)}
    return {**content, **more}, f"Saved insight {saved.get('id')} ({saved.get('short_id')}). {url or ''}\n{text}"


def request_of(draft: Draft, token: str = "") -> Request:
    return Request(cast("Method", draft.method), draft.path, {}, draft.body, (), token)


def computed(draft: Draft) -> dict[str, Json]:
    """That it was computed, and what came."""
    if draft.result is None:
        return {}
    rows = draft.result.answer.rows if isinstance(draft.result, Insight) else draft.result.table.rows
    return {"computed": {"rows": len(rows), "query_id": draft.result.query_id}}


def saved_object(done: Called) -> Body:
    """The object that PostHog gave back."""
    found = done.answer.body.get("object")
    return found if isinstance(found, dict) else {}


async def store_dashboard(
    project: Project, dashboard: str, fields: Mapping[str, Json], add: Sequence[str], token: str, ctx: Ctx
) -> Shown:
    """Both steps of saving a dashboard: its own fields, then an insight at a time.

    Raises:
        PostHogMcpError: writes are off, names are unknown, the person declines, or what PostHog says.
    """
    allowed(match("POST", "dashboards/").endpoint, project.settings)
    drafts, insights = await dashboard_drafts(project, dashboard, fields, add)
    lines = steps(drafts, insights, dashboard)
    digest = hashlib.sha256("\n".join([*lines, json.dumps([each.body for each in drafts])]).encode()).hexdigest()
    info = (await project.driver.project()).as_json()
    waits = await agreed(project, lines, digest, token, ctx)
    if waits is not None:
        return waiting(lines, waits, info)
    return await stored(project, drafts, insights, dashboard, lines, info)


async def agreed(project: Project, lines: Sequence[str], digest: str, token: str, ctx: Ctx) -> str | None:
    """None where the change may be made now; else the token that it waits for.

    Raises:
        Forbidden: the person declines.
        InvalidInput: the token is not for this.
    """
    if token:
        await project.confirmations.take(token, digest)
        return None
    said = await asking(ctx, lambda _: "\n".join(lines))(lines)
    if said is None:
        return await project.confirmations.issue(digest)
    if not said:
        raise Forbidden("The person declined this change; nothing was changed.", fix="Ask what they want instead.")
    return None


def steps(drafts: Sequence[Draft], insights: Sequence[Body], dashboard: str) -> list[str]:
    """What would be done, in words."""
    lines: list[str] = []
    for each in drafts:
        fields = ", ".join(f"{name} {brief(value)}" for name, value in each.body.items())
        lines.append(f"{each.method} {each.path}: {fields}")
    where = dashboard or "the new dashboard"
    return lines + [f"put insight {each['id']} {brief(each.get('name'))} on {where}" for each in insights]


def waiting(lines: Sequence[str], token: str, info: dict[str, Json]) -> Shown:
    content: dict[str, Json] = {
        "changed": False,
        "changes": [str(clean(line)) for line in lines],
        "confirm_token": token,
        "project": info,
        "next": "call again with the same arguments and this confirm_token, once the person agrees",
    }
    plan = fenced("\n".join(lines))
    text = f"Nothing was changed yet. This would be done:\n{plan}\nconfirm_token: {token} (ten minutes, once)"
    return content, text


async def stored(
    project: Project,
    drafts: Sequence[Draft],
    insights: Sequence[Body],
    dashboard: str,
    lines: Sequence[str],
    info: dict[str, Json],
) -> Shown:
    """Make the changes one after another; the first that fails stops them and tells what was done."""
    if drafts:
        draft = drafts[0]
        if draft.method == "POST":
            saved = await project.driver.create("dashboards", draft.body)
        else:
            saved = await project.driver.update("dashboards", draft.path.split("/")[1], draft.body)
    else:
        saved = await find(project, "dashboards", dashboard)
    for each in insights:
        draft = placed(each, saved["id"])
        if draft is not None:
            await project.driver.update("insights", str(each["id"]), draft.body)
    url = url_of(project, saved, "dashboard")
    content: dict[str, Json] = {"changed": True, "id": saved["id"], "url": url, "changes": [*lines], "project": info}
    told = "\n".join(lines)
    return content, f"Saved dashboard {saved['id']}. {url or ''}\n{fenced(told)}"
