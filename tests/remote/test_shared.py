"""Two replicas on one PostgreSQL and one Redis: what they share, and that principals stay apart there too."""

from __future__ import annotations

import socket
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from posthog_mcp.runtime import open_audit
from posthog_mcp.safety.principals import Principal, principal_id
from posthog_mcp.settings import Settings
from posthog_mcp.tenants import schema
from tests.remote.calls import ask, call, server_of
from tests.safety.planted import make

ADA, BOB = "phx_ada_" + "a1" * 10, "phx_bob_" + "b2" * 10
SECRET = "a secret that every replica of this test has"
Pair = tuple[httpx.AsyncClient, httpx.AsyncClient]


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


pytestmark = [
    pytest.mark.skipif(not listens(5432), reason="no PostgreSQL at 127.0.0.1:5432"),
    pytest.mark.skipif(not listens(6379), reason="no Redis at 127.0.0.1:6379"),
]


@pytest.fixture(scope="module")
def database() -> Any:
    """An empty database, dropped afterwards."""
    import psycopg

    name = f"posthog_mcp_{uuid.uuid4().hex[:10]}"
    admin = "postgresql://postgres@127.0.0.1:5432/postgres"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield f"postgresql://postgres@127.0.0.1:5432/{name}"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def shared(database: str) -> dict[str, Any]:
    return {"state_url": database, "cache_url": "redis://127.0.0.1:6379/13", "secret": SECRET, "backend": "local"}


@pytest.fixture(scope="module")
async def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return await make(tmp_path_factory.mktemp("events"))


@pytest.fixture(scope="module")
async def replicas(
    shared: dict[str, Any], project: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Pair]:
    """Two servers with data folders of their own over the same events."""
    from posthog_mcp.state.shared_cache import empty

    empty(shared["cache_url"])
    folders = [tmp_path_factory.mktemp(f"replica{number}") for number in (1, 2)]
    for folder in folders:
        (folder / "local").symlink_to(project / "local")
    more = {**shared, "auth": "key", "allow_writes": True}
    async with server_of(folders[0], **more) as one, server_of(folders[1], **more) as two:
        yield one, two


async def run(client: httpx.AsyncClient, query: str, key: str = ADA) -> Any:
    return (await call(client, "execute_hogql", {"query": query}, key))["structuredContent"]


async def test_what_one_asked_the_other_answers_from_the_cache(replicas: Pair) -> None:
    one, two = replicas
    for client in replicas:
        await run(client, "SELECT 'warm'")
    first = await run(one, "SELECT count() AS n, 'café' FROM events")
    again = await run(two, "SELECT count() AS n, 'café' FROM events")

    assert again["cached"] is True
    assert (again["rows"], again["query_id"]) == (first["rows"], first["query_id"])


async def test_history_and_rows_of_one_are_found_through_the_other(replicas: Pair) -> None:
    one, two = replicas
    ran = await run(one, "SELECT event AS of_replica_one FROM events")
    history = await call(two, "query_history", {"search": "of_replica_one"}, ADA)
    exported = await call(two, "export_result", {"query_id": ran["query_id"]}, ADA)

    assert ran["query_id"] in str(history)
    assert exported["structuredContent"]["row_count"] == ran["row_count"]


async def test_principals_stay_apart_in_the_shared_places(replicas: Pair) -> None:
    one, two = replicas
    ran = await run(one, "SELECT event AS only_adas FROM events")
    other = await run(two, "SELECT event AS only_adas FROM events", BOB)
    exported = await call(two, "export_result", {"query_id": ran["query_id"]}, BOB)
    history = await call(two, "query_history", {"search": "of_replica_one"}, BOB)

    assert other["cached"] is False
    assert exported["isError"]
    assert history["structuredContent"]["count"] == 0


async def test_a_confirmation_holds_on_all_replicas_and_once(replicas: Pair) -> None:
    one, two = replicas
    change: dict[str, Any] = {"path": "P/annotations/", "method": "POST", "body": {"content": "released"}}
    token = (await call(one, "call_api", change, ADA))["structuredContent"]["confirm_token"]
    first = await call(two, "call_api", {**change, "confirm_token": token}, ADA)
    second = await call(one, "call_api", {**change, "confirm_token": token}, ADA)

    assert first["structuredContent"]["changed"] is True
    assert second["isError"]
    assert "used" in second["content"][0]["text"]


async def test_both_write_one_audit_that_verifies(replicas: Pair, shared: dict[str, Any], tmp_path: Path) -> None:
    import anyio

    async with anyio.create_task_group() as tasks:
        for number in range(10):
            tasks.start_soon(run, replicas[number % 2], f"SELECT {number} AS audited")
    await anyio.sleep(1.2)
    audit = open_audit(Settings.load(**shared, data_dir=tmp_path))
    assert audit is not None
    verdict, rows = audit.verify(), list(audit.export())

    assert verdict.broken_at is None
    assert sum("AS audited" in (row["hogql"] or "") for row in rows) == 10
    await audit.aclose()


async def test_a_rate_holds_over_all_replicas(shared: dict[str, Any], tmp_path: Path) -> None:
    key = f"phx_{uuid.uuid4().hex}"
    more = {**shared, "auth": "key", "request_rate": "6/h"}
    async with server_of(tmp_path / "1", **more) as one, server_of(tmp_path / "2", **more) as two:
        found = [(await ask(client, "tools/list", {}, key)).status_code for client in (one, two) * 4]

    assert found == [200] * 6 + [429] * 2


async def test_a_person_is_forgotten_in_every_schema(
    replicas: Pair, shared: dict[str, Any], database: str, tmp_path: Path
) -> None:
    import psycopg

    from posthog_mcp.state.forgetting import forget

    await run(replicas[0], "SELECT 'forget-me-soon@example.com' AS x")
    forgotten = forget(tmp_path, Settings.load(**shared).state_url, ["forget-me-soon@example.com"])
    ada = schema(Principal(principal_id("key", f"embedded {ADA}")))

    assert forgotten.rows >= 1
    with psycopg.connect(database) as connection:
        assert connection.execute(f"SELECT count(*) FROM {ada}.query_history").fetchone() != (0,)
        texts = connection.execute(f"SELECT hogql FROM {ada}.query_history").fetchall()
    assert "forget-me-soon" not in str(texts)


async def test_without_redis_everything_goes_on(shared: dict[str, Any], project: Path) -> None:
    async with server_of(project, **{**shared, "cache_url": "redis://127.0.0.1:1/0", "auth": "key"}) as client:
        assert (await run(client, "SELECT 1 AS x"))["rows"] == [[1]]
