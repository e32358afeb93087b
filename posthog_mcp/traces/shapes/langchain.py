"""LangChain and LangGraph: messages by `type`, serialised constructors, generations, documents, agent steps.

A message comes as `{"type": "human", "content": …}`, as `{"type": "human", "data": {…}}`, as
`{"lc": 1, "type": "constructor", "id": […, "HumanMessage"], "kwargs": {…}}`, or as the repr of its class.
"""

from __future__ import annotations

from collections.abc import Iterable

from posthog_mcp.traces.messages import Message, Part
from posthog_mcp.traces.shapes.openai_chat import message as with_role
from posthog_mcp.traces.shapes.shape import (
    Fields,
    Item,
    Reading,
    Shape,
    any_in,
    call_part,
    instead,
    object_in,
    opened,
    text_in,
    text_parts,
)

SPEAKERS = {
    "human": "user",
    "user": "user",
    "ai": "assistant",
    "assistant": "assistant",
    "system": "system",
    "developer": "developer",
    "tool": "tool",
    "function": "tool",
    "chat": "user",
    "generic": "user",
}


def speaker(name: str) -> str:
    """`AIMessageChunk` → assistant."""
    return SPEAKERS.get(name.lower().removesuffix("chunk").removesuffix("message"), "")


def message(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """A message by its `type` alone."""
    inner = object_in(fields, "data")
    if inner:
        return message(instead(fields, {**fields, **inner}), reading)
    if not {"content", "kwargs", "tool_calls", "additional_kwargs", "parts"} & {*fields}:
        return None
    role = text_in(fields, "role") or speaker(str(fields.get("type")))
    more = object_in(fields, "additional_kwargs") or {}
    details = object_in(fields, "response_metadata") or {}
    merged = {
        **{key: value for key, value in more.items() if value not in (None, [], {}) and not fields.get(key)},
        **fields,
        "role": role or reading.role,
    }
    del merged["type"]
    stop = text_in(details, "finish_reason", "stop_reason", "stopReason", "done_reason")
    if stop:
        merged.setdefault("finish_reason", stop)
    without_doubles(merged)
    return with_role(instead(fields, merged), reading)


def without_doubles(fields: Fields) -> None:
    """Calls that stand in the content as blocks, and again as `tool_calls`: the blocks go."""
    content, calls = fields.get("content"), fields.get("tool_calls")
    if isinstance(content, list) and isinstance(calls, list) and calls:
        fields["content"] = [each for each in content if not (isinstance(each, dict) and each.get("type") in CALLS)]
    unread = fields.pop("invalid_tool_calls", None)
    if unread and not calls:
        fields["tool_calls"] = unread


CALLS = ("tool_use", "function_call", "input_json_delta")


def constructor(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """A serialised object: messages by their class, anything else by its arguments."""
    path = fields.get("id")
    if "lc" not in fields and fields.get("type") != "constructor" and not isinstance(path, list):
        return None
    kwargs = object_in(fields, "kwargs") or {}
    name = str(path[-1]) if isinstance(path, list) and path else text_in(fields, "name")
    if speaker(name):
        del fields["id"]
        return message(instead(fields, {**fields, **kwargs, "type": name}), reading)
    inner = {**kwargs}
    kwargs.clear()
    return [*reading.object(inner), *reading.rest(fields)]


def generations(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """An `LLMResult`: lists of lists of answers."""
    given = fields.pop("generations")
    return [*reading.items(given), *reading.rest(fields, "llm_output", "run")]


def document(fields: Fields, reading: Reading) -> Iterable[Item]:
    """A retrieved page: its text, and where it is from."""
    said = text_in(fields, "page_content", "pageContent")
    about = object_in(fields, "metadata") or {}
    name = text_in(about, "title", "source", "file_path", "url")
    return [
        Part("media", "", f"document {name}".strip()),
        *text_parts(said),
        *reading.rest(about),
        *reading.rest(fields),
    ]


def finish(fields: Fields, reading: Reading) -> Iterable[Item]:
    """An agent's last step; its log mostly repeats the answer."""
    values = fields.pop("return_values")
    said = opened(fields, values if isinstance(values, dict) else {"output": values})
    answer, log = text_in(said, "output"), text_in(fields, "log")
    thought = [Part("reasoning", log)] if log and answer not in log else text_parts(log if answer in log else "")
    return [Message("assistant", (*thought, *(text_parts(answer) if answer not in log else []))), *reading.rest(said)]


def action(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """An agent's step: a tool, its input, and the thoughts before it."""
    name = text_in(fields, "tool")
    if not name:
        return None
    log = text_in(fields, "log")
    thought = [Part("reasoning", log)] if log else []
    call = call_part(name, any_in(fields, "tool_input"), text_in(fields, "tool_call_id"))
    return [Message("assistant", (*thought, call)), *reading.rest(fields, "message_log")]


def value(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """A prompt value or a command of LangGraph."""
    if fields.get("type") in ("ChatPromptValue", "ChatPromptValueConcrete"):
        return reading.items(fields.get("messages"))
    return [Message("user", tuple(text_parts(fields.get("text")))), *reading.rest(fields, "text")]


CLASSES = [
    f"{name}Message{chunk}" for name in ("Human", "AI", "System", "Tool", "Function", "Chat") for chunk in ("", "Chunk")
]

LANGCHAIN = Shape(
    "langchain",
    typed={
        **dict.fromkeys([*SPEAKERS, *CLASSES, "Message"], message),
        "constructor": constructor,
        "StringPromptValue": value,
        "ChatPromptValue": value,
        "ChatPromptValueConcrete": value,
    },
    keyed={
        "lc": constructor,
        "kwargs": constructor,
        "generations": generations,
        "page_content": document,
        "pageContent": document,
        "return_values": finish,
        "tool_input": action,
    },
)
