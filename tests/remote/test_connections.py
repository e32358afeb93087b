"""Connections that end in unusual ways, and what a server still owes them."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from posthog_mcp.cli import main
from posthog_mcp.commands import connections
from tests.insights.served import serving
from tests.remote.calls import META, headers
from tests.remote.test_replicas import ROOT

HEAVY = "SELECT count() FROM events a CROSS JOIN (SELECT uuid FROM events LIMIT {}) b WHERE a.uuid < b.uuid"


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the body, after the pause that it names."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body, more = body + message["body"], message.get("more_body", False)
    with anyio.move_on_after(float(body.partition(b" ")[0] or 0)):
        await receive()
        return
    await PlainTextResponse(b"got " + body)(scope, receive, send)


def posted(body: bytes, *lines: bytes) -> bytes:
    return b"\r\n".join([b"POST / HTTP/1.1", b"host: x", *lines, b"content-length: %d" % len(body), b"", body])


async def talk(address: str, *parts: bytes, closing: bool = False) -> bytes:
    """All that a server says until it closes."""
    said = b""
    async with await anyio.connect_tcp("127.0.0.1", int(address.rpartition(":")[2])) as stream:
        for part in parts:
            await stream.send(part)
        if closing:
            await stream.send_eof()
        with anyio.fail_after(8):
            async for data in stream:
                said += data
    return said


async def test_who_closed_their_side_gets_every_answer() -> None:
    async with serving(echo, http=connections.Impatient) as address:
        said = await talk(address, posted(b"0.3 one") + posted(b"0.1 two"), closing=True)
        half = await talk(address, posted(b"0.1 three")[:-3], closing=True)

    assert re.findall(rb"got \S+ (one|two)", said) == [b"one", b"two"]
    assert half == b""


async def test_what_nobody_waits_for_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LEAVING_SECONDS", 0.2)
    async with serving(echo, http=connections.Impatient) as address:
        assert await talk(address, posted(b"30 never"), closing=True) == b""


@pytest.mark.parametrize("wish", [b"h2c", b"websocket"])
async def test_a_wish_for_another_protocol_is_not_granted_and_costs_nothing(wish: bytes) -> None:
    lines = (b"Connection: Upgrade, HTTP2-Settings, close", b"Upgrade: " + wish, b"HTTP2-Settings: AAMAAABk")
    body = b"0 Upgrade:\r\nupgrade: x\r\n\r\n"
    async with serving(echo, http=connections.Impatient) as address:
        said = await talk(address, posted(body, *lines))
        apart = posted(body, b"connection: close")
        cut = apart.index(b"0 Upgrade") - 1
        in_two = await talk(address, apart[:cut], apart[cut:])

    assert said.endswith(b"got " + body)
    assert in_two.endswith(b"got " + body)


async def test_a_stream_that_only_listens_ends_with_the_server() -> None:
    async def ticks() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        await anyio.sleep_forever()

    async def listening(scope: Scope, receive: Receive, send: Send) -> None:
        await StreamingResponse(ticks(), media_type="text/event-stream")(scope, receive, send)

    async with anyio.create_task_group() as tasks:
        said = b""

        async def listen(address: str) -> None:
            nonlocal said
            said = await talk(address, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")

        with anyio.fail_after(5):
            async with serving(listening, http=connections.Impatient) as address:
                tasks.start_soon(listen, address)
                await anyio.sleep(0.3)

    assert said.endswith(b"data: 1\n\n\r\n0\r\n\r\n")


@contextmanager
def process(data: Path, log: Path, **env: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A server process on a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    command = [sys.executable, "-m", "posthog_mcp", "serve", "--transport", "http", "--port", port]
    given = {**os.environ, **env, "POSTHOG_MCP_DATA_DIR": str(data), "PYTHONPATH": str(ROOT)}  # noqa: TID251
    with log.open("wb") as file, subprocess.Popen(command, env=given, stderr=file) as started:
        try:
            yield started, f"http://127.0.0.1:{port}"
        finally:
            started.kill()


async def ready(address: str) -> None:
    async with httpx.AsyncClient() as client:
        with anyio.fail_after(60):
            while True:
                try:
                    if (await client.get(f"{address}/ready", timeout=30)).status_code == 200:
                        return
                except httpx.TransportError:
                    await anyio.sleep(0.1)


async def heavy(address: str, rows: int, *, older: bool, answers: list[httpx.Response]) -> None:
    arguments = {"name": "execute_hogql", "arguments": {"query": HEAVY.format(rows)}}
    params: dict[str, Any] = arguments if older else {**arguments, "_meta": META}
    given = headers("tools/call", "execute_hogql", **({"mcp-protocol-version": "2025-06-18"} if older else {}))
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    async with httpx.AsyncClient(timeout=40) as client:
        answers.append(await client.post(f"{address}/mcp", json=body, headers=given))


@pytest.fixture
def own_data(demo_dir: Path, tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "local").symlink_to(demo_dir / "local")
    return tmp_path / "data"


@pytest.mark.parametrize("older", [False, True])
async def test_a_call_under_way_is_answered_at_the_servers_end(own_data: Path, tmp_path: Path, older: bool) -> None:
    answers: list[httpx.Response] = []
    with process(own_data, tmp_path / "log") as (server, address):
        await ready(address)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: heavy(address, 600, older=older, answers=answers))
            await anyio.sleep(0.4)
            server.send_signal(signal.SIGTERM)
        assert await anyio.to_thread.run_sync(lambda: server.wait(timeout=20)) == 0

    assert '"rows":[[' in answers[0].text.replace(" ", "").replace('\\"', '"')
    assert "Traceback" not in (tmp_path / "log").read_text()


async def test_a_second_signal_waits_for_nothing_and_tells_client_and_audit(
    own_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers: list[httpx.Response] = []
    with process(own_data, tmp_path / "log", POSTHOG_MCP_DRAIN_SECONDS="60") as (server, address):
        await ready(address)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: heavy(address, 10**6, older=False, answers=answers))
            await anyio.sleep(0.4)
            server.send_signal(signal.SIGTERM)
            async with httpx.AsyncClient() as client:
                draining = await client.get(f"{address}/ready")
            server.send_signal(signal.SIGTERM)
        assert await anyio.to_thread.run_sync(lambda: server.wait(timeout=8)) == 0

    assert (draining.status_code, draining.json()) == (503, {"status": "draining"})
    assert answers[0].status_code == 503
    assert "Traceback" not in (tmp_path / "log").read_text()
    assert main(["audit", "export", "--data-dir", str(own_data)]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["action"], record["decision"]) == ("execute_hogql", "cancelled")
