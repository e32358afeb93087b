"""Masking on the ways out that pass through other programs: a sandbox, a PostHog host, a report's command, completions."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread
from mcp import Client
from mcp.types import ResourceTemplateReference
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from posthog_mcp.backends.local.driver import LocalDriver
from posthog_mcp.rest.app import rest_app
from tests.house.rules import ROOT
from tests.insights.served import serving
from tests.safety.planted import EMAIL, NAME, PLANTED, all_of, client_of, leaks, make
from tests.sandbox.stand_in import Running

RANGE = {"date_from": "2026-10-01", "date_to": "2026-10-07"}
BY_NAME: dict[str, Any] = {"kind": "trends", "series": [{"event": "bought"}], "breakdown": "person:name", **RANGE}


@pytest.fixture(scope="module", params=["pii", "strict"])
def mode(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
async def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return await make(tmp_path_factory.mktemp("elsewhere"))


@pytest.fixture(scope="module")
async def sandboxed(data: Path, mode: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    with Running(tmp_path_factory.mktemp("boxes")) as stand_in:
        e2b = {"e2b_api_key": "e2b_stand_in", "e2b_api_url": stand_in.url, "e2b_sandbox_url": stand_in.url}
        async with client_of(data, mask=mode, **e2b) as client:
            yield client


CODES = {
    "the input": "show(df); print(df.to_string() if hasattr(df, 'to_string') else df); str(df)",
    "the files": "import pathlib; [p.read_text(errors='replace') for p in pathlib.Path('.').rglob('*') if p.is_file()]",
    "what the code says itself": f"print({EMAIL!r}); show([{{'name': {NAME!r}, 'email': {EMAIL!r}}}]); {EMAIL!r}",
    "an error": f"raise ValueError({EMAIL!r})",
}


@pytest.mark.parametrize("what", CODES)
async def test_a_sandbox_neither_gets_nor_gives_planted_data(sandboxed: Client, what: str) -> None:
    ran = await sandboxed.call_tool("execute_hogql", {"query": "SELECT *, person.properties.name AS n FROM events"})
    assert ran.structured_content is not None
    asked = {"code": CODES[what], "inputs": [ran.structured_content["query_id"]]}
    result = await sandboxed.call_tool("run_python", asked)

    assert leaks(all_of(result)) == []
    if what != "an error":
        assert result.structured_content is not None, all_of(result)


class Typed:
    """The embedded API, whose host also runs trends and breaks them down by people's names."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.asked = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].endswith("/query/"):
            message = await receive()
            if b"TrendsQuery" in message["body"]:
                self.asked += 1
                days = [f"2026-10-0{day}" for day in range(1, 8)]
                found = [
                    {"action": {"order": 0}, "data": [1] * 7, "days": days, "label": f"bought - {who}",
                     "breakdown_value": who} for who in (NAME, EMAIL)
                ]  # fmt: skip
                return await JSONResponse({"results": found})(scope, receive, send)
            messages: list[Message] = [message]

            async def again() -> Message:
                return messages.pop() if messages else await receive()

            return await self.app(scope, again, send)
        return await self.app(scope, receive, send)


async def test_typed_queries_of_a_host_are_masked(data: Path, mode: str, tmp_path: Path) -> None:
    driver = LocalDriver(data)
    typed = Typed(rest_app(driver))
    async with serving(typed) as address:
        given = {"backend": "posthog", "api_key": "phx_local", "base_url": address, "rate_limit": "10000/s"}
        async with client_of(tmp_path, mask=mode, **given) as client:
            found = await client.call_tool("run_insight", BY_NAME)
            rows = await client.call_tool(
                "execute_hogql", {"query": "SELECT properties, person.properties FROM events"}
            )
            persons = await client.call_tool("call_api", {"path": "P/persons/"})
    await driver.aclose()

    assert not found.is_error, all_of(found)[-900:]
    assert typed.asked == 1, all_of(found)
    assert not rows.is_error
    assert leaks(*map(all_of, (found, rows, persons))) == []


async def test_completions_give_no_planted_value(sandboxed: Client) -> None:
    for name in ("ada", EMAIL[:6], ""):
        reference = ResourceTemplateReference(uri="posthog://traces/{trace_id}")
        found = await sandboxed.complete(reference, {"name": "trace_id", "value": name})
        assert leaks(all_of(found)) == []


async def test_a_report_of_the_command_line_holds_none(mode: str, tmp_path: Path) -> None:
    data, letters, file = await make(tmp_path, f"Planted by {EMAIL}"), tmp_path / "letters", tmp_path / "reports.yaml"
    file.write_text(f"targets: {{folder: {{channel: file, to: {letters}}}}}")
    env = {"POSTHOG_MCP_DATA_DIR": str(data), "POSTHOG_MCP_MASK": mode, "HOME": str(data), "PATH": "/usr/bin:/bin",
           "PYTHONPATH": str(ROOT), "POSTHOG_MCP_BACKEND": "local", "LOG_LEVEL": "DEBUG", "POSTHOG_MCP_REPORTS": str(file)}  # fmt: skip
    command = [sys.executable, "-m", "posthog_mcp", "report", "weekly", "--send", "folder", "--even-quiet"]
    done = await to_thread.run_sync(
        lambda: subprocess.run(command, env=env, capture_output=True, text=True, timeout=100)
    )

    assert done.returncode == 0, done.stderr
    assert "Planted by email_" in done.stdout
    sent = [each.read_text(errors="replace") for each in letters.rglob("*") if each.is_file()]
    assert "Planted by email_" in "".join(sent)
    assert leaks(done.stdout, done.stderr, *sent, planted=PLANTED) == []
