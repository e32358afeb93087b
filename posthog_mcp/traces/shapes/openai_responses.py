"""Items of OpenAI's Responses API: messages, reasoning, function and custom tools, and OpenAI's own tools.

Source: the Responses API's item types. Messages are read by their role; every `…_call` of OpenAI's own tools is a
call whose arguments are its fields, and whose `output` or `results` are its result.
"""

from __future__ import annotations

from collections.abc import Iterable

from posthog_mcp.traces.binary import ciphertext
from posthog_mcp.traces.messages import Message, Part
from posthog_mcp.traces.shapes.shape import (
    NOISE,
    Fields,
    Item,
    Reading,
    Shape,
    any_in,
    call_part,
    list_in,
    object_in,
    result_part,
    text_in,
)


def reasoning(fields: Fields, reading: Reading) -> Iterable[Item]:
    """Summaries and thoughts in the clear; what is sealed, by its size."""
    said = [*list_in(fields, "summary"), *list_in(fields, "content")]
    texts = [part.text for each in said for part in reading.parts(each)]
    own = text_in(fields, "text", "reasoning", "content", "summary", "thinking")
    sealed = text_in(fields, "encrypted_content", "data")
    found = [Part("reasoning", text) for text in [*texts, own] if text]
    hidden = [Part("reasoning", ciphertext(sealed, "reasoning"))] if sealed and not found else []
    return [*found, *hidden, *reading.rest(fields, "format")]


def call(fields: Fields, reading: Reading) -> Iterable[Item]:
    """A call of a function, a custom tool or an MCP server's; theirs carries the result with it."""
    name, server = text_in(fields, "name", "tool_name"), text_in(fields, "server_label", "namespace")
    call_id = text_in(fields, "call_id", "id")
    part = call_part(f"{server}.{name}" if server else name, any_in(fields, "arguments", "input", "args"), call_id)
    return [part, *outcome(fields, reading, call_id), *reading.rest(fields, "approval_request_id")]


def outcome(fields: Fields, reading: Reading, call_id: str) -> list[Part]:
    """What came of a call, where it stands with it."""
    value, error = any_in(fields, "output", "results", "outputs", "result"), any_in(fields, "error")
    if error is not None:
        return [result_part(reading, error, call_id=call_id, failed=True)]
    return [result_part(reading, value, call_id=call_id)] if value not in (None, [], "") else []


def output(fields: Fields, reading: Reading) -> Iterable[Item]:
    """The result of a call."""
    call_id = text_in(fields, "call_id", "id")
    value = any_in(fields, "output", "content", "result")
    failed = fields.pop("status", None) in ("failed", "incomplete")
    return [result_part(reading, value, call_id=call_id, failed=failed), *reading.rest(fields)]


def hosted(fields: Fields, reading: Reading) -> Iterable[Item]:
    """One of OpenAI's own tools: `web_search_call`, `file_search_call`, `code_interpreter_call`, …"""
    name = str(fields.pop("type")).removesuffix("_call")
    call_id = text_in(fields, "call_id", "id")
    failed = fields.get("status") in ("failed", "incomplete")
    results = outcome(fields, reading, call_id)
    given = {key: value for key, value in fields.items() if key not in NOISE and key not in ("status", "container_id")}
    action = object_in(given, "action") or {}
    asked = call_part(name, {**given, "action": action} if {*action} & {*given} else {**action, **given}, call_id)
    fields.clear()
    told = results or ([Part("tool_result", "failed", "", call_id, True)] if failed else [])
    return [asked, *told]


def offered(fields: Fields, reading: Reading) -> Iterable[Item]:
    """The tools of an MCP server, by name."""
    names = [str(each.get("name", "?")) for each in list_in(fields, "tools") if isinstance(each, dict)]
    server = text_in(fields, "server_label")
    return [Part("data", f"tools of {server}: {', '.join(names)}"), *reading.rest(fields)]


def input_image(fields: Fields, reading: Reading) -> Iterable[Item]:
    where = text_in(fields, "image_url", "file_id")
    return [Part("media", where or "not recorded", "image"), *reading.rest(fields, "detail")]


def input_file(fields: Fields, reading: Reading) -> Iterable[Item]:
    name = f"file {text_in(fields, 'filename')}".strip()
    return [Part("media", text_in(fields, "file_data", "file_url", "file_id"), name), *reading.rest(fields)]


def response(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """A whole response, or a request of this API."""
    given = fields.get("output", fields.get("input"))
    if fields.get("object") != "response" and not (isinstance(given, list) and reading.recognises(given, 1)):
        return None
    fields.pop("output", None)
    instructions = text_in(fields, "instructions")
    first = [Message("system", (Part("text", instructions),))] if instructions else []
    asked = reading.items(fields.pop("input", None)) if "input" in fields else []
    failed = any_in(fields, "error", "incomplete_details")
    told = Reading(reading.readers, "assistant", reading.depth).messages(given if given is not None else [])
    error = [Part("data", f"error: {result_part(reading, failed).text}")] if failed else []
    settings = [key for key in fields if key in SETTINGS]
    return [*first, *asked, *(told if given is not None else []), *error, *reading.rest(fields, *settings)]


SETTINGS = frozenset(
    """background max_output_tokens max_tool_calls model parallel_tool_calls previous_response_id prompt_cache_key
    reasoning safety_identifier store temperature text tool_choice tools top_logprobs top_p truncation user billing
    completed_at metadata presence_penalty frequency_penalty conversation stream""".split()  # noqa: SIM905
)
"""What a response repeats of its request."""
HOSTED = (
    "web_search_call",
    "file_search_call",
    "code_interpreter_call",
    "computer_call",
    "image_generation_call",
    "local_shell_call",
    "shell_call",
    "apply_patch_call",
)

OPENAI_RESPONSES = Shape(
    "openai_responses",
    typed={
        "reasoning": reasoning,
        "function_call": call,
        "custom_tool_call": call,
        "mcp_call": call,
        "mcp_approval_request": call,
        "function_call_output": output,
        "custom_tool_call_output": output,
        "computer_call_output": output,
        "local_shell_call_output": output,
        "shell_call_output": output,
        "apply_patch_call_output": output,
        "mcp_list_tools": offered,
        "input_image": input_image,
        "computer_screenshot": input_image,
        "input_file": input_file,
        **dict.fromkeys(HOSTED, hosted),
    },
    keyed={"output": response},
)
