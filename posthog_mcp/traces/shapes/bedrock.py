"""Amazon Bedrock: Converse blocks, whose kind is their key, and answers of `InvokeModel`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from posthog_mcp.traces.binary import ciphertext
from posthog_mcp.traces.messages import Message, Part
from posthog_mcp.traces.shapes.shape import (
    Fields,
    Item,
    Reading,
    Shape,
    any_in,
    call_part,
    object_in,
    result_part,
    text_in,
    text_parts,
)


def converse(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """`{"output": {"message": …}, "stopReason": …}`."""
    inner = object_in(fields, "output") or {}
    said = inner.pop("message", None)
    if not isinstance(said, dict):
        return None
    stop = text_in(fields, "stopReason", "stop_reason")
    told = [replace(each, stop=stop) if isinstance(each, Message) else each for each in reading.items(said)]
    return [*told, *reading.rest(fields, "metrics", "ResponseMetadata", "additionalModelResponseFields", "trace")]


def tool_use(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    given = object_in(fields, "toolUse")
    if given is None:
        return None
    return [
        call_part(text_in(given, "name"), any_in(given, "input"), text_in(given, "toolUseId")),
        *reading.rest(fields),
    ]


def tool_result(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    given = object_in(fields, "toolResult")
    if given is None:
        return None
    call_id, failed = text_in(given, "toolUseId"), given.pop("status", None) == "error"
    return [result_part(reading, any_in(given, "content"), call_id=call_id, failed=failed), *reading.rest(fields)]


def json_block(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """A result that is data."""
    if len(fields) != 1:
        return None
    return text_parts(fields["json"])


def reasoning(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    given = object_in(fields, "reasoningContent")
    if given is None:
        return None
    inner = object_in(given, "reasoningText") or given
    said = text_in(inner, "text", "reasoningText")
    sealed = text_in(given, "redactedContent")
    return [Part("reasoning", said or ciphertext(sealed, "reasoning")), *reading.rest(fields)]


def guarded(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    given = object_in(fields, "guardContent")
    return None if given is None else [*reading.parts(any_in(given, "text", "image")), *reading.rest(fields)]


def media(fields: Fields, reading: Reading) -> Iterable[Item] | None:
    """An image, document, video or recording: `{"document": {"format": "pdf", "name": …, "source": {"bytes": …}}}`."""
    kind = next((name for name in ("image", "document", "video", "audio") if isinstance(fields.get(name), dict)), None)
    given = object_in(fields, kind) if kind else None
    if given is None or not {"source", "format", "data"} & {*given}:
        return None
    source = object_in(given, "source") or {}
    name = " ".join(filter(None, [kind, text_in(given, "format"), text_in(given, "name", "title")]))
    parts = [Part("media", text_in(source, "bytes", "uri", "url") or text_in(source, "s3Location"), name)]
    said = [*text_parts(any_in(source, "text")), *text_parts(any_in(given, "data", "text", "context"))]
    return [*parts, *said, *reading.rest(source), *reading.rest(given), *reading.rest(fields)]


def point(fields: Fields, _: Reading) -> Iterable[Item] | None:
    """A mark where a prompt is cached."""
    return [] if len(fields) == 1 else None


BEDROCK = Shape(
    "bedrock",
    keyed={
        "output": converse,
        "toolUse": tool_use,
        "toolResult": tool_result,
        "reasoningContent": reasoning,
        "guardContent": guarded,
        "image": media,
        "document": media,
        "video": media,
        "audio": media,
        "json": json_block,
        "cachePoint": point,
    },
)
