"""Campaigns: what is sent to whom, and the states that they go through.

draft → scheduled → sending → sent → completed
            ↑ pause ↓  (paused)        any but sent: cancelled
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from posthog_mcp.audience.templates import check_template, filled, tagged
from posthog_mcp.delivery.message import Message, Section
from posthog_mcp.delivery.targets import Target, load_targets
from posthog_mcp.errors import Forbidden, InvalidInput, NotFound
from posthog_mcp.hogql.suggest import nearest
from posthog_mcp.project import Project
from posthog_mcp.results import Json
from posthog_mcp.state.desk.documents import Kept

KIND = "campaign"
Status = Literal["draft", "scheduled", "sending", "paused", "sent", "completed", "cancelled"]
Action = Literal["pause", "resume", "complete", "cancel"]
MOVES: Mapping[Action, Mapping[Status, Status]] = {
    "pause": {"scheduled": "paused", "sending": "paused"},
    "resume": {"paused": "scheduled"},
    "complete": {"sent": "completed", "paused": "completed"},
    "cancel": {"draft": "cancelled", "scheduled": "cancelled", "paused": "cancelled"},
}


class Variant(BaseModel):
    """One version of the text. Shares are weights; they need not sum to 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str = Field(default="a", pattern=r"^[\w-]{1,40}$")
    share: float = Field(default=1.0, gt=0)
    subject: str = Field(min_length=1, max_length=200)
    body: str = Field(min_length=1, max_length=20_000)


class Campaign(BaseModel):
    """A campaign as it is kept. `approved` is the digest that the person agreed to, for `approved_size` people."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = ""
    name: str = Field(min_length=1, max_length=120)
    segment: int = Field(ge=1)
    target: str = Field(min_length=1)
    variants: tuple[Variant, ...] = Field(min_length=1, max_length=5)
    send_at: str = ""
    cap_messages: int = Field(default=2, ge=1, le=100)
    cap_days: int = Field(default=7, ge=1, le=365)
    conversion_event: str = ""
    conversion_days: int = Field(default=7, ge=1, le=90)
    address_property: str = ""
    status: Status = "draft"
    approved: str = ""
    approved_size: int = 0
    started: str = ""
    finished: str = ""

    @field_validator("send_at")
    @classmethod
    def a_time(cls, value: str) -> str:
        if value:
            datetime.fromisoformat(value)
        return value

    @field_validator("variants")
    @classmethod
    def templates(cls, value: tuple[Variant, ...]) -> tuple[Variant, ...]:
        for each in value:
            check_template(each.subject)
            check_template(each.body)
        return value

    @model_validator(mode="after")
    def told_apart(self) -> Campaign:
        """Variants have keys of their own.

        Raises:
            ValueError: two have the same.
        """
        if len({each.key for each in self.variants}) < len(self.variants):
            raise ValueError("variants need different keys")
        return self

    @property
    def texts(self) -> list[str]:
        return [text for each in self.variants for text in (each.subject, each.body)]

    def digest(self, target: Target) -> str:
        """Of all that is agreed to: texts, segment, time, caps, and where it goes."""
        own = self.model_dump_json(exclude={"status", "approved", "approved_size", "started", "finished"})
        return hashlib.sha256(f"{own} {target.digest()}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person who may get it. `properties` fill the variables."""

    person_id: str
    address: str
    properties: Mapping[str, str]


CHANGEABLE = frozenset(Campaign.model_fields) - {"id", "status", "approved", "approved_size", "started", "finished"}
"""What a caller may say; the rest is the server's own, above all the person's agreement."""


def campaign_of(given: Mapping[str, object]) -> Campaign:
    """A campaign from fields.

    Raises:
        InvalidInput: naming each wrong field.
    """
    try:
        return Campaign.model_validate(dict(given))
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:4])
        raise InvalidInput(f"{told}.", fix="Correct these and call again.") from None


async def target_of(project: Project, campaign: Campaign) -> Target:
    """The campaign's target.

    Raises:
        NotFound: it is not of the list.
        Forbidden: the person has not opened it for campaigns.
        InvalidInput: it cannot address a person.
    """
    target = (await load_targets(project.settings)).named(campaign.target)
    if not target.campaigns:
        fix = f"A person sets campaigns: true on {target.name!r} in reports.yaml (POSTHOG_MCP_REPORTS)."
        raise Forbidden(f"The target {target.name!r} is not open for campaigns.", fix=fix)
    if target.channel == "slack" and target.url is not None:
        text = f"The target {target.name!r} is an incoming webhook: each person's message would go to one channel."
        raise InvalidInput(text, fix="Use a Slack target with a bot token (SLACK_BOT_TOKEN), or e-mail.")
    return target


