"""Streamable HTTP: `/mcp` for both protocol eras, and the small pages an operator needs.

Stateless, so that any worker can answer any request. Host and Origin are checked against the address that is served,
which keeps web pages in a browser on this machine away from it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from posthog_mcp import __version__
from posthog_mcp.errors import PostHogMcpError

if TYPE_CHECKING:
    from posthog_mcp.server.app import AnalyticsServer

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def http_app(server: AnalyticsServer, host: str, port: int, *, stateless: bool = True) -> Starlette:
    """The ASGI app for this address."""
    started = time.time()
    hosts = [f"{name}:{port}" for name in {host, *(LOOPBACK if host in LOOPBACK else ())}]
    security = TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[*hosts, *(name.rpartition(":")[0] for name in hosts)],
        allowed_origins=[f"http://{name}" for name in hosts],
    )

    @server.custom_route("/health", methods=["GET"])
    async def health(request: Request) -> Response:
        del request
        return JSONResponse({"status": "ok"})

    @server.custom_route("/ready", methods=["GET"])
    async def ready(request: Request) -> Response:
        del request
        if server.project is None:
            return JSONResponse({"status": "starting"}, status_code=503)
        try:
            await server.project.driver.ready()
        except PostHogMcpError as error:
            return JSONResponse({"status": "unavailable", "detail": error.as_text()}, status_code=503)
        return JSONResponse({"status": "ready"})

    @server.custom_route("/api/info", methods=["GET"])
    async def info(request: Request) -> Response:
        del request
        backend = "posthog" if server.configured.uses_posthog else "local"
        toolsets = list(server.configured.toolsets)
        return JSONResponse({"name": "posthog-mcp", "version": __version__, "toolsets": toolsets, "backend": backend})

    @server.custom_route("/metrics", methods=["GET"])
    async def metrics(request: Request) -> Response:
        del request
        lines = [
            "# TYPE posthog_mcp_info gauge",
            f'posthog_mcp_info{{version="{__version__}"}} 1',
            "# TYPE posthog_mcp_uptime_seconds gauge",
            f"posthog_mcp_uptime_seconds {time.time() - started:.0f}",
            "# TYPE posthog_mcp_tool_calls_total counter",
            *(
                f'posthog_mcp_tool_calls_total{{tool="{tool}",outcome="{outcome}"}} {count}'
                for (tool, outcome), count in sorted(server.calls.items())
            ),
        ]
        return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")

    return server.streamable_http_app(stateless_http=stateless, transport_security=security)
