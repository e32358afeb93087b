"""The key is nowhere but in the requests: a journey at a host that repeats it, then every trace of it searched.

Searched: all that tools, pages and commands said, the log at DEBUG, and every file of the data folder; for the key, its
first characters, and its base64 at every alignment.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx
from keyed_host import Key, KeyedHost, serving
from mcp import Client
from starlette.responses import JSONResponse, Response

ROOT = Path(__file__).parents[3]
KEY = f"phx_{secrets.token_hex(20)}"
MARK = f"marker{secrets.token_hex(8)}"
"""In a query of the journey: the search must find it wherever queries are kept and shown."""
MODULE = [sys.executable, "-m", "posthog_mcp"]


def traces(secret: str) -> list[bytes]:
    """What would give the secret away."""
    packed = [base64.b64encode(b"x" * shift + secret.encode()) for shift in range(3)]
    return [secret.encode(), secret[:12].encode(), *(each[4:-4] for each in packed)]


def found_in(places: dict[str, bytes], secret: str) -> list[str]:
    return [name for name, content in places.items() if any(each in content for each in traces(secret))]


async def rude(method: str, path: str, body: Any) -> Response | None:
    """Repeats the key in answers of every kind."""
    query = body["query"]["query"] if method == "POST" and body["query"]["kind"] == "HogQLQuery" else ""
    said = f"no, {KEY}"
    headers = {"X-Echo": f"Bearer {KEY}"}
    if "'refused'" in query:
        return JSONResponse({"code": KEY, "detail": said, "attr": KEY}, 400, headers)
    if "'broken'" in query:
        return JSONResponse({"code": "at_capacity", "detail": said}, 503, headers)
    if "'failed'" in query:
        job = {"id": "j", "complete": True, "error": True, "error_message": said, "error_code": "hogql_query_error"}
        return JSONResponse({"query_status": job}, 200, headers)
    if "'text'" in query:
        return Response(said, 200, headers, media_type=f"text/{KEY}")
    return None


@asynccontextmanager
async def served(environment: dict[str, str], log: Path) -> AsyncIterator[str]:
    """`posthog-mcp serve --transport http`; its log is written to a file when it has ended."""
    command, stderr = [*MODULE, "serve", "--transport", "http", "--port", "0"], b""
    async with (
        await anyio.open_process(command, stdout=subprocess.DEVNULL, env=environment) as process,
        anyio.create_task_group() as tasks,
    ):
        assert process.stderr is not None
        while not (told := re.search(rb"http://127\.0\.0\.1:\d+", stderr)):
            stderr += await process.stderr.receive()

        async def read_on() -> None:
            async with await anyio.open_file(log, "wb") as file:
                await file.write(stderr)
                async for piece in process.stderr or ():
                    await file.write(piece)

        tasks.start_soon(read_on)
        yield told[0].decode()
        process.terminate()
        assert await process.wait() == 0


async def journey(address: str) -> dict[str, bytes]:
    """What a client sees of calls that go well and calls that do not, and an operator of the pages."""
    seen: dict[str, bytes] = {}

    async def call(tool: str, **arguments: Any) -> dict[str, Any]:
        result = await client.call_tool(tool, arguments)
        seen[f"{tool} {arguments}"] = result.model_dump_json().encode()
        return result.structured_content or {}

    async with Client(f"{address}/mcp") as client:
        seen["tools"] = (await client.list_tools()).model_dump_json().encode()
        await call("discover_objects")
        await call("get_object_fields", name="signed_up")
        await call("validate_hogql", query="SELECT evnt FROM events", format=True)
        done = await call("execute_hogql", query=f"SELECT event, '{MARK}' FROM events LIMIT 3", refresh=True)
        assert len(done["rows"]) == 3
        for text in ("refused", "broken", "failed", "text"):
            await call("execute_hogql", query=f"SELECT '{text}', '{MARK}'")
        await call("execute_hogql", query="SELECT evnt FROM events")
        await call("query_history")
        await call("save_query", query_id=done["query_id"], name="kept")
        await call("show_last_script")
        await call("show_last_script", query_id=done["query_id"])
        exported = await call("export_result", query_id=done["query_id"])
        seen["resource"] = (await client.read_resource(exported["uri"])).model_dump_json().encode()
        for resource in (await client.list_resources()).resources:
            seen[str(resource.uri)] = (await client.read_resource(str(resource.uri))).model_dump_json().encode()
    async with httpx.AsyncClient(base_url=address) as pages:
        for page in ("/health", "/ready", "/api/info", "/metrics"):
            seen[page] = (await pages.get(page)).content
    return seen


async def command(environment: dict[str, str], *words: str) -> bytes:
    run = partial(subprocess.run, [*MODULE, *words], env=environment, capture_output=True, timeout=60)
    done = await anyio.to_thread.run_sync(run)
    return done.stdout + done.stderr


async def test_the_key_is_nowhere(demo_dir: Path, tmp_path: Path) -> None:
    data, log = tmp_path / "data", tmp_path / "log"
    host = KeyedHost({KEY: Key()}, before=rude)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("POSTHOG")}  # noqa: TID251
    environment = {
        **inherited,
        "PYTHONPATH": str(ROOT),
        "POSTHOG_API_KEY": KEY,
        "POSTHOG_PROJECT_ID": "1",
        "POSTHOG_MCP_DATA_DIR": str(data),
        "LOG_LEVEL": "DEBUG",
    }
    async with serving(host, demo_dir) as address:
        environment["POSTHOG_BASE_URL"] = address
        async with served(environment, log) as ours:
            places = await journey(ours)
        places["doctor"] = await command(environment, "doctor")
        refused = {**environment, "POSTHOG_API_KEY": f"{KEY}x"}
        places["doctor, refused"] = await command(refused, "doctor")
        places["call"] = await command(environment, "call", "execute_hogql", '{"query": "SELECT 1"}')
        places["call, refused"] = await command(environment, "call", "execute_hogql", '{"query": "SELECT \'refused\'"}')
        places["wrong settings"] = await command({**environment, "POSTHOG_API_KEY": f"{KEY} {KEY}"}, "doctor")

    assert set(host.heard) == {KEY, f"{KEY}x"}, "the key was sent"
    places["log"] = log.read_bytes()
    places |= {str(path.relative_to(data)): path.read_bytes() for path in data.rglob("*") if path.is_file()}
    assert found_in(places, KEY) == []
    marked = found_in(places, MARK)
    assert {"state.sqlite", "query_history {}", "show_last_script {}"} <= {*marked}, marked
    assert any(name.startswith("results") for name in marked)
    assert b"POST " in places["log"], "requests are logged at DEBUG"
    assert b"[key]" in places["call, refused"]


def test_the_search_finds_what_it_searches_for() -> None:
    packed = [base64.b64encode(f"{before}{KEY}:".encode()) for before in ("", "a", "ab", "user:")]
    places = {str(number): each for number, each in enumerate([f"a {KEY[:12]} b".encode(), KEY.encode(), *packed])}
    assert len(found_in(places, KEY)) == len(places)
    assert found_in({"clean": b"phx_" + b"0" * 40}, KEY) == []
