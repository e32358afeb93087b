"""Messages with a `role`, in the words of OpenAI's chat API and of all who copy it.

Groq, Mistral, LiteLLM, Ollama, OpenRouter, DeepSeek, watsonx, Cohere v2 and the PostHog SDKs send these too; whatever
stands in `content` or `parts` is read by the shape it belongs to. Also choices, legacy functions, audio, refusals.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from posthog_mcp.results import Json
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
    said,
    text_in,
    text_parts,
    truthy,
)

ROLES = {
    "model": "assistant",
    "ai": "assistant",
    "chatbot": "assistant",
    "bot": "assistant",
    "human": "user",
    "function": "tool",
    "ipython": "tool",
}
STOPS = ("finish_reason", "finishReason", "stop_reason", "stopReason", "done_reason", "native_finish_reason")


def message(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """Any object with a role."""
    role = fields.pop("role")
    if isinstance(role, dict):
        role = text_in(opened(fields, role), "label", "value")
    if not isinstance(role, str):
        return None
    role = ROLES.get(role.lower(), role.lower())
    stop = text_in(fields, *STOPS)
    if role == "tool" and isinstance(fields.get("content"), str | dict):
        parts = [as_result(fields, result_part(reading, fields.pop("content")))]
    else:
        parts = [*reasoning_parts(fields, reading), *said_parts(fields, reading)]
        if role == "tool" and not any(part.kind == "tool_result" for part in parts):
            parts = [as_result(fields, Part("tool_result", "\n".join(map(said, parts))))]
    name = text_in(fields, "name")
    parts += [*asked_parts(fields, reading), *reading.rest(fields, "stop_sequence", "stop_details", "done")]
    return [Message(role, tuple(parts), name, stop)]


def reasoning_parts(fields: Fields, reading: Reading) -> list[Part]:
    """Thoughts beside the content. Gateways send the same thought under several names: it is told once."""
    found: list[Part] = []
    for name in ("reasoning_content", "reasoning", "thinking", "reasoning_details", "thinking_blocks"):
        value = fields.pop(name, None)
        if isinstance(value, str):
            found += [Part("reasoning", value)] if value.strip() else []
        elif value:
            found += [replace(part, kind="reasoning") if part.kind == "text" else part for part in reading.parts(value)]
    return list({part.text: part for part in reversed(found)}.values())[::-1]


def said_parts(fields: Fields, reading: Reading) -> list[Part]:
    """Content under any of its names, refusals and what was spoken."""
    found: list[Part] = []
    for name in ("content", "parts", "contents", "blocks"):
        found += reading.parts(fields.pop(name, None))
    for name in ("message", "text"):
        if isinstance(fields.get(name), str):
            found += text_parts(fields.pop(name))
    refused = text_in(fields, "refusal")
    if refused:
        found.append(Part("refusal", refused))
    spoken = object_in(fields, "audio")
    if spoken:
        found += audio(spoken, reading)
    for name in ("images", "annotations", "citations"):
        found += cited(list_in(fields, name), reading)
    return found


def cited(values: list[Json], reading: Reading) -> list[Part]:
    """Images as bare base64 (Ollama) or objects, and citations."""
    return [Part("media", each) if isinstance(each, str) else part for each in values for part in reading.parts(each)]


def asked_parts(fields: Fields, reading: Reading) -> list[Part]:
    """Tool calls and the function call of old."""
    found: list[Part] = []
    for name in ("tool_calls", "toolCalls"):
        for each in list_in(fields, name):
            found += [tool_call(opened(fields, each), reading)] if isinstance(each, dict) else reading.parts(each)
    legacy = object_in(fields, "function_call")
    if legacy:
        found.append(tool_call(legacy, reading))
    return found


def tool_call(fields: Fields, reading: Reading) -> Part:
    """One call in any spelling: OpenAI's `function`, LangChain's `args`, Vercel's `toolName`, Cohere's `parameters`."""
    call_id = text_in(fields, "id", "call_id", "tool_call_id", "toolCallId")
    fields = object_in(fields, "tool_call") or fields
    call_id = call_id or text_in(fields, "id")
    function = object_in(fields, "function") or fields
    name = text_in(function, "name", "toolName", "tool_name", "function")
    given = any_in(function, "arguments", "args", "input", "parameters", "partial_json")
    del reading
    return call_part(name, given, call_id)


def as_result(fields: Fields, part: Part) -> Part:
    """A tool's message as a result."""
    call_id = text_in(fields, "tool_call_id", "toolCallId", "call_id")
    name = text_in(fields, "name", "tool_name", "toolName")
    failed = truthy(fields.pop("is_error", None)) or fields.get("status") == "error"
    return replace(part, name=name, id=call_id, failed=part.failed or failed)


