"""A process that is killed between sending and marking: what arrived is not sent again, what did not is told."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
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
from tests.reports.receivers import Mailbox, Receiver, SlackLike


def wait_until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def killed(demo_dir: Path, state: Path, targets: list[Any], settings: dict[str, Any], held: Callable[[], bool]) -> None:
    """A process whose requests have all arrived, and whose answers never come back."""
    arguments = [str(demo_dir), str(state), json.dumps(targets), json.dumps(settings)]
    process = subprocess.Popen([sys.executable, "-m", "tests.reports.dying", *arguments], cwd=ROOT)
    wait_until(held, "the deliveries have arrived")
    process.send_signal(signal.SIGKILL)
    process.wait()


async def test_what_arrived_before_a_crash_is_never_sent_again(
    demo_dir: Path, tmp_path: Path, receiver: Receiver, slack: tuple[Receiver, SlackLike], mailbox: Mailbox
) -> None:
    """A receiver that promises to drop repeated keys gets the same key again; Slack's history is asked; of a plain
    webhook, Slack's incoming one and a mail server nobody can know, and that is said instead of sending twice."""
    web, api = slack
    for each in (receiver, web, mailbox):
        each.hold.clear()
    private = {"channel": "webhook", "allow_private": True}
    targets: list[dict[str, Any]] = [
        {**private, "name": "webhook", "url": f"{receiver.url}/plain"},
        {**private, "name": "idempotent", "url": f"{receiver.url}/idempotent", "idempotent": True},
        {**private, "name": "incoming", "channel": "slack", "url": f"{receiver.url}/incoming"},
        {"name": "bot", "channel": "slack", "to": "#growth"},
        {"name": "mail", "channel": "email"},
    ]
    settings = {"slack_bot_token": "xoxb-test", "slack_api_url": f"{web.url}/api", "allow_private_targets": True}
    settings["smtp_url"] = mailbox.url

    def held() -> bool:
        return len(receiver.requests) == 3 and web.arrived.is_set() and mailbox.arrived.is_set()

    await anyio.to_thread.run_sync(killed, demo_dir, tmp_path, targets, settings, held)
    for each in (receiver, web, mailbox):
        each.hold.set()
    await anyio.to_thread.run_sync(wait_until, api.posted.is_set, "Slack has posted what arrived")
    async with project_in(demo_dir, tmp_path, **settings) as project, open_outbox(project, pause=0.01) as outbox:
        done = {
            each["name"]: await outbox.deliver(Parcel(a_message(), Target.model_validate(each), "k"))
            for each in targets
        }

    states = {name: each.state for name, each in done.items()}
    assert states == {
        "webhook": "uncertain",
        "idempotent": "sent",
        "incoming": "uncertain",
        "bot": "sent",
        "mail": "uncertain",
    }
    assert all("look at the destination" in each.detail for each in done.values() if each.state == "uncertain")
    assert Counter(each.path for each in receiver.requests) == {"/plain": 1, "/idempotent": 2, "/incoming": 1}
    keys = {each.headers["idempotency-key"] for each in receiver.requests if each.path == "/idempotent"}
    assert keys == {"k"}
    assert (len(api.messages), len(mailbox.mails)) == (1, 1)


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
