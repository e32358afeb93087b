"""The door: credentials, sizes, times, rates, and the operator's pages."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from posthog_mcp.cli import main
from posthog_mcp.commands import connections
from tests.insights.served import serving
from tests.remote.calls import ask, call, headers, server_of, tools
from tests.running import apart


@pytest.fixture(scope="module")
async def plain(demo_dir: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with server_of(demo_dir, backend="local") as client:
        yield client


@pytest.fixture(scope="module")
async def keyed(demo_dir: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with server_of(demo_dir, backend="local", auth="key") as client:
        yield client


async def test_without_credentials_the_servers_own_project_answers(plain: httpx.AsyncClient) -> None:
    found = await call(plain, "execute_hogql", {"query": "SELECT count() FROM events"})

    assert found["structuredContent"]["rows"][0][0] > 10_000


async def test_where_keys_are_needed_nobody_comes_in_without(keyed: httpx.AsyncClient) -> None:
    answer = await ask(keyed, "tools/list", {})

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ("Bearer phc_projecttoken", 401),
        ("Basic dXNlcjpwYXNz", 400),
        ("Bearer", 400),
        ("Bearer two words", 401),
        (f"Bearer {'x' * 5000}", 401),
    ],
)
async def test_wrong_credentials_are_refused_and_never_repeated(
    keyed: httpx.AsyncClient, given: str, status: int
) -> None:
    answer = await keyed.post("/mcp", json={}, headers={**headers("tools/list"), "authorization": given})

    assert answer.status_code == status
    assert given.partition(" ")[2] not in answer.text or given == "Bearer"


async def test_a_key_comes_in(keyed: httpx.AsyncClient) -> None:
    assert "execute_hogql" in await tools(keyed, "phx_local")


@pytest.mark.parametrize("path", ["/us/mcp", "/12/mcp", "/eu/12/mcp", "/mcp/"])
async def test_region_and_project_may_stand_in_the_path(keyed: httpx.AsyncClient, path: str) -> None:
    assert (await ask(keyed, "tools/list", {}, "phx_local", path=path)).status_code == 200


@pytest.mark.parametrize("path", ["/%D9%A1%D9%A2/mcp", "/ap/mcp", "/eu/12/mcp/x", "/12/eu/mcp"])
async def test_other_paths_lead_nowhere(plain: httpx.AsyncClient, path: str) -> None:
    assert (await ask(plain, "tools/list", {}, path=path)).status_code == 404


@pytest.mark.parametrize("path", ["/mcp%0a", "/mcp/%0a", "/12/mcp%0A", "/%6dcp"])
async def test_no_spelling_of_the_path_leads_around_the_door(keyed: httpx.AsyncClient, path: str) -> None:
    assert (await ask(keyed, "tools/list", {}, path=path)).status_code == 401


@pytest.mark.parametrize("more", [{"x-posthog-project-id": "a"}, {"x-posthog-region": "mars"}])
async def test_wrong_places_are_told(keyed: httpx.AsyncClient, more: dict[str, str]) -> None:
    assert (await ask(keyed, "tools/list", {}, "phx_local", **more)).status_code == 400


async def test_guessing_keys_is_slowed_down(demo_dir: Path) -> None:
    async with server_of(demo_dir, backend="local", auth="key") as client:
        found = [(await ask(client, "tools/list", {}, "phc_x")).status_code for _ in range(40)]

    assert found[0] == 401
    assert found[-1] == 429


async def test_a_rate_is_held_for_each_principal_alone(demo_dir: Path) -> None:
    async with server_of(demo_dir, backend="local", auth="key", request_rate="5/h") as client:
        first = [(await ask(client, "tools/list", {}, "phx_one_and_more")) for _ in range(7)]
        other = await ask(client, "tools/list", {}, "phx_two_and_more")

    assert [answer.status_code for answer in first] == [200] * 5 + [429] * 2
    assert int(first[-1].headers["retry-after"]) > 0
    assert other.status_code == 200


async def first_line(client: httpx.AsyncClient, head: str, *parts: bytes) -> bytes:
    """Send a head and parts of a body, and read the status line of the answer."""
    lines = [f"{name}: {value}" for name, value in headers("tools/list").items()]
    address = client.base_url
    async with await anyio.connect_tcp(address.host, address.port or 80) as stream:
        await stream.send("\r\n".join(["POST /mcp HTTP/1.1", "host: 127.0.0.1", *lines, head, "", ""]).encode())
        for part in parts:
            await stream.send(part)
        with anyio.fail_after(10):
            return (await stream.receive()).partition(b"\r\n")[0]


async def test_large_and_slow_bodies_are_cut(demo_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("posthog_mcp.server.door.BODY_SECONDS", 0.3)
    chunk = b"fffff\r\n" + b" " * 0xFFFFF + b"\r\n"
    async with server_of(demo_dir, backend="local", max_body=100_000) as client:
        declared = await first_line(client, "content-length: 200000")
        streamed = await first_line(client, "transfer-encoding: chunked", chunk)
        waited = await first_line(client, "content-length: 20", b"{")
        after = await ask(client, "tools/list", {})

    assert [line.split()[1] for line in (declared, streamed, waited)] == [b"413", b"413", b"408"]
    assert after.status_code == 200


async def test_a_request_ends_at_its_time(demo_dir: Path) -> None:
    async with server_of(demo_dir, backend="local", request_timeout=0.2) as client:
        slow = {"query": "SELECT sum(sleepEachRow(0.1)) FROM events"}
        heavy = {
            "query": "SELECT count() FROM events a CROSS JOIN events b WHERE a.uuid < b.uuid AND a.event < b.event"
        }
        answers = [
            await ask(client, "tools/call", {"name": "execute_hogql", "arguments": each}) for each in (heavy, slow)
        ]
        after = await ask(client, "tools/list", {})

    assert answers[0].status_code == 504
    assert after.status_code == 200


async def test_pages_answer_and_count(plain: httpx.AsyncClient) -> None:
    await call(plain, "execute_hogql", {"query": "SELECT 1"})
    text = (await plain.get("/metrics")).text

    assert (await plain.get("/health")).json() == {"status": "ok"}
    assert (await plain.get("/ready")).json() == {"status": "ready"}
    assert 'posthog_mcp_tool_seconds_bucket{tool="execute_hogql",le="+Inf"}' in text
    assert 'posthog_mcp_http_requests_total{status="200"}' in text
    for line in text.splitlines():
        assert line.startswith("# TYPE ") or len(line.rsplit(" ", 1)) == 2
        assert line.startswith("#") or float(line.rsplit(" ", 1)[1]) >= 0


async def test_foreign_hosts_and_origins_are_refused(plain: httpx.AsyncClient) -> None:
    host = await ask(plain, "tools/list", {}, host="evil.example")
    origin = await ask(plain, "tools/list", {}, origin="https://evil.example")

    assert (host.status_code, origin.status_code) == (421, 403)


async def test_named_hosts_and_origins_are_answered(demo_dir: Path) -> None:
    more = {"allowed_hosts": "mcp.example.com", "allowed_origins": "https://app.example.com"}
    async with server_of(demo_dir, backend="local", **more) as client:
        found = await ask(client, "tools/list", {}, host="mcp.example.com", origin="https://app.example.com")

    assert found.status_code == 200


def test_an_own_key_is_not_served_to_everybody(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTHOG_API_KEY", "phx_of_the_server")

    open_to_all = ["serve", "--transport", "http", "--host", "0.0.0.0", "--port", "0"]
    assert apart(lambda: main(open_to_all)) == 2
    assert "POSTHOG_MCP_AUTH" in capsys.readouterr().err


async def test_a_head_that_does_not_come_ends_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hello(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("hello")(scope, receive, send)

    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    request = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
    async with serving(hello, http=connections.Impatient) as address:
        port = int(address.rpartition(":")[2])
        for before in (b"", request):  # a first request, and one on a connection that is kept
            async with await anyio.connect_tcp("127.0.0.1", port) as stream:
                if before:
                    await stream.send(before)
                    assert b"hello" in await stream.receive()
                await stream.send(b"GET / HTTP/1.1\r\nhost: ")
                with anyio.fail_after(4), pytest.raises(anyio.EndOfStream):
                    await stream.receive()
        async with httpx.AsyncClient() as client:
            assert (await client.get(address)).text == "hello"


async def test_a_head_or_a_trailer_without_end_ends_the_connection() -> None:
    async def hello(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        await PlainTextResponse("hello")(scope, receive, send)

    chunked = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    endless = {
        "one header": (b"GET / HTTP/1.1\r\nx: ", b"a" * 1000),
        "many headers": (b"GET / HTTP/1.1\r\n", b"a: b\r\n" * 100),
        "a path": (b"GET /", b"a" * 1000),
        "trailers": (chunked + b"1\r\nx\r\n0\r\n", b"a: b\r\n" * 100),
        "a chunk's extension": (chunked + b"1;", b"a" * 1000),
    }
    async with serving(hello, http=connections.Impatient) as address:
        port = int(address.rpartition(":")[2])
        for first, then in endless.values():
            sent = 0
            async with await anyio.connect_tcp("127.0.0.1", port) as stream:
                await stream.send(first)
                with anyio.fail_after(10), contextlib.suppress(anyio.BrokenResourceError):
                    while sent < 1 << 24:
                        await stream.send(then)
                        sent += len(then)
                        await anyio.lowlevel.checkpoint()
            # What a socket's buffers take is beyond the server's knowledge.
            assert sent < 1 << 24
        tiny = b"".join(b"1\r\nx\r\n" for _ in range(50_000)) + b"0\r\n\r\n"
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            await stream.send(chunked + tiny)
            with anyio.fail_after(10):
                assert b"hello" in await stream.receive()


async def test_the_log_has_a_line_a_request_without_keys(
    keyed: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="posthog_mcp.access")
    await call(keyed, "execute_hogql", {"query": "SELECT 'private_literal'"}, "phx_local")

    fields: list[dict[str, Any]] = [
        record.__dict__["fields"] for record in caplog.records if "fields" in record.__dict__
    ]
    assert (fields[-1]["name"], fields[-1]["status"]) == ("execute_hogql", 200)
    await ask(keyed, "tools/list", {}, "phc_wrong", **{"x-request-id": "gateway-17-of-3"})
    refused = caplog.records[-1].__dict__["fields"]
    assert (refused["principal"], refused["request_id"]) == ("unknown", "gateway-17-of-3")
    assert "phx_local" not in json.dumps(fields)
    assert "private_literal" not in json.dumps(fields)
