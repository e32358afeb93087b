"""Attacks as raw SQL on the locked engine: what the HogQL whitelist keeps away must also fail behind it."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from posthog_mcp.backends.local.engine import Engine, Layout, TableSource
from posthog_mcp.backends.local.loader import load
from posthog_mcp.errors import InvalidInput, PostHogMcpError, QueryTimeout, Unavailable

SECRET = "top-secret-content"


@pytest.fixture(scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Engine]:
    """An engine over a table of 1,000 rows, and a secret file that it must not read."""
    folder = tmp_path_factory.mktemp("engine")
    data = folder / "events"
    data.mkdir()
    (folder / "secret.txt").write_text(SECRET)
    path = f"{data}/part.parquet"
    await load(
        [f"INSERT INTO FUNCTION file('{path}') SELECT number AS id, toString(number) AS name FROM numbers(1000)"],
        writes=[data],
    )
    columns = [("id", "UInt64"), ("name", "String")]
    layout = Layout("one", "UTC", {"events": TableSource(f"{data}/*.parquet", columns)}, {}, (data,))
    running = Engine(lambda: layout, memory=1 << 30)
    running.folder = folder  # pyright: ignore[reportAttributeAccessIssue]
    yield running
    await running.aclose()


async def rows(engine: Engine, sql: str, seconds: float = 20) -> list[list[object]]:
    found = await engine.run(sql, {}, timeout_seconds=seconds, timezone="UTC")
    return [[*row] for row in found.table.rows]


async def test_the_table_answers(engine: Engine) -> None:
    assert await rows(engine, "SELECT count(), max(id) FROM ph.events") == [[1000, 999]]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM file('{secret}', 'LineAsString')",
        "SELECT file('{secret}')",
        "SELECT * FROM '{secret}'",
        "SELECT 1 INTO OUTFILE '{out}'",
        "INSERT INTO FUNCTION file('{out}', 'CSV') SELECT 1",
        "INSERT INTO ph.events VALUES (1, 'x')",
        "CREATE TABLE ph.x (a Int8) ENGINE = Memory",
        "CREATE TABLE x ENGINE = File(CSV, '{secret}')",
        "DROP TABLE ph.events",
        "ALTER TABLE ph.events ADD COLUMN b Int8",
        "TRUNCATE TABLE ph.events",
        "SYSTEM SHUTDOWN",
        "BACKUP TABLE ph.events TO File('{out}')",
        "CREATE FUNCTION f AS () -> 1",
        "CREATE USER mallory",
        "GRANT ALL ON *.* TO default",
        "SET readonly = 0",
        "SET max_memory_usage = 0",
        "SELECT 1 SETTINGS readonly = 0",
        "SELECT 1 SETTINGS max_execution_time = 0",
        "SELECT * FROM url('http://127.0.0.1:{port}/', 'CSV')",
        "SELECT * FROM s3('http://127.0.0.1:{port}/b/k', 'CSV')",
        "SELECT * FROM remote('127.0.0.1:{port}', system.one)",
        "SELECT * FROM mysql('127.0.0.1:{port}', 'd', 't', 'u', 'p')",
        "SELECT * FROM postgresql('127.0.0.1:{port}', 'd', 't', 'u', 'p')",
        "INSERT INTO FUNCTION url('http://127.0.0.1:{port}/', 'CSV') SELECT 1",
        "SELECT * FROM executable('id', 'CSV', 'a String')",
        "SELECT * FROM Python(sys)",
        "SELECT * FROM sqlite('{secret}', 't')",
        "SELECT * FROM input('a String')",
        "DESCRIBE TABLE file('{secret}')",
        "SELECT dictGet('d', 'a', 1)",
        "SELECT catboostEvaluate('{secret}', 1)",
    ],
)
async def test_attacks_are_refused(engine: Engine, sql: str) -> None:
    """None reads the file, writes one, or reaches the listener; the engine answers afterwards."""
    folder: Path = engine.folder  # pyright: ignore
    reached: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.2)

    def listen() -> None:
        try:
            reached.append(listener.accept()[0].recv(10))
        except OSError:
            return

    watching = threading.Thread(target=listen)
    watching.start()
    text = sql.format(secret=folder / "secret.txt", out=folder / "stolen.txt", port=listener.getsockname()[1])
    with pytest.raises(PostHogMcpError) as caught:
        await rows(engine, text)
    watching.join()
    listener.close()
    assert reached == []
    assert SECRET not in caught.value.as_text()
    assert not (folder / "stolen.txt").exists()
    assert await rows(engine, "SELECT count() FROM ph.events") == [[1000]]


async def test_two_statements_are_refused_and_leave_no_answer_behind(engine: Engine) -> None:
    with pytest.raises(InvalidInput):
        await rows(engine, "SELECT 1; SELECT 2")
    assert await rows(engine, "SELECT 3") == [[3]]


async def test_the_environment_holds_no_secret(engine: Engine) -> None:
    found = await rows(engine, "SELECT count() FROM system.settings WHERE value LIKE '%phx_%'")
    assert found == [[0]]


async def test_a_memory_hog_is_stopped(engine: Engine) -> None:
    with pytest.raises(Unavailable):
        await rows(engine, "SELECT length(groupArray(toString(number) || repeat('x', 200))) FROM numbers(50000000)")
    assert await rows(engine, "SELECT 1") == [[1]]


async def test_a_long_query_is_stopped_at_its_time(engine: Engine) -> None:
    slow = "SELECT count() FROM ph.events a, ph.events b, ph.events c WHERE cityHash64(a.name, b.name, c.name) = 7"
    with pytest.raises(QueryTimeout):
        await rows(engine, slow, seconds=1)
    assert await rows(
        engine, "SELECT count() FROM system.processes WHERE query LIKE '%cityHash64%' AND query NOT LIKE '%system%'"
    ) == [[0]]


async def test_a_truncated_file_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    data = tmp_path / "events"
    data.mkdir()
    await load(
        [f"INSERT INTO FUNCTION file('{data}/p.parquet') SELECT number AS id FROM numbers(100000)"], writes=[data]
    )
    whole = (data / "p.parquet").read_bytes()
    (data / "p.parquet").write_bytes(whole[: len(whole) // 2])
    layout = Layout("cut", "UTC", {"events": TableSource(f"{data}/*.parquet", [("id", "UInt64")])}, {}, (data,))
    broken = Engine(lambda: layout)
    with pytest.raises(PostHogMcpError) as caught:
        await rows(broken, "SELECT sum(id) FROM ph.events")
    assert str(tmp_path) not in caught.value.as_text()
    assert await rows(broken, "SELECT 1") == [[1]]
    await broken.aclose()
