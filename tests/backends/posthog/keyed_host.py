"""The embedded project behind PostHog's REST API on a real port, with keys, scopes, projects and a clock of its own.

What a key may do is decided as PostHog does (posthog/permissions.py): 401 for an unknown key, 403 naming the scope.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import anyio
import uvicorn
from starlette.responses import JSONResponse, Response

from posthog_mcp.backends.local.driver import LocalDriver
from posthog_mcp.rest.app import KEY as EMBEDDED_KEY
from posthog_mcp.rest.app import rest_app

NEEDED = (
    (r"/api/users/@me/", "user"),
    (r"/api/personal_api_keys/@current/", ""),
    (r"/api/projects/(\d+/)?", "project"),
    (r"/api/(projects|environments)/1/query/.*", "query"),
    (r"/api/(projects|environments)/1/(?P<kind>\w+?)s?/.*", ""),
)
Answered = Callable[[str, str, Any], Awaitable[Response | None]]


@dataclass(frozen=True, slots=True)
class Key:
    """`refusal` is what the host says to it instead of an answer."""

    scopes: tuple[str, ...] = ("*",)
    refusal: str = ""
    tells_scopes: bool = True
    limited: bool = False
    """To projects: it is refused outside of them."""


@dataclass
class KeyedHost:
    """`projects` are those that keys see; `ahead` is how far its clock is ahead; `before` may answer instead of it."""

    keys: Mapping[str, Key]
    projects: tuple[tuple[int, str], ...] = ((1, "Demo"),)
    ahead: timedelta = timedelta()
    before: Answered | None = None
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    """The keys that came, in order."""

    async def answer(self, method: str, path: str, key: str, body: Any) -> Response | None:
        """What is said before the project is asked."""
        self.asked.append((method, path, body))
        self.heard.append(key)
        known = self.keys.get(key)
        if known is None or known.refusal:
            return refusal(401, known.refusal if known else "Invalid personal API key.", "authentication_failed")
        scope = needed(path)
        held = {*known.scopes, *(each.replace(":write", ":read") for each in known.scopes)}
        if scope and not held & {"*", scope}:
            return refusal(403, f"API key missing required scope '{scope}'", "permission_denied")
        if known.limited and not re.match(r"/api/(users|projects/1|environments/1)/", path):
            said = "API keys with scoped projects are only supported on project-based endpoints."
            return refusal(403, said, "permission_denied")
        if path == "/api/personal_api_keys/@current/":
            told = JSONResponse({"id": "1", "label": "test", "scopes": list(known.scopes)})
            return told if known.tells_scopes else refusal(404, "Not found.", "not_found")
        if path == "/api/projects/":
            listed = [{"id": number, "name": name, "timezone": "UTC"} for number, name in self.projects]
            return JSONResponse({"count": len(listed), "next": None, "results": listed})
        return await self.before(method, path, body) if self.before else None

    def date(self) -> bytes:
        return format_datetime(datetime.now(UTC) + self.ahead, usegmt=True).encode()


def needed(path: str) -> str:
    """The scope that a path asks for."""
    for pattern, scope in NEEDED:
        if found := re.fullmatch(pattern, path):
            kind = found.groupdict().get("kind")
            return f"{kind}:read" if kind else scope and f"{scope}:read"
    return ""


def refusal(status: int, detail: str, code: str) -> Response:
    kind = "authentication_error" if status < 404 else "invalid_request"
    return JSONResponse({"type": kind, "code": code, "detail": detail, "attr": None}, status)


def layered(app: Any, host: KeyedHost) -> Any:
    """The ASGI app with the host's own answers before it, and its date on every answer."""

    async def call(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await app(scope, receive, send)
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = dict(scope["headers"])
        key = headers.get(b"authorization", b"").decode().removeprefix("Bearer ")
        headers[b"authorization"] = f"Bearer {EMBEDDED_KEY}".encode()
        waiting = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Any:
            return waiting.pop() if waiting else await receive()

        async def dated(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (b"date", host.date())]
            await send(message)

        said = await host.answer(scope["method"], scope["path"], key, json.loads(body) if body else None)
        return await (said or app)({**scope, "headers": list(headers.items())}, replay, dated)

    return call


@asynccontextmanager
async def serving(host: KeyedHost, data_dir: Path) -> AsyncIterator[str]:
    """The address of the host over the project in `data_dir`."""
    driver = LocalDriver(data_dir)
    async with serving_app(layered(rest_app(driver), host)) as address:
        yield address
    await driver.aclose()


@asynccontextmanager
async def serving_app(app: Any) -> AsyncIterator[str]:
    """The address of an ASGI app on a free port."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="error", access_log=False, date_header=False, server_header=False)
    server = uvicorn.Server(config)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server.serve, [listener])
        while not server.started:  # noqa: ASYNC110 (uvicorn tells it in no other way)
            await anyio.sleep(0.02)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
