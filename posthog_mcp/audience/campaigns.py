"""Campaigns: what is sent to whom, and the states that they go through.

draft → scheduled → sending → sent → completed
            ↑ pause ↓  (paused)        any but sent: cancelled
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from posthog_mcp.delivery.message import Message, Section, quoted
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
VARIABLE = re.compile(r"\{\{\s*([\w.$-]+)\s*(?:\|\s*([^{}]*?))?\s*\}\}")


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

    @model_validator(mode="after")
    def told_apart(self) -> Campaign:
        """Variants have keys of their own.

        Raises:
            ValueError: two have the same.
        """
        if len({each.key for each in self.variants}) < len(self.variants):
            raise ValueError("variants need different keys")
        return self

    def digest(self, target: Target) -> str:
        """Of all that is agreed to: texts, segment, time, caps, and where it goes."""
        own = self.model_dump_json(exclude={"status", "approved", "approved_size", "started", "finished"})
        return hashlib.sha256(f"{own} {target.model_dump_json()}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person who may get it. `properties` fill the variables."""

    person_id: str
    address: str
    properties: Mapping[str, str]


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
    """
    target = (await load_targets(project.settings)).named(campaign.target)
    if not target.campaigns:
        fix = f"A person sets campaigns: true on {target.name!r} in reports.yaml (POSTHOG_MCP_REPORTS)."
        raise Forbidden(f"The target {target.name!r} is not open for campaigns.", fix=fix)
    return target


async def save(project: Project, campaign: Campaign) -> Campaign:
    """Keep a new campaign, or fields of one.

    Raises:
        InvalidInput: somebody changed it at the same moment.
    """
    info = await project.driver.project()
    made = campaign if campaign.id else campaign.model_copy(update={"id": f"campaign-{secrets.token_hex(4)}"})
    await project.desk.documents.put(KIND, info.id, made.id, cast("dict[str, Json]", made.model_dump(mode="json")))
    return made


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
    body = tagged(filled(variant.body, recipient.properties), link)
    paragraphs = tuple(part.strip() for part in body.split("\n\n") if part.strip())
    facts: dict[str, Json] = {
        "campaign": campaign.id,
        "variant": variant.key,
        "person_id": recipient.person_id,
    }
    title = " ".join(filled(variant.subject, recipient.properties).split())
    return Message(campaign.id, title, (Section("", paragraphs),), "", facts)


def filled(template: str, properties: Mapping[str, str]) -> str:
    """`{{name | there}}`: a person's property, else what stands after the bar."""
    return VARIABLE.sub(lambda found: quoted(properties.get(found[1], ""), 200) or found[2] or "", template)


def variables_of(campaign: Campaign) -> list[str]:
    """Properties that the texts use."""
    texts = [text for each in campaign.variants for text in (each.subject, each.body)]
    return list(dict.fromkeys(name for text in texts for name, _ in VARIABLE.findall(text)))


def tagged(text: str, link: str) -> str:
    """Links with the campaign in their query, so that what follows a click can be counted."""

    def one(found: re.Match[str]) -> str:
        address, hash_sign, fragment = found[0].partition("#")
        return f"{address}{'&' if '?' in address else '?'}{link}{hash_sign}{fragment}"

    return re.sub(r"https?://[^\s<>()\"']+[^\s<>()\"'.,;:!?]", one, text)
