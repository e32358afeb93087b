"""Segments hold who they should; a campaign reaches each person once, only as agreed to, and not those who refused."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest
from mcp import Client

from posthog_mcp.backends.local.importing import import_exports
from posthog_mcp.backends.local.manifest import ProjectSettings
from posthog_mcp.backends.local.storage import Store
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings, child_environment
from tests.insights.made import Did, person_id, written
from tests.reports.receivers import Mailbox, mail_server

PEOPLE = 40
NOW = datetime.now(UTC).replace(microsecond=0)


def at(days: float) -> str:
    return (NOW - timedelta(days=days)).isoformat()


def events() -> list[Did]:
    """Forty people sign up; the even ones pay; 3 has no address, 5 opted out, 7 unsubscribed, 9 shares 1's address."""
    found: list[Did] = []
    for number in range(PEOPLE):
        mail = "" if number == 3 else f"p{1 if number == 9 else number}@example.com"
        person: dict[str, Any] = {"email": mail, "name": f"Person {number}", "plan": "free" if number % 4 else "pro"}
        person |= {"unsubscribed": True} if number == 5 else {}
        who = f"u{number}"
        found.append(Did(who, "signed_up", at(20), {}, person))
        found += [Did(who, "paid", at(10), {}, person)] if number % 2 == 0 else []
        found += [Did(who, "unsubscribed", at(5), {}, person)] if number == 7 else []
    return found


@pytest.fixture(scope="module")
def mailbox() -> Any:
    with mail_server() as box:
        yield box


@pytest.fixture(scope="module")
async def settings(tmp_path_factory: pytest.TempPathFactory, mailbox: Mailbox) -> Settings:
    """A project of these events, and a mail target that is open for campaigns."""
    folder = tmp_path_factory.mktemp("audience")
    export = folder / "events.jsonl"
    export.write_text(written(events(), "UTC"))
    await import_exports(Store(folder / "data" / "local"), [export], project=ProjectSettings(name="Made"))
    file = folder / "reports.yaml"
    file.write_text(
        "targets:\n"
        "  people: {channel: email, campaigns: true, to: me@example.com, per_minute: 6000}\n"
        "  closed: {channel: email, to: me@example.com}\n"
    )
    return Settings.load(
        data_dir=folder / "data", backend="local", reports=file, smtp_url=mailbox.url, allow_writes=True, toolsets="all"
    )


@pytest.fixture(scope="module")
async def client(settings: Settings) -> AsyncIterator[Client]:
    async with Client(build_server(settings)) as connected:
        yield connected


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    text = "\n".join(block.text for block in result.content if hasattr(block, "text"))
    assert not result.is_error, text
    assert result.structured_content is not None
    return result.structured_content


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return "\n".join(block.text for block in result.content if hasattr(block, "text"))


async def made(client: Client, name: str, **how: Any) -> dict[str, Any]:
    """Both steps."""
    plan = await call(client, "create_segment", name=name, **how)
    done = await call(client, "create_segment", name=name, **how, confirm_token=plan["confirm_token"])
    assert done["size"] == plan["size"]
    return {**plan, **done}


async def members(client: Client, cohort: int) -> set[str]:
    query = f"SELECT toString(id) FROM persons WHERE id IN COHORT {cohort} LIMIT 100"
    return {row[0] for row in (await call(client, "execute_hogql", query=query))["rows"]}


def people(numbers: Any) -> set[str]:
    return {person_id(f"u{number}") for number in numbers}


WAYS = [
    ({"criteria": [{"key": "plan", "value": "free"}]}, [n for n in range(PEOPLE) if n % 4]),
    ({"criteria": [{"event": "paid", "days": 30}]}, range(0, PEOPLE, 2)),
    ({"criteria": [{"key": "plan", "value": "free"}, {"event": "paid", "days": 30, "times": 0}]}, range(1, PEOPLE, 2)),
    ({"criteria": [{"event": "paid", "days": 5}]}, []),
    (
        {"hogql": "SELECT person_id FROM events WHERE event = 'unsubscribed' AND timestamp > now() - INTERVAL 90 DAY"},
        [7],
    ),
    (
        {
            "insight": {"kind": "funnel", "series": [{"event": "signed_up"}, {"event": "paid"}], "date_from": "-30d"},
            "actors": {"step": 2, "dropped": True},
        },
        range(1, PEOPLE, 2),
    ),
]


@pytest.mark.parametrize(("how", "who"), WAYS, ids=range(len(WAYS)))
async def test_a_segment_holds_just_these_people(client: Client, how: dict[str, Any], who: Any) -> None:
    segment = await made(client, f"Segment {json.dumps(how)[:60]}", **how)

    assert await members(client, segment["id"]) == people(who)
    assert segment["size"] == len(people(who))


async def test_nothing_is_made_without_the_token(client: Client) -> None:
    await call(client, "create_segment", name="Never", criteria=[{"key": "plan", "value": "pro"}])

    assert "Never" not in json.dumps(await call(client, "list_segments"))


async def test_segments_are_listed_with_size(client: Client) -> None:
    segment = await made(client, "Pro", criteria=[{"key": "plan", "value": "pro"}])

    rows = (await call(client, "list_segments", search="Pro"))["rows"]
    assert [segment["id"], "Pro", False, 10, None, None] in rows


TEXT = {"subject": "Hello {{name | there}}", "body": "Dear {{name}},\n\nsee https://example.com/new today."}


