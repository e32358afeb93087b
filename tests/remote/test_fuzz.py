"""Anything at all over HTTP and stdio: an answer or a refusal each time, and the server is as well as before."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client

from tests.remote.calls import META, ask, call, headers, server_of
from tests.safety.planted import client_of

ROOT = Path(__file__).parents[2]
TOOLS = ("discover_objects", "get_object_fields", "validate_hogql", "execute_hogql", "query_history", "run_insight",
         "export_result", "render_chart", "call_api", "search_api", "nope", "")  # fmt: skip
METHODS = ("tools/call", "tools/list", "resources/read", "resources/list", "prompts/get", "completion/complete", "ping",
           "initialize", "server/discover", "logging/setLevel", "notifications/cancelled", "notifications/initialized",
           "subscriptions/listen", "tools/nope", "", "\0", "rpc.discover")  # fmt: skip
SCALARS: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1,
    2**63,
    1e308,
    "",
    "x",
    "\ud800",
    "\0",
    "é" * 50,
    [],
    {},
    [[]],
    {"": None},
)


def messages(seed: int, count: int) -> Iterator[bytes]:
    """Bodies from nearly right to noise."""
    chance = random.Random(seed)
    for _ in range(count):
        kind = chance.randrange(8)
        if kind == 0:
            yield chance.randbytes(chance.randrange(0, 200))
        elif kind == 1:
            yield json.dumps(value(chance, 3)).encode()
        elif kind == 2:
            yield b"[" * chance.choice((10, 1_000, 100_000))
        elif kind == 3:
            text = json.dumps(message(chance)).encode()
            yield text[: chance.randrange(len(text))]
        elif kind == 4:
            yield json.dumps([message(chance) for _ in range(chance.randrange(0, 4))]).encode()
        else:
            yield json.dumps(message(chance)).encode()


def message(chance: random.Random) -> dict[str, Any]:
    params: Any = {"name": chance.choice(TOOLS), "arguments": value(chance, 2), "_meta": META}
    made = {
        "jsonrpc": chance.choice(("2.0", "2.0", "2.0", "1.0", None)),
        "id": chance.choice((1, 1, 1, "a", None, -5, 1.5, [], {})),
        "method": chance.choice(METHODS),
        "params": chance.choice((params, params, value(chance, 2))),
    }
    return {name: item for name, item in made.items() if chance.random() > 0.1}


def value(chance: random.Random, depth: int) -> Any:
    if depth == 0 or chance.random() < 0.4:
        return chance.choice(SCALARS)
    names = ("query", "name", "kind", "limit", "values", "path", "series", "uri", "query_id", "cursor", "x")
    if chance.random() < 0.3:
        return [value(chance, depth - 1) for _ in range(chance.randrange(4))]
    return {chance.choice(names): value(chance, depth - 1) for _ in range(chance.randrange(4))}


@pytest.fixture(scope="module")
async def client(demo_dir: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with server_of(demo_dir, backend="local", request_rate="1000000/min") as connected:
        yield connected


@pytest.mark.parametrize("seed", range(4))
async def test_http_takes_anything(client: httpx.AsyncClient, seed: int) -> None:
    chance = random.Random(seed)
    for body in messages(seed, 60):
        given = headers(chance.choice(METHODS[:-3]), chance.choice(TOOLS))
        for name in chance.sample(sorted(given), chance.randrange(0, 3)):
            given.pop(name)
        with anyio.fail_after(20):
            answer = await client.post("/mcp", content=body, headers=given)
        assert answer.status_code < 500, (body[:300], answer.text[:300])

    assert (await call(client, "execute_hogql", {"query": "SELECT 1"}))["structuredContent"]["rows"] == [[1]]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
async def test_other_methods_are_told(client: httpx.AsyncClient, method: str) -> None:
    answer = await client.request(method, "/mcp", headers=headers("tools/list"))

    assert 400 <= answer.status_code < 500


async def test_one_id_many_times_at_once_has_an_answer_each(client: httpx.AsyncClient) -> None:
    found: list[Any] = []

    async def one(number: int) -> None:
        answer = await call(client, "execute_hogql", {"query": f"SELECT {number} AS n"})
        found.append((number, answer["structuredContent"]["rows"][0][0]))

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(one, number)

    assert all(asked == got for asked, got in found)
    assert len(found) == 20


async def test_callers_that_leave_take_their_work_along(client: httpx.AsyncClient) -> None:
    query = "SELECT count() FROM events a CROSS JOIN events b WHERE a.uuid < b.uuid AND a.event < b.event"
    for _ in range(3):
        with pytest.raises(httpx.TimeoutException):
            await client.post(
                "/mcp",
                json={"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                      "params": {"name": "execute_hogql", "arguments": {"query": query}, "_meta": META}},
                headers=headers("tools/call", "execute_hogql"),
                timeout=0.3,
            )  # fmt: skip
    with anyio.fail_after(20):
        while "posthog_mcp_calls_in_progress 0" not in (await client.get("/metrics")).text:  # noqa: ASYNC110
            await anyio.sleep(0.1)  # the server tells it in no other way


async def test_memory_does_not_grow_with_noise(client: httpx.AsyncClient) -> None:
    process = psutil.Process()
    bodies = list(messages(99, 80))

    async def send() -> int:
        for body in bodies:
            await client.post("/mcp", content=body, headers=headers("tools/call"))
        return process.memory_info().rss

    await send()
    before, open_before = await send(), len(process.open_files())
    after = await send()

    assert after - before < 20 << 20
    assert len(process.open_files()) <= open_before + 5


@pytest.mark.parametrize("seed", range(2))
async def test_stdio_takes_anything(demo_dir: Path, seed: int) -> None:
    answers, code = await anyio.to_thread.run_sync(talk, demo_dir, seed)

    assert "result" in answers[-1] or "error" in answers[-1]
    assert "4242" in str(answers[-1]) or "rotocol" in str(answers[-1]), "only an earlier handshake may forbid it"
    assert all(answer["jsonrpc"] == "2.0" for answer in answers)
    assert code == 0


def talk(demo_dir: Path, seed: int) -> tuple[list[dict[str, Any]], int]:
    """Send noise and then one good call to a server process; its answers and its exit code."""
    env = {**os.environ, "POSTHOG_MCP_DATA_DIR": str(demo_dir), "PYTHONPATH": str(ROOT)}  # noqa: TID251
    last = {"jsonrpc": "2.0", "id": "last", "method": "tools/call",
            "params": {"name": "execute_hogql", "arguments": {"query": "SELECT 4242 AS n"}, "_meta": META}}  # fmt: skip
    lines = [body.replace(b"\n", b" ") for body in messages(seed, 80)]
    process = subprocess.Popen(
        [sys.executable, "-m", "posthog_mcp", "serve", "--backend", "local"],
        env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"\n".join([*lines, json.dumps(last).encode(), b""]))
    process.stdin.flush()
    answers: list[dict[str, Any]] = []
    for line in process.stdout:
        answers.append(json.loads(line))
        if answers[-1].get("id") == "last":
            break
    process.stdin.close()
    return answers, process.wait(timeout=20)


ARGUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
async def in_memory(demo_dir: Path) -> AsyncIterator[Client]:
    async with client_of(demo_dir) as connected:
        yield connected


@pytest.mark.parametrize("tool", TOOLS[:-2])
async def test_tools_answer_wrong_arguments_with_an_error_of_ours(in_memory: Client, tool: str) -> None:
    listed = {each.name: each.input_schema for each in (await in_memory.list_tools()).tools}
    names = sorted(listed[tool]["properties"])
    cases: list[dict[str, Any]] = []

    @settings(max_examples=15, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.dictionaries(st.sampled_from(names), ARGUMENTS, max_size=3))
    def collect(arguments: dict[str, Any]) -> None:
        cases.append(arguments)

    collect()
    for arguments in cases:
        with anyio.fail_after(60):
            result = await in_memory.call_tool(tool, arguments)
        text = result.content[0].text  # pyright: ignore[reportAttributeAccessIssue]
        assert "failed unexpectedly" not in text, (arguments, text)
        assert "Traceback" not in text
        assert not result.is_error or text.startswith("["), (arguments, text)


async def test_a_listing_goes_on_while_others_send_noise(client: httpx.AsyncClient) -> None:
    async with anyio.create_task_group() as tasks:
        for body in messages(7, 30):
            tasks.start_soon(lambda body=body: client.post("/mcp", content=body, headers=headers("tools/call")))
        for _ in range(5):
            assert (await ask(client, "tools/list", {})).status_code == 200