async def save(project: Project, campaign: Campaign) -> Campaign:
    """Keep a new campaign, with an id."""
    info = await project.driver.project()
    made = campaign.model_copy(update={"id": f"campaign-{secrets.token_hex(4)}"})
    await project.desk.documents.put(KIND, info.id, made.id, cast("dict[str, Json]", made.model_dump(mode="json")))
    return made


async def change(project: Project, kept: Kept, campaign: Campaign) -> Campaign:
    """Keep a campaign over the one that was read.

    Raises:
        InvalidInput: somebody changed it, or began to send it, at the same moment.
    """
    info = await project.driver.project()
    body = cast("dict[str, Json]", campaign.model_dump(mode="json"))
    if not await project.desk.documents.swap(KIND, info.id, kept, body):
        raise InvalidInput("The campaign changed at this moment.", fix="Look at it again: send_campaign, a dry run.")
    return campaign


async def load(project: Project, wanted: str) -> tuple[Campaign, Kept]:
    """A campaign by id or name.

    Raises:
        NotFound: there is none.
    """
    info = await project.driver.project()
    kept = await project.desk.documents.list(KIND, info.id, limit=1000)
    for each in kept:
        if wanted in (each.id, each.body.get("name")):
            return campaign_of(each.body), each
    near = ", ".join(nearest(wanted, [str(each.body.get("name")) for each in kept])) or "none yet"
    raise NotFound(f"There is no campaign {wanted!r}.", fix=f"Campaigns: {near}. draft_campaign makes one.")


async def move(
    project: Project, campaign_id: str, changes: Mapping[str, object], *, only: set[Status]
) -> Campaign | None:
    """Change fields where its status is one of `only`; None where it is another by now."""
    info = await project.driver.project()
    while True:
        campaign, kept = await load(project, campaign_id)
        if campaign.status not in only:
            return None
        moved = campaign.model_copy(update=dict(changes))
        body = cast("dict[str, Json]", moved.model_dump(mode="json"))
        if await project.desk.documents.swap(KIND, info.id, kept, body):
            return moved


async def act(project: Project, wanted: str, action: Action) -> Campaign:
    """Pause, resume, complete or cancel.

    Raises:
        InvalidInput: its status does not allow that.
        NotFound: there is no such campaign.
    """
    campaign, _ = await load(project, wanted)
    allowed = MOVES[action]
    if campaign.status not in allowed:
        known = ", ".join(sorted(allowed))
        raise InvalidInput(f"A campaign that is {campaign.status} cannot {action}.", fix=f"It can when it is {known}.")
    changes: dict[str, object] = {"status": allowed[campaign.status]}
    if action == "complete":
        changes["finished"] = datetime.now(UTC).isoformat()
    if action == "pause":
        changes["approved"] = ""  # Whoever stopped it had a reason: to go on needs the person's word again.
    moved = await move(project, campaign.id, changes, only={campaign.status})
    if moved is None:
        raise InvalidInput("Its status changed at this moment.", fix="Look at it again.")
    return moved


def variant_of(campaign: Campaign, person_id: str) -> Variant:
    """A person's variant: the same whenever it is asked, spread by the shares."""
    digest = hashlib.sha256(f"{campaign.id} {person_id}".encode()).digest()
    point = int.from_bytes(digest[:8], "big") / 2**64 * sum(each.share for each in campaign.variants)
    for each in campaign.variants:
        point -= each.share
        if point < 0:
            return each
    return campaign.variants[-1]


def rendered(campaign: Campaign, variant: Variant, recipient: Recipient) -> Message:
    """The message of one person."""
    link = f"utm_source=posthog-mcp&utm_campaign={campaign.id}&utm_content={variant.key}"
    body = filled(tagged(variant.body, link), recipient.properties)
    paragraphs = tuple(part.strip() for part in body.split("\n\n") if part.strip())
    facts: dict[str, Json] = {
        "campaign": campaign.id,
        "variant": variant.key,
        "person_id": recipient.person_id,
    }
    title = " ".join(filled(variant.subject, recipient.properties).split())
    return Message(campaign.id, title, (Section("", paragraphs),), "", facts)
