"""The audit: what a record holds, that any change of it is found, and that forgetting leaves the chain whole."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import anyio
import pytest

from posthog_mcp.cli import main
from posthog_mcp.state.audit import Audit, Record
from tests.safety.planted import EMAIL, NAME, WHO, all_of, client_of, make

QUERY = "SELECT count() FROM events"


@pytest.fixture(scope="module")
async def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder after some calls."""
    data = await make(tmp_path_factory.mktemp("audited"))
    async with client_of(data) as client:
        for _ in range(3):  # the first query of a new folder publishes its tables, which empties the cache
            await client.call_tool("execute_hogql", {"query": QUERY})
        await client.call_tool("execute_hogql", {"query": "SELECT nothing FROM events"})
        await client.call_tool("execute_hogql", {"query": f"SELECT uuid FROM events WHERE distinct_id = '{WHO}'"})
        await client.call_tool("discover_objects", {"kind": "event"})
        await client.read_resource("posthog://events")
    return data


def record(number: int) -> Record:
    return Record(f"2026-01-01T00:00:{number:02d}", "p", "tool", 1, f"q{number}", QUERY, 1, 10, 2.5, False, "ok")


def audit_of(data: Path) -> Audit:
    return Audit(data, None, b"k" * 32)


async def test_every_call_has_its_record(used: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "export", "--data-dir", str(used)]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    first, _, again, wrong = rows[:4]
    assert (first["action"], first["decision"], first["rows"], first["cached"]) == ("execute_hogql", "ok", 1, False)
    assert (again["cached"], again["hogql_hash"] != "") == (True, True)
    assert (wrong["decision"], wrong["hogql"]) == ("hogql_resolution", "SELECT nothing FROM events")
    assert [row["action"] for row in rows[5:7]] == ["discover_objects", "resources/read posthog://events"]
    assert all(row["bytes"] > 0 and row["elapsed_ms"] >= 0 and row["project_id"] in (0, 1) for row in rows)
    assert first["who"] == "this machine"


async def test_verify_says_ok(used: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "verify", "--data-dir", str(used)]) == 0
    assert "7 records" in capsys.readouterr().out


BREAKS: dict[str, str] = {
    "a figure": "UPDATE audit_log SET rows = 9 WHERE sequence = 2",
    "a person": "UPDATE audit_log SET principal = 'x' WHERE sequence = 2",
    "a decision": "UPDATE audit_log SET decision = 'x' WHERE sequence = 3",
    "a text": "UPDATE audit_texts SET text = 'SELECT 1'",
    "one in the middle": "DELETE FROM audit_log WHERE sequence = 2",
    "the last": "DELETE FROM audit_log WHERE sequence = 4",
    "the last, with the head": "DELETE FROM audit_log WHERE sequence = 4; UPDATE audit_head SET sequence = 3, "
    "hash = (SELECT hash FROM audit_log WHERE sequence = 3)",
    "the order": "UPDATE audit_log SET sequence = 99 WHERE sequence = 2; UPDATE audit_log SET sequence = 2 WHERE "
    "sequence = 3; UPDATE audit_log SET sequence = 3 WHERE sequence = 99",
    "everything": "DELETE FROM audit_log; UPDATE audit_head SET sequence = 0, hash = first_hash",
}


@pytest.mark.parametrize("what", BREAKS)
def test_any_change_is_found(tmp_path: Path, what: str) -> None:
    audit = audit_of(tmp_path)
    for number in range(4):
        audit.add(record(number))
    assert audit.verify().broken_at is None

    with sqlite3.connect(tmp_path / "state.sqlite") as database:
        database.executescript(BREAKS[what])

    assert audit.verify().broken_at is not None


def test_another_key_cannot_go_on(tmp_path: Path) -> None:
    first = audit_of(tmp_path)
    first.add(record(1))
    assert first.verify().records == 1

    assert Audit(tmp_path, None, b"x" * 32).verify().broken_at is not None


def test_several_writers_make_one_chain(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def write(start: int) -> None:
        audit = audit_of(tmp_path)
        for number in range(start, start + 5):
            audit.add(record(number))
            audit.flush()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, (0, 10, 20, 30)))

    assert (audit_of(tmp_path).verify().records, audit_of(tmp_path).verify().broken_at) == (20, None)


def test_old_records_go_and_the_rest_verifies(tmp_path: Path) -> None:
    audit = audit_of(tmp_path)
    for number in range(10):
        audit.add(record(number))
    audit.flush()

    assert audit.prune("2026-01-01T00:00:04") == 4
    assert (audit.verify().records, audit.verify().broken_at) == (6, None)
    audit.add(record(20))
    assert audit.verify().records == 7


