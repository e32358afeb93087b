"""The tools and commands of reports from outside: built, read as a resource, sent only as the person says, once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.types import ElicitResult

from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings, child_environment
from tests.reports.receivers import Receiver


def settings_of(demo_dir: Path, folder: Path, receiver: Receiver, **more: Any) -> Settings:
    return Settings.load(
        data_dir=demo_dir,
        backend="local",
        state_url=f"sqlite:///{folder / 'state.sqlite'}",
        report_webhook_url=f"{receiver.url}/in",
        allow_private_targets=True,
        allow_writes=True,
        toolsets="all",
        **more,
    )


def environment_of(demo_dir: Path, folder: Path, receiver: Receiver) -> dict[str, str]:
    return child_environment(
        POSTHOG_MCP_BACKEND="local",
        POSTHOG_MCP_DATA_DIR=str(demo_dir),
        POSTHOG_MCP_STATE_URL=f"sqlite:///{folder / 'state.sqlite'}",
        REPORT_WEBHOOK_URL=f"{receiver.url}/in",
        POSTHOG_MCP_ALLOW_PRIVATE_TARGETS="true",
    )


async def run(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "posthog_mcp", *words]
    return await anyio.run_process(command, env=environment, stdin=subprocess.DEVNULL, check=False)


async def call(client: Client, tool: str, **arguments: Any) -> tuple[dict[str, Any], str]:
    result = await client.call_tool(tool, arguments)
    text = "\n".join(block.text for block in result.content if hasattr(block, "text"))
    assert not result.is_error, text
    return result.structured_content or {}, text


async def test_a_report_is_built_read_and_sent_after_the_code_is_typed(
    demo_dir: Path, tmp_path: Path, receiver: Receiver
) -> None:
    async with Client(build_server(settings_of(demo_dir, tmp_path, receiver))) as client:
        built, text = await call(client, "build_report", kind="weekly")
        page: Any = await client.read_resource(built["uri"])
        dry, _ = await call(client, "send_report", target="webhook")
        waiting, _ = await call(client, "send_report", target="webhook", dry_run=False)
        assert receiver.requests == []

        typed = await run(environment_of(demo_dir, tmp_path, receiver), "approve", waiting["approval_code"])
        again, _ = await call(client, "send_report", target="webhook", dry_run=False)

    assert len(json.dumps(built)) < 10_000
    assert len(text) < 10_000
    assert page.contents[0].text.startswith("# Weekly report: Demo")
    assert dry["would_send"][0]["body"]["title"] == built_title(page.contents[0].text)
    assert typed.returncode == 0, typed.stderr.decode()
    assert [each.json["id"] for each in receiver.requests] == [built["id"]]
    assert again["sent"]


def built_title(page: str) -> str:
    return page.splitlines()[0].removeprefix("# ")


@pytest.mark.parametrize(("agrees", "requests"), [(True, 1), (False, 0)])
async def test_a_client_that_can_ask_the_person_asks(
    demo_dir: Path, tmp_path: Path, receiver: Receiver, agrees: bool, requests: int
) -> None:
    asked: list[str] = []

    async def person(context: Any, params: Any) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"confirm": agrees})

    server = build_server(settings_of(demo_dir, tmp_path, receiver))
    async with Client(server, mode="legacy", elicitation_callback=person) as client:
        await call(client, "build_report", kind="daily")
        result = await client.call_tool("send_report", {"target": "webhook", "dry_run": False})

    assert len(receiver.requests) == requests
    assert result.is_error != agrees
    assert "Send the report" in asked[0]


async def test_a_code_is_for_one_report_only(demo_dir: Path, tmp_path: Path, receiver: Receiver) -> None:
    async with Client(build_server(settings_of(demo_dir, tmp_path, receiver))) as client:
        await call(client, "build_report", kind="daily")
        waiting, _ = await call(client, "send_report", target="webhook", dry_run=False)
        await run(environment_of(demo_dir, tmp_path, receiver), "approve", "--later", waiting["approval_code"])
        await call(client, "build_report", kind="weekly")
        result: Any = await client.call_tool(
            "send_report", {"target": "webhook", "dry_run": False, "approval_code": waiting["approval_code"]}
        )

    assert result.is_error
    assert "[invalid_input]" in result.content[0].text
    assert receiver.requests == []


async def test_the_command_prints_and_sends_once_under_its_key(
    demo_dir: Path, tmp_path: Path, receiver: Receiver
) -> None:
    environment = environment_of(demo_dir, tmp_path, receiver)
    words = ("report", "weekly", "--dashboard", "Growth", "--send", "webhook", "--key", "week-44")

    first = await run(environment, *words)
    await run(environment, *words)

    assert first.returncode == 0, first.stderr.decode()
    assert first.stdout.decode().startswith("# Weekly report: Demo")
    assert len(receiver.requests) == 1
    assert receiver.requests[0].json["pictures"]


async def test_an_unknown_dashboard_or_target_is_told(demo_dir: Path, tmp_path: Path, receiver: Receiver) -> None:
    environment = environment_of(demo_dir, tmp_path, receiver)

    dashboard = await run(environment, "report", "weekly", "--dashboard", "Growht")
    target = await run(environment, "report", "weekly", "--send", "https://evil.example")

    assert dashboard.returncode == 1
    assert "Growth" in dashboard.stderr.decode()
    assert target.returncode == 1
    assert "[not_found]" in target.stderr.decode()


async def test_a_round_of_the_schedule_sends_what_was_missed_once(
    demo_dir: Path, tmp_path: Path, receiver: Receiver
) -> None:
    """The weekly report was due and nobody ran it; two rounds send it once."""
    from datetime import UTC, datetime, timedelta

    from posthog_mcp.reports.schedules import remember
    from posthog_mcp.runtime import open_project

    async with open_project(settings_of(demo_dir, tmp_path, receiver)) as project:
        await remember(project, "weekly", "0 16 * * 5", datetime.now(UTC) - timedelta(days=7))
    environment = environment_of(demo_dir, tmp_path, receiver)

    first = await run(environment, "schedule", "--once")
    await run(environment, "schedule", "--once")

    assert first.returncode == 0, first.stderr.decode()
    assert b"weekly: 0 16 * * 5 (UTC), next" in first.stderr
    assert [each.json["title"][:13] for each in receiver.requests] == ["Weekly report"]
