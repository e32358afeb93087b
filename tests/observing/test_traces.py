"""Traces: which spans arrive at a collector, how they hang together, and what never stands in them."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from posthog_mcp.backends.local.driver import LocalDriver
from posthog_mcp.cli import main
from posthog_mcp.rest.app import rest_app
from tests.insights.served import serving
from tests.observing.collector import Spans, collecting, plain
from tests.remote.calls import META, ask, call, headers
from tests.running import apart

ROOT = Path(__file__).parents[2]
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADER = f"00-{TRACE}-{PARENT}-01"
META_TRACE = "5bf92f3577b34da6a3ce929d0e0e4736"
QUERY = "SELECT 'planted-literal-8812' AS x"
SECRETS = (
    "phx_local",
    "planted-literal-8812",
    "planted_tool_5519",
    "planted-argument-77",
    "planted-baggage",
    "planted-state",
    "planted person",
    "collector-key-9",
)


@dataclass
class Host:
    """The embedded project in PostHog's place, which notes the trace headers that reach it."""

    app: Any
    seen: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    asked: bytes = b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.seen.append({name.decode(): value.decode() for name, value in scope["headers"]})

        async def noting() -> Message:
            message = await receive()
            self.asked += message.get("body", b"")
            return message

        await self.app(scope, noting, send)


def environment(**more: str) -> dict[str, str]:
    plain_ones = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "POSTHOG"))}  # noqa: TID251
    return {**plain_ones, "PYTHONPATH": str(ROOT), **more}


