"""The edge: everything that a client gets passes here once, whatever room and tool it came from.

`masked_result` takes the result of any method as it goes over the wire and gives it back with personal data replaced:
tool results (structured content, texts, `_meta`, errors), resources, prompts, completions. Images are drawn from rows
that were masked when they came in. `visible` takes out what hides or reorders text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import cast

from posthog_mcp.queries.shape import HIDDEN
from posthog_mcp.results import Json
from posthog_mcp.safety.documents import differences, known, masked_document, masked_text
from posthog_mcp.safety.masking import Masking

Wire = dict[str, Json]
ESCAPED = re.compile(r"\\[bfru]")
GIVING = frozenset({"tools/call", "resources/read", "prompts/get", "completion/complete"})
"""Methods whose results hold the project's data."""


def masked_result(masking: Masking, method: str, arguments: Json, result: Wire) -> Wire:
    """The result of this method, masked. `arguments` are the call's own: what they hold may stand in its `next`."""
    if method not in GIVING:
        return result
    content = result.get("structuredContent")
    more = isinstance(content, dict) and bool(content.get("next"))
    masking = masking.knowing(known(arguments)) if more else masking
    shown = masked_document(masking, content)
    changes = dict(differences(content, shown))
    masked: Wire = {name: texts(masking, value, changes) for name, value in result.items() if name in TEXTS}
    if content is not None:
        masked["structuredContent"] = shown
    if isinstance(meta := result.get("_meta"), dict):
        masked["_meta"] = {
            name: value if reserved(name) else masked_document(masking, value) for name, value in meta.items()
        }
    return {**result, **masked}


def visible(method: str, result: Wire) -> Wire:
    """The result without characters that hide or reorder text; resources are files and keep every byte."""
    if method == "resources/read" or plain(json.dumps(result, ensure_ascii=False, default=str)):
        return result
    return {name: shown(value) for name, value in result.items()}


def plain(encoded: str) -> bool:
    """Whether this JSON text surely holds nothing of HIDDEN: most answers, found without a walk through them.

    JSON writes control characters as escapes, of which those of a line end and a tab are none of HIDDEN.
    """
    if ESCAPED.search(encoded):
        return False
    return "\x7f" not in encoded if encoded.isascii() else not HIDDEN.search(encoded)


def shown(value: Json) -> Json:
    if isinstance(value, str):
        return HIDDEN.sub("", value) if HIDDEN.search(value) else value
    if isinstance(value, list):
        return [shown(each) for each in value]
    if isinstance(value, dict):
        return {HIDDEN.sub("", name): shown(item) for name, item in value.items()}
    return value


TEXTS = ("content", "contents", "messages", "completion", "description")


def reserved(name: str) -> bool:
    """Names of the protocol's own."""
    return name.startswith("io.modelcontextprotocol/")


def texts(masking: Masking, value: Json, changes: Mapping[str, str]) -> Json:
    """Every text in a list of content blocks; links, types and encoded data stay."""
    if isinstance(value, str):
        return masked_text(masking, value, changes)
    if isinstance(value, list):
        return [texts(masking, each, changes) for each in value]
    if isinstance(value, dict):
        return {name: item if name in PLAIN else texts(masking, item, changes) for name, item in value.items()}
    return value


def masked_data(masking: Masking, data: Json) -> Json:
    """What an error carries beside its message. It repeats what was asked for, so no name in it is spared."""
    if isinstance(data, list):
        return [masked_data(masking, each) for each in data]
    if isinstance(data, dict):
        return {name: masked_data(masking, item) for name, item in data.items()}
    return masking.value(data)


PLAIN = frozenset({"type", "mimeType", "data", "blob", "uri", "role", "annotations", "_meta"})


def arguments_of(params: object) -> Json:
    """The arguments of a request, or all its parameters."""
    given = cast("dict[str, Json]", params) if isinstance(params, dict) else {}
    return given.get("arguments", cast("Json", given))
