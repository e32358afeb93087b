"""One server process on stdio gets every kind of line that is no message; each is answered, and it goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import psutil
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from posthog_mcp.backends.local.driver import LocalDriver
from posthog_mcp.rest.app import rest_app
from tests.insights.served import serving
from tests.remote.calls import META, call, server_of

ROOT = Path(__file__).parents[2]
PARSE, INVALID = -32700, -32600
LIMIT = 200_000


class Wire:
    """A server process and its two pipes."""

    def __init__(self, *words: str, **env: str) -> None:
        given = {**os.environ, "PYTHONPATH": str(ROOT), **env}  # noqa: TID251
        command = [sys.executable, "-m", "posthog_mcp", "serve", *words]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=given)
        self.memory = psutil.Process(self.process.pid)

    def send(self, content: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(content)
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline().decode())  # strict: UTF-8, one object a line

    def asked(self, content: bytes) -> dict[str, Any]:
        self.send(content)
        return self.answer()

    def end(self) -> tuple[int, bytes]:
        assert self.process.stderr is not None
        assert self.process.stdin is not None
        self.process.stdin.close()
        code = self.process.wait(timeout=20)
        return code, self.process.stderr.read()


def request(number: Any, query: str = "SELECT 4242 AS n", **more: Any) -> bytes:
    params = {"name": "execute_hogql", "arguments": {"query": query}, "_meta": META}
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params, **more}).encode()


@pytest.fixture(scope="module")
async def wire(demo_dir: Path) -> AsyncIterator[Wire]:
    def start() -> Wire:
        made = Wire("--backend", "local", POSTHOG_MCP_DATA_DIR=str(demo_dir), POSTHOG_MCP_MAX_BODY=str(LIMIT))
        made.asked(request("first") + b"\n")
        return made

    started = await anyio.to_thread.run_sync(start)
    yield started
    code, said = await anyio.to_thread.run_sync(started.end)
    assert code == 0
    assert b"Traceback" not in said, said.decode()


WRONG: dict[str, tuple[bytes, int, Any]] = {
    "noise": (b"\x00\xff\xfe", PARSE, None),
    "half a message": (b'{"jsonrpc": "2.0", "id": 1', PARSE, None),
    "bytes that are no UTF-8": (request(1).replace(b"4242", b"'\xff'"), PARSE, None),
    "half of a surrogate pair": (request(1).replace(b"4242", b"'\\ud800'"), PARSE, None),
    "ten thousand brackets": (b"[" * 10_000, PARSE, None),
    "a list": (b"[]", INVALID, None),
    "a batch": (b"[" + request(1) + b"]", INVALID, None),
    "a number": (b"42", INVALID, None),
    "an empty object": (b"{}", INVALID, None),
    "another version": (request(7, jsonrpc="1.0"), INVALID, 7),
    "no method": (b'{"jsonrpc": "2.0", "id": "a"}', INVALID, "a"),
    "a method that is no text": (request("b", method=5), INVALID, "b"),
    "params that are a list": (request(8, params=[1]), INVALID, 8),
    "id null": (request(None), INVALID, None),
    "id true": (request(True), INVALID, None),
    "id 1.5": (request(1.5), INVALID, None),
    "id of a list": (request([1]), INVALID, None),
    "id of an object": (request({}), INVALID, None),
}


@pytest.mark.parametrize("what", WRONG)
async def test_what_is_no_message_is_answered(wire: Wire, what: str) -> None:
    line, code, number = WRONG[what]
    answer = wire.asked(line + b"\n")

    assert (answer["error"]["code"], answer["id"]) == (code, number)
    assert "4242" in str(wire.asked(request("after") + b"\n"))


async def test_a_long_line_is_refused_once_and_a_line_at_the_limit_is_taken(wire: Wire) -> None:
    fitting = request("fits")
    answer = wire.asked(fitting + b" " * (LIMIT - len(fitting) - 1) + b"\n")
    assert answer["id"] == "fits"
    answer = wire.asked(request("x" * LIMIT) + b"\n")
    assert answer["error"]["code"] == INVALID
    assert "POSTHOG_MCP_MAX_BODY" in answer["error"]["message"]
    assert wire.asked(request("next") + b"\n")["id"] == "next"


async def test_an_endless_line_takes_no_memory(wire: Wire) -> None:
    before = wire.memory.memory_info().rss
    answer = wire.asked(b"x" * (LIMIT + 1))
    for _ in range(60):
        wire.send(b"y" * 1_000_000)

    assert answer["error"]["code"] == INVALID
    assert wire.memory.memory_info().rss - before < 20 << 20
    assert wire.asked(b"\n" + request("on") + b"\n")["id"] == "on"


async def test_a_slow_sender_is_waited_for(wire: Wire) -> None:
    line = request("slow") + b"\r\n"
    for place in range(len(line)):
        wire.send(line[place : place + 1])
        await anyio.sleep(0.001)

    assert wire.answer()["id"] == "slow"


async def test_silence_follows_what_needs_no_answer(wire: Wire) -> None:
    quiet = [b"", b"   ", b'{"jsonrpc":"2.0","method":"notifications/nope"}',
             b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":[]}}',
             b'{"jsonrpc":"2.0","id":99,"result":{}}', b'{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}']  # fmt: skip
    wire.send(b"\n".join(quiet) + b"\n")

    assert wire.asked(request("end") + b"\n")["id"] == "end"


async def test_one_id_twice_has_an_answer_each(wire: Wire) -> None:
    wire.send(request(5, "SELECT 1 AS n") + b"\n" + request(5, "SELECT 2 AS n") + b"\n")
    answers = [wire.answer(), wire.answer()]

    assert [each["id"] for each in answers] == [5, 5]
    assert {each["result"]["structuredContent"]["rows"][0][0] for each in answers} == {1, 2}


async def test_a_big_number_is_an_id(wire: Wire) -> None:
    assert wire.asked(request(2**70) + b"\n")["id"] == 2**70


def test_the_end_in_the_middle_of_a_line_is_an_end(tmp_path: Path) -> None:
    started = Wire("--backend", "posthog", POSTHOG_MCP_DATA_DIR=str(tmp_path), POSTHOG_API_KEY="phx_of_nobody")
    started.send(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n{"jsonrpc": "2.0", "id": 1, "meth')
    code, said = started.end()

    assert code == 0
    assert b"Traceback" not in said


def halved(app: ASGIApp) -> ASGIApp:
    """A host whose JSON has half of a surrogate pair in the name of a channel."""

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        async def changed(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [each for each in message["headers"] if each[0] != b"content-length"]
                message = {**message, "headers": kept}
            elif "body" in message:
                message = {**message, "body": message["body"].replace(b"paid_social", b"paid\\ud800social")}
            await send(message)

        await app(scope, receive, changed)

    return run


CHANNELS = "SELECT properties.channel AS channel, count() AS n FROM events WHERE event = 'signed_up' GROUP BY channel"


@pytest.fixture(scope="module")
async def host(demo_dir: Path) -> AsyncIterator[str]:
    driver = LocalDriver(demo_dir)
    async with serving(halved(rest_app(driver))) as address:
        yield address
    await driver.aclose()


async def test_half_a_character_in_an_event_breaks_nothing_on_stdio(host: str, tmp_path: Path) -> None:
    def talk() -> dict[str, Any]:
        started = Wire(POSTHOG_MCP_DATA_DIR=str(tmp_path), POSTHOG_API_KEY="phx_local", POSTHOG_BASE_URL=host)
        answer = started.asked(request(1, CHANNELS) + b"\n")
        started.end()
        return answer

    answer = await anyio.to_thread.run_sync(talk)

    assert "paid\ufffdsocial" in [row[0] for row in answer["result"]["structuredContent"]["rows"]]


async def test_half_a_character_in_an_event_can_be_kept_and_exported(host: str, tmp_path: Path) -> None:
    async with server_of(tmp_path, api_key="phx_local", base_url=host) as client:
        ran = (await call(client, "execute_hogql", {"query": CHANNELS}))["structuredContent"]
        exported = (await call(client, "export_result", {"query_id": ran["query_id"]}))["structuredContent"]

    assert "paid\ufffdsocial" in await anyio.Path(exported["path"]).read_text(encoding="utf-8")
