"""Summaries as `$ai_trace_summary` events: only with writes allowed, once, readable from HogQL, no part of a trace."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from posthog_mcp.backends.posthog.capture import send_events
from posthog_mcp.errors import Forbidden, Unavailable
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings
from tests.themes.planted import KINDS, ok

QUERY = """SELECT properties.$ai_trace_id, properties.$trace_id, properties.$analysis_theme_id, properties.$summary,
       properties.$ai_summary_title
FROM events WHERE event = '$ai_trace_summary' AND timestamp > now() - INTERVAL 1 DAY ORDER BY 1 LIMIT 200"""


async def test_summaries_are_events_that_hogql_reads(data_dir: Path) -> None:
    settings = Settings.load(data_dir=data_dir, backend="local", allow_writes=True)
    async with Client(build_server(settings)) as client:
        run = await ok(client, "run_theme", theme="error_analysis")
        assert run["events_written"] == run["read"]
        found = await client.call_tool("execute_hogql", {"query": QUERY})
        assert found.structured_content is not None
        assert found.structured_content["row_count"] == run["read"]
        row: Any = found.structured_content["rows"][0]
        assert row[0] == row[1]
        assert row[2] == "error_analysis"
        again = await ok(client, "run_theme", theme="error_analysis", rewind=True)
        assert again["read"] == run["read"], "our own events are no part of a trace: its fingerprint stays"
        assert again["events_written"] == 0, "the same summary is the same event"


async def test_without_writes_none_is_sent(client: Client) -> None:
    assert (await ok(client, "run_theme", theme="error_analysis"))["events_written"] == 0
    found = await client.call_tool("execute_hogql", {"query": QUERY})
    assert found.structured_content is not None
    assert found.structured_content["row_count"] == 0
    assert sum(count for _, count in KINDS.values()) > 0


@contextmanager
def capture_host(statuses: list[int]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A host that takes events; its first answers have these statuses."""
    taken: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status = statuses.pop(0) if statuses else 200
            if status == 200:
                taken.append({"path": self.path, **body})
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", taken
    finally:
        server.shutdown()
        server.server_close()


async def test_posthog_takes_them_in_batches_with_the_project_token() -> None:
    events: list[dict[str, Any]] = [{"event": "$ai_trace_summary", "uuid": str(each)} for each in range(130)]
    with capture_host([503]) as (url, taken):
        assert await send_events(url, "phc_token", events) == 130
    assert [(each["path"], each["api_key"], len(each["batch"])) for each in taken] == [
        ("/batch/", "phc_token", 100),
        ("/batch/", "phc_token", 30),
    ]


async def test_a_missing_token_and_a_refusal_are_told() -> None:
    with pytest.raises(Forbidden, match="project's token"):
        await send_events("http://127.0.0.1:9", "", [{}])
    with capture_host([400]) as (url, _), pytest.raises(Unavailable, match="HTTP 400"):
        await send_events(url, "phc_token", [{"event": "x"}])
