"""Scripts of show_last_script in a fresh interpreter, against the embedded project's REST API on a real port."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from posthog_mcp.sandbox.scripts import HTTPX
from posthog_mcp.server.app import build_server
from tests.backends.posthog.fault_host import Answer, Host, http, listening
from tests.sandbox.calls import ok
from tests.sandbox.conftest import SettingsOf

WEEK = "timestamp >= '2026-10-01' AND timestamp < '2026-10-08'"
ALONE = """
import importlib.util, runpy, sys
folder, script, *sys.argv[1:] = sys.argv[1:]
sys.path.insert(0, folder)
assert importlib.util.find_spec("httpx")
assert not any(map(importlib.util.find_spec, ("pandas", "posthog_mcp", "pydantic", "mcp", "requests")))
sys.argv[0] = script
runpy.run_path(script, run_name="__main__")
"""


def job(**status: Any) -> dict[str, Any]:
    """PostHog's answer about a query job."""
    return {"query_status": {"id": "job", **status}}


@pytest.fixture(scope="module")
def httpx_only(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with httpx and the packages that it needs, and nothing else."""
    folder = tmp_path_factory.mktemp("httpx")
    for package in HTTPX:
        spec = find_spec(package)
        if spec is not None and spec.origin is not None:
            place = Path(spec.origin).parent if spec.submodule_search_locations else Path(spec.origin)
            (folder / place.name).symlink_to(place)
    return folder


@pytest.fixture
async def client(settings_of: SettingsOf, demo_copy: Path) -> AsyncIterator[Client]:
    async with Client(build_server(settings_of(data_dir=demo_copy, backend="local"))) as connected:
        yield connected


async def run(script: str, folder: Path, arguments: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    path = folder / "script.py"
    path.write_text(script, encoding="utf-8")
    command = partial(
        subprocess.run,
        [*arguments[:1], *(str(path) if each == "SCRIPT" else each for each in arguments[1:])],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )
    return await anyio.to_thread.run_sync(command)


async def alone(
    script: str, folder: Path, httpx_only: Path, *flags: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run with httpx and the standard library only."""
    return await run(
        script, folder, [sys.executable, "-S", "-I", "-c", ALONE, str(httpx_only), "SCRIPT", *flags], **environment
    )


@pytest.mark.parametrize(
    ("query", "values"),
    [
        (f"SELECT event, count() AS n FROM events WHERE {WEEK} GROUP BY event ORDER BY event LIMIT 50", {}),
        (f"SELECT uuid, timestamp FROM events WHERE {WEEK} ORDER BY uuid", {}),
        ("SELECT {text} AS text, 'it''s \\\\ \"x\"' AS more, '' AS empty", {"text": "ü😀\n'\"{}"}),
        ("SELECT NULL AS nothing, [1, 2] AS list, toDate('2026-03-29') AS day, 0.1 AS part, true AS yes", {}),
    ],
)
async def test_the_script_of_a_query_gives_the_rows_of_the_tool(
    client: Client, httpx_only: Path, posthog_port: int, tmp_path: Path, query: str, values: dict[str, Any]
) -> None:
    asked = await ok(client, "execute_hogql", query=query, values=values)
    script = (await ok(client, "show_last_script", query_id=asked["query_id"]))["script"]
    address = f"http://127.0.0.1:{posthog_port}/api/"

    done = await alone(script, tmp_path, httpx_only, "--json", POSTHOG_BASE_URL=address)
    as_csv = await alone(script, tmp_path, httpx_only, POSTHOG_BASE_URL=address)

    assert done.returncode == as_csv.returncode == 0, done.stderr + as_csv.stderr
    answer = json.loads(done.stdout)
    assert answer["results"] == asked["rows"]
    assert answer["types"] == [[column["name"], column["type"]] for column in asked["columns"]]
    lines = list(csv.reader(io.StringIO(as_csv.stdout)))
    assert lines[0] == [column["name"] for column in asked["columns"]]
    assert lines[1:] == [["" if cell is None else str(cell) for cell in row] for row in asked["rows"]]


async def test_what_stops_a_script_is_told_without_a_traceback(
    client: Client, httpx_only: Path, posthog_port: int, tmp_path: Path
) -> None:
    asked = await ok(client, "execute_hogql", query="SELECT 1 AS one")
    script = (await ok(client, "show_last_script", query_id=asked["query_id"]))["script"]
    address = f"http://127.0.0.1:{posthog_port}"

    refused = await alone(script, tmp_path, httpx_only, POSTHOG_BASE_URL=address, POSTHOG_API_KEY="phx_wrong")
    without = await alone(script, tmp_path, httpx_only, POSTHOG_BASE_URL=address, POSTHOG_API_KEY="")
    broken = script.replace("'SELECT 1 AS one", "'SELECT nosuch FROM events")
    wrong = await alone(broken, tmp_path, httpx_only, POSTHOG_BASE_URL=address)

    assert [each.returncode for each in (refused, without, wrong)] == [1, 1, 1]
    assert refused.stderr.startswith("401: ")
    assert "Set POSTHOG_API_KEY" in without.stderr
    assert wrong.stderr.startswith("400: ")
    assert "nosuch" in wrong.stderr
    assert "Traceback" not in refused.stderr + without.stderr + wrong.stderr


async def test_a_script_made_on_posthog_needs_the_key_alone(
    settings_of: SettingsOf, httpx_only: Path, posthog_port: int, tmp_path: Path
) -> None:
    settings = settings_of(api_key="phx_local", base_url=f"http://127.0.0.1:{posthog_port}")
    async with Client(build_server(settings)) as client:
        await ok(client, "execute_hogql", query="SELECT 41 + 1 AS n")
        script = (await ok(client, "show_last_script"))["script"]

    done = await alone(script, tmp_path, httpx_only, POSTHOG_API_KEY="phx_local")

    assert (done.returncode, done.stdout.split()) == (0, ["n", "42"]), done.stderr


PENDING = job(complete=False)
ROWS = {"columns": ["n"], "types": [["n", "UInt8"]], "results": [[1]]}


@pytest.mark.parametrize(
    ("answers", "printed", "said"),
    [
        ([http(200, ROWS)], "n\n1\n", ""),
        ([http(200, {**ROWS, "query_status": None})], "n\n1\n", ""),
        ([http(202, PENDING), http(202, PENDING), http(200, job(complete=True, results=ROWS))], "n\n1\n", ""),
        ([http(202, PENDING), http(200, job(error=True, error_message="Too much memory"))], "", "400: "),
        ([http(202, PENDING), http(200, job(error=True))], "", "500: "),
        ([http(200, {"error": "It broke", "results": [], "columns": []})], "", "It broke"),
        ([http(502, b"<html>away</html>")], "", "502: <html>away</html>"),
    ],
)
async def test_a_script_waits_for_posthogs_job_and_tells_its_words(
    client: Client, httpx_only: Path, tmp_path: Path, answers: list[Answer], printed: str, said: str
) -> None:
    asked = await ok(client, "execute_hogql", query="SELECT 1 AS one")
    script = (await ok(client, "show_last_script", query_id=asked["query_id"]))["script"]
    host = Host(list(answers))

    async with listening(host.serve) as port:
        done = await alone(script, tmp_path, httpx_only, POSTHOG_BASE_URL=f"http://127.0.0.1:{port}")

    assert (done.returncode, done.stdout) == (1 if said else 0, printed)
    assert done.stderr.startswith(said)
    assert len(host.requests) == len(answers)
    assert b"bearer phx_local" in host.requests[0].lower()


@pytest.mark.parametrize(
    ("code", "prints"),
    [
        ("print(len(df), df.n.sum())", "{rows} {sum}"),
        ("int(\n    df.n.sum()\n)  # the last value", "{sum}"),
        ("show(int(df1.n.sum())); x = 'ü'; (\n x, len(df2)\n)", "{sum}\n('ü', 1)"),
        ("str(df2.day.dt.year[0]), df2.words[0]", "('2026', ['a'])"),
    ],
)
async def test_the_script_of_an_analysis_prints_what_it_gave(
    client: Client, posthog_port: int, tmp_path: Path, code: str, prints: str
) -> None:
    counts = f"SELECT event, count() AS n FROM events WHERE {WEEK} GROUP BY event ORDER BY event LIMIT 50"
    asked = await ok(client, "execute_hogql", query=counts)
    other = await ok(client, "execute_hogql", query="SELECT toDate('2026-03-29') AS day, ['a'] AS words")
    ran = await ok(client, "run_python", code=code, inputs=[asked["query_id"], other["query_id"]])
    script = (await ok(client, "show_last_script", query_id=ran["run_id"]))["script"]

    address = f"http://127.0.0.1:{posthog_port}"
    done = await run(script, tmp_path, [sys.executable, "SCRIPT"], POSTHOG_BASE_URL=address, PYTHONIOENCODING="utf-8")

    assert done.returncode == 0, done.stderr
    expected = prints.format(rows=asked["row_count"], sum=sum(n for _, n in asked["rows"]))
    assert done.stdout == f"{expected}\n"
