"""An MCP client for our own commands: `call` in memory, `demo` over stdio to a real server process.

Here because only this room imports `mcp`. Answers are plain data; a protocol error becomes one of the `errors` family.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import cast

from mcp import Client, MCPError, StdioServerParameters
from mcp.types import ImageContent, TextContent

from posthog_mcp.errors import InvalidInput, PostHogMcpError, Unavailable
from posthog_mcp.results import Json
from posthog_mcp.settings import Settings, child_environment

Watch = Callable[[float, str], None]
"""A fraction in 0..1 and a short message."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool returned. `images` are (MIME type, bytes)."""

    is_error: bool
    structured: dict[str, Json] | None
    text: str
    images: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """A connection to one server."""

    client: Client

    async def tools(self) -> list[str]:
        """Names of the published tools."""
        return [tool.name for tool in (await self.client.list_tools()).tools]

    async def call(self, tool: str, arguments: Mapping[str, Json], watch: Watch | None = None) -> Answer:
        """Call a tool; its own error is an Answer.

        Raises:
            InvalidInput: the server has no such tool.
            Unavailable: the server broke off.
        """

        async def report(progress: float, total: float | None, message: str | None) -> None:
            if watch is not None:
                watch(progress / total if total else 0.0, message or "")

        try:
            result = await self.client.call_tool(tool, dict(arguments), progress_callback=report)
        except MCPError as error:
            names = await self.tools()
            if tool not in names:
                raise InvalidInput(f"There is no tool {tool!r}.", fix=f"Use one of {', '.join(names)}.") from None
            raise Unavailable(f"The server broke off: {error}") from None
        return Answer(
            bool(result.is_error),
            cast("dict[str, Json] | None", result.structured_content),
            "\n".join(block.text for block in result.content if isinstance(block, TextContent)),
            tuple((b.mime_type, base64.b64decode(b.data)) for b in result.content if isinstance(b, ImageContent)),
        )


@asynccontextmanager
async def in_memory(settings: Settings) -> AsyncGenerator[Session, None]:
    """A session with a server in this process."""
    from posthog_mcp.server.app import build_server

    with plain_errors():
        async with Client(build_server(settings)) as client:
            yield Session(client)


@asynccontextmanager
async def over_stdio(arguments: Sequence[str]) -> AsyncGenerator[Session, None]:
    """A session with a `posthog-mcp serve` process of its own, as an MCP host would start it."""
    command = ["-m", "posthog_mcp", "serve", *arguments]
    server = StdioServerParameters(command=sys.executable, args=command, env=child_environment())
    with plain_errors():
        async with Client(server) as client:
            yield Session(client)


@contextmanager
def plain_errors() -> Generator[None, None, None]:
    """Take errors out of the groups that the client's tasks wrap them in.

    Raises:
        PostHogMcpError: what was raised inside.
        Unavailable: the server ended or broke the protocol.
    """
    try:
        yield
    except BaseExceptionGroup as group:
        for error in leaves(group):
            if isinstance(error, PostHogMcpError):
                raise error from None
            if isinstance(error, MCPError):
                raise Unavailable(f"The server broke off: {error}") from None
        raise
    except MCPError as error:
        raise Unavailable(f"The server broke off: {error}") from None


def leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    """The errors in a group, at any depth."""
    found: list[BaseException] = []
    for error in group.exceptions:
        inner = cast(
            "BaseExceptionGroup[BaseException] | None", error if isinstance(error, BaseExceptionGroup) else None
        )
        found += leaves(inner) if inner else [error]
    return found