async def test_the_audit_holds_pseudonyms_where_masking_is_on(tmp_path: Path) -> None:
    data = await make(tmp_path)
    async with client_of(data, mask="pii") as client:
        await client.call_tool("execute_hogql", {"query": f"SELECT '{EMAIL}'"})

    assert EMAIL.encode() not in b"".join(text_of(data, "audit_texts"))


def text_of(data: Path, table: str) -> list[bytes]:
    with sqlite3.connect(data / "state.sqlite") as database:
        return [str(row).encode() for row in database.execute(f"SELECT * FROM {table}")]


async def test_a_person_is_forgotten_everywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = await make(tmp_path)
    async with client_of(data) as client:
        kept = await client.call_tool("execute_hogql", {"query": "SELECT event FROM events"})
        ran = await client.call_tool("execute_hogql", {"query": "SELECT properties FROM events", "name": EMAIL})
        await client.call_tool("execute_hogql", {"query": f"SELECT 1 WHERE '{EMAIL}' != ''"})
        assert ran.structured_content is not None
        assert kept.structured_content is not None
        for form in ("csv", "parquet"):
            await client.call_tool("export_result", {"query_id": ran.structured_content["query_id"], "format": form})
        await client.call_tool("execute_hogql", {"query": "SELECT properties FROM events"})

        assert await anyio.to_thread.run_sync(main, ["forget", EMAIL, "--data-dir", str(data)]) == 0

        history = await client.call_tool("query_history", {"limit": 100})
        assert EMAIL not in all_of(history)
        again = await client.call_tool("execute_hogql", {"query": "SELECT event FROM events"})
        assert again.structured_content is not None
        assert again.structured_content["cached"] is False, "the server's memory was dropped"
    assert "Removed" in capsys.readouterr().out
    files = [path for path in (data / "results").iterdir() if path.is_file()]
    assert [path.name for path in files if path.stem == ran.structured_content["query_id"]] == []
    assert [path.name for path in files if path.stem == kept.structured_content["query_id"]] != []
    assert EMAIL.encode() not in b"".join([*text_of(data, "query_history"), *text_of(data, "audit_texts")])
    assert main(["audit", "verify", "--data-dir", str(data)]) == 0
    assert "erased" in capsys.readouterr().out


def test_too_short_a_name_is_refused(tmp_path: Path) -> None:
    assert main(["forget", "a", "--data-dir", str(tmp_path)]) == 2


async def test_stats_count_calls_errors_and_cache_hits(used: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stats", "--json", "--data-dir", str(used)]) == 0
    found = json.loads(capsys.readouterr().out)
    tools: dict[str, Any] = {row[0]: dict(zip(found["columns"][1:], row[1:], strict=True)) for row in found["tools"]}

    assert (tools["execute_hogql"]["calls"], tools["execute_hogql"]["errors"]) == (5, 1)
    assert tools["execute_hogql"]["cached"] == 1
    assert tools["execute_hogql"]["p95_ms"] >= tools["execute_hogql"]["p50_ms"]
    assert found["people"][0][0] == "this machine"
    assert main(["stats", "--data-dir", str(used)]) == 0
    assert "execute_hogql" in capsys.readouterr().out


async def test_usage_is_a_resource(used: Path) -> None:
    async with client_of(used) as client:
        read = await client.read_resource("posthog://usage")

    assert json.loads(read.contents[0].text)["total"][0] >= 7  # pyright: ignore[reportAttributeAccessIssue]


async def test_a_required_audit_that_cannot_be_written_stops_answers(tmp_path: Path) -> None:
    from mcp import MCPError

    data = await make(tmp_path)
    async with client_of(data, audit="required", state_url="sqlite:////nowhere/at/all.sqlite") as client:
        with pytest.raises(MCPError, match="audit"):
            await client.call_tool("discover_objects", {"kind": "event"})
    async with client_of(data, state_url="sqlite:////nowhere/at/all.sqlite") as client:
        assert NAME not in all_of(await client.call_tool("discover_objects", {"kind": "event"}))


async def test_what_is_too_old_goes_and_favourites_stay(tmp_path: Path) -> None:
    import os
    import time

    data = await make(tmp_path)
    async with client_of(data) as client:
        await client.call_tool("execute_hogql", {"query": QUERY})
        await client.call_tool("execute_hogql", {"query": "SELECT 1 AS kept", "name": "favourite"})
    with sqlite3.connect(data / "state.sqlite") as database:
        database.execute("UPDATE query_history SET at = '2020-01-01T00:00:00'")
    for path in (data / "results").iterdir():
        os.utime(path, (time.time() - 9e8,) * 2)

    async with client_of(data, retention_days=30) as client:
        while list((data / "results").iterdir()):
            await client.list_tools()
        history = await client.call_tool("query_history", {})

    assert QUERY not in all_of(history)
    assert "SELECT 1 AS kept" in all_of(history)
