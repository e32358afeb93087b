"""The suite's fixture tools that answer at once: kinds of content, an error, progress, logs, schemas, list changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

import anyio
from mcp.server.mcpserver.tools.base import Tool
from mcp.shared.exceptions import MCPError
from mcp.types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    AudioContent,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    TextContent,
    TextResourceContents,
)
from pydantic import Field

from posthog_mcp.server.answers import Ctx
from posthog_mcp.server.registry import Published

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA="

LARGE_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
"""The 2020-12 keywords that the suite looks for in `tools/list`."""


def said(text: str) -> CallToolResult:
    return given([TextContent(type="text", text=text)])


def given(content: Sequence[ContentBlock]) -> CallToolResult:
    return CallToolResult(content=list(content))


def embedded(uri: str, text: str, mime_type: str = "text/plain") -> EmbeddedResource:
    return EmbeddedResource(type="resource", resource=TextResourceContents(uri=uri, mime_type=mime_type, text=text))


async def test_simple_text() -> CallToolResult:
    """A text."""
    return said("This is a simple text response for testing.")


async def test_image_content() -> CallToolResult:
    """An image."""
    return given([ImageContent(type="image", data=PNG, mime_type="image/png")])


async def test_audio_content() -> CallToolResult:
    """A sound."""
    return given([AudioContent(type="audio", data=WAV, mime_type="audio/wav")])


async def test_embedded_resource() -> CallToolResult:
    """A resource inside a result."""
    return given([embedded("test://embedded-resource", "This is an embedded resource content.")])


async def test_multiple_content_types() -> CallToolResult:
    """A text, an image and a resource."""
    return given(
        [
            TextContent(type="text", text="Multiple content types test:"),
            ImageContent(type="image", data=PNG, mime_type="image/png"),
            embedded("test://mixed-content-resource", '{"test":"data","value":123}', "application/json"),
        ]
    )


async def test_error_handling() -> CallToolResult:
    """A tool that breaks."""
    raise RuntimeError("This tool intentionally returns an error for testing")


async def test_tool_with_progress(ctx: Ctx) -> CallToolResult:
    """Progress at 0, 50 and 100."""
    for done in (0, 50, 100):
        await ctx.report_progress(done, 100, f"{done} of 100")
        await anyio.sleep(0.05)
    return said("done")


async def test_tool_with_logging(ctx: Ctx) -> CallToolResult:
    """Three log messages."""
    for text in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await ctx.info(text)
        await anyio.sleep(0.05)
    return said("done")


async def test_logging_tool(ctx: Ctx) -> CallToolResult:
    """A log message that only a request with a log level may see."""
    await ctx.info("for those who asked")
    return said("done")


async def test_missing_capability(ctx: Ctx) -> CallToolResult:
    """Refuses clients without sampling."""
    capabilities = ctx.session.client_capabilities
    if capabilities is None or capabilities.sampling is None:
        raise MCPError(
            code=MISSING_REQUIRED_CLIENT_CAPABILITY,
            message="This tool needs the client's sampling capability.",
            data={"requiredCapabilities": {"sampling": {}}},
        )
    return said("The client can sample.")


async def test_x_mcp_header(
    region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})] = "<none>",  # noqa: PT028
) -> CallToolResult:
    """An argument that clients mirror into a header."""
    return said(f"region={region}")


async def json_schema_2020_12_tool() -> CallToolResult:
    """A large input schema."""
    return said("listed")


async def test_trigger_tool_change(ctx: Ctx) -> CallToolResult:
    """Announces another list of tools."""
    await ctx.notify_tools_changed()
    return said("announced")


async def test_trigger_prompt_change(ctx: Ctx) -> CallToolResult:
    """Announces another list of prompts."""
    await ctx.notify_prompts_changed()
    return said("announced")


@dataclass(frozen=True)
class WithLargeSchema(Published):
    """A tool listed with LARGE_SCHEMA."""

    @cached_property
    def sdk_tool(self) -> Tool:
        return super().sdk_tool.model_copy(update={"parameters": LARGE_SCHEMA})


CONTENTS = (
    *(
        Published(function, "Conformance fixture")
        for function in (
            test_simple_text,
            test_image_content,
            test_audio_content,
            test_embedded_resource,
            test_multiple_content_types,
            test_error_handling,
            test_tool_with_progress,
            test_tool_with_logging,
            test_logging_tool,
            test_missing_capability,
            test_x_mcp_header,
            test_trigger_tool_change,
            test_trigger_prompt_change,
        )
    ),
    WithLargeSchema(json_schema_2020_12_tool, "Conformance fixture"),
)
