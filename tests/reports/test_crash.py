"""A process that is killed between sending and marking: what arrived is not sent again, what did not is told."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio

from posthog_mcp.delivery.channel import Parcel
from posthog_mcp.delivery.outbox import ledger_key, open_outbox
from posthog_mcp.delivery.targets import Target
from posthog_mcp.state.desk.deliveries import Delivery
from posthog_mcp.state.desk.holders import MACHINE
from tests.house.rules import ROOT
from tests.reports.conftest import a_message, project_in
from tests.reports.receivers import Receiver, SlackLike


def killed_while_sending(
    receiver: Receiver, demo_dir: Path, state: Path, target: dict[str, Any], settings: dict[str, Any]
) -> None:
    """The request has arrived, its answer never comes back."""
    receiver.hold.clear()
    arguments = [str(demo_dir), str(state), json.dumps(target), json.dumps(settings)]
    process = subprocess.Popen([sys.executable, "-m", "tests.reports.dying", *arguments], cwd=ROOT)
    assert receiver.arrived.wait(60)
    process.send_signal(signal.SIGKILL)
    process.wait()
    receiver.hold.set()


async def sent_again(demo_dir: Path, state: Path, target: dict[str, Any], settings: dict[str, Any]) -> Delivery:
    async with project_in(demo_dir, state, **settings) as project, open_outbox(project, pause=0.01) as outbox:
        return await outbox.deliver(Parcel(a_message(), Target.model_validate(target), "k"))


async def test_a_webhook_that_cannot_be_asked_is_not_repeated(
    demo_dir: Path, tmp_path: Path, receiver: Receiver
) -> None:
    target = {"name": "t", "channel": "webhook", "url": receiver.url, "allow_private": True}
    await anyio.to_thread.run_sync(killed_while_sending, receiver, demo_dir, tmp_path, target, {})

    done = await sent_again(demo_dir, tmp_path, target, {})

    assert done.state == "uncertain"
    assert "look at the destination" in done.detail
    assert len(receiver.requests) == 1


async def test_a_receiver_that_drops_repeated_keys_gets_the_same_key(
    demo_dir: Path, tmp_path: Path, receiver: Receiver
) -> None:
    target = {"name": "t", "channel": "webhook", "url": receiver.url, "allow_private": True, "idempotent": True}
    await anyio.to_thread.run_sync(killed_while_sending, receiver, demo_dir, tmp_path, target, {})

    done = await sent_again(demo_dir, tmp_path, target, {})

    assert done.state == "sent"
    assert {each.headers["idempotency-key"] for each in receiver.requests} == {"k"}


async def test_slack_is_asked_whether_it_arrived(
    demo_dir: Path, tmp_path: Path, slack: tuple[Receiver, SlackLike]
) -> None:
    receiver, api = slack
    target = {"name": "t", "channel": "slack", "to": "#growth"}
    settings = {"slack_bot_token": "xoxb-test", "slack_api_url": f"{receiver.url}/api", "allow_private_targets": True}
    await anyio.to_thread.run_sync(killed_while_sending, receiver, demo_dir, tmp_path, target, settings)
    await anyio.to_thread.run_sync(api.posted.wait, 5)

    done = await sent_again(demo_dir, tmp_path, target, settings)

    assert done.state == "sent"
    assert len(api.messages) == 1


async def test_a_members_own_conversation_is_asked(
    demo_dir: Path, tmp_path: Path, slack: tuple[Receiver, SlackLike]
) -> None:
    """Its history stands under the conversation's id, not the member's. The process that began is dead."""
    receiver, api = slack
    api.members["ada@example.com"] = "U0000001"
    ended = await anyio.open_process([sys.executable, "-c", ""])
    await ended.wait()
    settings = {"slack_bot_token": "xoxb-test", "slack_api_url": f"{receiver.url}/api", "allow_private_targets": True}
    target = Target.model_validate({"name": "t", "channel": "slack", "to": "ada@example.com"})
    async with project_in(demo_dir, tmp_path, **settings) as project, open_outbox(project, pause=0.01) as outbox:
        began = [Parcel(a_message(), target, key) for key in ("arrived", "lost")]
        for each in began:
            wanted = Delivery(ledger_key(each), 1, "weekly-1", "t", holder=f"{MACHINE}:{ended.pid}:0")
            assert (await project.desk.deliveries.claim(wanted)).yours
            await project.desk.deliveries.mark(wanted.key, "sending")
        api.messages.append({"metadata": {"event_payload": {"key": "arrived"}}})

        done = [await outbox.deliver(each) for each in began]

    assert [each.state for each in done] == ["sent", "sent"]
    assert [each["metadata"]["event_payload"]["key"] for each in api.messages] == ["arrived", "lost"]
