"""After `forget`, no file of the installation names the person; everybody else's data is as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from posthog_mcp.backends.local.loader import open_loader
from posthog_mcp.cli import main
from tests.insights.made import person_id
from tests.safety.planted import EMAIL, NAME, PHONE, WHO, all_of, client_of, make

NAMED = (EMAIL, NAME, PHONE, WHO, person_id(WHO))
ORDER = "SELECT uuid, event, distinct_id, timestamp, properties FROM events WHERE distinct_id = 'user-bob-1'"


async def told(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert result.structured_content is not None, all_of(result)
    if "confirm_token" in result.structured_content:
        return await told(client, tool, **arguments, confirm_token=result.structured_content["confirm_token"])
    return result.structured_content


async def ran(*words: str) -> int:
    """A command, in a thread: it has a loop of its own."""
    return await anyio.to_thread.run_sync(main, words)


async def before(folder: Path) -> tuple[Path, Any]:
    """A project in use: questions, exports, summaries, a segment, an insight and a note about the person."""
    data = await make(folder)
    async with client_of(data, allow_writes=True) as client:
        ran = await told(client, "execute_hogql", query="SELECT properties, person.properties FROM events")
        for form in ("csv", "parquet"):
            await told(client, "export_result", query_id=ran["query_id"], format=form)
        who = await told(client, "execute_hogql", query="SELECT DISTINCT distinct_id, person_id FROM events")
        await told(client, "export_result", query_id=who["query_id"], format="parquet")
        await told(client, "render_chart", columns=["customerName", "n"], rows=[[NAME, 1], [EMAIL, 2]], type="bar")
        await told(client, "run_theme", theme="ux_issues", date_from="2026-10-01", date_to="2026-10-07")
        await told(
            client, "create_segment", name="one", hogql=f"SELECT person_id FROM events WHERE distinct_id='{WHO}'"
        )
        note = {"content": f"called {EMAIL}", "date_marker": "2026-10-03T00:00:00Z"}
        await told(client, "call_api", path="P/annotations/", method="POST", body=note)
        return data, (await told(client, "execute_hogql", query=ORDER))["rows"]


async def after(data: Path) -> tuple[Any, Any]:
    async with client_of(data) as client:
        counts = "SELECT count(), uniq(distinct_id), (SELECT count() FROM persons) FROM events"
        return (await told(client, "execute_hogql", query=ORDER))["rows"], (
            await told(client, "execute_hogql", query=counts)
        )["rows"]


async def naming(data: Path, names: tuple[str, ...]) -> list[tuple[str, str]]:
    """(file, name) of every file that holds one of these; Parquet is compressed, so its cells are searched."""
    found = texts(data)
    found += await cells(data, [path for path, _ in found if path.suffix == ".parquet"])
    return [(str(path.relative_to(data)), name) for path, text in found for name in names if name in text]


def texts(data: Path) -> list[tuple[Path, str]]:
    files = [path for path in data.rglob("*") if path.is_file()]
    return [(path, path.read_bytes().decode("utf-8", "replace")) for path in files]


async def cells(data: Path, files: list[Path]) -> list[tuple[Path, str]]:
    """Every row of these Parquet files."""
    async with open_loader(reads=[data], writes=[]) as loader:
        rows = await loader.run([f"SELECT * FROM file('{path}', Parquet)" for path in files])
    return [(path, str(each)) for path, each in zip(files, rows, strict=True)]


async def test_nothing_of_the_person_is_left_and_all_of_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, others = await before(tmp_path)  # six events, and the summary of their trace, which is a seventh
    assert {name for _, name in (await naming(data, NAMED))} == set(NAMED)

    assert await ran("forget", EMAIL, NAME, PHONE, "--data-dir", str(data)) == 0

    assert "7 events of 1 persons" in capsys.readouterr().out
    assert await naming(data, NAMED) == []
    rows, counts = await after(data)
    assert rows == others
    assert counts == [[1, 1, 1]]
    assert await ran("audit", "verify", "--data-dir", str(data)) == 0


async def test_nobody_is_found_and_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = await make(tmp_path)
    pointer = (data / "local" / "current.json").read_bytes()

    assert await ran("forget", "nobody@b.example", "--data-dir", str(data)) == 0
    assert "0 events of 0 persons" in capsys.readouterr().out
    assert (data / "local" / "current.json").read_bytes() == pointer
