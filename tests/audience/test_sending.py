"""A campaign reaches each person once, only as the person agreed to, whatever dies on the way."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta

import anyio
import pytest
from mcp import Client

from posthog_mcp.runtime import open_project
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings, child_environment
from tests.audience.conftest import NOW, Person, call, drafted, refused, with_file
from tests.house.rules import ROOT
from tests.reports.receivers import Mailbox, Receiver, receiving

REACHED = 12 - 4
"""Of the twelve below 12."""


async def approve(settings: Settings, code: str) -> None:
    """`posthog-mcp approve CODE` with these settings."""
    environment = child_environment(
        POSTHOG_MCP_BACKEND="local",
        POSTHOG_MCP_DATA_DIR=str(settings.data_dir),
        POSTHOG_MCP_REPORTS=str(settings.reports),
        SMTP_URL=settings.smtp_url.get_secret_value() if settings.smtp_url else "",
    )
    command = [sys.executable, "-m", "posthog_mcp", "approve", code]
    done = await anyio.run_process(command, env=environment, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, done.stderr.decode()


async def test_it_goes_once_to_each_after_the_person_types_the_code(
    client: Client, settings: Settings, mailbox: Mailbox
) -> None:
    mailbox.mails.clear()
    mailbox.recipients.clear()
    campaign = await drafted(client, "Once")
    waiting = await call(client, "send_campaign", campaign=campaign, dry_run=False)
    code = waiting["approval_code"]
    early = await refused(client, "send_campaign", campaign=campaign, dry_run=False, approval_code=code)
    assert "[forbidden]" in early
    assert mailbox.mails == []

    await approve(settings, code)
    again = await refused(client, "send_campaign", campaign=campaign, dry_run=False, approval_code=code)

    to = Counter(address for each in mailbox.recipients for address in each)
    assert to == {f"p{number}@example.com": 1 for number in (0, 1, 2, 4, 6, 8, 10, 11)}
    assert "is sent" in again
    mail = next(each for each in mailbox.mails if str(each["To"]) == "p8@example.com")
    assert str(mail["Subject"]) == "Hello Person 8"
    assert f"utm_campaign={campaign}" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    stats = await call(client, "campaign_stats", campaign=campaign)
    assert (stats["status"], stats["rows"][-1][:4]) == ("sent", ["all", REACHED, 0, 0])


async def test_a_client_that_can_ask_asks_with_the_whole_plan(asking: tuple[Client, Person], mailbox: Mailbox) -> None:
    client, person = asking
    campaign, before = await drafted(client, "Asked"), len(mailbox.mails)

    person.agrees = False
    told = await refused(client, "send_campaign", campaign=campaign, dry_run=False)
    assert "[forbidden]" in told
    assert len(mailbox.mails) == before

    person.agrees = True
    done = await call(client, "send_campaign", campaign=campaign, dry_run=False)

    assert (done["status"], done["outcomes"]["sent"]) == ("sent", REACHED)
    assert f"to {REACHED} people now" in person.read[-1]
    assert "through people (email); segment " in person.read[-1]
    assert "“under 12”" in person.read[-1]
    completed = await call(client, "update_campaign", campaign=campaign, action="complete")
    assert completed["status"] == "completed"


async def test_a_dry_run_is_the_default_and_asks_nobody(asking: tuple[Client, Person], mailbox: Mailbox) -> None:
    client, person = asking
    campaign, asked, before = await drafted(client, "Dry"), len(person.read), len(mailbox.mails)

    shown = await call(client, "send_campaign", campaign=campaign)

    assert shown["examples"][0]["to"] == "p0@example.com" or shown["examples"]
    assert (len(person.read), len(mailbox.mails)) == (asked, before)


async def test_a_changed_text_needs_agreement_again(client: Client, mailbox: Mailbox) -> None:
    campaign, before = await drafted(client, "Changed"), len(mailbox.mails)
    waiting = await call(client, "send_campaign", campaign=campaign, dry_run=False)

    await call(client, "update_campaign", campaign=campaign, changes={"subject": "Buy", "body": "Now"})
    code = waiting["approval_code"]
    told = await refused(client, "send_campaign", campaign=campaign, dry_run=False, approval_code=code)

    assert "[invalid_input]" in told
    assert len(mailbox.mails) == before


async def test_a_model_cannot_make_up_a_code(client: Client) -> None:
    campaign = await drafted(client, "Made up")

    told = await refused(client, "send_campaign", campaign=campaign, dry_run=False, approval_code="AAAA2222")

    assert "[not_found]" in told


async def test_a_test_goes_to_the_targets_own_address(asking: tuple[Client, Person], mailbox: Mailbox) -> None:
    client, person = asking
    campaign = await drafted(client, "Tested")
    mailbox.recipients.clear()

    await call(client, "send_campaign", campaign=campaign, dry_run=False, test=True)

    assert mailbox.recipients == [["me@example.com"]]
    assert "Send a test" in person.read[-1]


async def test_nobody_gets_more_than_the_cap(asking: tuple[Client, Person], mailbox: Mailbox) -> None:
    client, _ = asking
    who = {"under": 3, "cap_messages": 1}
    first = await drafted(client, "Cap 1", under=3)
    await call(client, "send_campaign", campaign=first, dry_run=False)
    before = len(mailbox.mails)

    done = await call(client, "send_campaign", campaign=await drafted(client, "Cap 2", **who), dry_run=False)

    assert done["outcomes"] == {"capped": 3}
    assert len(mailbox.mails) == before


async def test_a_campaign_with_a_time_waits_and_a_paused_one_needs_a_new_word(
    asking: tuple[Client, Person], mailbox: Mailbox
) -> None:
    client, person = asking
    before = len(mailbox.mails)
    campaign = await drafted(client, "Later", send_at=(NOW + timedelta(days=1)).isoformat())

    waits = await call(client, "send_campaign", campaign=campaign, dry_run=False)
    assert waits["status"] == "scheduled"
    assert "posthog-mcp schedule" in waits["notes"][0]
    assert (await call(client, "update_campaign", campaign=campaign, action="pause"))["status"] == "paused"
    await call(client, "update_campaign", campaign=campaign, action="resume")

    person.agrees = False
    assert "[forbidden]" in await refused(client, "send_campaign", campaign=campaign, dry_run=False)
    person.agrees = True
    assert len(mailbox.mails) == before


HOOK = """
targets:
  crm: {{channel: webhook, campaigns: true, url: "{url}", allow_private: true, idempotent: {idempotent}, per_minute: 6000}}
