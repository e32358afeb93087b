"""Send a campaign: once a person, going on where it stopped, only as the person agreed to."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from posthog_mcp.audience.asking import as_shown, without_host
from posthog_mcp.audience.broadcasts import draft_in_posthog, possible, workflow_of
from posthog_mcp.audience.campaigns import (
    KIND,
    Campaign,
    Recipient,
    campaign_of,
    load,
    move,
    rendered,
    target_of,
    variant_of,
)
from posthog_mcp.audience.recipients import Audience, audience_of, cap_of
from posthog_mcp.delivery import approvals
from posthog_mcp.delivery.addresses import check
from posthog_mcp.delivery.channel import Parcel
from posthog_mcp.delivery.outbox import Outbox, ledger_key, open_outbox
from posthog_mcp.delivery.targets import Target
from posthog_mcp.delivery.webhook import url_of
from posthog_mcp.errors import Forbidden, InvalidInput, NotFound
from posthog_mcp.project import Project
from posthog_mcp.results import Json
from posthog_mcp.state.desk.holders import HOLDER

LEASE_SECONDS = 120.0
LOOK_SECONDS = 2.0
"""After which a pause is noticed and the lease prolonged."""
PENDING = ("claimed", "sending")
"""Outcomes of people whom another process took: whether it is alive is known later, so the campaign is not over."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of a round: people by outcome (`sent`, `failed`, `uncertain`, `already`, `capped`, or why left out)."""

    campaign: Campaign
    outcomes: Mapping[str, int]

    def lines(self) -> list[str]:
        told = ", ".join(f"{count} {name}" for name, count in self.outcomes.items()) or "nothing was sent now"
        return [f"{self.campaign.name} ({self.campaign.id}) is {self.campaign.status}: {told}"]


async def planned(project: Project, campaign: Campaign) -> tuple[Target, Audience]:
    """Where it goes and to whom, as of now. A webhook's address is checked here once, so that not each person fails.

    Raises:
        PostHogMcpError: the target is not open for campaigns or may not be posted to, or a query does not run.
    """
    target = await target_of(project, campaign)
    if target.channel == "posthog":
        possible(project, campaign, target)
    if target.channel == "webhook":
        private = target.allow_private or project.settings.allow_private_targets
        await check(url_of(target), allow_private=private)
    return target, await audience_of(project, campaign, target)


def plan_lines(campaign: Campaign, target: Target, audience: Audience, timezone: str) -> list[str]:
    """What the person is asked to agree to; `timezone` is the project's."""
    when = f"at {campaign.send_at}{zone_of(campaign, timezone)}" if campaign.send_at else "now"
    left = ", ".join(f"{count} {why}" for why, count in audience.left_out)
    subjects = "; ".join(f"{each.key}: “{each.subject}”" for each in campaign.variants)
    what = "Make drafts of PostHog workflows (nothing is sent) of" if target.channel == "posthog" else "Send"
    return [
        f"{what} the campaign “{campaign.name}” ({campaign.id}) to {audience.size} people {when}",
        f"through {target.name} ({target.channel}); segment {campaign.segment} “{audience.segment}”"
        f"{f'; left out: {left}' if left else ''}",
        f"subjects: {subjects}; at most {target.per_minute} a minute, "
        f"at most {campaign.cap_messages} messages of campaigns a person in {campaign.cap_days} days",
    ]


def zone_of(campaign: Campaign, timezone: str) -> str:
    """The zone in which its time is meant, for the person."""
    return "" if datetime.fromisoformat(campaign.send_at).tzinfo else f" ({timezone})"


def scheduled_note(campaign: Campaign, timezone: str) -> list[str]:
    """Who sends a campaign that waits."""
    if campaign.status != "scheduled":
        return []
    if not campaign.approved:
        return ["It waits for the person's word: call send_campaign with dry_run false."]
    when = f"at {campaign.send_at}{zone_of(campaign, timezone)}" if campaign.send_at else "at its next look"
    return [f"`posthog-mcp schedule` sends it {when}; where that does not run, call send_campaign again then."]


def parcel_of(campaign: Campaign, target: Target, recipient: Recipient) -> Parcel:
    """One person's message. The key is theirs and the campaign's."""
    message = rendered(campaign, variant_of(campaign, recipient.person_id), recipient)
    return Parcel(message, target, f"{campaign.id}:{recipient.person_id}", (recipient.address,))


