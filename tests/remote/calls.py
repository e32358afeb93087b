"""Requests of the 2026-07-28 protocol over plain HTTP, so that a test holds every header and byte."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from posthog_mcp.commands.connections import Impatient
from posthog_mcp.server.app import build_server
from posthog_mcp.server.http import http_app
from posthog_mcp.settings import Settings
from tests.insights.served import serving

META: dict[str, Any] = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


@asynccontextmanager
async def server_of(data: Path, **settings: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server on a port of its own."""
    given: dict[str, Any] = {"data_dir": data, "toolsets": "all", "allowed_hosts": "127.0.0.1"} | settings
    app = http_app(build_server(Settings.load(**given)), "127.0.0.1", 1)
    async with serving(app, http=Impatient) as address, httpx.AsyncClient(base_url=address, timeout=60) as client:
        yield client


def headers(method: str, name: str = "", key: str = "", **more: str) -> dict[str, str]:
    given = {
        "accept": "application/json, text/event-stream",
        "content-type": "application/json",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": method,
    }
    named = {"mcp-name": name} if name else {}
    return {**given, **named, **({"authorization": f"Bearer {key}"} if key else {}), **more}


async def ask(
    client: httpx.AsyncClient, method: str, params: Mapping[str, Any], key: str = "", path: str = "/mcp", **more: str
) -> httpx.Response:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": META}}
    name = str(params.get("name") or params.get("uri") or "")
    return await client.post(path, json=body, headers=headers(method, name, key, **more))


async def call(client: httpx.AsyncClient, tool: str, arguments: Mapping[str, Any], key: str = "", **more: str) -> Any:
    """The result of a tool call."""
    answer = await ask(client, "tools/call", {"name": tool, "arguments": dict(arguments)}, key, **more)
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]


async def tools(client: httpx.AsyncClient, key: str = "") -> list[str]:
    answer = await ask(client, "tools/list", {}, key)
    assert answer.status_code == 200, answer.text
    return [tool["name"] for tool in answer.json()["result"]["tools"]]
