"""Helpers of the tools: the project of a call, an answer with both forms, and progress while work runs."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, TextContent

from posthog_mcp.backends.backend import Progress
from posthog_mcp.errors import PostHogMcpError
from posthog_mcp.project import Project
from posthog_mcp.results import Json

T = TypeVar("T")
Ctx = Context[Project, Any]
MOST_REPORTS = 64
"""Reports of progress that wait for a slow client; later ones are left out until it has taken some."""


def project_of(ctx: Ctx) -> Project:
    return ctx.request_context.lifespan_context


def answer(content: dict[str, Json], text: str | None = None) -> CallToolResult:
    """Structured content, and a text with the same facts (compact JSON where nothing reads better)."""
    shown = text if text is not None else json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return CallToolResult(content=[TextContent(type="text", text=shown)], structured_content=content)


async def reporting(ctx: Ctx, work: Callable[[Progress], Awaitable[T]]) -> T:
    """Run `work` and pass on what it reports as MCP progress; an error of ours comes out as itself.

    What passes it on starts with the first report: most answers come without one.

    Raises:
        PostHogMcpError: what the work raised.
    """
    outcome: list[T] = []
    failure: list[PostHogMcpError] = []
    sends: list[MemoryObjectSendStream[tuple[float, str]]] = []

    def report(fraction: float, message: str) -> None:
        if not sends:
            send, receive = anyio.create_memory_object_stream[tuple[float, str]](MOST_REPORTS)
            sends.append(send)
            tasks.start_soon(forward, receive)
        if sends[0].statistics().current_buffer_used < MOST_REPORTS:
            sends[0].send_nowait((fraction, message))

    async def forward(receive: MemoryObjectReceiveStream[tuple[float, str]]) -> None:
        async with receive:
            async for fraction, message in receive:
                await ctx.report_progress(fraction, 1.0, message)

    project = project_of(ctx)
    project.driver.progress = report
    async with anyio.create_task_group() as tasks:
        try:
            outcome.append(await work(report))
        except PostHogMcpError as error:
            failure.append(error)
        finally:
            project.driver.progress = None
            for send in sends:
                send.close()
    if failure:
        raise failure[0]
    return outcome[0]
