"""Who of a segment may get a campaign: an address, consent, no suppression, and not too many messages."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

from posthog_mcp.audience.asking import rows_of
from posthog_mcp.audience.campaigns import Campaign, Recipient
from posthog_mcp.audience.templates import variables_of
from posthog_mcp.delivery.mail import address as mail_address
from posthog_mcp.delivery.message import quoted
from posthog_mcp.delivery.slack import MEMBER as SLACK_MEMBER
from posthog_mcp.delivery.targets import Target, load_targets
from posthog_mcp.errors import InvalidInput, NotFound
from posthog_mcp.hogql.spelling import identifier, text_literal
from posthog_mcp.project import Project
from posthog_mcp.state.desk.deliveries import Cap

SUPPRESSED = "suppression"
ADDRESS = {
    "email": ("email",),
    "slack": ("slack_user_id", "email"),
    "webhook": ("email",),
    "file": ("email",),
    "posthog": ("email",),
}
REFUSALS = ("unsubscribed", "$unsubscribed", "email_opt_out", "do_not_contact")
"""Person properties that mean no, where they are true."""
PAGE, MOST = 10_000, 200_000
TRUE = frozenset({"true", "1", "yes", "y", "on"})


@dataclass(frozen=True, slots=True)
class Audience:
    """Those who may get it, by person id, and why others do not. `segment` is the cohort's name, harmless words."""

    recipients: tuple[Recipient, ...]
    left_out: tuple[tuple[str, int], ...]
    segment: str

    @property
    def size(self) -> int:
        return len(self.recipients)


async def audience_of(project: Project, campaign: Campaign, target: Target) -> Audience:
    """The segment's people as of now. An address gets one message, whoever has it.

    Raises:
        NotFound: there is no such segment.
        InvalidInput: it is too large.
        PostHogMcpError: a query does not run.
    """
    segment = await name_of(project, campaign.segment)
    file = (await load_targets(project.settings)).file
    refused = await unsubscribed(project, file.unsubscribe_events)
    suppressed = await suppressions(project)
    where = address_properties(campaign, target)
    names = list(dict.fromkeys([*where, "email", *variables_of(campaign.texts), *REFUSALS]))
    names += [file.consent_property] if file.consent_property and file.consent_property not in names else []
    left: Counter[str] = Counter()
    kept: list[Recipient] = []
    seen: set[str] = set()
    for person_id, values in await people(project, campaign.segment, names):
        address = next((found for each in where if (found := values[each].strip())), "")
        if not address:
            left["no address"] += 1
        elif not usable(target.channel, address):
            left["bad address"] += 1
        elif person_id in refused or any(values.get(each, "").casefold() in TRUE for each in REFUSALS):
            left["unsubscribed"] += 1
        elif {person_id, address.casefold(), values["email"].strip().casefold()} & suppressed:
            left["suppressed"] += 1
        elif file.consent_property and values.get(file.consent_property, "").casefold() not in TRUE:
            left["no consent"] += 1
        elif address.casefold() in seen:
            left["same address"] += 1
        else:
            seen.add(address.casefold())
            kept.append(Recipient(person_id, address, values))
    return Audience(tuple(kept), tuple(left.most_common()), segment)


async def name_of(project: Project, segment: int) -> str:
    """A cohort's name.

    Raises:
        NotFound: there is no such cohort.
    """
    try:
        return quoted(str((await project.driver.get("cohorts", str(segment))).get("name")))
    except NotFound:
        fix = "list_segments shows those that are there; create_segment makes one."
        raise NotFound(f"There is no segment {segment} in this project.", fix=fix) from None


def address_properties(campaign: Campaign, target: Target) -> tuple[str, ...]:
    """Person properties that may hold the address; the first that a person has is taken."""
    return (campaign.address_property,) if campaign.address_property else ADDRESS[target.channel]


def usable(channel: str, address: str) -> bool:
    """Whether one person can be meant by it: people write their own properties."""
    if channel == "slack" and SLACK_MEMBER.match(address):
        return True
    try:
        return channel not in ("email", "posthog", "slack") or bool(mail_address(address))
    except InvalidInput:
        return False


async def people(project: Project, cohort: int, names: list[str]) -> list[tuple[str, dict[str, str]]]:
    """Person id and properties of a cohort's people, ordered by id.

    Raises:
        InvalidInput: there are more than `MOST`.
        PostHogMcpError: a query does not run.
    """
    columns = ", ".join(f"ifNull(toString(properties.{identifier(name)}), '')" for name in names)
    found: list[tuple[str, dict[str, str]]] = []
    last = ""
    while True:
        if len(found) >= MOST:
            raise InvalidInput(f"More than {MOST:,} people are in the segment.", fix="Split it into several.")
        after = f" AND toString(id) > {text_literal(last)}" if last else ""
        where = f"id IN COHORT {cohort}{after}"
        limit = min(PAGE, project.settings.max_rows)
        query = f"SELECT toString(id) AS who, {columns} FROM persons WHERE {where} ORDER BY who LIMIT {limit}"
        rows = await rows_of(project, query, limit)
        found += [(str(row[0]), dict(zip(names, map(str, row[1:]), strict=True))) for row in rows]
        if len(rows) < limit:
            return found
        last = str(rows[-1][0])


async def unsubscribed(project: Project, events: tuple[str, ...]) -> set[str]:
    """Persons who ever did one of these events in ten years.

    Raises:
        PostHogMcpError: a query does not run.
    """
    known = (await project.driver.catalogue()).events
    wanted = [each for each in events if each in known]
    found: set[str] = set()
    if not wanted:
        return found
    names = ", ".join(text_literal(each) for each in wanted)
    where = f"event IN ({names}) AND timestamp > now() - toIntervalDay(3650)"
    limit, last = min(PAGE, project.settings.max_rows), ""
    while True:
        after = f" AND toString(person_id) > {text_literal(last)}" if last else ""
        select = f"SELECT DISTINCT toString(person_id) AS who FROM events WHERE {where}{after}"
        query = f"{select} ORDER BY who LIMIT {limit}"
        rows = await rows_of(project, query, limit)
        found |= {str(row[0]) for row in rows}
        if len(rows) < limit:
            return found
        last = str(rows[-1][0])


async def suppressions(project: Project) -> set[str]:
    """Addresses and person ids that get nothing."""
    info = await project.driver.project()
    return {each.id for each in await project.desk.documents.list(SUPPRESSED, info.id, limit=100_000)}


async def suppress(project: Project, who: str) -> None:
    """An address or person id that gets nothing from now on."""
    info = await project.driver.project()
    await project.desk.documents.put(SUPPRESSED, info.id, who.strip().casefold(), {"since": time.time()})


def cap_of(campaign: Campaign) -> Cap:
    """What a person may have had lately, so that this one may still come."""
    return Cap(campaign.cap_messages, time.time() - campaign.cap_days * 86_400)
