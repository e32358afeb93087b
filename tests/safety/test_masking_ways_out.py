"""Masking on the ways out beside answers: questions to the person, data of errors, logs, the audit, filters."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError

from posthog_mcp.cli import main
from posthog_mcp.commands.logs import log_to_stderr
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings
from tests.audience.conftest import Person
from tests.remote.calls import ask, server_of
from tests.safety.planted import EMAIL, NAME, PHONE, all_of, client_of, leaks, make

BY_NAME: dict[str, Any] = {"key": "name", "value": NAME}


@pytest.fixture(scope="module")
async def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return await make(tmp_path_factory.mktemp("ways_out"))


@pytest.fixture(scope="module", params=["pii", "strict"])
async def asked(request: pytest.FixtureRequest, data: Path) -> AsyncIterator[tuple[Client, Person]]:
    """A masked client that asks its person, and the person."""
    person = Person()
    settings = Settings.load(data_dir=data, backend="local", toolsets="all", allow_writes=True, mask=request.param)
    async with Client(build_server(settings), mode="legacy", elicitation_callback=person) as client:
        yield client, person


async def test_a_question_to_the_person_holds_none(asked: tuple[Client, Person]) -> None:
    client, person = asked
    made = await client.call_tool("create_segment", {"name": f"Friends of {EMAIL} {PHONE}", "criteria": [BY_NAME]})

    assert not made.is_error, all_of(made)
    assert "Friends of email_" in person.read[-1]
    assert "name exact" in person.read[-1]
    assert leaks(*person.read) == []


async def test_what_a_filter_looks_for_is_masked_by_its_property(asked: tuple[Client, Person]) -> None:
    client, _ = asked
    await client.call_tool("create_segment", {"name": "By name", "criteria": [BY_NAME]})
    listed = await client.call_tool("call_api", {"path": "P/cohorts/"})

    assert '"value":"name_' in all_of(listed)
    assert leaks(all_of(listed)) == []


@pytest.mark.parametrize("wrong", [{**BY_NAME, "oops": 1}, {**BY_NAME, "event": "bought"}], ids=["unknown", "both"])
async def test_a_refused_criterion_is_not_quoted(asked: tuple[Client, Person], wrong: dict[str, Any]) -> None:
    refused = await asked[0].call_tool("create_segment", {"name": "Bad", "criteria": [wrong]})

    assert refused.is_error
    assert "'name'" in all_of(refused)
    assert leaks(all_of(refused)) == []


async def test_the_data_of_an_error_is_masked(asked: tuple[Client, Person]) -> None:
    with pytest.raises(MCPError) as caught:
        await asked[0].read_resource(f"posthog://traces/{EMAIL}")

    assert "email_" in json.dumps(caught.value.error.data)
    assert leaks(json.dumps(caught.value.error.data)) == []


@pytest.mark.parametrize("command", [["audit", "export"], ["audit", "export", "--format", "csv"], ["stats", "--json"]])
async def test_the_record_of_calls_is_masked(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    query = {"query": f"SELECT count() FROM events WHERE properties.email = '{EMAIL}'"}
    for mask in ("off", "pii"):
        async with client_of(data, mask=mask) as client:
            await client.call_tool("execute_hogql", query)
            with pytest.raises(MCPError):
                await client.read_resource(f"posthog://traces/{EMAIL}")
    monkeypatch.setenv("POSTHOG_MCP_MASK", "pii")
    capsys.readouterr()

    assert main([*command, "--data-dir", str(data)]) == 0
    said = capsys.readouterr().out
    assert "posthog://traces/email_" in said
    assert leaks(said) == []


async def test_records_are_masked_when_they_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = await make(tmp_path)
    async with client_of(data, mask="pii") as client:
        with pytest.raises(MCPError):
            await client.read_resource(f"posthog://traces/{'x' * 150}-{EMAIL}")

    assert main(["audit", "export", "--data-dir", str(data)]) == 0
    assert EMAIL.split("@")[0] not in capsys.readouterr().out


async def test_the_access_log_holds_no_half_address(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = logging.root.handlers[:], logging.root.level
    uri = f"posthog://traces/{'x' * 20} {EMAIL}"
    try:
        log_to_stderr(Settings.load(data_dir=data, mask="pii", log_format="json", log_level="DEBUG"))
        async with server_of(data, backend="local", mask="pii") as client:
            await ask(client, "resources/read", {"uri": uri})
    finally:
        logging.root.handlers[:] = before[0]
        logging.root.setLevel(before[1])
    lines = capsys.readouterr().err

    assert "posthog_mcp.access" in lines
    assert EMAIL.split("@")[0] not in lines
