"""Encrypted state: nothing readable in the data folder, everything readable with the key, nothing with another."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from posthog_mcp.cli import main
from posthog_mcp.state.sealing import SEALED, Seal
from tests.remote.test_shared import database, listens
from tests.safety.planted import all_of, client_of, make

KEY, OTHER = "one key of this test " + "k" * 20, "another key of this test " + "o" * 20
MARKER = "Planted-Marker-4417"
QUERY = f"SELECT '{MARKER}' AS x FROM events"
__all__ = ["database"]


@pytest.fixture(scope="module")
async def used(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two data folders over the same events after the same calls: without a key, and with one."""
    project = await make(tmp_path_factory.mktemp("events"))
    folders = {name: tmp_path_factory.mktemp(name) for name in ("plain", "sealed")}
    for name, folder in folders.items():
        (folder / "local").symlink_to(project / "local")
        await use(folder, **({"state_key": KEY} if name == "sealed" else {}))
    return folders


def copy(folder: Path, to: Path) -> Path:
    return shutil.copytree(folder, to / "copy", symlinks=True)


async def use(data: Path, **settings: Any) -> None:
    """Leave the marker wherever a tool can leave it."""
    async with client_of(data, allow_writes=True, **settings) as client:
        for tool, arguments in (
            ("execute_hogql", {"query": QUERY, "name": f"{MARKER} named"}),
            (
                "save_definition",
                {"name": "marked words", "kind": "entry", "description": f"{MARKER} is a word of ours."},
            ),
            ("build_report", {"kind": "weekly"}),
            ("save_theme", {"name": "Marked", "prompt": f"Look for {MARKER}.", "description": MARKER}),
            ("collect_theme", {"theme": "marked", "date_from": "2026-10-01"}),
            ("run_theme", {"theme": "marked", "date_from": "2026-10-01", "rewind": True}),
        ):
            answer: Any = await client.call_tool(tool, arguments)
            assert not answer.is_error, (tool, answer.content[0].text)


async def query_id(client: Client, search: str = MARKER) -> str:
    found: Any = await client.call_tool("query_history", {"search": search})
    assert not found.is_error, found.content[0].text
    return str(found.structured_content["queries"][0][0]) if found.structured_content["queries"] else ""


def holding(data: Path) -> list[str]:
    files = [path for path in data.rglob("*") if path.is_file() and "local" not in path.relative_to(data).parts[:1]]
    return [path.name for path in files if MARKER.encode() in path.read_bytes()]


def tables_holding(data: Path) -> set[str]:
    with sqlite3.connect(data / "state.sqlite") as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name for name in names if MARKER in str(connection.execute(f"SELECT * FROM {name}").fetchall())}


async def test_the_marker_lies_open_without_a_key_and_nowhere_with_one(used: dict[str, Path]) -> None:
    assert tables_holding(used["plain"]) >= {"query_history", "audit_texts", "definitions", "trace_themes"}
    assert any(name.endswith(".result") for name in holding(used["plain"]))
    assert holding(used["sealed"]) == []
    with sqlite3.connect(used["sealed"] / "state.sqlite") as connection:
        for table, columns in SEALED.items():
            for column in columns:
                rows = connection.execute(f'SELECT "{column}" FROM {table}').fetchall()
                assert [value for (value,) in rows if value and not value.startswith("sealed1:")] == [], (table, column)


async def test_with_the_key_all_works_as_before(used: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    async with client_of(used["sealed"], state_key=KEY) as client:
        found = await query_id(client, MARKER.lower())
        exported = await client.call_tool("show_last_script", {"query_id": found})
        definitions = await client.call_tool("search_knowledge", {"query": MARKER})

        assert found
        assert await query_id(client, "something else") == ""
        assert MARKER in all_of(exported)
        assert "marked words" in all_of(definitions)
    monkeypatch.setenv("POSTHOG_MCP_STATE_KEY", KEY)
    assert main(["audit", "verify", "--data-dir", str(used["sealed"])]) == 0


async def test_another_key_and_none_are_told(used: dict[str, Path]) -> None:
    async with client_of(used["sealed"], state_key=KEY) as client:
        there = await query_id(client)
    for settings in ({"state_key": OTHER}, {}):
        async with client_of(used["sealed"], **settings) as client:
            for tool, arguments in (("query_history", {}), ("export_result", {"query_id": there})):
                answer: Any = await client.call_tool(tool, arguments)
                assert answer.is_error
                assert "POSTHOG_MCP_STATE_KEY" in answer.content[0].text
                assert "gAAAA" not in answer.content[0].text


async def test_a_plain_state_is_encrypted_and_a_key_is_exchanged(
    used: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = copy(used["plain"], tmp_path)
    encrypt = ["encrypt", "--data-dir", str(data)]
    for keys in (KEY, f"{OTHER},{KEY}"):
        monkeypatch.setenv("POSTHOG_MCP_STATE_KEY", keys)
        assert main(encrypt) == 0
        assert "Encrypted" in capsys.readouterr().out
        assert holding(data) == []
    monkeypatch.delenv("POSTHOG_MCP_STATE_KEY")
    async with client_of(data, state_key=OTHER) as client:
        assert await query_id(client)
    monkeypatch.setenv("POSTHOG_MCP_STATE_KEY", KEY)
    assert main(encrypt) == 1
    assert "POSTHOG_MCP_STATE_KEY" in capsys.readouterr().err


async def test_a_person_is_forgotten_in_what_is_encrypted(
    used: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = copy(used["sealed"], tmp_path)
    monkeypatch.setenv("POSTHOG_MCP_STATE_KEY", KEY)
    assert await anyio.to_thread.run_sync(main, ["forget", MARKER.lower(), "--data-dir", str(data)]) == 0
    monkeypatch.delenv("POSTHOG_MCP_STATE_KEY")
    async with client_of(data, state_key=KEY) as client:
        assert await query_id(client) == ""

    texts = [Seal([KEY]).opened(path.read_text()) for path in data.glob("results/*.result")]
    assert [text for text in texts if MARKER in text] == []


@pytest.mark.skipif(not listens(5432), reason="no PostgreSQL at 127.0.0.1:5432")
async def test_postgresql_holds_it_sealed_too(
    used: dict[str, Path], database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg
    from psycopg import sql

    (tmp_path / "local").symlink_to(used["plain"] / "local")
    await use(tmp_path, state_url=database)
    monkeypatch.setenv("POSTHOG_MCP_STATE_KEY", KEY)
    monkeypatch.setenv("POSTHOG_MCP_STATE_URL", database)
    assert main(["encrypt", "--data-dir", str(tmp_path)]) == 0
    assert main(["audit", "verify", "--data-dir", str(tmp_path)]) == 0
    with psycopg.connect(database) as connection:
        for table in SEALED:
            assert MARKER not in str(
                connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))).fetchall()
            )
    async with client_of(tmp_path, state_url=database, state_key=KEY) as client:
        assert await query_id(client)