"""


@pytest.mark.parametrize("idempotent", [True, False])
async def test_killed_in_the_middle_it_goes_on_and_each_person_gets_one(
    client: Client, settings: Settings, mailbox: Mailbox, idempotent: bool
) -> None:
    """A receiver that drops repeated keys hears of everybody; one that cannot is never asked twice."""
    with receiving() as receiver:
        hooked = with_file(
            settings.data_dir, HOOK.format(url=receiver.url, idempotent=str(idempotent).lower()), mailbox
        )
        person = Person()
        async with Client(build_server(hooked), mode="legacy", elicitation_callback=person) as again:
            campaign = await drafted(again, f"Killed {idempotent}", target="crm")
            await anyio.to_thread.run_sync(killed_at, receiver, 3, hooked, campaign)
            assert (await call(again, "campaign_stats", campaign=campaign))["status"] == "sending"

            person.read.clear()
            done = await call(again, "send_campaign", campaign=campaign, dry_run=False)
            assert person.read == []

    people = [each.json["facts"]["person_id"] for each in receiver.requests]
    keys = Counter(each.headers["idempotency-key"] for each in receiver.requests)
    assert done["status"] == "sent"
    assert len(set(people)) == len(keys) == REACHED
    assert len(people) == REACHED + idempotent
    assert done["outcomes"].get("uncertain", done["outcomes"].get("already")) is not None


def killed_at(receiver: Receiver, number: int, settings: Settings, campaign: str) -> None:
    """Kill the sender while the receiver holds its third request."""
    kept = {"data_dir": str(settings.data_dir), "reports": str(settings.reports), "backend": "local"}
    arguments = [json.dumps({**kept, "allow_writes": True, "toolsets": "all"}), campaign]
    receiver.hold_at = number
    process = subprocess.Popen([sys.executable, "-m", "tests.audience.dying", *arguments], cwd=ROOT)
    assert receiver.held.wait(60)
    process.send_signal(signal.SIGKILL)
    process.wait()
    receiver.hold_at = 0
    receiver.hold.set()


async def test_a_time_that_was_moved_behind_the_persons_back_stops_it(
    settings: Settings, asking: tuple[Client, Person]
) -> None:
    from posthog_mcp.audience.campaigns import load, move
    from posthog_mcp.audience.sending import due_campaigns, send
    from posthog_mcp.errors import Forbidden

    client, _ = asking
    campaign = await drafted(client, "Due", target="folder", send_at=(NOW + timedelta(hours=1)).isoformat())
    await call(client, "send_campaign", campaign=campaign, dry_run=False)
    async with open_project(settings) as project:
        assert await due_campaigns(project) == []
        kept, _ = await load(project, campaign)
        assert kept.status == "scheduled"
        await move(project, campaign, {"send_at": (NOW - timedelta(hours=1)).isoformat()}, only={"scheduled"})

        (due,) = await due_campaigns(project)
        with pytest.raises(Forbidden, match="changed since"):
            await send(project, due.id)

    assert (await call(client, "campaign_stats", campaign=campaign))["status"] == "paused"
