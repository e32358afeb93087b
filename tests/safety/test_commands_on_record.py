"""Work that is started outside MCP has its record: who, which command, how it ended."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import Any

import anyio
import pytest

from posthog_mcp.cli import main
from tests.safety.planted import make

ACTIONS: dict[str, tuple[list[str], str, str]] = {
    "alerts": (["alerts", "check"], "command alerts", "ok"),
    "approve": (["approve", "no-such-code"], "command approve", "not_found"),
    "themes": (["themes", "save", "no-such.yaml"], "command themes action=save", "invalid_input"),
    "forget": (["forget", "ada@b.example"], "command forget", "ok"),
}


def exported(data: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main(["audit", "verify", "--data-dir", str(data)]) == 0
    capsys.readouterr()
    assert main(["audit", "export", "--data-dir", str(data)]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture(scope="module")
async def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return await make(tmp_path_factory.mktemp("commands"))


@pytest.mark.parametrize("what", ACTIONS)
async def test_a_command_is_on_record(data: Path, capsys: pytest.CaptureFixture[str], what: str) -> None:
    words, action, decision = ACTIONS[what]
    await anyio.to_thread.run_sync(main, [*words, "--data-dir", str(data)])  # it has a loop of its own
    record = exported(data, capsys)[-1]

    assert (record["action"], record["decision"]) == (action, decision)
    assert record["who"] == f"user {getpass.getuser()}"
    assert "ada@" not in str(record)
    assert "no-such" not in str(record)


def test_a_required_audit_that_cannot_be_written_fails_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTHOG_MCP_AUDIT", "required")
    monkeypatch.setenv("POSTHOG_MCP_STATE_URL", "sqlite:////nowhere/at/all.sqlite")

    assert main(["themes", "save", "no-such.yaml", "--data-dir", str(tmp_path)]) == 1
    assert "audit" in capsys.readouterr().err
