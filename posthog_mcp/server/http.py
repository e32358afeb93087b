"""Streamable HTTP: `/mcp` for both protocol eras behind the door, and the small pages an operator needs.

Stateless, so that any worker can answer any request. Host and Origin are checked against the address that is served
and those that the settings allow, which keeps web pages in a browser on this machine away from it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio
from mcp.server.transport_security import TransportSecuritySettings
from sse_starlette.sse import AppStatus
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from posthog_mcp import __version__
from posthog_mcp.errors import InvalidInput, PostHogMcpError
from posthog_mcp.server.credentials import Credentials
from posthog_mcp.server.door import Door, Traffic
from posthog_mcp.server.limits import Limits, Rate
from posthog_mcp.server.metrics import metrics
from posthog_mcp.server.oauth import JwtTokens, metadata, metadata_url
from posthog_mcp.settings import Settings
from posthog_mcp.state.shared_cache import Shared

if TYPE_CHECKING:
    from posthog_mcp.server.app import AnalyticsServer

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
EVERYWHERE = {"0.0.0.0", "::"}
WRONG_LOGINS = [Rate(30, 60)]
UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Page:
    """The operator's pages of one server."""

    server: AnalyticsServer
    traffic: Traffic
    started: float

    async def health(self, request: Request) -> Response:
        del request
        return JSONResponse({"status": "ok"})

    async def ready(self, request: Request) -> Response:
        """Whether requests should come here: not before the start, while ending, or without backend or database."""
        del request
        if self.traffic.draining:
            return JSONResponse({"status": "draining"}, status_code=503)
        if self.server.base is None:
            return JSONResponse({"status": "starting"}, status_code=503)
        try:
            await self.reachable()
        except PostHogMcpError as error:
            return JSONResponse({"status": "unavailable", "detail": error.as_text()}, status_code=503)
        return JSONResponse({"status": "ready"})

    async def reachable(self) -> None:
        """Ask the backend of the server's own project, if requests may use it, and the database of the audit."""
        settings, base = self.server.configured, self.server.base
        assert base is not None
        if settings.uses_posthog or settings.auth != "key":
            await base.driver.ready()
        if self.server.audit is not None and settings.state_url is not None:
            await anyio.to_thread.run_sync(self.server.audit.tables)

    async def info(self, request: Request) -> Response:
        del request
        settings = self.server.configured
        backend = "posthog" if settings.uses_posthog else "local"
        toolsets = list(settings.toolsets)
        engine = "posthog" if settings.uses_posthog else "clickhouse" if settings.clickhouse_url else "chdb"
        found = {"name": "posthog-mcp", "version": __version__, "toolsets": toolsets, "backend": backend}
        return JSONResponse({**found, "engine": engine})

    async def metrics(self, request: Request) -> Response:
        del request
        text = metrics(self.server, self.traffic, self.started)
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")

    async def resource_metadata(self, request: Request) -> Response:
        del request
        return JSONResponse(metadata(self.server.configured), headers={"cache-control": "max-age=3600"})


def http_app(server: AnalyticsServer, host: str, port: int, *, stateless: bool = True) -> Door:
    """The ASGI app for this address."""
    # Else SIGTERM cuts every answer that is an event stream, so all of the older protocols, before it is written.
    AppStatus.disable_automatic_graceful_drain()
    settings, traffic = server.configured, Traffic()
    server.only_known = settings.auth in ("key", "oauth")
    page = Page(server, traffic, time.time())
    for path, answer in (
        ("/health", page.health),
        ("/ready", page.ready),
        ("/api/info", page.info),
        ("/metrics", page.metrics),
    ):
        server.custom_route(path, methods=["GET"])(answer)
    tokens = JwtTokens(settings) if settings.auth == "oauth" else None
    if tokens is not None:
        for path in ("/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"):
            server.custom_route(path, methods=["GET"])(page.resource_metadata)
    app = server.streamable_http_app(
        stateless_http=stateless,
        transport_security=security(settings, host, port),
        max_request_body_size=settings.max_body,
    )
    shared = Shared(settings.cache_url) if settings.cache_url else None
    limits = Limits(rates(settings.request_rate), shared)
    credentials = Credentials(settings, tokens)
    return Door(app, settings, credentials, limits, Limits(WRONG_LOGINS, shared), metadata_url(settings), traffic)


def rates(text: str) -> list[Rate]:
    """`1200/min` as rates."""
    parts = [part.strip().split("/") for part in text.lower().split(",") if part.strip()]
    return [Rate(int(count), UNITS[unit.strip()[0]]) for count, unit in parts]


def security(settings: Settings, host: str, port: int) -> TransportSecuritySettings:
    """Hosts and origins that are answered: the address served, the public one, and what is set."""
    own = {host} - EVERYWHERE
    names = {*own, *(LOOPBACK if host in LOOPBACK | EVERYWHERE else ())}
    hosts = [f"[{name}]:{port}" if ":" in name else f"{name}:{port}" for name in names]
    bare = [name.rpartition(":")[0] for name in hosts]
    allowed = [*settings.allowed_hosts, *(("localhost", "127.0.0.1") if host in EVERYWHERE else ())]
    origins = [f"http://{name}" for name in hosts]
    if settings.public_url:
        address = urlsplit(settings.public_url)
        allowed.append(address.netloc)
        origins.append(f"{address.scheme}://{address.netloc}")
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[*hosts, *bare, *(form for name in allowed for form in (name, f"{name}:*"))],
        allowed_origins=[*origins, *settings.allowed_origins],
    )


def refuse_open_door(settings: Settings, host: str) -> None:
    """A server with a key of its own must not answer strangers.

    Raises:
        InvalidInput: it would.
    """
    if host in LOOPBACK or settings.auth != "auto" or not settings.uses_posthog:
        return
    raise InvalidInput(
        f"On {host} anybody could ask with this server's own PostHog key.",
        fix="Set POSTHOG_MCP_AUTH to key (each request brings its own), oauth, or open.",
    )
