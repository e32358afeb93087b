"""Vercel AI SDK: core messages, UI messages of versions 4 to 6, and results with `toolCalls`."""

from __future__ import annotations

from collections.abc import Iterable

from posthog_mcp.results import Json
from posthog_mcp.traces.messages import Message, Part
from posthog_mcp.traces.shapes.openai_chat import tool_call as any_call
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
    truthy,
)


def tool_call(fields: Fields, reading: Reading) -> Iterable[Item]:
    """A call; an older PostHog wrapper puts it into `content`."""
    inner = object_in(fields, "content") or fields
    return [any_call(inner, reading), *reading.rest(fields, "toolCallType", "providerExecuted", "dynamic")]


def named_tool(fields: Fields, reading: Reading) -> Iterable[Item]:
    """A call or a result that does not say which."""
    is_result = bool({"result", "output"} & {*fields}) and not {"args", "input"} & {*fields}
    return tool_result(fields, reading) if is_result else invocation(fields, reading)


def tool_result(fields: Fields, reading: Reading) -> Iterable[Item]:
    """A result; since version 5 `output` says what it holds."""
    inner = object_in(fields, "content") or fields
    name, call_id = text_in(inner, "toolName"), text_in(inner, "toolCallId")
    value = any_in(inner, "output", "result", "content", "experimental_content")
    failed = truthy(inner.pop("isError", None))
    if isinstance(value, dict) and value.get("type") in OUTPUTS:
        shown = opened(inner, value)
        failed = failed or str(shown["type"]).startswith("error")
        value = any_in(shown, "value")
    more = reading.rest(inner, "toolCallId", "input", "args", "providerExecuted", "dynamic")
    return [result_part(reading, value, name=name, call_id=call_id, failed=failed), *more]


OUTPUTS = ("text", "json", "error-text", "error-json", "content", "execution-denied")


def invocation(fields: Fields, reading: Reading) -> Iterable[Item]:
    """A call with its result, once it has one."""
    given = object_in(fields, "toolInvocation") or fields
    name = text_in(given, "toolName") or str(given.pop("type", "")).removeprefix("tool-")
    call_id = text_in(given, "toolCallId")
    found: list[Item] = [call_part(name, any_in(given, "args", "input", "rawInput"), call_id)]
    value, error = any_in(given, "result", "output"), any_in(given, "errorText")
    if value is not None or error is not None:
        shown = error if error is not None else value
        found.append(result_part(reading, shown, name=name, call_id=call_id, failed=error is not None))
    given.pop("state", None)
    return [*found, *reading.rest(given, "step", "providerExecuted", "preliminary", "callProviderMetadata")]


def ui_tool(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """A typed tool part of a UI message: `tool-search`."""
    kind = fields.get("type")
    if not isinstance(kind, str) or not kind.startswith(("tool-", "dynamic-tool")):
        return None
    return invocation(fields, reading)


def result(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """What generateText gives: text, calls, and why it ended."""
    calls = list_in(fields, "toolCalls")
    thought = text_in(fields, "reasoningText", "reasoning")
    parts: list[Part] = [Part("reasoning", thought)] if thought else []
    parts += text_parts(any_in(fields, "text", "object"))
    parts += [any_call(opened(fields, each), reading) for each in calls if isinstance(each, dict)]
    parts += [part for each in list_in(fields, "toolResults") for part in reading.parts(each)]
    stop = text_in(fields, "finishReason")
    return [Message("assistant", (*parts, *reading.rest(fields, "steps", "warnings", "request", "response")), "", stop)]


def invocations(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    given = list_in(fields, "toolInvocations")
    found = [item for each in given if isinstance(each, dict) for item in invocation(opened(fields, each), reading)]
    rest = {**fields}
    fields.clear()
    return [*found, *(reading.object(rest) if rest else [])]


def source(fields: Fields, reading: Reading) -> Iterable[Item]:
    inner = object_in(fields, "source") or fields
    name = " ".join(filter(None, [text_in(inner, "title"), text_in(inner, "url"), text_in(inner, "filename")]))
    return [Part("citation", "", name), *reading.rest(inner, "sourceType", "sourceId", "mediaType")]


def nothing(fields: Fields, reading: Reading) -> Iterable[Item]:
    """Marks of steps."""
    return reading.rest(fields)


def redacted(fields: Fields, reading: Reading) -> Iterable[Item]:
    data: Json = fields.pop("data", None)
    return [Part("reasoning", f"[encrypted, {len(str(data)):,} characters]"), *reading.rest(fields)]


VERCEL = Shape(
    "vercel",
    typed={
        "tool-call": tool_call,
        "tool-result": tool_result,
        "tool-error": tool_result,
        "tool-invocation": invocation,
        "dynamic-tool": invocation,
        "source": source,
        "source-url": source,
        "source-document": source,
        "step-start": nothing,
        "redacted-reasoning": redacted,
    },
    keyed={"toolInvocations": invocations, "toolCalls": result, "toolCallId": ui_tool, "toolName": named_tool},
)
