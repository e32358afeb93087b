"""What a published tool is: one function with its title and hints, and the portable schema made from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from mcp.server.mcpserver.tools.base import Tool
from mcp.types import CallToolResult, ToolAnnotations

from posthog_mcp.errors import InvalidInput
from posthog_mcp.hogql.suggest import nearest
from posthog_mcp.settings import Settings

ToolFunction = Callable[..., Awaitable[CallToolResult]]


Arguments = dict[str, Any]


def always(_: Settings) -> bool:
    return True


def as_written(arguments: Arguments) -> Arguments:
    return arguments


@dataclass(frozen=True)
class Published:
    """A tool as clients see it. `read_only` tools change nothing anywhere; `destructive` ones may overwrite things."""

    function: ToolFunction
    title: str
    read_only: bool = True
    idempotent: bool = True
    open_world: bool = True
    destructive: bool = False
    offered: Callable[[Settings], bool] = always
    """Whether these settings publish it."""
    rewrite: Callable[[Arguments], Arguments] = as_written
    """Other ways to write a call that mean the same; gives the published arguments."""

    @property
    def name(self) -> str:
        return self.function.__name__

    @property
    def description(self) -> str:
        lines = (self.function.__doc__ or "").strip().splitlines()
        return "\n".join(line.strip() for line in lines)

    @property
    def parameters(self) -> dict[str, Any]:
        return self.sdk_tool.parameters

    @property
    def argument_names(self) -> list[str]:
        return list(self.parameters.get("properties", {}))

    def prepared(self, arguments: Arguments) -> Arguments:
        """The arguments as published; the SDK would drop a misspelt one and answer another question.

        Raises:
            InvalidInput: naming the nearest arguments.
        """
        given, known = self.rewrite(arguments), self.argument_names
        for name in given:
            if name not in known:
                near = ", ".join(nearest(name, known)) or ", ".join(known)
                raise InvalidInput(f"{self.name} has no argument {name!r}.", fix=f"Use: {near}.")
        return given

    async def call(self, ctx: Any, arguments: Arguments) -> CallToolResult:
        """Validate the arguments and run, as the server does for a published tool.

        Raises:
            InvalidInput: there is no such argument.
            ToolError: the arguments do not fit.
        """
        given = self.prepared(arguments)
        return cast("CallToolResult", await self.sdk_tool.run(given, ctx, convert_result=True))

    @cached_property
    def sdk_tool(self) -> Tool:
        """The SDK's tool, its schema stripped of what costs tokens and says nothing. Read it only: servers share it."""
        tool = Tool.from_function(
            self.function,
            name=self.name,
            title=self.title,
            description=self.description,
            annotations=ToolAnnotations(
                read_only_hint=self.read_only,
                destructive_hint=self.destructive,
                idempotent_hint=self.idempotent,
                open_world_hint=self.open_world,
            ),
            structured_output=False,
        )
        tool.parameters = portable(tool.parameters)
        return tool


def portable(schema: dict[str, Any]) -> dict[str, Any]:
    """Without pydantic's titles; what is left is plain JSON Schema that every model provider takes."""
    kept = {key: value for key, value in schema.items() if key != "title" or not isinstance(value, str)}
    return {
        key: portable(cast("dict[str, Any]", value)) if isinstance(value, dict) else value
        for key, value in kept.items()
    }


def chosen_toolsets(settings: Settings) -> Sequence[str]:
    return settings.toolsets


def requested_toolsets(ctx: Any, toolsets: Mapping[str, Sequence[Published]]) -> set[str] | None:
    """Tool names that an HTTP request narrows the list to (`X-MCP-Toolsets` or `?toolsets=`); None: no narrowing."""
    request = getattr(ctx, "request", None)
    if request is None:
        return None
    asked = request.headers.get("x-mcp-toolsets") or request.query_params.get("toolsets")
    if not asked:
        return None
    names = [name.strip() for name in asked.split(",")]
    return {tool.name for name in names for tool in toolsets.get(name, ())}
