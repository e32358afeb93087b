"""The campaigns page, walked through as it stands: its file, its commands one after another, a real webhook."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread

from posthog_mcp.cli import main
from posthog_mcp.settings import Settings
from tests.copies import copied
from tests.docs.test_docs import blocks
from tests.reports.receivers import receiving

HOLE = re.compile(r"\$[A-Z]+")


def words_of(command: str, known: dict[str, str]) -> list[str]:
    """The command's words after `posthog-mcp`, with what earlier ones answered."""
    return shlex.split(HOLE.sub(lambda found: known[found[0]], command))[1:]


async def test_the_walk_sends_one_message_a_person(
    demo_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.alias), raising=False)
    copied(demo_dir / "local", tmp_path / "local")
    monkeypatch.setenv("POSTHOG_MCP_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("POSTHOG_MCP_TOOLSETS", "all")
    monkeypatch.setenv("POSTHOG_MCP_ALLOW_WRITES", "true")
    [(_, file)] = blocks("yaml", "run in order")
    commands = [line for _, text in blocks("sh", "run in order") for line in text.splitlines()]
    known: dict[str, str] = {}
    answers: list[dict[str, Any]] = []
    with receiving() as receiver:
        address = file.replace("https://hooks.example.com", receiver.url).replace("url:", "allow_private: true, url:")
        (tmp_path / "reports.yaml").write_text(address)
        for command in commands:
            words = words_of(command, known)
            assert await to_thread.run_sync(main, words) == 0, capsys.readouterr()
            printed = capsys.readouterr().out
            answer: dict[str, Any] = json.loads(printed) if words[0] == "call" else {"told": printed}
            known |= {"$TOKEN": str(answer.get("confirm_token")), "$CODE": str(answer.get("approval_code"))}
            known |= {"$SEGMENT": str(answer["id"])} if answer.get("changed") else {}
            answers.append(answer)

    assert len(commands) == len(answers) == 9
    people = [each.json["facts"]["person_id"] for each in receiver.requests]
    assert len(people) == len(set(people)) == answers[0]["size"] > 50
    assert {each.json["title"].startswith("Hello ") for each in receiver.requests} == {True, False}
    assert [answers[-1]["status"], answers[-1]["rows"][-1][1]] == ["sent", len(people)]
    assert f"{len(people)} sent" in answers[-2]["told"]
