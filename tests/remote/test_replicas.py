"""Two replicas behind a proxy, killed and restarted under load: no lost write, no cross-talk, a whole audit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from posthog_mcp.runtime import open_audit
from posthog_mcp.settings import Settings
from tests.remote.calls import META, call, headers
from tests.remote.test_shared import SECRET, database, listens
from tests.safety.planted import make

__all__ = ["database"]
ROOT = Path(__file__).parents[2]
PEOPLE = [f"phx_person_{number}_" + "k" * 12 for number in range(6)]
pytestmark = [
    pytest.mark.skipif(not listens(5432), reason="no PostgreSQL at 127.0.0.1:5432"),
    pytest.mark.skipif(not listens(6379), reason="no Redis at 127.0.0.1:6379"),
]


@dataclass
class Replica:
    """One server process on a port of its own, which can be killed and started again."""

    data: Path
    port: int
    env: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "posthog_mcp", "serve", "--transport", "http", "--port", str(self.port)]
        env = {**os.environ, **self.env, "POSTHOG_MCP_DATA_DIR": str(self.data), "PYTHONPATH": str(ROOT)}  # noqa: TID251
        self.process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)

    def end(self, how: int) -> None:
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(timeout=20)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def ready(self) -> None:
        async with httpx.AsyncClient() as client:
            with anyio.fail_after(40):
                while True:
                    try:
                        if (await client.get(f"{self.url}/health")).status_code == 200:
                            return
                    except httpx.TransportError:
                        await anyio.sleep(0.1)


@dataclass
class Load:
    """What the clients saw."""

    written: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    answered: int = 0
    broken: int = 0
    wrong: list[Any] = field(default_factory=list[Any])


async def person(key: str, replicas: list[Replica], load: Load, over: anyio.Event) -> None:
    """Writes and reads through whichever replica is next; a broken connection is tried at the other."""
    load.written[key] = []
    async with httpx.AsyncClient(timeout=10) as client:
        for number in count():
            if over.is_set():
                return
            name = f"{key[11:12]}-{number}"
            arguments = {"query": f"SELECT '{key}' AS who, {number} AS n", "name": name}
            body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                    "params": {"name": "execute_hogql", "arguments": arguments, "_meta": META}}  # fmt: skip
            try:
                url = f"{replicas[number % 2].url}/mcp"
                answer = await client.post(url, json=body, headers=headers("tools/call", "execute_hogql", key))
                result = answer.json()["result"]
            except (httpx.TransportError, ValueError):
                load.broken += 1
                await anyio.sleep(0.05)
                continue
            if result.get("isError") or result["structuredContent"]["rows"] != [[key, number]]:
                load.wrong.append(result)
                continue
            await anyio.sleep(0.03)  # people pause; without it the load starves the replica that starts
            load.answered += 1
            load.written[key].append(name)


async def trouble(replicas: list[Replica], over: anyio.Event) -> None:
    """Kill one without warning, end the other politely, in turns, each back before the next goes; then the load ends."""
    for place, how in ((0, signal.SIGKILL), (1, signal.SIGTERM), (1, signal.SIGKILL)):
        await anyio.sleep(0.7)
        await anyio.to_thread.run_sync(replicas[place].end, how)
        await anyio.sleep(0.3)
        replicas[place].start()
        await replicas[place].ready()
    await anyio.sleep(0.7)
    over.set()


@asynccontextmanager
async def running(folder: Path, env: dict[str, str]) -> AsyncIterator[list[Replica]]:
    project = await make(folder)
    replicas: list[Replica] = []
    for number in range(2):
        data = folder / f"replica{number}"
        data.mkdir()
        (data / "local").symlink_to(project / "local")
        replicas.append(Replica(data, 18_430 + number + os.getpid() % 500 * 2, env))
        replicas[-1].start()
    try:
        for each in replicas:
            await each.ready()
        yield replicas
    finally:
        for each in replicas:
            if each.process is not None and each.process.poll() is None:
                each.end(signal.SIGTERM)


async def test_replicas_may_die_under_load(database: str, tmp_path: Path) -> None:
    env = {
        "POSTHOG_MCP_STATE_URL": database,
        "POSTHOG_MCP_CACHE_URL": "redis://127.0.0.1:6379/12",
        "POSTHOG_MCP_SECRET": SECRET,
        "POSTHOG_MCP_AUTH": "key",
        "POSTHOG_MCP_BACKEND": "local",
    }
    load = Load()
    async with running(tmp_path, env) as replicas:
        over = anyio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(trouble, replicas, over)
            for key in PEOPLE:
                tasks.start_soon(person, key, replicas, load, over)
        for number, key in enumerate(PEOPLE):
            async with httpx.AsyncClient(base_url=replicas[number % 2].url, timeout=30) as client:
                found = await call(client, "query_history", {"limit": 200, "favourites": True}, key)
            names = [row[6] for row in found["structuredContent"]["queries"]]
            assert names == sorted(names, key=lambda name: -int(name.split("-")[1])), "in the order written"
            assert len(names) == len(set(names)), "written twice"
            assert set(load.written[key][-150:]) <= set(names), "lost"
            assert {name[0] for name in names} == {key[11:12]}, "another's"

    print(f"{load.answered} answers, {load.broken} broken connections while replicas were down")  # noqa: T201
    assert load.wrong == []
    assert load.answered > 20
    assert load.broken > 0, "nothing was ever down"
    audit = open_audit(Settings.load(state_url=database, secret=SECRET, data_dir=tmp_path / "none"))
    assert audit is not None
    verdict = audit.verify()
    assert verdict.broken_at is None
    assert verdict.records > 40
    await audit.aclose()
