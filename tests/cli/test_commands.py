"""The command line as people use it: exit codes, streams, and what each command prints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMALL = ["demo-data", "--events", "3000", "--days", "40"]


def posthog_mcp(*words: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run the command without a terminal and without settings of this machine."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("POSTHOG", "LOG_"))}  # noqa: TID251
    environment = {**inherited, "PYTHONPATH": str(ROOT), **extra}
    command = [sys.executable, "-m", "posthog_mcp", *words]
    return subprocess.run(
        command, env=environment, text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=120
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A data folder with a small demo."""
    folder = str(tmp_path_factory.mktemp("cli"))
    done = posthog_mcp("local", *SMALL, "--data-dir", folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small demo as batch-export files."""
    folder = str(tmp_path_factory.mktemp("export"))
    done = posthog_mcp("local", *SMALL, "--seed", "2", "--out", folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_version_and_help_answer() -> None:
    assert posthog_mcp("--version").stdout.startswith("posthog-mcp 0.")
    assert "demo" in posthog_mcp("--help").stdout


@pytest.mark.parametrize(
    "words",
    [["bogus"], ["serve", "--transport", "carrier-pigeon"], ["serve", "--port", "99999"], ["local"], ["call"]],
)
def test_wrong_usage_exits_with_2(words: list[str]) -> None:
    done = posthog_mcp(*words)

    assert done.returncode == 2
    assert "usage:" in done.stderr
    assert done.stdout == ""


def test_a_wrong_setting_exits_with_2_and_names_it() -> None:
    done = posthog_mcp("doctor", POSTHOG_REGION="mars")

    assert done.returncode == 2
    assert "POSTHOG_REGION" in done.stderr


def test_call_prints_the_structured_result(data: str) -> None:
    done = posthog_mcp("call", "execute_hogql", '{"query": "SELECT count() > 2000 FROM events"}', "--data-dir", data)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] in ([[1]], [[True]])


def test_call_prints_the_text_on_request(data: str) -> None:
    done = posthog_mcp("call", "discover_objects", "--text", "--data-dir", data)

    assert "signed_up" in done.stdout
    assert not done.stdout.startswith("{")


def test_saved_pictures_stay_beside_those_of_earlier_calls(data: str, tmp_path: Path) -> None:
    (tmp_path / "render_chart-1.png").write_bytes(b"kept")
    chart = '{"rows": [["a", 1], ["b", 2]], "type": "bar"}'
    done = posthog_mcp("call", "render_chart", chart, "--data-dir", data, "--image-dir", str(tmp_path))

    assert done.stderr.strip().endswith("render_chart-2.png")
    assert (tmp_path / "render_chart-2.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "render_chart-1.png").read_bytes() == b"kept"


def test_a_tools_error_goes_to_stderr_with_exit_1(data: str) -> None:
    done = posthog_mcp("call", "execute_hogql", '{"query": "SELECT evnt FROM events"}', "--data-dir", data)

    assert done.returncode == 1
    assert done.stderr.startswith("[hogql_resolution]")
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["no_such_tool"], "discover_objects"),
        (["discover_objects", "{"], "JSON"),
        (["discover_objects", "[]"], "object"),
    ],
)
def test_a_call_that_cannot_be_made_exits_with_2(data: str, words: list[str], says: str) -> None:
    done = posthog_mcp("call", *words, "--data-dir", data)

    assert done.returncode == 2
    assert says in done.stderr


def test_demo_data_written_as_an_export_imports_again(tmp_path: Path, export: str) -> None:
    first = posthog_mcp("local", "import", export, "--data-dir", str(tmp_path))
    second = posthog_mcp("local", "import", export, "--data-dir", str(tmp_path))
    demo = posthog_mcp("local", *SMALL, "--data-dir", str(tmp_path))

    assert first.returncode == second.returncode == 0
    assert "; 0 events were there already" in first.stdout
    assert first.stdout.splitlines()[1] == second.stdout.splitlines()[1]
    assert demo.returncode == 2, "imported data must not be replaced by a demo"
    assert "local reset" in demo.stderr


def test_a_bad_row_is_named_and_the_rest_lands(tmp_path: Path) -> None:
    event = {"uuid": "018f0000-0000-4000-8000-00000000000{}", "event": "e", "distinct_id": "d", "properties": {}}
    good = [json.dumps(event | {"uuid": event["uuid"].format(n), "timestamp": "2026-01-01T00:00:00Z"}) for n in (1, 2)]
    export = tmp_path / "events.jsonl"
    export.write_text("\n".join([good[0], '{"uuid": "not one"}', good[1]]))

    done = posthog_mcp("local", "import", str(export), "--data-dir", str(tmp_path / "data"))

    assert done.returncode == 1
    assert "row 2" in done.stderr
    assert "holds 2 events" in done.stdout


def test_reset_asks_first(tmp_path: Path, data: str) -> None:
    refused = posthog_mcp("local", "reset", "--data-dir", data)
    done = posthog_mcp("local", "reset", "--yes", "--data-dir", str(tmp_path))

    assert (refused.returncode, done.returncode) == (1, 0)
    assert "--yes" in refused.stderr


def test_doctor_finds_everything_here(data: str) -> None:
    done = posthog_mcp("doctor", "--data-dir", data)

    assert done.returncode == 0, done.stdout
    assert "HogQL parser" in done.stdout
    assert "failed" not in done.stdout


def test_doctor_names_what_is_wrong_and_the_mend(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    done = posthog_mcp("doctor", "--data-dir", str(tmp_path / "file" / "data"), POSTHOG_MCP_MAXROWS="5")

    assert done.returncode == 1
    assert "POSTHOG_MCP_DATA_DIR" in done.stdout
    assert "POSTHOG_MCP_MAXROWS" in done.stdout


def test_a_taken_port_is_told() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = posthog_mcp("serve", "--transport", "http", "--port", port)

    assert done.returncode == 1
    assert "--port" in done.stderr
