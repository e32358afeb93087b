"""Where a campaign's webhook leads is looked at before the person is asked, and again before anything goes."""

from __future__ import annotations

from pathlib import Path

import pytest
from mcp import Client

from posthog_mcp.audience.sending import send
from posthog_mcp.errors import Forbidden
from posthog_mcp.runtime import open_project
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings
from tests.audience.conftest import NOW, TEXT, Person, call, drafted, refused, segment_under, with_file
from tests.reports.receivers import Mailbox
from tests.reports.test_delivery import NAME, PUBLIC, resolving

FILE = """
targets:
  crm: {channel: webhook, campaigns: true, url: "https://hooks.example.test/x"}
  metadata: {channel: webhook, campaigns: true, url: "https://[::ffff:169.254.169.254]/latest"}
  spelt: {channel: webhook, campaigns: true, url: "https://0x7f.1/x"}
  user: {channel: webhook, campaigns: true, url: "https://example.com@127.0.0.1/x"}
"""


async def test_a_name_that_turns_private_stops_the_campaign(
    settings: Settings, mailbox: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Public for the draft and the question, private afterwards."""
    own = with_file(settings.data_dir, FILE, mailbox, state_url=f"sqlite:///{tmp_path / 'state.sqlite'}")
    resolving(monkeypatch, *[PUBLIC] * 3, "10.0.0.1")
    person = Person()
    async with Client(build_server(own), mode="legacy", elicitation_callback=person) as client:
        segment = await segment_under(client, 12, "made")
        for name, code in (("metadata", "[forbidden]"), ("spelt", "[forbidden]"), ("user", "[invalid_input]")):
            told = await refused(client, "draft_campaign", name=name, segment=segment, target=name, **TEXT)
            assert told.startswith(code)
        later = NOW.replace(year=NOW.year + 1).isoformat()
        campaign = await drafted(client, "Rebound", target="crm", send_at=later)
        waits = await call(client, "send_campaign", campaign=campaign, dry_run=False)
        assert waits["status"] == "scheduled"

        asked = len(person.read)

        told = await refused(client, "send_campaign", campaign=campaign, dry_run=False)
        async with open_project(own) as project:
            with pytest.raises(Forbidden, match=f"{NAME} leads into a private network"):
                await send(project, campaign)

        assert (told.startswith("[forbidden]"), len(person.read)) == (True, asked)
        stats = await call(client, "campaign_stats", campaign=campaign)
        assert (stats["status"], stats["rows"][-1][1]) == ("paused", 0)
