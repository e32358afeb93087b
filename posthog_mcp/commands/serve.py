"""`serve`: the MCP server on stdio or Streamable HTTP, until the client hangs up or the process is told to stop.

End of input, SIGTERM and Ctrl-C all stop running queries, end worker processes and exit with 0.
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio

from posthog_mcp.commands.listening import announce, bind, serve_app
from posthog_mcp.commands.logs import log_to_stderr
from posthog_mcp.observing.exporting import finish
from posthog_mcp.project import Project
from posthog_mcp.runtime import open_project
from posthog_mcp.settings import Settings

STOP_SECONDS = 5.0
COLLECTING = (50_000, 20, 50)
"""Garbage collection of a server that many use at once: its slowest answers wait for walks through a large heap. With
Python's own thresholds the p95 of cached queries doubles; cycles wait longer here and cost some megabytes."""


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Serve until stopped."""
    log_to_stderr(settings)
    if arguments.transport == "http":
        loop = {"use_uvloop": sys.platform != "win32"}
        anyio.run(serve_http, settings, arguments.host, arguments.port, backend_options=loop)
    else:
        anyio.run(serve_stdio, settings)
    return 0


async def serve_http(settings: Settings, host: str, port: int) -> None:
    from posthog_mcp.server.app import build_server
    from posthog_mcp.server.http import http_app, refuse_open_door

    refuse_open_door(settings, host)
    listener = bind(host, port)
    port = listener.getsockname()[1]
    app = http_app(build_server(settings), host, port)

    def drain() -> None:
        app.traffic.draining = True

    gc.set_threshold(*COLLECTING)
    announce("MCP", host, port, "/mcp")
    await serve_app(app, listener, drain=drain, drain_seconds=settings.drain_seconds)


async def serve_stdio(settings: Settings) -> None:
    """Serve standard input and output. A signal cannot end a blocked read of input, so it ends the process."""
    from posthog_mcp.server.app import build_server
    from posthog_mcp.server.stdio import serve_lines

    closed = anyio.Event()

    @asynccontextmanager
    async def opened(settings: Settings) -> AsyncGenerator[Project, None]:
        try:
            async with open_project(settings) as project:
                yield project
        finally:
            closed.set()

    async def stop_on_signal(serving: anyio.CancelScope) -> None:
        with anyio.open_signal_receiver(*STOPPING) as signals:
            async for _ in signals:
                serving.cancel()
                with anyio.move_on_after(STOP_SECONDS):
                    await closed.wait()
                finish()
                sys.stderr.flush()
                os._exit(0)

    server = build_server(settings, open_with=opened)
    async with anyio.create_task_group() as tasks:
        with anyio.CancelScope() as serving:
            if STOPPING:
                tasks.start_soon(stop_on_signal, serving)
            await serve_lines(server, settings.max_body)
        tasks.cancel_scope.cancel()


STOPPING = () if sys.platform == "win32" else (signal.SIGTERM, signal.SIGINT)
"""Windows has no signals that a loop can await; there the process just ends."""