def choices(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """A chat or text completion."""
    given = fields.pop("choices")
    if not isinstance(given, list):
        return None
    return [*reading.items(given), *reading.rest(fields, "model", "prompt_filter_results", "citations")]


def choice(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """One choice, or an answer that wraps its message: Ollama, Cohere v2, Bedrock, LangChain generations."""
    inner = fields.get("message", fields.get("delta"))
    if not isinstance(inner, dict):
        return None
    fields.pop("message", None)
    fields.pop("delta", None)
    details = object_in(fields, "generation_info", "generationInfo") or {}
    stop = text_in(fields, *STOPS) or text_in(details, *STOPS)
    told = reading.items(
        inner if "role" in inner or "type" in inner or "lc" in inner else {"role": "assistant", **inner}
    )
    spoken = [part for item in told if isinstance(item, Message) for part in item.parts if part.kind == "text"]
    whole = "".join(part.text for part in spoken)
    if isinstance(fields.get("text"), str) and str(fields["text"]).strip() in ("", whole.strip()):
        del fields["text"]
    stopped = [replace(item, stop=item.stop or stop) if isinstance(item, Message) else item for item in told]
    return [*stopped, *reading.rest(fields, "model", "done", "stop_sequence", "matched_stop", "token_ids")]


def plain_choice(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """A completion's choice or result: text and why it stopped."""
    text = text_in(fields, "text", "generated_text", "outputText", "completion", "generation", "response")
    stop = text_in(fields, *STOPS, "completionReason")
    if not text and not stop:
        return None
    noise = ("model", "done", "context", "stop", "generated_token_count", "input_token_count", "generation_token_count")
    return [Message("assistant", (*text_parts(text), *reading.rest(fields, *noise, "prompt_token_count")), "", stop)]


def function(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """A call as a block of content."""
    if not isinstance(fields.get("function"), dict | str):
        return None
    return [tool_call(fields, reading)]


def image_url(fields: Fields, reading: Reading) -> Iterable[Item]:
    given = fields.pop("image_url", None)
    source = opened(fields, given if isinstance(given, dict) else {"url": given})
    where = text_in(source, "url") or "not recorded"
    return [Part("media", where, "image"), *reading.rest(source, "detail"), *reading.rest(fields, "detail")]


def input_audio(fields: Fields, reading: Reading) -> Iterable[Item]:
    given = object_in(fields, "input_audio", "audio") or fields
    return audio(given, reading)


def audio(fields: Fields, reading: Reading) -> list[Part]:
    """What was spoken, as its transcript, and the recording's kind and size."""
    transcript, form, data = text_in(fields, "transcript"), text_in(fields, "format"), text_in(fields, "data")
    media = [Part("media", data, f"audio/{form}" if form else "audio")] if data or not transcript else []
    return [*text_parts(transcript, "spoken"), *media, *reading.rest(fields, "expires_at")]


def attached(fields: Fields, reading: Reading) -> Iterable[Item]:
    """A file: its name, and its bytes or its address."""
    given = object_in(fields, "file") or fields
    name = text_in(given, "filename", "file_name", "title", "name")
    where = text_in(given, "file_data", "data", "file_url", "url", "uri", "file_id", "id")
    kind = text_in(given, "mime_type", "mimeType", "mediaType", "media_type", "format")
    return [Part("media", where, " ".join(filter(None, ["file", name, kind]))), *reading.rest(given)]


def refusal(fields: Fields, reading: Reading) -> Iterable[Item]:
    return [Part("refusal", text_in(fields, "refusal", "text")), *reading.rest(fields)]


def tool_result(fields: Fields, reading: Reading) -> Iterable[Item]:
    """A result as a block: `tool_response`, `function_response` and the like."""
    call_id = text_in(fields, "tool_call_id", "toolCallId", "call_id", "id")
    name = text_in(fields, "name", "toolName", "tool_name")
    value = any_in(fields, "result", "output", "content", "response")
    return [result_part(reading, value, name=name, call_id=call_id, failed=truthy(fields.pop("is_error", None)))]


OPENAI_CHAT = Shape(
    "openai_chat",
    typed={
        "function": function,
        "image_url": image_url,
        "input_audio": input_audio,
        "audio": input_audio,
        "file": attached,
        "refusal": refusal,
        "tool_response": tool_result,
        "function_response": tool_result,
    },
    keyed={"role": message, "choices": choices, "message": choice, "delta": choice, "finish_reason": plain_choice},
)
