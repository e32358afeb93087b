"""The answers of the knowledge tools, as structured content and as text with the same facts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import cast

from posthog_mcp.knowledge.definitions import Metric
from posthog_mcp.knowledge.models import Definition, Page, Template, Workflow
from posthog_mcp.knowledge.planning import Plan, Proposed, Walk
from posthog_mcp.knowledge.running import Ready
from posthog_mcp.results import Json

Content = tuple[dict[str, Json], str]
MOST = 9_500
"""Characters of an answer."""
PAGE = 8_500
"""Characters of an entry in one answer."""


def uri(page: Page) -> str:
    return f"posthog://knowledge/{page.id}"


def compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def plan_content(found: Plan) -> Content:
    """A plan; where it grows too long the workflow's steps lose their arguments, then the lesser templates go."""
    content = plan_fields(found, arguments=True, most=len(found.templates))
    if len(compact(content)) > MOST:
        content = plan_fields(found, arguments=False, most=len(found.templates))
    while len(compact(content)) > MOST and len(cast("list[Json]", content["templates"])) > 1:
        content = plan_fields(found, arguments=False, most=len(cast("list[Json]", content["templates"])) - 1)
    return content, plan_text(content)


def plan_fields(found: Plan, *, arguments: bool, most: int) -> dict[str, Json]:
    intents: list[Json] = [{"intent": each.intent, "confidence": each.confidence} for each in found.intents]
    asks: list[Json] = [
        {"question": each.question, "options": list(each.options), "changes": each.changes} for each in found.asks
    ]
    content: dict[str, Json] = {
        "intents": intents,
        "fits": found.fits,
        "clarify": asks,
        "templates": [template_fields(each) for each in found.templates[:most]],
        "workflow": walk_fields(found.workflow, arguments) if found.workflow else None,
        "project": found.project.as_json(),
    }
    if found.says:
        content["says"] = found.says
    if found.understood.definitions:
        content["definitions"] = [definition_fields(each) for each in found.understood.definitions]
    if found.metrics:
        content["metrics"] = [metric_fields(each) for each in found.metrics]
    if found.read:
        content["read"] = [{"id": each.id, "title": each.title} for each in found.read]
    if found.broken:
        content["warnings"] = [{"code": "broken_entry", "message": each, "fix": "Correct it."} for each in found.broken]
    content["next"] = next_of(found)
    return content


def next_of(found: Plan) -> Json:
    """The call that begins the answer: the team's own metric, then the nearer of template and workflow."""
    if found.metrics:
        return {"tool": "run_insight", "arguments": dict(found.metrics[0].insight)}
    ready = next((each for each in found.templates if each.ready), None)
    if ready and ready.ready and (found.workflow is None or ready.score > found.workflow.score):
        filled = ready.ready.filled
        if filled.insight:
            return {"tool": "run_insight", "arguments": filled.insight}
        return {"tool": "execute_hogql", "arguments": {"query": filled.hogql}}
    if found.workflow and found.workflow.steps:
        step, arguments = found.workflow.page.steps[0], found.workflow.steps[0]
        if step.template:
            return {"tool": "fill_template", "arguments": {"id": step.template, "params": dict(arguments)}}
        return {"tool": step.tool, "arguments": dict(arguments)}
    return {"tool": "read_knowledge", "arguments": {"id": found.read[0].id}} if found.read else None


def template_fields(each: Proposed) -> dict[str, Json]:
    """A template for the question. An insight call is run by run_insight; `hogql` is the same as a query."""
    fields: dict[str, Json] = {"id": each.page.id, "title": each.page.title, "score": each.score, "uri": uri(each.page)}
    if each.ready is None:
        return {**fields, "params": dict(each.proposal.params), "problem": each.problem}
    filled = each.ready.filled
    fields |= {"params": dict(filled.params)}
    if filled.insight:
        fields |= {"insight": dict(filled.insight)}
    fields["hogql"] = each.ready.hogql
    if each.proposal.assumed:
        fields["assumed"] = list(each.proposal.assumed)
    if each.ready.warnings:
        fields["warnings"] = [warning.message for warning in each.ready.warnings[:3]]
    if each.page.followups:
        fields["followups"] = list(each.page.followups)
    return fields


