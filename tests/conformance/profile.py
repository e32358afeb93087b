"""The product's server and HTTP app with the suite's fixtures on top.

`python -m tests.conformance.profile PORT DATA_DIR` serves it.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

import anyio
from mcp.server import ServerRequestContext
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp.types import (
    EmptyResult,
    ImageContent,
    InputRequiredResult,
    RequestParams,
    SubscribeRequestParams,
    TextContent,
    UnsubscribeRequestParams,
)

from posthog_mcp.commands.listening import bind, serve_app
from posthog_mcp.server.app import AnalyticsServer, build_server
from posthog_mcp.server.http import http_app
from posthog_mcp.settings import Settings
from tests.conformance.contents import CONTENTS, PNG, embedded
from tests.conformance.rounds import ROUNDS, ask, field, required


def register_resources(server: AnalyticsServer) -> None:
    @server.resource("test://static-text", description="A text.")
    def static_text() -> str:
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", description="An image.", mime_type="image/png")
    def static_binary() -> bytes:
        return base64.b64decode(PNG)

    @server.resource("test://watched-resource", description="Can be subscribed to.")
    def watched() -> str:
        return "watched"

    @server.resource("test://template/{id}/data", description="By id.", mime_type="application/json")
    def template(id: str) -> str:
        return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})

    async def accept(ctx: ServerRequestContext, params: RequestParams) -> EmptyResult:
        return EmptyResult()

    # The SDK has no public way to answer subscriptions of the older protocol versions.
    lowlevel = server._lowlevel_server
    lowlevel.add_request_handler("resources/subscribe", SubscribeRequestParams, accept)
    lowlevel.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, accept)


def register_prompts(server: AnalyticsServer) -> None:
    def text(content: str) -> UserMessage:
        return UserMessage(content=TextContent(type="text", text=content))

    @server.prompt(description="Without arguments.")
    def test_simple_prompt() -> list[UserMessage]:
        return [text("This is a simple prompt for testing.")]

    @server.prompt(description="With two arguments.")
    def test_prompt_with_arguments(arg1: str, arg2: str) -> list[UserMessage]:
        return [text(f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'")]

    @server.prompt(description="With a resource.")
    def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:
        resource = embedded(resourceUri, "Embedded resource content for testing.")
        return [UserMessage(content=resource), text("Please process the embedded resource above.")]

    @server.prompt(description="With an image.")
    def test_prompt_with_image() -> list[UserMessage]:
        image = ImageContent(type="image", data=PNG, mime_type="image/png")
        return [UserMessage(content=image), text("Please analyze the image above.")]

    @server.prompt(description="Asks before it answers.")
    async def test_input_required_result_prompt(ctx: Context) -> list[UserMessage] | InputRequiredResult:
        answer = (ctx.input_responses or {}).get("user_context")
        if answer:
            return [text(f"Use the following context: {field(answer, 'context')}")]
        return required({"user_context": ask("What context should the prompt use?", "context")})


async def serve(port: int, data_dir: Path) -> None:
    """Serve on this port until SIGTERM."""
    server = build_server(Settings.load(data_dir=data_dir, backend="local"), extra=(*CONTENTS, *ROUNDS))
    register_resources(server)
    register_prompts(server)
    # The older versions' fixtures ask on the stream, which needs a session; the product asks nothing there.
    app = http_app(server, "127.0.0.1", port, stateless=False)
    await serve_app(app, bind("127.0.0.1", port))


if __name__ == "__main__":
    anyio.run(serve, int(sys.argv[1]), Path(sys.argv[2]))
