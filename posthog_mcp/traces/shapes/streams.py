"""Stream chunks that were recorded one by one, put together as the answer they make.

OpenAI's chat deltas, Anthropic's events, events of the Responses API, and lists of text deltas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from posthog_mcp.results import Json
from posthog_mcp.traces.shapes.shape import Fields, Shape


def chat(chunks: Sequence[Fields]) -> Json:
    """`chat.completion.chunk`s: deltas of content, refusals, reasoning and tool calls, each choice for itself."""
    if not all(isinstance(each.get("choices"), list) for each in chunks):
        return None
    deltas = [choice for each in chunks for choice in cast("list[Json]", each["choices"]) if isinstance(choice, dict)]
    if not any(isinstance(each.get("delta"), dict) for each in deltas):
        return None
    made: dict[Json, Fields] = {}
    for each in deltas:
        index = each.get("index") if isinstance(each.get("index"), int) else 0
        kept = made.setdefault(index, {"message": cast("Json", {"role": "assistant"})})
        if each.get("finish_reason"):
            kept["finish_reason"] = each["finish_reason"]
        if isinstance(each.get("delta"), dict):
            add(cast("Fields", kept["message"]), cast("Fields", each["delta"]))
    return {"choices": [*made.values()]}


def add(message: Fields, delta: Fields) -> None:
    """Texts are put behind each other, calls by their index."""
    for name, value in delta.items():
        if isinstance(value, str) and name != "role":
            message[name] = str(message.get(name) or "") + value
        elif name == "tool_calls" and isinstance(value, list):
            kept = cast("list[Fields]", message.setdefault("tool_calls", []))
            for each in value:
                if isinstance(each, dict):
                    add_call(kept, each)
        elif value is not None:
            message[name] = value


def add_call(calls: list[Fields], delta: Fields) -> None:
    index = delta.get("index")
    found = next((each for each in calls if each.get("index") == index), None)
    if found is None:
        found = cast("Fields", {"index": index, "function": {"name": "", "arguments": ""}})
        calls.append(found)
    found["id"] = delta.get("id") or found.get("id")
    given, kept = delta.get("function"), cast("Fields", found["function"])
    for name in ("name", "arguments"):
        if isinstance(given, dict) and isinstance(given.get(name), str):
            kept[name] = str(kept[name]) + str(given[name])


def anthropic(chunks: Sequence[Fields]) -> Json:
    """`message_start`, `content_block_delta` and the rest: the message with its blocks."""
    if not any(each.get("type") in ("content_block_delta", "content_block_start") for each in chunks):
        return None
    message: Fields = {"role": "assistant"}
    blocks: dict[Json, Fields] = {}
    left: list[Json] = []
    for each in chunks:
        kind, index = each.get("type"), cast("int | None", each.get("index"))
        delta = cast("Fields", each["delta"]) if isinstance(each.get("delta"), dict) else {}
        if kind == "content_block_start" and isinstance(each.get("content_block"), dict):
            blocks[index] = dict(cast("Fields", each["content_block"]))
        elif kind == "content_block_delta":
            grow(blocks.setdefault(index, {"type": "text"}), delta)
        elif kind == "message_delta" and delta.get("stop_reason"):
            message["stop_reason"] = delta["stop_reason"]
        elif kind not in ("message_start", "message_stop", "content_block_stop", "ping", "message_delta"):
            left.append(each)
    message["content"] = [*blocks.values()]
    return [message, *left]


GROWING = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "input_json_delta": ("partial_json", "partial_json"),
    "citations_delta": ("citation", "citations"),
}


def grow(block: Fields, delta: Fields) -> None:
    source, target = GROWING.get(str(delta.get("type")), ("", ""))
    value = delta.get(source) if source else None
    if target == "citations" and value is not None:
        cast("list[Json]", block.setdefault("citations", [])).append(value)
    elif isinstance(value, str):
        block[target] = str(block.get(target) or "") + value
        if target == "partial_json":
            block.pop("input", None)


def responses(chunks: Sequence[Fields]) -> Json:
    """Events of the Responses API: the finished response, or the finished items, or the deltas of text."""
    if not any(str(each.get("type", "")).startswith("response.") for each in chunks):
        return None
    for each in reversed(chunks):
        if each.get("type") in ("response.completed", "response.incomplete", "response.failed"):
            return each.get("response")
    items = [each["item"] for each in chunks if each.get("type") == "response.output_item.done" and "item" in each]
    if items:
        return cast("Json", items)
    parts: dict[tuple[str, Json], str] = {}
    for each in chunks:
        kind = str(each.get("type", ""))
        if kind.endswith(".delta") and isinstance(each.get("delta"), str):
            at = (kind, cast("str | None", each.get("item_id")))
            parts[at] = parts.get(at, "") + str(each["delta"])
    return [DELTAS.get(kind, written)(text) for (kind, _), text in parts.items()]


def written(text: str) -> Json:
    return {"type": "text", "text": text}


def thought(text: str) -> Json:
    return {"type": "thinking", "thinking": text}


def refused(text: str) -> Json:
    return {"type": "refusal", "refusal": text}


def called(text: str) -> Json:
    return {"type": "function_call", "arguments": text}


DELTAS: Mapping[str, Callable[[str], Json]] = {
    "response.reasoning_summary_text.delta": thought,
    "response.reasoning_text.delta": thought,
    "response.refusal.delta": refused,
    "response.function_call_arguments.delta": called,
}


def texts(chunks: Sequence[Fields]) -> Json:
    """Vercel's and others' text deltas."""
    if not all(each.get("type") in ("text-delta", "text_delta", "text-start", "text-end") for each in chunks):
        return None
    said = [each.get("textDelta") or each.get("delta") or each.get("text") for each in chunks]
    return {"type": "text", "text": "".join(each for each in said if isinstance(each, str))}


def candidates(chunks: Sequence[Mapping[str, Json]]) -> Json:
    """Chunks of a Gemini stream: their parts behind each other, texts as one."""
    if len(chunks) < 2 or not all(isinstance(each.get("candidates"), list) for each in chunks):
        return None
    parts: list[Json] = []
    last: Fields = {}
    for each in chunks:
        for candidate in cast("list[Json]", each["candidates"]):
            if not isinstance(candidate, dict):
                continue
            last |= {key: value for key, value in candidate.items() if key != "content"}
            content = candidate.get("content")
            for part in cast("list[Json]", content.get("parts") or []) if isinstance(content, dict) else []:
                before = parts[-1] if parts else None
                if is_text(part) and is_text(before):
                    parts[-1] = {"text": str(cast("Fields", before)["text"]) + str(cast("Fields", part)["text"])}
                else:
                    parts.append(part)
    return {"candidates": [{**last, "content": {"role": "model", "parts": parts}}]}


def is_text(part: Json) -> bool:
    return isinstance(part, dict) and [*part] == ["text"] and isinstance(part["text"], str)


CHAT_STREAM = Shape("openai_stream", joined=chat)
ANTHROPIC_STREAM = Shape("anthropic_stream", joined=anthropic)
RESPONSES_STREAM = Shape("responses_stream", joined=responses)
TEXT_STREAM = Shape("text_stream", joined=texts)
GEMINI_STREAM = Shape("gemini_stream", joined=candidates)
