"""A campaign through Slack: a direct message to the member whom an e-mail address means, and to nobody who refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from mcp import Client

from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings
from tests.audience.conftest import TEXT, Person, call, segment_under, with_file
from tests.reports.receivers import Mailbox, Receiver, SlackLike, receiving

FILE = """
targets:
  slack: {channel: slack, campaigns: true, to: "#growth", per_minute: 6000}
"""


@pytest.fixture
def slack() -> Iterator[tuple[Receiver, SlackLike]]:
    api = SlackLike()
    api.members = {f"p{number}@example.com": f"U0000{number:03}" for number in range(100)}
    with receiving(api) as made:
        api.base = made.url
        yield made, api


@pytest.fixture
async def asking(
    settings: Settings, mailbox: Mailbox, slack: tuple[Receiver, SlackLike], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Client]:
    more: dict[str, Any] = {"slack_bot_token": "xoxb-test", "slack_api_url": f"{slack[0].url}/api"}
    state = f"sqlite:///{tmp_path_factory.mktemp('slack') / 'state.sqlite'}"
    own = with_file(settings.data_dir, FILE, mailbox, state_url=state, allow_private_targets=True, **more)
    async with Client(build_server(own), mode="legacy", elicitation_callback=Person()) as client:
        yield client


async def campaign_in(client: Client, name: str, under: int = 12) -> str:
    segment = await segment_under(client, under, "made")
    draft = await call(client, "draft_campaign", name=name, segment=segment, target="slack", **TEXT)
    return str(draft["campaign"])


async def test_each_member_gets_a_direct_message(asking: Client, slack: tuple[Receiver, SlackLike]) -> None:
    _, api = slack
    del api.members["p8@example.com"]
    api.gone.add("U0000010")
    campaign = await campaign_in(asking, "DM")
    await call(asking, "update_campaign", campaign=campaign, suppress=["P11@example.com"])

    done = await call(asking, "send_campaign", campaign=campaign, dry_run=False)

    sent = {each["channel"]: each for each in api.messages}
    assert set(sent) == {f"U0000{number:03}" for number in (0, 1, 2, 4, 6)}
    assert len(api.messages) == len(sent)
    assert done["outcomes"] == {"unsubscribed": 2, "no address": 1, "same address": 1, "suppressed": 1, "sent": 5, "failed": 2}  # fmt: skip
    assert sent["U0000004"]["text"] == "Hello Person 4"
    stats = await call(asking, "campaign_stats", campaign=campaign)
    assert stats["rows"][-1][:4] == ["all", 5, 2, 0]


async def test_a_lookup_that_broke_is_tried_again_and_a_post_that_broke_is_asked_after(
    asking: Client, slack: tuple[Receiver, SlackLike]
) -> None:
    """Nothing was posted when the question for the member broke; a post may have arrived, and Slack knows."""
    receiver, api = slack
    receiver.faults = ["cut", 200, 200, 200, "cut"]
    campaign = await campaign_in(asking, "Broken", under=3)

    done = await call(asking, "send_campaign", campaign=campaign, dry_run=False)

    assert done["outcomes"] == {"sent": 3}
    assert len({each["channel"] for each in api.messages}) == len(api.messages) == 3
