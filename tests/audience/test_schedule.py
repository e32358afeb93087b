"""`posthog-mcp schedule` sends what the person agreed to at its time, once a person, whatever dies and however many run."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import to_thread
from mcp import Client

from posthog_mcp.commands.schedule import watch
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings, child_environment
from tests.audience.conftest import Person, call, drafted, refused, with_file
from tests.audience.test_sending import HOOK, REACHED
from tests.house.rules import ROOT
from tests.reports.receivers import Mailbox, Receiver

SOON = timedelta(seconds=4)
"""Long enough for an approval."""


def scheduler(settings: Settings, *words: str) -> subprocess.Popen[bytes]:
    """`posthog-mcp schedule` as a process."""
    environment = child_environment(
        POSTHOG_MCP_BACKEND="local",
        POSTHOG_MCP_DATA_DIR=str(settings.data_dir),
        POSTHOG_MCP_REPORTS=str(settings.reports),
        POSTHOG_MCP_STATE_URL=str(settings.state_url),
        PYTHONPATH=str(ROOT),
    )
    command = [sys.executable, "-m", "posthog_mcp", "schedule", *words]
    return subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.DEVNULL)


def hold(receiver: Receiver, number: int) -> None:
    """Let the receiver hold this request, and go on with those before it."""
    receiver.held.clear()
    receiver.hold_at = number
    receiver.hold.set()


async def agreed_for_soon(client: Client, campaign: str) -> datetime:
    """The person agrees to a time that has not come; the time."""
    due = datetime.now(UTC) + SOON
    await call(client, "update_campaign", campaign=campaign, changes={"send_at": due.isoformat()})
    waits = await call(client, "send_campaign", campaign=campaign, dry_run=False)
    assert waits["status"] == "scheduled"
    return due


async def test_a_killed_scheduler_is_followed_by_one_and_each_person_gets_one(
    settings: Settings, mailbox: Mailbox, crm: Receiver, state: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = HOOK.format(url=crm.url, idempotent="false")
    own = with_file(settings.data_dir, text, mailbox, state_url=state)
    async with Client(build_server(own), mode="legacy", elicitation_callback=Person()) as client:
        campaign = await drafted(client, "Due", target="crm")
        due = await agreed_for_soon(client, campaign)
        assert crm.requests == []
        await anyio.sleep(max((due - datetime.now(UTC)).total_seconds(), 0))

        hold(crm, 3)
        first = scheduler(own)
        assert await to_thread.run_sync(crm.held.wait, 60)
        first.kill()
        first.wait()
        hold(crm, 5)
        second = scheduler(own, "--once")
        assert await to_thread.run_sync(crm.held.wait, 60)
        assert await watch(own, once=True) == 0
        assert "Another process runs what is due" in capsys.readouterr().err
        busy = await refused(client, "send_campaign", campaign=campaign, dry_run=False)
        hold(crm, 0)
        assert await to_thread.run_sync(second.wait, 60) == 0

        assert "Another process is sending it" in busy
        stats: dict[str, Any] = await call(client, "campaign_stats", campaign=campaign)
    people = Counter(each.json["facts"]["person_id"] for each in crm.requests)
    assert (len(people), set(people.values())) == (REACHED, {1})
    assert stats["status"] == "sent"
    assert stats["rows"][-1][:4] == ["all", REACHED - 1, 0, 1], "the one that was under way when the first died"


async def test_what_was_changed_after_the_persons_word_is_not_sent(
    settings: Settings, mailbox: Mailbox, crm: Receiver, tmp_path: Path
) -> None:
    """The text by the tool, the target's address in the file."""
    state = f"sqlite:///{tmp_path / 'state.sqlite'}"
    own = with_file(settings.data_dir, HOOK.format(url=crm.url, idempotent="true"), mailbox, state_url=state)
    moved = with_file(settings.data_dir, HOOK.format(url=f"{crm.url}/x", idempotent="true"), mailbox, state_url=state)
    async with Client(build_server(own), mode="legacy", elicitation_callback=Person()) as client:
        reworded, readdressed = [await drafted(client, name, target="crm") for name in "TA"]
        for each in (reworded, readdressed):
            due = await agreed_for_soon(client, each)
        changed = await call(client, "update_campaign", campaign=reworded, changes={"subject": "Buy", "body": "Now"})
        assert changed["status"] == "draft"
        await anyio.sleep(max((due - datetime.now(UTC)).total_seconds(), 0))

        assert await watch(moved, once=True) == 0

        states = [(await call(client, "campaign_stats", campaign=each))["status"] for each in (reworded, readdressed)]
    assert states == ["draft", "paused"]
    assert crm.requests == []
