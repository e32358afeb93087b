"""Anthropic's blocks: text with citations, thinking, tool use of every kind and its results, documents, images.

Source: the Messages API's content blocks; server tools and MCP tools end in `_tool_use` and `_tool_result`.
"""

from __future__ import annotations

from collections.abc import Iterable

from posthog_mcp.results import Json
from posthog_mcp.traces.binary import ciphertext
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
    truthy,
)
from posthog_mcp.traces.tools import tool_definitions


def text(fields: Fields, reading: Reading) -> Iterable[Item]:
    """A text block of any provider; some say `content` for `text`."""
    said = any_in(fields, "text", "content", "value")
    if isinstance(said, dict):
        said = said.get("value", said)
    quoted = [*list_in(fields, "citations"), *list_in(fields, "annotations")]
    return [*text_parts(said), *citations(fields, quoted, reading), *reading.rest(fields)]


def citations(fields: Fields, values: list[Json], reading: Reading) -> list[Part]:
    made = (citation(opened(fields, each)) if isinstance(each, dict) else reading.parts(each) for each in values)
    return [part for parts in made for part in parts]


def citation(fields: Fields) -> list[Part]:
    """Where a text comes from: title, address, what is quoted."""
    inner = object_in(fields, "url_citation", "file_citation", "file_path") or fields
    title = text_in(inner, "document_title", "title", "filename", "source", "file_id")
    where = text_in(inner, "url", "uri")
    return [Part("citation", text_in(inner, "cited_text", "quote", "text"), " ".join(filter(None, [title, where])))]


def thinking(fields: Fields, reading: Reading) -> Iterable[Item]:
    """Thoughts; of those that only the provider can read, their size."""
    thought = text_in(fields, "thinking", "reasoning", "text", "content")
    sealed = text_in(fields, "data", "signature") if not thought else ""
    shown = thought or (ciphertext(sealed, "thinking") if sealed else "")
    return [*([Part("reasoning", shown)] if shown else []), *reading.rest(fields)]


def tool_use(fields: Fields, reading: Reading) -> Iterable[Item]:
    """A call of the caller's own tools, of Anthropic's, or of an MCP server's."""
    name, server = text_in(fields, "name"), text_in(fields, "server_name")
    given = any_in(fields, "input", "partial_json")
    if given == {} and fields.get("partial_json"):
        given = fields["partial_json"]
    call = call_part(f"{server}.{name}" if server else name, given, text_in(fields, "id"))
    return [call, *reading.rest(fields, "partial_json", "caller")]


def tool_result(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """The result of any of them."""
    call_id = text_in(fields, "tool_use_id")
    if not call_id and "content" not in fields:
        return None
    failed = truthy(fields.pop("is_error", None)) or "error_code" in str(fields.get("content"))[:400]
    value = any_in(fields, "content", "output", "result")
    part = result_part(reading, value, name=text_in(fields, "name"), call_id=call_id, failed=failed)
    return [part, *reading.rest(fields)]


def document(fields: Fields, reading: Reading) -> Iterable[Item]:
    """A document or search result: its title, its text, or its bytes by name."""
    title = text_in(fields, "title", "name")
    inner = object_in(fields, "document") or {}
    source = fields.pop("source", None)
    about = text_parts(text_in(fields, "context"))
    parts: list[Item] = [Part("media", "", f"document {title}".strip()), *about]
    if isinstance(source, dict):
        parts += sourced(opened(fields, source), "document", reading)
    elif source:
        parts += text_parts(source)
    parts += [*text_parts(any_in(inner, "data", "text")), *reading.rest(inner)]
    parts += [*reading.parts(fields.pop("content", None)), *reading.rest(fields, "encrypted_content", "citations")]
    return parts


def image(fields: Fields, reading: Reading) -> Iterable[Item]:
    """An image in Anthropic's, Vercel's and LangChain's spellings."""
    source = object_in(fields, "source")
    if source:
        return [*sourced(source, "image", reading), *reading.rest(fields)]
    where = text_in(fields, "image", "data", "url", "base64", "file_id", "image_url")
    kind = text_in(fields, "mimeType", "mime_type", "mediaType", "media_type") or "image"
    return [Part("media", where or "not recorded", kind), *reading.rest(fields, "source_type")]


def sourced(source: Fields, what: str, reading: Reading) -> list[Part]:
    """A block's source: text, bytes, an address, a file's id, or blocks."""
    kind = source.get("type")
    if kind == "text":
        source.pop("media_type", None)
        return text_parts(any_in(source, "data", "text"))
    if kind == "content":
        return reading.parts(any_in(source, "content"))
    where = text_in(source, "data", "url", "file_id", "uri", "bytes")
    return [Part("media", where or "not recorded", text_in(source, "media_type", "format") or what)]


def found_page(fields: Fields, reading: Reading) -> Iterable[Item]:
    """One hit of Anthropic's web search; the page itself is sealed."""
    name = " ".join(filter(None, [text_in(fields, "title"), text_in(fields, "url"), text_in(fields, "page_age")]))
    return [Part("citation", "", name), *reading.rest(fields, "encrypted_content")]


def chat_request(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """A request or a state with `messages`: instructions first, then the messages, then what else it holds."""
    given = fields.pop("messages")
    if not isinstance(given, list | str | dict):
        return None
    system = any_in(fields, "system", "system_prompt", "instructions")
    first = [Message("system", tuple(reading.parts(system)))] if system else []
    tools, left = offered(fields), left_of(fields)
    fields.clear()
    return [*first, *reading.items(given), *tools, *reading.apart(left)]


def offered(fields: Fields) -> list[Part]:
    """The tools of a request, by name."""
    names = [each.name for each in tool_definitions(fields.pop("tools", None))]
    return [Part("data", f"tools: {', '.join(names)}")] if names else []


def left_of(fields: Fields) -> Fields:
    return {key: value for key, value in fields.items() if value not in (None, "", [], {}) and key not in SETTINGS}


SETTINGS = frozenset(
    """model max_tokens max_completion_tokens temperature top_p top_k stream stream_options tool_choice stop_sequences
    anthropic_version parallel_tool_calls response_format seed frequency_penalty presence_penalty""".split()  # noqa: SIM905
)
"""How a request wants its answer; the event tells what of it matters."""


RESULTS = [
    "tool_result",
    "mcp_tool_result",
    "web_search_tool_result",
    "web_fetch_tool_result",
    "code_execution_tool_result",
    "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result",
]

ANTHROPIC = Shape(
    "anthropic",
    typed={
        "text": text,
        "output_text": text,
        "input_text": text,
        "summary_text": text,
        "reasoning_text": thinking,
        "thinking": thinking,
        "redacted_thinking": thinking,
        "tool_use": tool_use,
        "server_tool_use": tool_use,
        "mcp_tool_use": tool_use,
        **dict.fromkeys(RESULTS, tool_result),
        "document": document,
        "search_result": document,
        "web_search_result": found_page,
        "image": image,
        "url_citation": lambda fields, _: citation(fields),
        "file_citation": lambda fields, _: citation(fields),
        "char_location": lambda fields, _: citation(fields),
        "page_location": lambda fields, _: citation(fields),
    },
    keyed={"messages": chat_request, "tool_use_id": tool_result},
)