async def drafted(client: Client, name: str, **more: Any) -> str:
    segment = await made(client, f"For {name}", criteria=[{"event": "signed_up", "days": 60}])
    fields = {"segment": segment["id"], "target": "people", "cap_messages": 99, **TEXT, **more}
    return (await call(client, "draft_campaign", name=name, **fields))["campaign"]


async def test_a_draft_leaves_out_those_who_refused(client: Client, mailbox: Mailbox) -> None:
    segment = await made(client, "All", criteria=[{"event": "signed_up", "days": 60}])

    draft = await call(client, "draft_campaign", name="D", segment=segment["id"], target="people", **TEXT)

    assert draft["audience"] == PEOPLE - 4
    assert draft["left_out"] == {"unsubscribed": 2, "no address": 1, "same address": 1}
    assert draft["status"] == "draft"
    assert mailbox.mails == []


async def test_a_campaign_goes_once_to_each_after_the_person_types_the_code(
    client: Client, settings: Settings, mailbox: Mailbox
) -> None:
    campaign = await drafted(client, "Once")
    waiting = await call(client, "send_campaign", campaign=campaign, dry_run=False)
    early = await refused(
        client, "send_campaign", campaign=campaign, dry_run=False, approval_code=waiting["approval_code"]
    )
    assert "[forbidden]" in early
    assert mailbox.mails == []

    await approve(settings, waiting["approval_code"])
    again = await refused(
        client, "send_campaign", campaign=campaign, dry_run=False, approval_code=waiting["approval_code"]
    )

    to = Counter(address for each in mailbox.recipients for address in each)
    assert len(to) == PEOPLE - 4
    assert set(to.values()) == {1}
    assert "p7@example.com" not in to
    assert "p5@example.com" not in to
    assert "is sent" in again
    mail = next(each for each in mailbox.mails if str(each["To"]) == "p8@example.com")
    assert str(mail["Subject"]) == "Hello Person 8"
    assert f"utm_campaign={campaign}" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    stats = await call(client, "campaign_stats", campaign=campaign)
    assert stats["status"] == "sent"
    assert stats["rows"][-1][:4] == ["all", PEOPLE - 4, 0, 0]


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


async def test_a_changed_text_needs_agreement_again(client: Client, mailbox: Mailbox) -> None:
    campaign = await drafted(client, "Changed")
    waiting = await call(client, "send_campaign", campaign=campaign, dry_run=False)
    before = len(mailbox.mails)

    await call(client, "update_campaign", campaign=campaign, changes={"subject": "Buy", "body": "Now"})
    told = await refused(
        client, "send_campaign", campaign=campaign, dry_run=False, approval_code=waiting["approval_code"]
    )

    assert "[invalid_input]" in told
    assert len(mailbox.mails) == before


async def test_variants_are_spread_and_counted(client: Client, settings: Settings, mailbox: Mailbox) -> None:
    mailbox.mails.clear()
    mailbox.recipients.clear()
    variants = [{"key": "a", "subject": "A", "body": "x"}, {"key": "b", "subject": "B", "body": "x"}]
    campaign = await drafted(client, "Split", subject="", body="", variants=variants, conversion_event="paid")
    waiting = await call(client, "send_campaign", campaign=campaign, dry_run=False)

    await approve(settings, waiting["approval_code"])

    stats = await call(client, "campaign_stats", campaign=campaign)
    sent = Counter(str(each["Subject"]) for each in mailbox.mails)
    rows = {row[0]: row[1] for row in stats["rows"]}
    assert rows == {"a": sent["A"], "b": sent["B"], "all": PEOPLE - 4}
    assert min(sent.values()) >= 8
    assert stats["verdict"]


async def test_nobody_gets_more_than_the_cap(client: Client, settings: Settings, mailbox: Mailbox) -> None:
    campaign = await drafted(client, "Capped", cap_messages=1)
    before = len(mailbox.mails)
    waiting = await call(client, "send_campaign", campaign=campaign, dry_run=False)

    await approve(settings, waiting["approval_code"])

    assert len(mailbox.mails) == before


async def test_a_campaign_with_a_time_waits_for_it(client: Client, settings: Settings, mailbox: Mailbox) -> None:
    later = (NOW + timedelta(days=1)).isoformat()
    campaign = await drafted(client, "Later", send_at=later)
    before = len(mailbox.mails)
    waiting = await call(client, "send_campaign", campaign=campaign, dry_run=False)

    await approve(settings, waiting["approval_code"])

    paused = await call(client, "update_campaign", campaign=campaign, action="pause")
    assert paused["status"] == "paused"
    assert (await call(client, "campaign_stats", campaign=campaign))["status"] == "paused"
    assert len(mailbox.mails) == before


async def test_suppressed_addresses_get_nothing(client: Client) -> None:
    campaign = await drafted(client, "Suppressed")

    changed = await call(client, "update_campaign", campaign=campaign, suppress=["p11@example.com", person_id("u12")])

    assert changed["left_out"]["suppressed"] == 2


async def test_a_target_must_be_opened_for_campaigns(client: Client) -> None:
    told = await refused(client, "draft_campaign", name="X", segment=1, target="closed", **TEXT)

    assert "[forbidden]" in told
    assert "campaigns: true" in told


async def test_a_test_goes_to_the_targets_own_address(client: Client, settings: Settings, mailbox: Mailbox) -> None:
    campaign = await drafted(client, "Tested")
    waiting = await call(client, "send_campaign", campaign=campaign, dry_run=False, test=True)
    mailbox.recipients.clear()

    await approve(settings, waiting["approval_code"])

    assert mailbox.recipients == [["me@example.com"]]
