"""JSON as lines that read well: nothing left out, no brackets, no escapes.

The faithful fallback of unknown shapes, and the arguments of tools. Every key and every leaf is there; long rows of
numbers are named, and what lies deeper than `DEEPEST` is given as its leaves.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import cast

from posthog_mcp.results import Json

DEEPEST = 24
VECTOR = 24
"""A list of at least so many numbers is a vector."""
INLINE = 100
"""Characters of a list or object that stays on one line."""


def readable(value: Json, depth: int = 0) -> str:
    """Lines of `key: value` and `- item`, each level one space further in."""
    if isinstance(value, dict):
        return mapping_lines(value, depth) if value else "{}"
    if isinstance(value, list):
        return list_lines(value, depth) if value else "[]"
    return scalar(value)


def scalar(value: Json) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, bool | float) or value is None else str(value)


def mapping_lines(value: Mapping[str, Json], depth: int) -> str:
    if depth >= DEEPEST:
        return flat(dict(value))
    return "\n".join(f"{key}:{placed(each, depth)}" for key, each in value.items())


def list_lines(value: list[Json], depth: int) -> str:
    if is_vector(value):
        shown = ", ".join(scalar(each) for each in value[:3])
        return f"[{len(value):,} numbers: {shown}, …]"
    if depth >= DEEPEST:
        return flat(value)
    line = inline(value)
    if line is not None:
        return line
    return "\n".join(f"-{placed(each, depth)}" for each in value)


def placed(value: Json, depth: int) -> str:
    """A value after its key: on the same line, or on lines below."""
    text = readable(value, depth + 1)
    if isinstance(value, dict | list) and value and inline(value) is None and not is_vector(value):
        return "\n " + text.replace("\n", "\n ")
    return " " + text.replace("\n", "\n ") if text else ""


def inline(value: Json) -> str | None:
    """A short list of plain things on one line; None for anything else."""
    if not isinstance(value, list) or len(value) > INLINE // 2:
        return None
    if any(isinstance(each, dict | list) or (isinstance(each, str) and "\n" in each) for each in value):
        return None
    line = "[" + ", ".join(scalar(each) for each in value) + "]"
    return line if len(line) <= INLINE else None


def is_vector(value: Json) -> bool:
    """Embeddings and the like; numbers one by one say nothing."""
    if not isinstance(value, list) or len(value) < VECTOR:
        return False
    return all(isinstance(each, int | float) and not isinstance(each, bool) for each in value)


def flat(value: Json) -> str:
    """Keys and leaves of something nested too deep to lay out, in order; no recursion."""
    return "[nested deeper than is laid out] " + " ".join(leaves(value))


def leaves(value: Json) -> Iterator[str]:
    waiting: list[tuple[str, Json]] = [("", value)]
    while waiting:
        key, each = waiting.pop()
        if key:
            yield f"{key}:"
        if isinstance(each, dict):
            waiting += reversed([(name, inner) for name, inner in each.items()])
        elif isinstance(each, list):
            waiting += reversed([("", inner) for inner in each])
        else:
            yield scalar(each)


def arguments(value: Json) -> str:
    """Arguments of a call: `query="x", limit=3`, or lines where one is long or has lines of its own."""
    if isinstance(value, str):
        value = decoded_arguments(value)
    if value in (None, "", {}):
        return ""
    if not isinstance(value, dict):
        return readable(value)
    pairs = [f"{name}={argument(each)}" for name, each in value.items()]
    line = ", ".join(pairs)
    broken = any(isinstance(each, str) and "\n" in each for each in value.values())
    return "\n" + readable(value) if broken or len(line) > 4 * INLINE else line


def argument(value: Json) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return flat(value)


def decoded_arguments(text: str) -> Json:
    """Arguments come as JSON text from some providers; what does not parse (a cut stream) stays as it is."""
    if text[:1] not in "{[":
        return text
    try:
        return cast("Json", json.loads(text))
    except (ValueError, RecursionError):
        return text
