"""The HTTP door before the MCP app: size and time of a request, who it comes from, and how often they may ask.

Plain ASGI, so that streams pass through. A request's body is read here, within its limits, before anything else sees
it: a slow or endless sender costs one waiting task and nothing more.
"""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import anyio
from opentelemetry.trace import SpanKind
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from posthog_mcp.observing import REQUEST
from posthog_mcp.observing.spans import incoming, span
from posthog_mcp.safety.principals import Access
from posthog_mcp.server.credentials import PLACE, Credentials, Refused
from posthog_mcp.server.gate import ACCESS
from posthog_mcp.server.limits import Limits
from posthog_mcp.settings import Settings

logger = logging.getLogger("posthog_mcp.access")
BODY_SECONDS = 30.0
FAILED_LOGINS = "login"
LONGEST_NAME = 200
LOCAL, UNKNOWN = "local", "unknown"
REQUEST_ID = re.compile(r"[0-9A-Za-z-]{8,64}")


@dataclass(slots=True)
class Traffic:
    """What the door counts for /metrics."""

    statuses: dict[int, int] = field(default_factory=dict[int, int])
    draining: bool = False


class TooMuch(Exception):
    """The body is too large or too slow; `status` says which."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


class Door:
    """ASGI middleware over the whole app; only the MCP paths need credentials."""

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        credentials: Credentials,
        limits: Limits,
        logins: Limits,
        metadata_url: str | None,
        traffic: Traffic,
    ) -> None:
        self._app, self._settings, self._credentials = app, settings, credentials
        self._limits, self._logins, self._metadata_url = limits, logins, metadata_url
        self.traffic = traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not PLACE.match(scope["path"]):
            await self._app(scope, receive, send)
            return
        inner = {**scope, "posthog_mcp.path": scope["path"], "path": "/mcp", "raw_path": b"/mcp"}
        headers = plain_headers(scope)
        request_id = request_id_of(headers)
        REQUEST.set(request_id)
        about = {"http.request.method": scope["method"], "posthog_mcp.request_id": request_id}
        with span(f"HTTP {scope['method']}", about, kind=SpanKind.SERVER, parent=incoming(headers)) as traced:
            status = await self._answered(inner, receive, Answer(send, request_id))
            traced.set_attribute("http.response.status_code", status)

    async def _answered(self, inner: Scope, receive: Receive, answer: Answer) -> int:
        """Let a request in and its answer out; the answer's status, 0 where there was none."""
        begun = time.perf_counter()
        access, who = None, UNKNOWN
        try:
            access = await self._known(inner)
            who = access.principal.id if access else LOCAL
            await self._counted(inner, access)
            inner[ACCESS] = access
            await self._passed(inner, await self._body(inner, receive), answer)
        except Refused as refused:
            await self._refuse(refused, inner, answer)
        except TooMuch as error:
            told = "The request is larger than is taken." if error.status == 413 else "The request came too slowly."
            refusal = JSONResponse({"error": told}, status_code=error.status, headers={"connection": "close"})
            await refusal(inner, receive, answer.send)
        except anyio.get_cancelled_exc_class():
            if not self.traffic.draining:
                raise
            # The server's end cancels what takes too long. This task ends here, and its client shall know why.
            if answer.status == 0:
                told = {"error": "The server is ending; ask again."}
                await JSONResponse(told, status_code=503)(inner, receive, answer.send)
        finally:
            self._log(inner, who, answer, begun)
        return answer.status

    async def _known(self, scope: Scope) -> Access | None:
        """Who it is; None for the server's own project.

        Raises:
            Refused: they may not come in, or tried too often with wrong credentials.
        """
        try:
            return await self._credentials.access(HTTPConnection(scope))
        except Refused as refused:
            if refused.error and (wait := await self._logins.wait_for(f"{FAILED_LOGINS} {address_of(scope)}")):
                raise Refused(str(wait), f"Too many wrong credentials; wait {wait} s.", 429) from None
            raise

    async def _counted(self, scope: Scope, access: Access | None) -> None:
        """Count the request.

        Raises:
            Refused: they come too often.
        """
        name = access.principal.id if access else f"{LOCAL} {address_of(scope)}"
        wait = await self._limits.wait_for(name)
        if wait:
            raise Refused(str(wait), f"Too many requests: {self._settings.request_rate}.", 429)

    async def _body(self, scope: Scope, receive: Receive) -> Receive:
        """A `receive` that gives the whole body at once.

        Raises:
            TooMuch: it is larger than the limit, or takes longer than half a minute.
        """
        if scope["method"] in ("GET", "HEAD", "OPTIONS", "DELETE"):
            return receive
        length = dict(scope["headers"]).get(b"content-length", b"")
        if length.isdigit() and int(length) > self._settings.max_body:
            raise TooMuch(413)
        parts: list[bytes] = []
        size, more = 0, True
        with anyio.move_on_after(BODY_SECONDS) as waiting:
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    break
                part = message.get("body", b"")
                parts.append(part)
                size, more = size + len(part), message.get("more_body", False)
                if size > self._settings.max_body:
                    raise TooMuch(413)
        if waiting.cancelled_caught:
            raise TooMuch(408)
        body: list[Message] = [{"type": "http.request", "body": b"".join(parts), "more_body": False}]

        async def replay() -> Message:
            return body.pop() if body else await receive()

        return replay

    async def _passed(self, scope: Scope, receive: Receive, answer: Answer) -> None:
        """Let the app answer, for a time; a stream that a client only listens to has no end."""
        seconds = self._settings.request_timeout if scope["method"] == "POST" else float("inf")
        with anyio.move_on_after(seconds) as timing:
            await self._app(scope, receive, answer.send)
        if timing.cancelled_caught and answer.status == 0:
            told = {"error": f"The request took longer than {seconds:g} s and was stopped."}
            await JSONResponse(told, status_code=504)(scope, receive, answer.send)

    async def _refuse(self, refused: Refused, scope: Scope, answer: Answer) -> None:
        headers: dict[str, str] = {}
        if refused.status == 429:
            headers["retry-after"] = refused.error if refused.error.isdigit() else "60"
        elif refused.status in (401, 403):
            parts = [f'error="{refused.error}", error_description="{refused.message}"'] if refused.error else []
            if self._metadata_url:
                parts.append(f'resource_metadata="{self._metadata_url}"')
            headers["www-authenticate"] = f"Bearer {', '.join(parts)}".strip()
        error = "rate_limited" if refused.status == 429 else refused.error or "unauthorized"
        body = {"error": error, "error_description": refused.message}
        await JSONResponse(body, status_code=refused.status, headers=headers)(scope, nothing, answer.send)

    def _log(self, scope: Scope, who: str, answer: Answer, begun: float) -> None:
        """One line a request: who, which method, what came of it. No key, no argument, no row."""
        status, headers = answer.status, plain_headers(scope)
        self.traffic.statuses[status] = self.traffic.statuses.get(status, 0) + 1
        fields: dict[str, str | int | float] = {
            "request_id": answer.request_id,
            "principal": who,
            "method": whole(headers.get("mcp-method", str(scope["method"]))),
            "name": whole(headers.get("mcp-name", "")),
            "status": status,
            "ms": round((time.perf_counter() - begun) * 1000, 1),
        }
        logger.info("%s %s %s", fields["method"], status, fields["principal"], extra={"fields": fields})


class Answer:
    """Passes an answer on, with the request's id, and knows its status; 0 while there is none."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send, self.request_id = send, request_id
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": [*message.get("headers", ()), (b"x-request-id", self.request_id.encode())]}
        await self._send(message)


def address_of(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else "?"


def whole(text: str) -> str:
    """A name for the log, never cut: the log's masking does not know half an address."""
    return text if len(text) <= LONGEST_NAME else ""


def request_id_of(headers: Mapping[str, str]) -> str:
    """The gateway's id where it gave a plain one, else one of our own."""
    given = headers.get("x-request-id", "")
    # It is no secret, and the system's own source of chance would let another thread in at every request.
    return given if REQUEST_ID.fullmatch(given) else f"{random.getrandbits(64):016x}"


def plain_headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


async def nothing() -> Message:
    return {"type": "http.disconnect"}
