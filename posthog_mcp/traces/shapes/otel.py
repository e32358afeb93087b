"""OpenTelemetry's GenAI conventions in JSON: parts of `gen_ai.input.messages`, events, and Pydantic AI's messages.

Flattened attributes (`gen_ai.prompt.0.content`) are in `flattened.py`. Source: the semantic conventions' JSON schemas
of input and output messages, and Pydantic AI's `ModelMessage`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from posthog_mcp.traces.messages import Message, Part
from posthog_mcp.traces.shapes.shape import (
    Fields,
    Item,
    Reading,
    Shape,
    any_in,
    call_part,
    list_in,
    object_in,
    opened,
    result_part,
    text_in,
    text_parts,
)
from posthog_mcp.traces.structure import readable


def tool_call(fields: Fields, reading: Reading) -> Iterable[Item]:
    call_id = text_in(fields, "id", "tool_call_id", "toolCallId", "call_id")
    function = object_in(fields, "function") or fields
    name = text_in(function, "name", "tool_name", "toolName")
    call = call_part(name, any_in(function, "arguments", "args", "input", "partial_json"), call_id)
    return [call, *reading.rest(fields)]


def tool_call_response(fields: Fields, reading: Reading) -> Iterable[Item]:
    call_id = text_in(fields, "id", "tool_call_id", "call_id")
    value = any_in(fields, "result", "response", "content", "output")
    return [result_part(reading, value, name=text_in(fields, "name"), call_id=call_id), *reading.rest(fields)]


def blob(fields: Fields, reading: Reading) -> Iterable[Item]:
    """Bytes, or where they are."""
    kind = text_in(fields, "mime_type", "mimeType", "media_type", "modality")
    where = text_in(fields, "content", "data", "uri", "url", "file_id") or "not recorded"
    return [Part("media", where, kind or "file"), *reading.rest(fields, "modality")]


def event(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """An event of the conventions' second generation: `gen_ai.user.message` and its body."""
    name = text_in(fields, "event.name", "name", "event_name")
    found = EVENTS.get(name.removeprefix("gen_ai.").split(".")[0])
    if not name.startswith("gen_ai.") or not found:
        return None
    body = object_in(fields, "body", "attributes", "event.body") or fields
    stop = text_in(body, "finish_reason")
    inner = object_in(body, "message") or body
    told = reading.items({**inner, "role": inner.get("role") or found})
    inner.clear()
    return [replace(each, stop=stop or each.stop) if isinstance(each, Message) else each for each in told]


EVENTS = {"user": "user", "system": "system", "assistant": "assistant", "tool": "tool", "choice": "assistant"}


def pydantic_ai(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """A request or response of Pydantic AI: parts that say their own role."""
    if fields.get("kind") not in ("request", "response"):
        return None
    instructions = text_in(fields, "instructions")
    told: list[Item] = [Message("system", (Part("text", instructions),))] if instructions else []
    for each in list_in(fields, "parts"):
        part = opened(fields, each if isinstance(each, dict) else {"content": each})
        told += pydantic_part(part, reading)
    stop = text_in(fields, "finish_reason")
    told = joined(told)
    return [
        replace(each, stop=stop) if isinstance(each, Message) and each.role == "assistant" else each for each in told
    ]


def pydantic_part(fields: Fields, reading: Reading) -> list[Item]:
    kind = text_in(fields, "part_kind")
    content = any_in(fields, "content")
    call_id, name = text_in(fields, "tool_call_id"), text_in(fields, "tool_name")
    if kind in ("system-prompt", "user-prompt"):
        return [Message(kind.split("-")[0], tuple(reading.parts(content)))]
    if kind in ("tool-return", "retry-prompt", "builtin-tool-return"):
        failed = kind == "retry-prompt"
        return [Message("tool", (result_part(reading, content, name=name, call_id=call_id, failed=failed),))]
    if kind in ("tool-call", "builtin-tool-call"):
        return [Message("assistant", (call_part(name, any_in(fields, "args"), call_id),))]
    if kind == "thinking":
        return [Message("assistant", (Part("reasoning", readable(content)),))]
    return [Message("assistant", (*reading.parts(content), *reading.rest(fields)))]


def joined(items: list[Item]) -> list[Item]:
    """Neighbouring messages of the assistant as one."""
    found: list[Item] = []
    for each in items:
        last = found[-1] if found else None
        if isinstance(each, Message) and isinstance(last, Message) and each.role == last.role == "assistant":
            found[-1] = replace(last, parts=(*last.parts, *each.parts))
        else:
            found.append(each)
    return found


def named_message(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """OpenInference's `{"message": {"role": …}}` is a choice; its contents are `{"message_content": …}`."""
    inner = object_in(fields, "message_content")
    if inner is None:
        return None
    image = object_in(inner, "image")
    if image:
        return [Part("media", text_in(object_in(image, "image") or image, "url"), "image"), *reading.rest(inner)]
    return [*text_parts(text_in(inner, "text")), *reading.rest(inner)]


OTEL = Shape(
    "otel",
    typed={
        "tool_call": tool_call,
        "tool_call_response": tool_call_response,
        "server_tool_call": tool_call,
        "server_tool_call_response": tool_call_response,
        "blob": blob,
        "uri": blob,
    },
    keyed={"kind": pydantic_ai, "event.name": event, "event_name": event, "message_content": named_message},
)