@asynccontextmanager
async def server(env: dict[str, str]) -> AsyncGenerator[httpx.AsyncClient]:
    """A server process, told to end afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "posthog_mcp", "serve", "--transport", "http", "--port", str(port)]
    process = subprocess.Popen(command, env=env, stderr=subprocess.PIPE)  # noqa: ASYNC220
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            with anyio.fail_after(30):
                while True:
                    try:
                        await client.get("/health")
                        break
                    except httpx.TransportError:
                        await anyio.sleep(0.05)
            yield client
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = await anyio.to_thread.run_sync(process.communicate)
        assert process.returncode == 0, said


@dataclass
class Traced:
    spans: Spans
    host: Host


@pytest.fixture(scope="module")
async def traced(demo_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Traced]:
    """Everything that some requests left at the collector and at PostHog."""
    driver = LocalDriver(demo_dir)
    host = Host(rest_app(driver))
    with collecting() as spans:
        async with serving(host) as address:
            env = environment(
                OTEL_EXPORTER_OTLP_ENDPOINT=spans.url,
                OTEL_EXPORTER_OTLP_HEADERS="x-key=collector-key-9",
                OTEL_SERVICE_NAME="analytics",
                POSTHOG_API_KEY="phx_local",
                POSTHOG_BASE_URL=address,
                POSTHOG_MCP_DATA_DIR=str(tmp_path_factory.mktemp("traced")),
            )
            async with server(env) as client:
                more = {"traceparent": HEADER, "baggage": "who=planted-baggage", "tracestate": "who=planted-state"}
                for _ in range(2):
                    await call(client, "execute_hogql", {"query": QUERY}, **more)
                await call(client, "execute_hogql", {"query": "SELECT nothing FROM events"})
                await call(client, "read_knowledge", {"id": "planted-argument-77"})
                await ask(client, "tools/call", {"name": "planted_tool_5519", "arguments": {}})
                await ask(client, "planted/tool_5519", {})
                await ask(client, "planted person", {})
                await ask(client, "tools/call", {"name": "planted person", "arguments": "none"})
                meta: Any = {**META, "traceparent": f"00-{META_TRACE}-{PARENT}-01"}
                body: Any = {"jsonrpc": "2.0", "id": "planted-argument-77", "method": "tools/call",
                        "params": {"name": "execute_hogql", "arguments": {"query": QUERY}, "_meta": meta}}  # fmt: skip
                await client.post("/mcp", json=body, headers=headers("tools/call", "execute_hogql"))
    yield Traced(spans, host)
    await driver.aclose()


def of(spans: Spans, name: str, **wanted: Any) -> list[Any]:
    found = [(span, plain(span.attributes)) for span in spans.named(name)]
    return [
        span for span, told in found if all(told.get(f"posthog_mcp.{key}") == value for key, value in wanted.items())
    ]


async def test_a_call_is_one_trace_from_the_clients_span_to_posthog(traced: Traced) -> None:
    first = of(traced.spans, "tools/call execute_hogql", cached=False, outcome="ok")[0]
    by_id = {span.span_id: span for span in traced.spans.found}
    query = next(span for span in traced.spans.named("query") if span.parent_span_id == first.span_id)
    sent = [span for span in traced.spans.named("HTTP POST") if span.parent_span_id == query.span_id]
    door = by_id[first.parent_span_id]

    assert (door.name, door.parent_span_id.hex()) == ("HTTP POST", PARENT)
    assert {span.trace_id.hex() for span in (door, first, query, *sent)} == {TRACE}
    assert sent
    assert f"00-{TRACE}-{sent[0].span_id.hex()}-01" in {seen.get("traceparent") for seen in traced.host.seen}
    assert all("baggage" not in seen for seen in traced.host.seen)


async def test_spans_tell_figures_and_codes(traced: Traced) -> None:
    tool = plain(of(traced.spans, "tools/call execute_hogql", outcome="ok")[0].attributes)
    failed = of(traced.spans, "tools/call execute_hogql", outcome="hogql_resolution")[0]
    queries = [plain(span.attributes) for span in traced.spans.named("query")]
    door = plain(next(s for s in traced.spans.named("HTTP POST") if s.parent_span_id.hex() == PARENT).attributes)

    assert (tool["gen_ai.tool.name"], tool["posthog_mcp.backend"], tool["posthog_mcp.rows"]) == (
        "execute_hogql",
        "posthog",
        1,
    )
    assert tool["posthog_mcp.project_id"] == 1
    assert failed.status.code == 2
    sent = {
        text: json.loads(text)
        for text in set(re.findall(r'"query": ?("[^"]*planted-literal[^"]*")', traced.host.asked.decode()))
    }
    hashes = {hashlib.sha256(text.encode()).hexdigest() for text in sent.values()}
    ours = [told for told in queries if told.get("posthog_mcp.query_sha256") in hashes]
    assert len(ours) == 1, "once asked, then from the cache"
    assert (ours[0]["posthog_mcp.query_kind"], ours[0]["posthog_mcp.rows"]) == ("HogQLQuery", 1)
    assert ours[0]["posthog_mcp.elapsed_ms"] > 0
    assert (door["http.request.method"], door["http.response.status_code"]) == ("POST", 200)
    assert of(traced.spans, "tools/call execute_hogql", cached=True)


async def test_the_context_in_meta_is_taken_too(traced: Traced) -> None:
    found = [span for span in traced.spans.found if span.trace_id.hex() == META_TRACE]

    assert found[0].name == "tools/call execute_hogql"
    assert found[0].parent_span_id.hex() == PARENT


async def test_no_secret_argument_or_text_leaves(traced: Traced) -> None:
    everything = b"".join(traced.spans.raw)

    assert [secret for secret in SECRETS if secret.encode() in everything] == []
    assert all(not span.events and not span.status.message for span in traced.spans.found)


async def test_the_standard_names_hold(traced: Traced) -> None:
    assert {told["service.name"] for told in traced.spans.resources} == {"analytics"}


def run(*words: str, code: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    start = f"{code}; import sys; from posthog_mcp.cli import main; sys.exit(main({list(words)!r}))".removeprefix("; ")
    return subprocess.run(
        [sys.executable, "-c", start], env=environment(**env), capture_output=True, text=True, timeout=60
    )


@pytest.fixture
def folder(demo_dir: Path, tmp_path: Path) -> str:
    """A data folder over the demo project."""
    (tmp_path / "local").symlink_to(demo_dir / "local")
    return str(tmp_path)


async def test_without_the_variables_nothing_is_imported(folder: str) -> None:
    code = "import atexit, sys; atexit.register(lambda: print([m for m in sys.modules if m.startswith('opentelemetry.sdk')]))"
    done = run("call", "search_knowledge", '{"query": "retention"}', code=code, POSTHOG_MCP_DATA_DIR=folder)

    assert done.returncode == 0
    assert done.stdout.strip().endswith("[]"), done.stdout[-300:]


async def test_a_missing_extra_is_told_and_stops_nothing(tmp_path: Path) -> None:
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://user:hidden@127.0.0.1:9", "POSTHOG_MCP_DATA_DIR": str(tmp_path)}
    done = run("doctor", code="import sys; sys.modules['opentelemetry.sdk'] = None", **env)

    assert done.returncode == 0
    assert 'pip install "posthog-mcp[otel]"' in done.stderr, "the log"
    assert 'pip install "posthog-mcp[otel]"' in done.stdout, "the line"
    assert "hidden" not in done.stdout + done.stderr


async def test_a_collector_that_is_away_costs_seconds_at_most(folder: str) -> None:
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "POSTHOG_MCP_DATA_DIR": folder}
    begun = time.monotonic()
    done = run("call", "search_knowledge", '{"query": "retention"}', **env)

    assert done.returncode == 0
    assert time.monotonic() - begun < 15


async def test_the_doctor_says_where_traces_go(
    demo_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:hidden@collector.example:4318")
    apart(lambda: main(["doctor", "--data-dir", str(demo_dir)]))
    said = capsys.readouterr().out

    assert "collector.example:4318" in said
    assert "hidden" not in said
