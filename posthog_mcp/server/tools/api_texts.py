"""Content and text of the answers of toolset `api`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import cast

from posthog_mcp.api.calls import Called, Proposed, Request
from posthog_mcp.api.plans import Plan
from posthog_mcp.endpoints.search import Hit, described
from posthog_mcp.queries.shape import DATA_NOTE, clean, fenced
from posthog_mcp.results import Json
from posthog_mcp.server.tools.texts import Shown, rows_in_text


def found_content(asked: str, hits: Sequence[Hit]) -> Shown:
    """Endpoints that fit, best first."""
    endpoints = [described(hit.entry) for hit in hits]
    content: dict[str, Json] = {"endpoints": cast("list[Json]", endpoints), "count": len(endpoints)}
    if not endpoints:
        content["next"] = None
        return content, f"Nothing of PostHog's API fits {asked!r}. Name the thing: flag, insight, cohort, survey, …"
    lines: list[str] = []
    for each in endpoints:
        head = str(each["endpoint"])
        if each.get("exists") is False:
            lines.append(f"{head}: does not exist. {each['says']} Instead: {each['instead']}")
            continue
        lines.append(f"{head}: {each['does']}")
        lines += [f"  {name}: {shown(value)}" for name, value in each.items() if name not in ("endpoint", "does")]
    lines.append("P/ is the project, O/ the organization. next: call_api with method and path.")
    return content, "\n".join(lines)


def shown(value: Json) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def question(plan: object) -> str:
    """The plan as a person reads it before saying yes or no."""
    assert isinstance(plan, Plan)
    return "\n".join(plan_lines(plan))


def plan_lines(plan: Plan) -> list[str]:
    endpoint, info = plan.call.endpoint, plan.project
    lines = [
        f"{endpoint.method} {endpoint.short}: {endpoint.does}",
        f"project {info.id} {info.name} on {info.host} ({info.backend})",
    ]
    if plan.object:
        lines.append(f"object: {clean(plan.object)}")
    for name, before, after in plan.changes:
        was = f"{brief(before)} -> " if plan.before is not None else ""
        lines.append(f"  {name}: {was}{brief(after)}")
    return lines


def brief(value: Json) -> str:
    text = json.dumps(clean(value), ensure_ascii=False)
    return text if len(text) <= 600 else f"{text[:600]}… ({len(text):,} characters)"


def proposed_content(proposed: Proposed) -> Shown:
    """A plan that waits for its token."""
    plan, endpoint = proposed.plan, proposed.plan.call.endpoint
    content: dict[str, Json] = {
        "changed": False,
        "endpoint": f"{endpoint.method} {endpoint.short}",
        "does": endpoint.does,
        "object": clean(plan.object) or None,
        "changes": [{"field": name, "before": clean(old), "after": clean(new)} for name, old, new in plan.changes],
        "confirm_token": proposed.token,
        "project": plan.project.as_json(),
        "next": "call again with the same arguments and this confirm_token, once the person agrees",
        "data_note": DATA_NOTE,
    }
    lines = ["Nothing was changed yet. This would be done:", fenced("\n".join(plan_lines(plan)))]
    lines.append(f"confirm_token: {proposed.token} (ten minutes, once)")
    lines.append("next: when the person agrees, call_api with the same arguments and this confirm_token")
    return content, "\n".join(lines)


def called_content(done: Called, request: Request) -> Shown:
    """A finished call."""
    found, endpoint = done.answer, done.endpoint
    repeat: Json = None
    if found.next is not None:
        kept: dict[str, Json] = {"method": request.method, "path": request.path, "fields": list(request.fields)}
        repeat = {**{name: value for name, value in kept.items() if value not in ("GET", [])}, "params": found.next}
    content: dict[str, Json] = {
        "endpoint": f"{endpoint.method} {endpoint.short}",
        "status": done.status,
        **found.body,
        "truncated": found.truncated,
        "next": repeat,
        "left_out": list(found.left_out),
        "project": done.project.as_json(),
        "elapsed_ms": round(done.elapsed_ms, 1),
        "data_note": DATA_NOTE,
    }
    lines = [f"{content['endpoint']}: {done.status}, {done.elapsed_ms:.0f} ms"]
    if done.plan is not None:
        content["changed"] = True
        changes = done.plan.changes
        content["changes"] = [{"field": name, "before": clean(old), "after": clean(new)} for name, old, new in changes]
        lines += ["Changed:", fenced("\n".join(plan_lines(done.plan)))]
    return content, "\n".join([*lines, *answer_lines(content, done)])


def answer_lines(content: dict[str, Json], done: Called) -> list[str]:
    """The answer's own part of the text."""
    body, lines = done.answer.body, list[str]()
    others = {name: value for name, value in body.items() if name not in LIST_PARTS}
    if "rows" in body:
        rows, columns = cast("list[list[Json]]", body["rows"]), cast("list[str]", body["columns"])
        of_all = f" of {others.pop('count')}" if "count" in others else ""
        lines.append(f"{body['row_count']}{of_all} items, {body['rows_shown']} shown")
        lines.append(rows_in_text(columns, rows))
    if others:
        lines.append(fenced(json.dumps(others.get("object", others), ensure_ascii=False)))
    if done.answer.left_out:
        lines.append(f"left out: {', '.join(done.answer.left_out)}; get them with `fields`")
    if content["next"] is not None:
        lines.append(f"More exists. next: {json.dumps(content['next'], ensure_ascii=False)}")
    info = done.project
    return [*lines, f"project {info.id} {info.name} on {info.host} ({info.backend})"]


LIST_PARTS = ("columns", "rows", "row_count", "rows_shown")
