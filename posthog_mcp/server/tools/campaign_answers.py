"""What the tools of campaigns do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from mcp.types import CallToolResult

from posthog_mcp.audience import campaigns, sending
from posthog_mcp.audience.campaigns import CHANGEABLE, Campaign, campaign_of
from posthog_mcp.audience.recipients import Audience
from posthog_mcp.audience.recipients import suppress as never_send
from posthog_mcp.audience.stats import COLUMNS, Stats
from posthog_mcp.audience.stats import campaign_stats as stats_of
from posthog_mcp.audience.templates import gaps, variables_of
from posthog_mcp.errors import InvalidInput, WriteDisabled
from posthog_mcp.project import Project
from posthog_mcp.queries.shape import clean, fenced
from posthog_mcp.results import Json, ProjectInfo
from posthog_mcp.server.answers import Ctx, answer, project_of
from posthog_mcp.server.leaving import person_agrees

MOST_SHOWN = 6_000
EDITABLE = frozenset({"draft", "scheduled", "paused"})
AT_ONCE_SECONDS = 20.0
"""What one call sends; clients give up on longer calls. The next one goes on."""


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
    info = await project.driver.project()
    notes = await notes_on(project, campaign, audience)
    content: dict[str, Json] = {
        "campaign": campaign.id,
        "name": campaign.name,
        "status": campaign.status,
        "audience": audience.size,
        "left_out": dict(audience.left_out),
        "notes": [*notes],
        "examples": [clean(each) for each in cut(examples)],
        "project": info.as_json(),
        "next": following(campaign),
    }
    plan = sending.plan_lines(campaign, target, audience, info.timezone)
    lines = [f"{word} campaign {campaign.id}, status {campaign.status}.", *plan, *notes]
    body = json.dumps(content["examples"], ensure_ascii=False)
    return answer(content, "\n".join([*lines, fenced(body), f"next: {content['next']}"]))


def following(campaign: Campaign) -> str:
    """What to call next."""
    if campaign.status in ("sent", "completed", "cancelled"):
        return f'campaign_stats {{"campaign": "{campaign.id}"}}'
    return f'send_campaign {{"campaign": "{campaign.id}", "dry_run": false}} asks the person'


async def notes_on(project: Project, campaign: Campaign, audience: Audience) -> list[str]:
    """What the person should know before they agree: variables that are missing, an unknown event, a past time."""
    catalogue = await project.driver.catalogue()
    found = [
        f"{each.people} of {audience.size} people have no {each.name!r}; {{{{{each.name} | word}}}} gives them a word."
        for each in gaps(campaign.texts, [each.properties for each in audience.recipients])
    ]
    unknown = [name for name in variables_of(campaign.texts) if name not in catalogue.person_properties]
    found += [f"No person has a property {name!r}; check its spelling." for name in unknown]
    if campaign.conversion_event and campaign.conversion_event not in catalogue.events:
        found.append(f"There is no event {campaign.conversion_event!r} yet; conversions would stay at 0.")
    if not audience.size:
        found.append("Nobody would get it.")
    if campaign.send_at and await sending.its_time(project, campaign):
        found.append(f"Its time, {campaign.send_at}, is past: it goes at once when the person agrees.")
    if campaign.status == "scheduled":
        found += sending.scheduled_note(campaign, (await project.driver.project()).timezone)
    return found


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
    campaign, kept = await campaigns.load(project, wanted)
    for each in suppress:
        await never_send(project, each)
    if changes:
        campaign = await campaigns.change(project, kept, changed(campaign, changes))
    if action:
        campaign = await campaigns.act(project, campaign.id, action)
    return await shown(project, campaign, "Changed")


def changed(campaign: Campaign, changes: Mapping[str, Any]) -> Campaign:
    """The campaign with other fields; a draft again.

    Raises:
        InvalidInput: its status does not allow it, or a field is wrong.
    """
    foreign = [each for each in changes if each not in CHANGEABLE and each not in ("subject", "body")]
    if foreign:
        raise InvalidInput(f"{foreign[0]!r} cannot be set.", fix=f"These can: {', '.join(sorted(CHANGEABLE))}.")
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
    sending.sendable(campaign)
    target, audience = await sending.planned(project, campaign)
    info = await project.driver.project()
    lines = sending.plan_lines(campaign, target, audience, info.timezone)
    digest = campaign.digest(target)
    if test:
        lines = [f"Send a test of “{campaign.name}” to {', '.join(target.to) or target.name}"]
        digest = f"test {digest}"
    if test or not sending.agreed(campaign, target):
        action: dict[str, Json] = {"do": "send_test" if test else "send_campaign", "campaign": campaign.id}
        waits = await person_agrees(project, caller, digest, action, lines, code)
        if waits is not None:
            return waiting(campaign, lines, waits)
    if test:
        told = await sending.send_test(project, campaign)
        return answer({"campaign": campaign.id, "test": True, "deliveries": [*told]}, "\n".join(told))
    return sent_answer(await sending.start(project, campaign, target, audience.size, AT_ONCE_SECONDS), info)


def sent_answer(done: sending.Sent, info: ProjectInfo) -> CallToolResult:
    """What came of a round, and how it goes on."""
    campaign = done.campaign
    notes = sending.scheduled_note(campaign, info.timezone)
    if campaign.status == "sending":
        notes = ["More people are to come: call send_campaign again; `posthog-mcp schedule` goes on by itself."]
    outcomes: dict[str, Json] = dict(done.outcomes)
    content: dict[str, Json] = {"campaign": campaign.id, "status": campaign.status, "outcomes": outcomes}
    more: dict[str, Json] = {"notes": [*notes], "project": info.as_json(), "next": "campaign_stats"}
    return answer({**content, **more}, "\n".join([*done.lines(), *notes]))


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
        "comparisons": [*found.comparisons],
        "notes": [*found.notes],
        "conversion_event": campaign.conversion_event,
        "project": info,
        "next": None,
    }
    table = "\n".join(" | ".join(str(cell) for cell in row) for row in [list(COLUMNS), *found.rows])
    head = f"Campaign {campaign.id} {campaign.name!r}, status {campaign.status}."
    numbers = [json.dumps(each) for each in found.comparisons]
    return answer(content, "\n".join([head, fenced(table), *found.verdict, *numbers, *found.notes]))