async def examples(project: Project, campaign: Campaign, target: Target, audience: Audience) -> list[dict[str, Json]]:
    """The first message of each variant, exactly as it would go; with masking on, pseudonyms stand for the person's
    own values.

    Raises:
        InvalidInput: the target is not set up.
    """
    if target.channel == "posthog":
        return [{"variant": each.key, "draft": workflow_of(campaign, each, target, None)} for each in campaign.variants]
    shown: dict[str, dict[str, Json]] = {}
    async with open_outbox(project) as outbox:
        for each in audience.recipients:
            key = variant_of(campaign, each.person_id).key
            if key not in shown:
                seen = parcel_of(campaign, target, as_shown(project, each))
                shown[key] = {"variant": key, **without_host(outbox.preview(seen))}
            if len(shown) == len(campaign.variants):
                break
    return list(shown.values())


async def send_approved(project: Project, wanted: str, code: str) -> list[str]:
    """What `posthog-mcp approve` does: schedule it, or send it now.

    Raises:
        PostHogMcpError: the code stands for something else, or it cannot be sent.
    """
    campaign, _ = await load(project, wanted)
    sendable(campaign)
    target, audience = await planned(project, campaign)
    await approvals.require(project, code, campaign.digest(target))
    return (await start(project, campaign, target, audience.size)).lines()


async def start(project: Project, campaign: Campaign, target: Target, size: int, seconds: float = float("inf")) -> Sent:
    """After the person agreed: scheduled, and sent where its time has come, for so many seconds at most.

    Raises:
        InvalidInput: its status does not allow it.
        PostHogMcpError: it cannot be sent.
    """
    approved = {"status": "scheduled", "approved": campaign.digest(target), "approved_size": size}
    moved = await move(project, campaign.id, approved, only={"draft", "scheduled", "paused"})
    if moved is None:
        sendable(campaign)
        return await send(project, campaign.id, seconds)
    if not await its_time(project, moved):
        return Sent(moved, {})
    return await send(project, moved.id, seconds)


def sendable(campaign: Campaign) -> None:
    """Refuse what is over.

    Raises:
        InvalidInput: its status does not allow sending.
    """
    if campaign.status not in ("draft", "scheduled", "paused", "sending"):
        text = f"The campaign is {campaign.status}; only drafts, scheduled and paused ones can be sent."
        raise InvalidInput(text, fix="Draft another, or see campaign_stats.")


def agreed(campaign: Campaign, target: Target) -> bool:
    """Whether the person's word still stands for a campaign that goes on: interrupted, or scheduled and not changed.
    A paused one needs their word again."""
    return campaign.approved == campaign.digest(target) and campaign.status in ("sending", "scheduled")


async def its_time(project: Project, campaign: Campaign) -> bool:
    """Whether its time has come; a time without an offset is the project's."""
    if not campaign.send_at:
        return True
    zone = ZoneInfo((await project.driver.project()).timezone)
    at = datetime.fromisoformat(campaign.send_at)
    return (at if at.tzinfo else at.replace(tzinfo=zone)) <= datetime.now(UTC)


async def send(project: Project, campaign_id: str, seconds: float = float("inf")) -> Sent:
    """Send to everybody who has not got it; one process at a time, and so many seconds at most: the next call goes on.

    Raises:
        InvalidInput: another process is sending it.
        Forbidden: it is no longer what the person agreed to.
        PostHogMcpError: the audience cannot be worked out.
    """
    if not await project.desk.leases.take(f"campaign {campaign_id}", HOLDER, LEASE_SECONDS):
        raise InvalidInput("Another process is sending it.", fix="See campaign_stats.")
    try:
        began = {"status": "sending", "started": datetime.now(UTC).isoformat()}
        campaign = await move(project, campaign_id, began, only={"scheduled", "sending"})
        outcomes = Counter[str]() if campaign is None else await one_round(project, campaign, seconds)
    finally:
        await project.desk.leases.leave(f"campaign {campaign_id}", HOLDER)
    return Sent((await load(project, campaign_id))[0], outcomes)


