"""Google's contents: parts without a type, candidates, grounding, executable code.

Both spellings: camel case of the REST API and snake case of the Python SDK.
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
    objects_in,
    opened,
    result_part,
    text_in,
    text_parts,
    truthy,
)


def contents(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """A request: instructions, contents, and the rest."""
    given = fields.pop("contents")
    system = any_in(fields, "systemInstruction", "system_instruction")
    first = [Message("system", tuple(reading.parts(system)))] if system else []
    return [
        *first,
        *reading.items(given),
        *reading.rest(fields, "tools", "generationConfig", "safetySettings", "model"),
    ]


def without_role(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """Content that does not say whose it is."""
    given = fields.pop("parts")
    if not isinstance(given, list):
        return None
    return [*reading.parts(given), *reading.rest(fields)]


def candidates(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """A response; one that was blocked says so."""
    given = fields.pop("candidates")
    if not isinstance(given, list):
        return None
    feedback = any_in(fields, "promptFeedback", "prompt_feedback")
    blocked = [Part("refusal", result_part(reading, feedback).text)] if feedback else []
    told = [item for each in given if isinstance(each, dict) for item in candidate(opened(fields, each), reading)]
    return [*told, *blocked, *reading.rest(fields, "modelVersion", "automaticFunctionCallingHistory", "parsed")]


def candidate(fields: Fields, reading: Reading) -> list[Item]:
    stop = text_in(fields, "finishReason", "finish_reason")
    content = any_in(fields, "content")
    grounds = grounding(object_in(fields, "groundingMetadata", "grounding_metadata") or {}, reading)
    safety = [each for each in list_in(fields, "safetyRatings", "safety_ratings") if blocked(each)]
    warned = [Part("refusal", result_part(reading, each).text) for each in safety]
    inner = content if not isinstance(content, dict) or "role" in content else {"role": "model", **content}
    told = reading.items(inner) or [Message("assistant", ())]
    more = (*grounds, *warned, *reading.rest(fields, "citationMetadata", "avg_logprobs"))
    return [
        replace(each, stop=stop, parts=(*each.parts, *more)) if isinstance(each, Message) else each for each in told
    ]


def blocked(rating: Json) -> bool:
    return isinstance(rating, dict) and truthy(rating.get("blocked"))


def grounding(fields: Fields, reading: Reading) -> list[Part]:
    """Pages that an answer rests on, and what was searched for."""
    pages = objects_in(fields, "groundingChunks", "grounding_chunks")
    inner = [object_in(each, "web", "retrievedContext", "retrieved_context") or each for each in pages]
    found = [
        Part("citation", text_in(each, "text"), " ".join(filter(None, [text_in(each, "title"), text_in(each, "uri")])))
        for each in inner
    ]
    hidden = ("searchEntryPoint", "search_entry_point", "groundingSupports", "grounding_supports", "retrievalMetadata")
    return [*found, *reading.rest(fields, *hidden)]


def function_call(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    given = object_in(fields, "functionCall", "function_call")
    if given is None:
        return None
    name, call_id = text_in(given, "name"), text_in(given, "id")
    return [call_part(name, any_in(given, "args", "arguments"), call_id), *reading.rest(fields, "thought")]


def function_response(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    given = object_in(fields, "functionResponse", "function_response")
    if given is None:
        return None
    name, call_id, value = text_in(given, "name"), text_in(given, "id"), any_in(given, "response")
    failed = isinstance(value, dict) and [*value] == ["error"]
    return [result_part(reading, value, name=name, call_id=call_id, failed=failed), *reading.rest(fields)]


def code(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    given = object_in(fields, "executableCode", "executable_code")
    if given is None:
        return None
    language = text_in(given, "language").lower()
    return [call_part(f"run_code {language}".strip(), {"code": text_in(given, "code")}), *reading.rest(fields)]


def code_result(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    given = object_in(fields, "codeExecutionResult", "code_execution_result")
    if given is None:
        return None
    failed = text_in(given, "outcome") not in ("", "OUTCOME_OK", "1")
    return [result_part(reading, text_in(given, "output"), name="run_code", failed=failed), *reading.rest(fields)]


def data(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    given = object_in(fields, "inlineData", "inline_data", "fileData", "file_data")
    if given is None:
        return None
    kind = text_in(given, "mimeType", "mime_type") or "file"
    name = " ".join(filter(None, [kind, text_in(given, "displayName", "display_name")]))
    where = text_in(given, "data", "fileUri", "file_uri") or "not recorded"
    return [Part("media", where, name), *reading.rest(fields, "videoMetadata")]


def bare_text(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """A part with nothing but text: Gemini's, Bedrock's, Cohere's. Gemini marks thoughts."""
    if not isinstance(fields.get("text"), str):
        return None
    said, thought = text_in(fields, "text"), truthy(fields.pop("thought", None))
    part = [Part("reasoning", said)] if thought and said else text_parts(said)
    return [*part, *reading.rest(fields)]


GEMINI = Shape(
    "gemini",
    keyed={
        "contents": contents,
        "candidates": candidates,
        "parts": without_role,
        "functionCall": function_call,
        "function_call": function_call,
        "functionResponse": function_response,
        "function_response": function_response,
        "executableCode": code,
        "executable_code": code,
        "codeExecutionResult": code_result,
        "code_execution_result": code_result,
        "inlineData": data,
        "inline_data": data,
        "fileData": data,
        "file_data": data,
    },
)
PLAIN_TEXT = Shape("plain_text", keyed={"text": bare_text})
"""Last of all: many objects have a text among other things."""
