"""The demo finds what was planted, by asking a real server process, and shows it in a narrow terminal."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from posthog_mcp.commands.demo import demo_folder
from tests.cli.test_commands import posthog_mcp


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("demo"))


def test_every_step_answers_and_names_the_planted_stories(data: str) -> None:
    done = posthog_mcp("demo", "--json", "--data-dir", data)

    assert done.returncode == 0, done.stderr
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    found = {step["question"]: step["stands_out"] for step in steps}
    assert len(found) == 14
    assert found["Is this query right? (two slips)"].startswith("2 mistakes")
    assert found["Does checkout work everywhere?"].startswith("iOS 4.2.0: ")
    assert found["What goes wrong on iOS?"].startswith("PaymentSheetError on 4.2.0")
    assert "of those who connected one" in found["Who comes back: does connecting an integration go with it?"]
    assert found["How would I find out why sales drop?"].startswith("Why did conversion drop? 8 steps")
    broke = re.fullmatch(
        r"It sits in \$os iOS: (\d+) % before, (\d+) % then\.", found["Why did it drop five weeks ago?"]
    )
    assert broke, found["Why did it drop five weeks ago?"]
    # The planted iOS release breaks checkout: two in three went through before it, hardly any after, on whatever day.
    assert int(broke[1]) > 55
    assert int(broke[2]) < 10
    assert found["What goes wrong in the assistant's conversations?"].endswith("conversations read went wrong.")
    assert {step["tool"] for step in steps} >= {"discover_objects", "validate_hogql", "execute_hogql"}


def test_it_is_shown_for_eyes_within_80_columns(data: str) -> None:
    done = posthog_mcp("demo", "--data-dir", data, COLUMNS="80")

    assert done.returncode == 0, done.stderr
    assert "██" in done.stdout
    assert "column 10: " in done.stdout
    assert "14 answers in" in done.stdout


async def test_imported_data_is_left_alone(tmp_path: Path) -> None:
    export = tmp_path / "events.jsonl"
    event = {"uuid": "018f0000-0000-4000-8000-000000000001", "event": "mine", "distinct_id": "d", "properties": {}}
    export.write_text(json.dumps(event | {"timestamp": "2026-01-01T00:00:00Z"}))
    assert posthog_mcp("local", "import", str(export), "--data-dir", str(tmp_path / "data")).returncode == 0

    assert await demo_folder(tmp_path / "data") == tmp_path / "data" / "demo"
    assert await demo_folder(tmp_path / "empty") == tmp_path / "empty"