async def one_round(project: Project, campaign: Campaign, seconds: float) -> Counter[str]:
    """Go through the audience; `sent` when its end was reached. What only a person can mend pauses it.

    Raises:
        Forbidden: it is no longer what the person agreed to, or may not be sent.
        InvalidInput: it cannot be sent.
        NotFound: its target is no longer on the list.
        PostHogMcpError: the audience cannot be worked out now; a later round may.
    """
    try:
        target, audience = await planned(project, campaign)
    except (Forbidden, InvalidInput, NotFound):
        await stop(project, campaign)
        raise
    outcomes: Counter[str] = Counter(dict(audience.left_out))
    await still_agreed(project, campaign, target, audience)
    if target.channel == "posthog":
        outcomes.update(await draft_in_posthog(project, campaign, target, audience.recipients))
        whole = True
    else:
        async with open_outbox(project) as outbox:
            whole = await each_person(project, outbox, campaign, target, audience, outcomes, seconds)
    if whole and not any(outcomes[each] for each in PENDING):
        done = {"status": "sent", "finished": datetime.now(UTC).isoformat()}
        await move(project, campaign.id, done, only={"sending"})
    return +outcomes


async def still_agreed(project: Project, campaign: Campaign, target: Target, audience: Audience) -> None:
    """Stop where it is no longer what the person agreed to.

    Raises:
        Forbidden: texts or target changed, or many more people are in the segment.
    """
    if campaign.approved == campaign.digest(target) and audience.size <= campaign.approved_size * 1.2 + 10:
        return
    await stop(project, campaign)
    text = f"The campaign or its segment ({audience.size} people, {campaign.approved_size} agreed to) changed since."
    raise Forbidden(text, fix="Ask the person again with send_campaign.")


async def stop(project: Project, campaign: Campaign) -> None:
    """Paused; to go on needs the person's word again."""
    await move(project, campaign.id, {"status": "paused", "approved": ""}, only={"sending"})


async def each_person(
    project: Project,
    outbox: Outbox,
    campaign: Campaign,
    target: Target,
    audience: Audience,
    outcomes: Counter[str],
    seconds: float,
) -> bool:
    """One after another; False where it was paused, cancelled, or ran out of time on the way."""
    ends, looked = time.monotonic() + seconds, 0.0
    for number, recipient in enumerate(audience.recipients):
        if time.monotonic() - looked > LOOK_SECONDS:
            looked = time.monotonic()
            await project.desk.leases.take(f"campaign {campaign.id}", HOLDER, LEASE_SECONDS)
            if (await load(project, campaign.id))[0].status != "sending":
                return False
        if time.monotonic() > ends:
            outcomes["still to come"] = audience.size - number
            return False
        outcomes[await to_person(project, outbox, campaign, target, recipient)] += 1
    return True


async def to_person(project: Project, outbox: Outbox, campaign: Campaign, target: Target, recipient: Recipient) -> str:
    """What came of one person."""
    parcel = parcel_of(campaign, target, recipient)
    before = await project.desk.deliveries.get(ledger_key(parcel))
    if before is not None and before.state in ("sent", "uncertain"):
        return "already"
    variant = variant_of(campaign, recipient.person_id).key
    done = await outbox.deliver(parcel, person=recipient.person_id, variant=variant, cap=cap_of(campaign))
    return done.state


async def send_test(project: Project, campaign: Campaign) -> list[str]:
    """Each variant to the target's own addresses, with the first recipient's values as a preview shows them; marked as
    a test.

    Raises:
        InvalidInput: the target has no addresses of its own.
        PostHogMcpError: what hinders it.
    """
    target, audience = await planned(project, campaign)
    if target.channel == "posthog":
        raise InvalidInput("A draft in PostHog is tested there.", fix="Send it, then use the test of PostHog's editor.")
    if not target.to and target.channel != "webhook":
        raise InvalidInput(f"The target {target.name!r} has no addresses of its own.", fix="Give it `to:` for tests.")
    somebody = as_shown(project, audience.recipients[0]) if audience.recipients else Recipient("nobody", "", {})
    told: list[str] = []
    async with open_outbox(project) as outbox:
        for each in campaign.variants:
            message = rendered(campaign.model_copy(update={"name": f"[Test] {campaign.name}"}), each, somebody)
            stamp = f"{datetime.now(UTC):%Y%m%d%H%M%S%f}"
            done = await outbox.deliver(Parcel(message, target, f"test:{campaign.id}:{each.key}:{stamp}", target.to))
            told.append(f"{each.key}: {done.state}. {done.detail}")
    return told


async def due_campaigns(project: Project) -> list[Campaign]:
    """Approved campaigns whose time has come, and those that were interrupted; the longest waiting first."""
    info = await project.driver.project()
    kept = await project.desk.documents.list(KIND, info.id, limit=1000)
    approved = [each for each in map(campaign_of, (each.body for each in reversed(kept))) if each.approved]
    waiting = [each for each in approved if each.status == "scheduled" and await its_time(project, each)]
    return [each for each in approved if each.status == "sending"] + waiting
