"""Through PostHog's own messaging a campaign becomes drafts there, for just its people, and never an active workflow."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
import uvicorn
from mcp import Client
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from posthog_mcp.backends.local.driver import LocalDriver
from posthog_mcp.rest.app import rest_app
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings
from tests.audience.conftest import TEXT, Person, call, made, person_id, refused, with_file
from tests.reports.receivers import Mailbox

BROADCAST = "\ntargets:\n  broadcast: {channel: posthog, campaigns: true, from: team@example.com}\n"


class Workflows:
    """PostHog's endpoint of workflows with the checks that its serializer makes; the rest is the embedded API."""

    def __init__(self) -> None:
        self.made: list[dict[str, Any]] = []

    async def create(self, request: Request) -> JSONResponse:
        body = await request.json()
        triggers = [each for each in body["actions"] if each["type"] == "trigger"]
        known = {each["id"] for each in body["actions"]}
        if len(triggers) != 1 or not all(each["from"] in known and each["to"] in known for each in body["edges"]):
            return JSONResponse({"detail": "Exactly one trigger action is required"}, 400)
        self.made.append(body)
        return JSONResponse({**body, "id": f"flow-{len(self.made)}"}, 201)


@pytest.fixture
async def workflows(settings: Settings) -> AsyncIterator[tuple[Workflows, str]]:
    """The made project as a PostHog on a port, with workflows."""
    driver, flows = LocalDriver(settings.data_dir), Workflows()
    facade = rest_app(driver)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("path") == "/api/projects/1/hog_flows/":
            await (await flows.create(Request(scope, receive)))(scope, receive, send)
        else:
            await facade(scope, receive, send)

    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve, [listener])
        while not server.started:  # noqa: ASYNC110 (uvicorn tells it in no other way)
            await anyio.sleep(0.02)
        yield flows, f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
    await driver.aclose()


async def test_it_becomes_a_draft_for_just_its_people(
    workflows: tuple[Workflows, str], settings: Settings, tmp_path: Path, mailbox: Mailbox
) -> None:
    flows, address = workflows
    (tmp_path / "own").mkdir()
    more: dict[str, Any] = {"api_key": "phx_local", "project_id": 1, "base_url": f"{address}/api/"}
    own = with_file(tmp_path / "own", BROADCAST, mailbox, **more).model_copy(update={"backend": "posthog"})
    person, before = Person(), len(mailbox.mails)
    async with Client(build_server(own), mode="legacy", elicitation_callback=person) as client:
        segment = await made(client, "Few", criteria=[{"key": "number", "operator": "lt", "value": 12}])
        fields = {"segment": segment["id"], "target": "broadcast", **TEXT, "conversion_event": "paid"}
        draft = await call(client, "draft_campaign", name="Broadcast", **fields)
        assert flows.made == []

        done = await call(client, "send_campaign", campaign=draft["campaign"], dry_run=False)

        assert "nothing is sent" in person.read[-1]
        (flow,) = flows.made
        cohort = flow["actions"][0]["config"]["filters"]["properties"][0]
        query = f"SELECT toString(id) FROM persons WHERE id IN COHORT {cohort['value']} LIMIT 50"
        rows = (await call(client, "execute_hogql", query=query))["rows"]
        stats = await call(client, "campaign_stats", campaign=draft["campaign"])
    assert {row[0] for row in rows} == {person_id(f"u{number}") for number in (0, 1, 2, 4, 6, 8, 10, 11)}
    assert (flow["status"], cohort["type"], done["status"]) == ("draft", "cohort", "sent")
    mail = flow["actions"][1]["config"]["inputs"]["email"]["value"]
    assert mail["subject"] == 'Hello {{ person.properties.name | default: "there" }}'
    assert '{{ person.properties.name | default: "" | escape }}' in mail["html"]
    assert "{{ unsubscribe_url }}" in mail["html"]
    assert flow["conversion"]["window_minutes"] == 7 * 24 * 60
    assert any(f"{address}/project/1/workflows/flow-1" in each for each in done["outcomes"])
    assert stats["rows"][-1][:4] == ["all", 0, 0, 8]
    assert len(mailbox.mails) == before


async def test_the_embedded_project_says_that_it_has_none(settings: Settings, mailbox: Mailbox) -> None:
    own = with_file(settings.data_dir, BROADCAST, mailbox)
    async with Client(build_server(own)) as client:
        told = await refused(client, "draft_campaign", name="B", segment=1, target="broadcast", **TEXT)
    assert "[unavailable]" in told
    assert "no messaging of its own" in told
