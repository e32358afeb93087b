"""Answers that are like no other provider's: Cohere's first API, watsonx, Titan, Ollama's generate, embeddings."""

from __future__ import annotations

from collections.abc import Iterable

from posthog_mcp.traces.messages import Message, Part
from posthog_mcp.traces.shapes.anthropic import citation
from posthog_mcp.traces.shapes.openai_chat import plain_choice, tool_call
from posthog_mcp.traces.shapes.shape import (
    Fields,
    Item,
    Reading,
    Shape,
    any_in,
    object_in,
    objects_in,
    opened,
    result_part,
    text_in,
    text_parts,
)
from posthog_mcp.traces.structure import is_vector


def chat_history(fields: Fields, reading: Reading) -> Iterable[Item]:
    """A request or an answer of Cohere's first chat API."""
    preamble, asked = text_in(fields, "preamble"), text_in(fields, "message")
    first = [Message("system", (Part("text", preamble),))] if preamble else []
    history = reading.items(fields.pop("chat_history"))
    answer = text_in(fields, "text")
    calls = [tool_call(each, reading) for each in objects_in(fields, "tool_calls")]
    quoted = [part for each in objects_in(fields, "citations") for part in citation(each)]
    answers = [(object_in(each, "call") or {}, each) for each in objects_in(fields, "tool_results")]
    results = [result_part(reading, any_in(each, "outputs"), name=text_in(call, "name")) for call, each in answers]
    user = [Message("user", (Part("text", asked),))] if asked else []
    tool = [Message("tool", tuple(results))] if results else []
    parts = (*text_parts(answer), *calls, *quoted)
    stop = text_in(fields, "finish_reason")
    told = [Message("assistant", parts, "", stop)] if parts or stop else []
    return [
        *first,
        *history,
        *user,
        *tool,
        *told,
        *reading.rest(fields, "generation_id", "response_id", "meta", "model"),
    ]


def tool_plan(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """What Cohere's models think before they call."""
    plan = text_in(fields, "tool_plan")
    if not plan:
        return None
    answer = {**fields, "role": "assistant"}
    fields.clear()
    return [Message("assistant", (Part("reasoning", plan),)), *reading.items(answer)]


def results(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """watsonx and Titan: `{"results": [{"generated_text": …, "stop_reason": …}]}`."""
    given = fields.get("results")
    if not isinstance(given, list) or not given or not isinstance(given[0], dict) or not {*given[0]} & {*ANSWERS}:
        return None
    del fields["results"]
    return [*reading.items(given), *reading.rest(fields, "model_id", "inputTextTokenCount", "system")]


def vectors(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """An embedding's answer: how many numbers, never the numbers."""
    given = fields.get("embedding", fields.get("embeddings"))
    rows = given if isinstance(given, list) else None
    if isinstance(given, dict):
        rows = next((each for each in given.values() if isinstance(each, list)), None)
    if not rows:
        return None
    fields.pop("embedding", None)
    fields.pop("embeddings", None)
    said = f"vector of {len(rows):,} numbers" if is_vector(rows) else f"{len(rows)} vectors"
    return [Part("data", f"[{said}]"), *reading.rest(fields, "model", "texts", "response_type", "meta")]


def vector_list(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """OpenAI's answer to an embedding: `{"data": [{"embedding": […]}]}`."""
    rows = fields.get("data")
    items = [opened(fields, each) for each in rows if isinstance(each, dict)] if isinstance(rows, list) else []
    found = [each.pop("embedding", None) for each in items]
    if not found or not all(isinstance(each, list | str) for each in found):
        return None
    del fields["data"]
    sizes = [f"{len(each):,} numbers" for each in found if isinstance(each, list)]
    said = f"vector of {sizes[0]}" if len(found) == len(sizes) == 1 else f"{len(found)} vectors"
    return [Part("data", f"[{said}]"), *reading.rest(fields, "model")]


def turn(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """A prompt with its settings: Titan, Llama, completions."""
    said = any_in(fields, "prompt", "inputText", "input_text")
    system = text_in(fields, "system", "system_prompt")
    if said is None:
        return None
    first = [Message("system", (Part("text", system),))] if system else []
    told = [Message("user", tuple(text_parts(said)))] if isinstance(said, str) else reading.items(said)
    more = reading.rest(
        fields, "model", "textGenerationConfig", "max_tokens", "temperature", "stream", "top_p", "options"
    )
    return [*first, *told, *more]


def wrapped(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """A tool of somebody's framework: `{"tool_name": …, "tool_input": …, "tool_output": …}`."""
    name = text_in(fields, "tool_name")
    given = any_in(fields, "tool_args", "arguments", "args", "input")
    value = any_in(fields, "tool_output", "tool_result", "result", "output")
    if not name or (given is None and value is None):
        return None
    call = tool_call({"name": name, "args": given, "id": text_in(fields, "tool_call_id")}, reading)
    result = [result_part(reading, value, name=name, call_id=call.id)] if value is not None else []
    return [*([call] if given is not None else []), *result, *reading.rest(fields)]


def document(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """A retrieved page by any name."""
    inner = object_in(fields, "document")
    if inner is None or {"source", "format"} & {*inner}:
        return None
    return [*reading.parts(any_in(inner, "data", "text")), *reading.rest(inner), *reading.rest(fields)]


ANSWERS = ("generated_text", "outputText", "completion", "generation")

OTHERS = Shape(
    "others",
    keyed={
        "chat_history": chat_history,
        "tool_plan": tool_plan,
        "results": results,
        **dict.fromkeys(ANSWERS, plain_choice),
        "response": plain_choice,
        "embedding": vectors,
        "embeddings": vectors,
        "data": vector_list,
        "prompt": turn,
        "inputText": turn,
        "tool_name": wrapped,
        "document": document,
    },
)
