"""What the tools of campaigns do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from mcp.types import CallToolResult

from posthog_mcp.audience import campaigns, sending
from posthog_mcp.audience.campaigns import Campaign, campaign_of
from posthog_mcp.audience.recipients import suppress as never_send
from posthog_mcp.audience.stats import COLUMNS, Stats
from posthog_mcp.audience.stats import campaign_stats as stats_of
from posthog_mcp.errors import InvalidInput, WriteDisabled
from posthog_mcp.project import Project
from posthog_mcp.queries.shape import clean, fenced
from posthog_mcp.results import Json
from posthog_mcp.server.answers import Ctx, answer, project_of
from posthog_mcp.server.leaving import person_agrees

MOST_SHOWN = 6_000
EDITABLE = frozenset({"draft", "scheduled", "paused"})


async def draft_answer(ctx: Ctx, fields: Mapping[str, Any]) -> CallToolResult:
    """A new draft with its audience and examples."""
    project = project_of(ctx)
    campaign = campaign_of(with_variants({key: value for key, value in fields.items() if value not in ("", None, [])}))
    await sending.planned(project, campaign)
    return await shown(project, await campaigns.save(project, campaign), "Drafted")


def with_variants(fields: Mapping[str, Any]) -> dict[str, Any]:
    """One text is a variant, too."""
    given = dict(fields)
    subject, body = given.pop("subject", ""), given.pop("body", "")
    if not given.get("variants") and (subject or body):
        given["variants"] = [{"key": "a", "subject": subject, "body": body}]
    return given


async def shown(project: Project, campaign: Campaign, word: str) -> CallToolResult:
    """A campaign with audience and the first message of each variant."""
    target, audience = await sending.planned(project, campaign)
    examples = await sending.examples(project, campaign, target, audience)
    content: dict[str, Json] = {
        "campaign": campaign.id,
        "name": campaign.name,
        "status": campaign.status,
        "audience": audience.size,
        "left_out": dict(audience.left_out),
        "examples": [clean(each) for each in cut(examples)],
        "next": f'send_campaign {{"campaign": "{campaign.id}"}}',
    }
    lines = [
        f"{word} campaign {campaign.id}, status {campaign.status}.",
        *sending.plan_lines(campaign, target, audience),
    ]
    body = json.dumps(content["examples"], ensure_ascii=False)
    return answer(content, "\n".join([*lines, fenced(body), f"next: {content['next']}"]))


def cut(examples: Sequence[dict[str, Json]]) -> list[dict[str, Json]]:
    """Examples within the size of an answer."""
    kept = list(examples)
    while len(kept) > 1 and len(json.dumps(kept, ensure_ascii=False)) > MOST_SHOWN:
        kept = kept[:-1]
    return kept


async def update_answer(
    ctx: Ctx,
    wanted: str,
    action: Literal["", "pause", "resume", "complete", "cancel"],
    changes: Mapping[str, Any],
    suppress: Sequence[str],
) -> CallToolResult:
    """Fields changed, or a status moved.

    Raises:
        PostHogMcpError: there is no such campaign, its status does not allow it, or a field is wrong.
    """
    project = project_of(ctx)
    campaign, _ = await campaigns.load(project, wanted)
    for each in suppress:
        await never_send(project, each)
    if changes:
        campaign = await campaigns.save(project, changed(campaign, changes))
    if action:
        campaign = await campaigns.act(project, campaign.id, action)
    return await shown(project, campaign, "Changed")


def changed(campaign: Campaign, changes: Mapping[str, Any]) -> Campaign:
    """The campaign with other fields; a draft again.

    Raises:
        InvalidInput: its status does not allow it, or a field is wrong.
    """
    if campaign.status not in EDITABLE:
        raise InvalidInput(f"A campaign that is {campaign.status} cannot be changed.", fix="Draft another.")
    kept = campaign.model_dump(mode="json", exclude={"status", "approved", "approved_size"})
    return campaign_of({**kept, **with_variants(changes), "id": campaign.id, "status": "draft"})


async def send_campaign_answer(ctx: Ctx, wanted: str, dry_run: bool, test: bool, code: str) -> CallToolResult:
    """A dry run, a test, a question to the person, or the sending.

    Raises:
        WriteDisabled: writes are off.
        PostHogMcpError: it cannot be sent, or the person has not agreed.
    """
    project = project_of(ctx)
    campaign, _ = await campaigns.load(project, wanted)
    if dry_run:
        return await shown(project, campaign, "Dry run, nothing was sent:")
    if not project.settings.allow_writes:
        raise WriteDisabled("Sending is off.", fix="Start the server with --allow-writes.")
    return await asked_or_sent(project, campaign, test, code, ctx)


async def asked_or_sent(project: Project, campaign: Campaign, test: bool, code: str, caller: Ctx) -> CallToolResult:
    """A question to the person, or what came of it.

    Raises:
        PostHogMcpError: it cannot be sent, or the person has not agreed.
    """
    target, audience = await sending.planned(project, campaign)
    lines = sending.plan_lines(campaign, target, audience)
    digest = campaign.digest(target)
    if test:
        lines = [f"Send a test of “{campaign.name}” to {', '.join(target.to) or target.name}"]
        digest = f"test {digest}"
    if campaign.approved != digest or campaign.status != "sending":
        action: dict[str, Json] = {"do": "send_test" if test else "send_campaign", "campaign": campaign.id}
        waits = await person_agrees(project, caller, digest, action, lines, code)
        if waits is not None:
            return waiting(campaign, lines, waits)
    if test:
        told = await sending.send_test(project, campaign)
        return answer({"campaign": campaign.id, "test": True, "deliveries": [*told]}, "\n".join(told))
    done = await sending.start(project, campaign, target, audience.size)
    outcomes: dict[str, Json] = dict(done.outcomes)
    content: dict[str, Json] = {"campaign": campaign.id, "status": done.campaign.status, "outcomes": outcomes}
    return answer({**content, "next": "campaign_stats"}, "\n".join(done.lines()))


def waiting(campaign: Campaign, lines: Sequence[str], code: str) -> CallToolResult:
    """Nothing went; how the person agrees."""
    command = f"posthog-mcp approve {code}"
    following = "ask the person to type it; it sends at once. Or call again then with this approval_code"
    content: dict[str, Json] = {"sent": False, "campaign": campaign.id, "status": campaign.status, "plan": [*lines]}
    more: dict[str, Json] = {"approval_code": code, "approve_with": command, "next": following}
    text = f"Nothing was sent yet. Only the person can agree, by typing: {command} ({following})."
    return answer({**content, **more}, "\n".join([text, *lines]))


async def stats_answer(ctx: Ctx, wanted: str) -> CallToolResult:
    """The campaign by variant."""
    project = project_of(ctx)
    campaign, _ = await campaigns.load(project, wanted)
    found = await stats_of(project, campaign)
    return answered(found, (await project.driver.project()).as_json())


def answered(found: Stats, info: dict[str, Json]) -> CallToolResult:
    """The same rows in both forms."""
    campaign = found.campaign
    rows: list[Json] = [*found.rows]
    content: dict[str, Json] = {
        "campaign": campaign.id,
        "name": campaign.name,
        "status": campaign.status,
        "columns": [*COLUMNS],
        "rows": rows,
        "verdict": [*found.verdict],
        "notes": [*found.notes],
        "conversion_event": campaign.conversion_event,
        "project": info,
        "next": None,
    }
    table = "\n".join(" | ".join(str(cell) for cell in row) for row in [list(COLUMNS), *found.rows])
    head = f"Campaign {campaign.id} {campaign.name!r}, status {campaign.status}."
    return answer(content, "\n".join([head, fenced(table), *found.verdict, *found.notes]))
