"""A scripted stand-in for a model, speaking OpenAI Chat, OpenAI Responses and Gemini over loopback HTTP.

It calls the planned tools in order, whatever the host names them, then answers with the tail of what the
host showed it, so that a run proves what a model behind that host would have read. Not a test double of
our code: the host and posthog-mcp are real.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

Step = tuple[str, dict[str, Any]]
Call = tuple[str, str | None, dict[str, Any]]


@dataclass
class Script:
    """The planned calls, and every tool output that the host showed us."""

    steps: list[Step]
    seen: list[str] = field(default_factory=list)

    def next_call(self, outputs: list[str], tools: list[tuple[str, str | None]]) -> Call | None:
        """The call to make now, or None when the plan is done (or the host offers no tools)."""
        self.seen = outputs or self.seen
        if not tools or len(outputs) >= len(self.steps):
            return None
        wanted, arguments = self.steps[len(outputs)]
        for name, namespace in tools:
            if name == wanted or name.endswith(f"_{wanted}"):
                return name, namespace, arguments
        return None

    def answer(self) -> str:
        return "ANSWER " + (self.seen[-1] if self.seen else "no tool output")


def offered(tools: Any, namespace: str | None = None) -> Iterator[tuple[str, str | None]]:
    """Tool names in any of the three wire formats, with Codex's namespaces."""
    for tool in tools or []:
        if tool.get("type") == "namespace":
            yield from offered(tool.get("tools"), tool["name"])
        elif "functionDeclarations" in tool:
            yield from ((d["name"], None) for d in tool["functionDeclarations"])
        elif "function" in tool:
            yield tool["function"]["name"], None
        elif tool.get("type") == "function":
            yield tool["name"], namespace


def sse(events: list[tuple[str | None, object]]) -> Response:
    def body() -> Iterator[str]:
        for name, data in events:
            text = data if isinstance(data, str) else json.dumps(data)
            yield (f"event: {name}\n" if name else "") + f"data: {text}\n\n"

    return StreamingResponse(body(), media_type="text/event-stream")


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


async def chat(request: Request) -> Response:
    body = await request.json()
    script: Script = request.app.state.script
    outputs = [as_text(m["content"]) for m in body["messages"] if m["role"] == "tool"]
    call = script.next_call(outputs, list(offered(body.get("tools"))))
    delta: dict[str, Any] = {"role": "assistant", "content": script.answer()}
    if call:
        function = {"name": call[0], "arguments": json.dumps(call[2])}
        tool_call = {"index": 0, "id": f"call_{len(outputs)}", "type": "function", "function": function}
        delta = {"role": "assistant", "content": None, "tool_calls": [tool_call]}
    base = {"id": "c1", "object": "chat.completion.chunk", "created": 0, "model": body["model"]}
    done = {"index": 0, "delta": {}, "finish_reason": "tool_calls" if call else "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    if not body.get("stream"):
        message = {"index": 0, "message": delta, "finish_reason": done["finish_reason"]}
        return JSONResponse({**base, "object": "chat.completion", "choices": [message], "usage": usage})
    chunks: list[tuple[str | None, object]] = [
        (None, {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}),
        (None, {**base, "choices": [done], "usage": usage}),
        (None, "[DONE]"),
    ]
    return sse(chunks)


async def responses(request: Request) -> Response:
    body = await request.json()
    script: Script = request.app.state.script
    outputs = [as_text(i["output"]) for i in body["input"] if i.get("type") == "function_call_output"]
    call = script.next_call(outputs, list(offered(body.get("tools"))))
    if call:
        item: dict[str, Any] = {
            "type": "function_call",
            "id": f"fc_{len(outputs)}",
            "call_id": f"call_{len(outputs)}",
            "name": call[0],
            "arguments": json.dumps(call[2]),
        } | ({"namespace": call[1]} if call[1] else {})
    else:
        text = {"type": "output_text", "text": script.answer(), "annotations": []}
        item = {"type": "message", "id": "m1", "role": "assistant", "content": [text]}
    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    response = {"id": "r1", "object": "response", "status": "completed", "output": [item], "usage": usage}
    return sse(
        [
            ("response.created", {"type": "response.created", "response": {**response, "status": "in_progress"}}),
            ("response.output_item.done", {"type": "response.output_item.done", "output_index": 0, "item": item}),
            ("response.completed", {"type": "response.completed", "response": response}),
        ]
    )


async def gemini(request: Request) -> Response:
    body = await request.json()
    script: Script = request.app.state.script
    parts = [p for c in body["contents"] for p in c.get("parts", [])]
    outputs = [as_text(p["functionResponse"]["response"]) for p in parts if "functionResponse" in p]
    call = script.next_call(outputs, list(offered(body.get("tools"))))
    part: dict[str, Any] = {"functionCall": {"name": call[0], "args": call[2]}} if call else {"text": script.answer()}
    if body.get("generationConfig", {}).get("responseMimeType") == "application/json":
        part = {"text": json.dumps({"reasoning": "scripted", "next_speaker": "user", "model_choice": "flash"})}
    answer = {
        "candidates": [{"index": 0, "content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
    }
    return sse([(None, answer)]) if "stream" in request.url.path else JSONResponse(answer)


async def count_tokens(request: Request) -> Response:
    del request
    return JSONResponse({"totalTokens": 1})


def build(steps: list[Step]) -> Starlette:
    app = Starlette(
        routes=[
            Route("/v1/chat/completions", chat, methods=["POST"]),
            Route("/v1/responses", responses, methods=["POST"]),
            Route("/v1beta/models/{model}:countTokens", count_tokens, methods=["POST"]),
            Route("/v1beta/models/{rest:path}", gemini, methods=["POST"]),
        ]
    )
    app.state.script = Script(steps)
    return app


if __name__ == "__main__":
    uvicorn.run(build(json.loads(sys.argv[2])), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