def walk_fields(walk: Walk, arguments: bool) -> dict[str, Json]:
    fields: dict[str, Json] = {
        "id": walk.page.id,
        "title": walk.page.title,
        "uri": uri(walk.page),
        "params": dict(walk.params),
    }
    if walk.problem:
        fields["problem"] = walk.problem
    steps: list[Json] = []
    for position, step in enumerate(walk.page.steps):
        each: dict[str, Json] = {"id": step.id, "why": step.why, **named_tool(step.tool, step.template)}
        if arguments and walk.steps:
            each["arguments"] = dict(walk.steps[position])
        each["outcomes"] = [f"{out.when} → {out.next}" for out in step.outcomes]
        steps.append(each)
    fields["steps"] = steps
    if not arguments:
        fields["arguments"] = f"of every step: fill_template {walk.page.id}"
    return fields


def named_tool(tool: str, template: str) -> dict[str, Json]:
    return {"template": template} if template else {"tool": tool}


def definition_fields(page: Definition) -> dict[str, Json]:
    fields: dict[str, Json] = {"name": page.name, "defines": page.defines, "uri": uri(page)}
    optional: dict[str, Json] = {"events": list(page.events), "hogql": page.hogql, "description": page.description}
    return fields | {key: value for key, value in optional.items() if value}


def metric_fields(metric: Metric) -> dict[str, Json]:
    return {"name": metric.name, "hogql": metric.hogql, "insight": dict(metric.insight), "uri": uri(metric.page)}


def plan_text(content: Mapping[str, Json]) -> str:
    """The same facts in lines; what has no better form is JSON."""
    lines: list[str] = []
    if content.get("says"):
        lines.append(str(content["says"]))
    for ask in cast("list[dict[str, Json]]", content["clarify"]):
        options = " | ".join(map(str, cast("list[Json]", ask["options"])))
        lines.append(f"Ask first: {ask['question']} ({options}); it changes {ask['changes']}.")
    intents = cast("list[dict[str, Json]]", content["intents"])
    lines.append("Intents: " + ", ".join(f"{each['intent']} {each['confidence']}" for each in intents) + ".")
    for each in cast("list[dict[str, Json]]", content["templates"]):
        lines += template_lines(each)
    walk = cast("dict[str, Json] | None", content["workflow"])
    if walk:
        lines += walk_lines(walk)
    rest = ("definitions", "metrics", "read", "warnings", "next", "project")
    lines += [f"{name.capitalize()}: {compact(content[name])}" for name in rest if content.get(name)]
    return "\n".join(lines)


def template_lines(each: Mapping[str, Json]) -> list[str]:
    head = f"Template {each['id']} ({each['title']}), params {compact(each['params'])}"
    lines = [f"{head}: {each['problem']}"] if "problem" in each else [head]
    if "insight" in each:
        lines.append(f"run_insight {compact(each['insight'])}")
    if "hogql" in each:
        lines.append(str(each["hogql"]))
    notes = [
        f"{key}: {'; '.join(map(str, cast('list[Json]', each[key])))}" for key in ("assumed", "warnings") if key in each
    ]
    return [*lines, *notes, *([f"followups: {compact(each['followups'])}"] if "followups" in each else [])]


def walk_lines(walk: Mapping[str, Json]) -> list[str]:
    lines = [
        f"Workflow {walk['id']} ({walk['title']}), params {compact(walk['params'])} {walk.get('problem', '')}".strip()
    ]
    for step in cast("list[dict[str, Json]]", walk["steps"]):
        run = step.get("tool") or f"template {step.get('template')}"
        arguments = f" {compact(step['arguments'])}" if "arguments" in step else ""
        outcomes = "; ".join(map(str, cast("list[Json]", step["outcomes"])))
        lines.append(f"{step['id']}: {step['why']} {run}{arguments}. {outcomes}")
    return lines


def search_content(query: str, pages: Sequence[Page], limit: int, broken: Sequence[str]) -> Content:
    """Entries as rows, the best first."""
    shown = pages[:limit]
    rows: list[Json] = [[page.id, page.kind, page.title, ", ".join(page.intents)] for page in shown]
    columns: list[Json] = [{"name": name, "type": "String"} for name in ("id", "kind", "title", "intents")]
    more = len(pages) > limit
    content: dict[str, Json] = {
        "columns": columns,
        "rows": rows,
        "row_count": len(rows),
        "total": len(pages),
        "truncated": more,
        "next": {"query": query, "limit": min(50, limit * 2)} if more and limit < 50 else None,
    }
    if broken:
        content["warnings"] = [{"code": "broken_entry", "message": each, "fix": "Correct it."} for each in broken]
    lines = [f"{page.id} ({page.kind}): {page.title}" for page in shown] or [
        f"No entry about {query!r}. Try other words."
    ]
    if more:
        lines.append(f"{len(pages)} in all; raise limit for more.")
    return content, "\n".join([*lines, *broken])


