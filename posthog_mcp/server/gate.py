"""One gate for every request: whose project it is, whether their role allows it, what is masked, what is recorded.

It is the server's only middleware. A handler sees the principal's own project as its lifespan context and needs to
know of nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import anyio
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_REQUEST

from posthog_mcp.errors import Forbidden, PostHogMcpError
from posthog_mcp.observing.cost import Cost, counting
from posthog_mcp.project import Project
from posthog_mcp.safety.principals import Access
from posthog_mcp.server.edge import GIVING, Wire, arguments_of, masked_data, masked_result, visible
from posthog_mcp.server.recording import action_of, record_of, tell_span
from posthog_mcp.server.registry import requested_toolsets
from posthog_mcp.state.audit import Record

if TYPE_CHECKING:
    from posthog_mcp.server.app import AnalyticsServer

Call = ServerRequestContext[Project]
CURRENT: ContextVar[Project] = ContextVar("project of this request")
ACCESS = "posthog_mcp.access"
"""Where the HTTP door leaves what it found, in the ASGI scope."""
CANCELLED: Wire = {"isError": True, "content": [{"type": "text", "text": "[cancelled] Its time or its client went."}]}


class Gate:
    """The middleware of one server."""

    def __init__(self, server: AnalyticsServer) -> None:
        self._server = server

    async def __call__(self, ctx: Call, call_next: Callable[[Call], Awaitable[Any]]) -> Any:
        """Let a request through.

        Raises:
            MCPError: the server takes only known principals, and the transport brought none.
        """
        access = access_of(ctx)
        tenants = self._server.tenants
        if access is None and self._server.only_known and ctx.request_id is not None:
            raise MCPError(code=INVALID_REQUEST, message="[forbidden] The request came without its principal.")
        if access is None or tenants is None:
            return await self._passed(ctx.lifespan_context, ctx, call_next)
        async with tenants.using(access) as project:
            return await self._passed(project, replace(ctx, lifespan_context=project), call_next)

    async def _passed(self, project: Project, ctx: Call, call_next: Callable[[Call], Awaitable[Any]]) -> Any:
        """The answer to any method.

        Raises:
            MCPError: what the method's handler raised, masked.
        """
        before = CURRENT.set(project)
        try:
            if ctx.method == "tools/list":
                return self._listed(project, ctx, await call_next(ctx))
            if ctx.method not in GIVING:
                return await call_next(ctx)
            return await self._answered(project, ctx, call_next)
        except MCPError as error:
            if project.masking is None:
                raise
            message, data = project.masking.text(error.message), masked_data(project.masking, error.data)
            raise MCPError(code=error.code, message=message, data=data) from None
        finally:
            CURRENT.reset(before)

    def _listed(self, project: Project, ctx: Call, result: Any) -> Any:
        """The tools of this principal, narrowed by what the request asks for."""
        if self._server.configured.mode != "tools":
            return result
        asked = requested_toolsets(ctx, self._server.toolsets)
        kept = [
            tool
            for tool in result["tools"]
            if self._server.permits(project, tool["name"]) and (asked is None or tool["name"] in asked)
        ]
        return {**result, "tools": kept}

    async def _answered(self, project: Project, ctx: Call, call_next: Callable[[Call], Awaitable[Any]]) -> Any:
        """The answer, masked and recorded.

        Raises:
            MCPError: the audit is required and cannot be written, or what the handler raised.
        """
        figures, begun = self._server.figures, time.perf_counter()
        figures.at_work += 1
        with counting() as cost:
            try:
                refused = self._refusal(project, ctx)
                result = refused or await call_next(ctx)
            except MCPError as error:
                told: Wire = {"isError": True, "content": [{"type": "text", "text": error.message}]}
                await self._recorded(project, ctx, told, begun, cost)
                raise
            except anyio.get_cancelled_exc_class():
                # Nobody hears an answer, yet it was asked, and the query may have run.
                self._taken(project, ctx, CANCELLED, begun, cost)
                raise
            finally:
                figures.at_work -= 1
        if not isinstance(result, dict):
            return result
        wire, masking = visible(ctx.method, cast("Wire", result)), project.masking
        masked = wire if masking is None else masked_result(masking, ctx.method, arguments_of(ctx.params), wire)
        await self._recorded(project, ctx, masked, begun, cost)
        return masked

    def _refusal(self, project: Project, ctx: Call) -> Wire | None:
        """The answer to a call that the principal's role does not allow."""
        if ctx.method != "tools/call":
            return None
        name = action_of(ctx.method, ctx.params)
        if self._server.permits(project, name):
            return None
        error = Forbidden(
            f"The role {project.principal.role} does not allow {name}.", fix="Ask the server's admin for another role."
        )
        return {"isError": True, "content": [{"type": "text", "text": error.as_text()}]}

    def _taken(self, project: Project, ctx: Call, result: Wire, begun: float, cost: Cost) -> Record:
        """Count the call, tell its span, and give it to the audit."""
        elapsed = (time.perf_counter() - begun) * 1000
        record = record_of(project, ctx.method, ctx.params, result, elapsed, cost)
        tell_span(project, ctx.method, record, self._server.published)
        if ctx.method == "tools/call":
            self._server.figures.took(record.action, elapsed)
            self._server.figures.cached[record.action] += record.cached
            self._server.own_events.tell(record, client_of(ctx))
        if self._server.audit is not None:
            self._server.audit.add(record)
        return record

    async def _recorded(self, project: Project, ctx: Call, result: Wire, begun: float, cost: Cost) -> None:
        """Take the call, and wait for the audit where it must be written.

        Raises:
            MCPError: the audit is required and cannot be written.
        """
        record, audit = self._taken(project, ctx, result, begun, cost), self._server.audit
        if audit is None:
            return
        required = self._server.configured.audit == "required"
        if required or self._server.changes_something(record.action):
            try:
                await audit.written()
            except PostHogMcpError as error:
                if required:
                    raise MCPError(code=INVALID_REQUEST, message=error.as_text()) from None


def client_of(ctx: Call) -> str:
    """What the client calls itself; "" where it does not tell."""
    params = ctx.session.client_params
    return params.client_info.name if params is not None else ""


def access_of(ctx: Call) -> Access | None:
    """What the HTTP door found; None on stdio and in memory."""
    scope = cast("dict[str, object]", getattr(ctx.request, "scope", {}))
    found = scope.get(ACCESS)
    return found if isinstance(found, Access) else None
