"""The channel `posthog`: a campaign becomes a draft of a PostHog workflow, which a person enables and sends there.

PostHog's API (`posthog/api/hog_flow.py`, `products/workflows`) takes a workflow with a batch trigger (the audience),
one e-mail and an exit. What it does not allow, and what follows:
- the audience may not be a behavioural cohort, and a cohort would forget who refused here: each variant gets a static
  cohort of just its people;
- a workflow of ours is never active: `status` is draft, PostHog sends when a person enables it, at the time they choose
  there. People in the draft count as reached for the cap, because we are not told when they are.
The embedded project has no messaging, which is said.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import cast

from posthog_mcp.audience.campaigns import Campaign, Recipient, Variant, variant_of
from posthog_mcp.audience.recipients import cap_of
from posthog_mcp.audience.templates import VARIABLE, tagged
from posthog_mcp.backends.backend import ApiCall
from posthog_mcp.delivery.targets import Target
from posthog_mcp.endpoints.table import Endpoint, table
from posthog_mcp.errors import InvalidInput, Unavailable
from posthog_mcp.project import Project
from posthog_mcp.results import Json
from posthog_mcp.state.desk.deliveries import Delivery

KIND = "broadcast"
PLAIN = re.compile(r"^\w+$")


def possible(project: Project, campaign: Campaign, target: Target) -> None:
    """Refuse what PostHog could not send.

    Raises:
        Unavailable: the project has no messaging.
        InvalidInput: the campaign or the target has what a workflow cannot take.
    """
    if project.driver.kind != "posthog":
        text = "The embedded project has no messaging of its own; only a PostHog project has workflows."
        raise Unavailable(text, fix="Connect to PostHog (POSTHOG_API_KEY), or use an e-mail, Slack or webhook target.")
    if not target.sender:
        raise InvalidInput(f"The target {target.name!r} has no sender.", fix="Give it `from: team@example.com`.")
    if campaign.send_at:
        raise InvalidInput(
            "PostHog's workflow is sent from PostHog, at the time chosen there.", fix="Leave send_at out."
        )
    strange = [name for text in campaign.texts for name, _ in VARIABLE.findall(text) if not PLAIN.match(name)]
    if strange or any("{%" in text for text in campaign.texts):
        raise InvalidInput(f"PostHog's e-mails cannot have {strange[0] if strange else '{%'!r} as a variable.", fix="")


def workflow_of(campaign: Campaign, variant: Variant, target: Target, cohort: int | None) -> dict[str, Json]:
    """The draft in PostHog's shape; a cohort of None stands for one that is not made yet."""
    link = f"utm_source=posthog-mcp&utm_campaign={campaign.id}&utm_content={variant.key}"
    body = tagged(variant.body, link)
    audience: Json = {"properties": [{"key": "id", "type": "cohort", "value": cohort, "operator": "in"}]}
    mail: Json = {
        "to": {"email": f"{{{{ person.properties.{campaign.address_property or 'email'} }}}}", "name": ""},
        "from": {"email": target.sender, "name": ""},
        "subject": liquid(variant.subject),
        "text": f"{liquid(body)}\n\nUnsubscribe: {{{{ unsubscribe_url }}}}",
        "html": page(body),
    }
    mailing: Json = {"template_id": "template-email", "message_category_type": "marketing"}
    actions: list[Json] = [
        step("trigger_audience", "Audience", "trigger", {"type": "batch", "filters": audience}),
        step(
            "email",
            "E-mail",
            "function_email",
            {**cast("dict[str, Json]", mailing), "inputs": {"email": {"value": mail}}},
        ),
        step("exit", "Exit", "exit", {"reason": "Sent"}),
    ]
    edges: list[Json] = [
        {"from": "trigger_audience", "to": "email", "type": "continue"},
        {"from": "email", "to": "exit", "type": "continue"},
    ]
    name = f"{campaign.name} ({variant.key})"
    told = f"Drafted by posthog-mcp, campaign {campaign.id}."
    made: dict[str, Json] = {"name": name, "description": told, "status": "draft", "actions": actions, "edges": edges}
    return {**made, "exit_condition": "exit_only_at_end", **goal(campaign)}


def step(id: str, name: str, kind: str, config: dict[str, Json]) -> Json:
    return {"id": id, "name": name, "description": "", "type": kind, "config": config}