def page_content(page: Page, offset: int) -> Content:
    """An entry; a long one in parts."""
    head = front_fields(page)
    part = page.body[offset : offset + PAGE]
    after = offset + PAGE
    following: Json = {"id": page.id, "offset": after} if after < len(page.body) else None
    content: dict[str, Json] = {**(head if offset == 0 else {"id": page.id}), "text": part, "next": following}
    shown = "\n".join(f"{key}: {value if isinstance(value, str) else compact(value)}" for key, value in head.items())
    text = f"{shown}\n\n{part}" if offset == 0 else part
    return content, f"{text}\nMore: offset {after}" if following else text


def front_fields(page: Page) -> dict[str, Json]:
    fields: dict[str, Json] = {"id": page.id, "kind": page.kind, "title": page.title, "uri": uri(page)}
    optional: dict[str, Json] = {
        "intents": list(page.intents),
        "tags": list(page.tags),
        "followups": list(page.followups),
        "questions": list(page.questions[:4]),
    }
    if isinstance(page, Definition):
        optional |= definition_fields(page)
    if isinstance(page, Template | Workflow):
        optional["params"] = {name: param.model_dump(exclude_defaults=True) for name, param in page.params.items()}
        optional["otherwise"] = page.otherwise
    if isinstance(page, Template):
        optional["insight"] = page.insight
    if isinstance(page, Workflow):
        optional["steps"] = [step.model_dump(exclude_defaults=True, by_alias=True) for step in page.steps]
    return fields | {key: value for key, value in optional.items() if value}


def filled_content(ready: Ready, project: dict[str, Json]) -> Content:
    """A filled template: run it with execute_hogql, or run_insight where it is an insight call."""
    filled = ready.filled
    content: dict[str, Json] = {"id": filled.template.id, "params": dict(filled.params), "hogql": ready.hogql}
    if filled.insight:
        content["insight"] = dict(filled.insight)
    if ready.warnings:
        content["warnings"] = [{"code": each.code, "message": each.message, "fix": each.fix} for each in ready.warnings]
    tool: dict[str, Json] = {"tool": "run_insight", "arguments": dict(filled.insight)}
    content["next"] = tool if filled.insight else {"tool": "execute_hogql", "arguments": {"query": ready.hogql}}
    content["project"] = project
    lines = [f"{filled.template.title}: {compact(dict(filled.params))}"]
    lines += [f"run_insight {compact(filled.insight)}"] if filled.insight else []
    lines += [ready.hogql, *(each.message for each in ready.warnings), f"Project: {compact(project)}"]
    return content, "\n".join(lines)


def steps_content(
    page: Workflow, used: Mapping[str, Json], arguments: Sequence[Mapping[str, Json]], project: dict[str, Json]
) -> Content:
    """A workflow's steps with their arguments."""
    steps: list[Json] = [
        {
            "id": step.id,
            **named_tool(step.tool, step.template),
            "arguments": dict(given),
            "outcomes": [{"if": out.when, "means": out.means, "next": out.next} for out in step.outcomes],
        }
        for step, given in zip(page.steps, arguments, strict=True)
    ]
    content: dict[str, Json] = {
        "id": page.id,
        "title": page.title,
        "params": dict(used),
        "steps": steps,
        "project": project,
    }
    return content, f"{page.title}: {compact(dict(used))}\n" + "\n".join(
        map(compact, steps)
    ) + f"\nProject: {compact(project)}"


def saved_content(page: Page, replaced: bool, where: str) -> Content:
    done = "replaced" if replaced else "saved"
    content: dict[str, Json] = {"id": page.id, done: True, "kept_in": where, "uri": uri(page)}
    if isinstance(page, Definition):
        content |= definition_fields(page)
    return content, f"{page.title!r} {done} as {page.id} in {where}. {uri(page)}"


def deleted_content(page: Page) -> Content:
    front = page.model_dump(exclude_defaults=True, exclude={"body", "source"}, mode="json")
    content: dict[str, Json] = {"id": page.id, "deleted": True, "entry": front, "text": page.body}
    return content, f"{page.title!r} deleted. It was: {compact(front)} {page.body.strip()}".strip()
