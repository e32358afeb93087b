"""With masking on, a client sees pseudonyms wherever people of segments and campaigns are shown, and the real message
goes to the real address."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from mcp import Client
from mcp.types import CallToolResult

from posthog_mcp.results import Json
from posthog_mcp.runtime import open_project
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings
from tests.audience.conftest import FILE, PEOPLE, TEXT, Person, with_file
from tests.audience.test_segments import FREE, FUNNEL
from tests.reports.receivers import Mailbox

HIDDEN = [f"p{number}@example.com" for number in range(PEOPLE)] + [f"Person {number}" for number in range(PEOPLE)]
SOURCES: list[dict[str, Any]] = [
    {"criteria": [FREE]},
    {"hogql": "SELECT person_id FROM events WHERE event = 'paid' AND timestamp > now() - INTERVAL 90 DAY"},
    {"insight": FUNNEL, "actors": {"step": 2, "dropped": True}},
    {"cluster": {"theme": "masked", "cluster": "Refund fails"}},
]


class Watched:
    """A client that keeps every word it was shown."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.shown: list[str] = []

    async def call_tool(self, tool: str, arguments: dict[str, Any]) -> CallToolResult:
        result = await self._client.call_tool(tool, arguments)
        self.shown.append(result.model_dump_json())
        return result

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result = await self.call_tool(tool, arguments)
        assert not result.is_error, self.shown[-1]
        assert result.structured_content is not None
        return result.structured_content

    def leaks(self) -> set[str]:
        text = "\n".join(self.shown)
        return {each for each in HIDDEN if each in text}


@pytest.fixture(params=["pii", "strict"])
async def masked(
    request: pytest.FixtureRequest, settings: Settings, mailbox: Mailbox
) -> AsyncIterator[tuple[Watched, Person, str]]:
    own = with_file(settings.data_dir, FILE % (settings.data_dir / "letters"), mailbox, mask=request.param)
    person = Person()
    async with open_project(own) as project:
        clusters: list[Json] = [{"label": "Refund fails", "members": ["trace-1", "trace-4"]}]
        await project.themes.save_clustering(1, "masked", f"run-{request.param}", {"clusters": clusters})
    async with Client(build_server(own), mode="legacy", elicitation_callback=person) as client:
        yield Watched(client), person, request.param


async def test_previews_are_masked_and_the_real_message_reaches_the_real_address(
    masked: tuple[Watched, Person, str], mailbox: Mailbox
) -> None:
    client, person, mode = masked
    person.agrees = False
    for source in SOURCES:
        await client.call_tool("create_segment", {"name": "Declined", **source})
    for asked in person.read[: len(SOURCES)]:
        assert "people (" in asked.splitlines()[1]
        assert "for example name_" in asked.splitlines()[2]
    person.agrees = True
    who = [{"key": "number", "operator": "lt", "value": 12}]
    segment = (await client.call("create_segment", name=f"Masked {mode}", criteria=who))["id"]
    fields = {"segment": segment, "target": "people", "cap_messages": 99, "conversion_event": "paid", **TEXT}
    draft = await client.call("draft_campaign", name=f"Masked {mode}", **fields)
    mailbox.mails.clear()

    dry = await client.call("send_campaign", campaign=draft["campaign"])
    done = await client.call("send_campaign", campaign=draft["campaign"], dry_run=False)
    stats = await client.call("campaign_stats", campaign=draft["campaign"])
    history = await client.call("query_history", limit=100)

    assert client.leaks() == set()
    assert "email_" in json.dumps(dry["examples"])
    assert "Dear name_" in json.dumps(dry["examples"])
    assert not any(each in "\n".join(person.read) for each in HIDDEN)
    assert "slack_user_id" not in json.dumps(history)
    assert {str(each["To"]) for each in mailbox.mails} == {f"p{n}@example.com" for n in (0, 1, 2, 4, 6, 8, 10, 11)}
    assert {str(each["Subject"]) for each in mailbox.mails} >= {"Hello Person 0", "Hello Person 11"}
    assert (done["status"], stats["rows"][-1][1]) == ("sent", 8)


async def test_examples_of_every_source_are_shown_masked_before_anything_is_made(settings: Settings) -> None:
    own = settings.model_copy(update={"mask": "pii"})
    async with Client(build_server(own)) as plain:
        client = Watched(plain)
        before = (await client.call("list_segments"))["count"]
        for source in SOURCES[:3]:
            plan = await client.call("create_segment", name="Planned", **source)
            assert (plan["changed"], len(plan["examples"]), plan["everybody"]) == (False, 5, PEOPLE)
            assert {row[1].partition("_")[0] for row in plan["examples"]} == {"name"}
        assert (await client.call("list_segments"))["count"] == before
    assert client.leaks() == set()