def goal(campaign: Campaign) -> dict[str, Json]:
    """The conversion that PostHog counts by itself."""
    if not campaign.conversion_event:
        return {}
    event: Json = {"id": campaign.conversion_event, "name": campaign.conversion_event, "type": "events"}
    minutes = campaign.conversion_days * 24 * 60
    return {"conversion": {"events": [{"filters": {"events": [event]}}], "filters": [], "window_minutes": minutes}}


def liquid(text: str, last: str = "") -> str:
    """Our variables as PostHog's Liquid: `{{name | there}}` is `{{ person.properties.name | default: "there" }}`."""

    def one(found: re.Match[str]) -> str:
        word = re.sub(r"[\"{}|]", "", found[2] or "")
        return f'{{{{ person.properties.{found[1]} | default: "{word}"{last} }}}}'

    return VARIABLE.sub(one, text)


def page(body: str) -> str:
    """The e-mail's HTML: text escaped, and what people wrote escaped by Liquid."""
    parts: list[str] = []
    at = 0
    for found in VARIABLE.finditer(body):
        parts += [html.escape(body[at : found.start()]), liquid(found[0], " | escape")]
        at = found.end()
    whole = "".join([*parts, html.escape(body[at:])])
    paragraphs = "".join(f"<p>{part.strip()}</p>" for part in whole.split("\n\n") if part.strip())
    return f'{paragraphs}<p><a href="{{{{ unsubscribe_url }}}}">Unsubscribe</a></p>'


async def draft_in_posthog(
    project: Project, campaign: Campaign, target: Target, recipients: Sequence[Recipient]
) -> dict[str, int]:
    """One static cohort and one draft a variant, for those whom no cap holds back; outcomes by their number. Called
    again, it makes what lacks.

    Raises:
        PostHogMcpError: what PostHog says, for instance a missing scope (cohort:write, hog_flow:write).
    """
    free = [each for each in recipients if await reserved(project, campaign, target, each)]
    outcomes = {"capped": len(recipients) - len(free)}
    for variant in campaign.variants:
        people = [each for each in free if variant_of(campaign, each.person_id).key == variant.key]
        if people:
            where = await drafted(project, campaign, variant, target, people)
            outcomes[f"in PostHog's draft {where}"] = 1
    return outcomes


async def reserved(project: Project, campaign: Campaign, target: Target, each: Recipient) -> bool:
    """A place in the ledger before the draft is made, within the person's cap."""
    info = await project.driver.project()
    variant = variant_of(campaign, each.person_id).key
    wanted = Delivery(key_of(campaign, target, each), info.id, campaign.id, target.name, each.person_id, variant)
    return (await project.desk.deliveries.claim(wanted, cap_of(campaign))).delivery.state != "capped"


def key_of(campaign: Campaign, target: Target, each: Recipient) -> str:
    return f"{campaign.id}:{each.person_id}→{target.name}"[:300]


async def drafted(
    project: Project, campaign: Campaign, variant: Variant, target: Target, people: Sequence[Recipient]
) -> str:
    """One variant's draft, made or found; PostHog may send to its people from now on."""
    info = await project.driver.project()
    id = f"{campaign.id}:{variant.key}"
    kept = await project.desk.documents.get(KIND, info.id, id)
    body: dict[str, Json] = dict(kept.body) if kept else {}
    if "cohort" not in body:
        ids: list[Json] = [each.person_id for each in people]
        listed: dict[str, Json] = {"is_static": True, "_create_static_person_ids": ids}
        made = await project.driver.create("cohorts", {"name": f"{campaign.name} ({variant.key})", **listed})
        body["cohort"] = made["id"]
        await project.desk.documents.put(KIND, info.id, id, body)
    if "workflow" not in body:
        flow = workflow_of(campaign, variant, target, int(str(body["cohort"])))
        _, answer = await project.driver.call(ApiCall(creating(), body=flow))
        body["workflow"] = answer.get("id") if isinstance(answer, Mapping) else None
        await project.desk.documents.put(KIND, info.id, id, body)
    where = f"{project.settings.host}/project/{info.id}/workflows/{body['workflow']}"
    for each in people:
        key = key_of(campaign, target, each)
        await project.desk.deliveries.mark(key, "uncertain", f"in PostHog's draft {where}")
    return where


def creating() -> Endpoint:
    return next(each for each in table().endpoints if each.short == "P/hog_flows/" and each.method == "POST")
