"""Values that were turned into text before they were sent: JSON in a string, and Python's repr.

A repr of objects becomes what the object would be in JSON, its class as `type`:
`[HumanMessage(content='hi')]` → `[{"type": "HumanMessage", "content": "hi"}]`. Nothing is evaluated.
"""

from __future__ import annotations

import ast
import io
import itertools
import json
import re
import tokenize
from typing import cast

from posthog_mcp.results import Json

OPENING = ("{", "[", '"')
LONGEST_REPR = 400_000
"""Characters; Python's parser takes a hundred bytes of memory for each."""
LONGEST_KEYWORDS = 60_000
"""Python's tokenizer is slow."""
BAD_ESCAPE = re.compile(r"\\[^\\'\"abfnrtvxuUN0-7\n]")
"""Escapes that Python warns about: such text was written by something else."""
STARTS_REPR = re.compile(r"[\[({]|[A-Z]\w*\(")
KEYWORDS = re.compile(r"(?:content|role|id|type|text|message|generations)=['\"\[({A-Z]")
"""How pydantic's `str()` of a message begins: `content='hi' additional_kwargs={}`."""


def decoded(text: str) -> Json:
    """What a text holds: a list or an object, or the text itself. A JSON string in a JSON string is opened too."""
    stripped = text.strip()
    if stripped == "null":
        return None
    for _ in range(3):
        if stripped[:1] not in OPENING or len(stripped) < 2:
            break
        found = from_json(stripped)
        if isinstance(found, dict | list):
            return found
        if not isinstance(found, str) or stripped[:1] != '"' or found == stripped:
            break
        stripped, text = found.strip(), found
    return from_repr(stripped, text)


def from_json(text: str) -> Json:
    """The value of JSON text; the text itself where it is none."""
    try:
        return cast("Json", json.loads(text))
    except (ValueError, RecursionError):
        return text


def from_repr(stripped: str, text: str) -> Json:
    """The value of a Python repr that holds a list, a dict or an object; else the text."""
    if len(stripped) > LONGEST_REPR or BAD_ESCAPE.search(stripped):
        return text
    if KEYWORDS.match(stripped):
        return (from_keywords(stripped) if len(stripped) <= LONGEST_KEYWORDS else None) or text
    if not STARTS_REPR.match(stripped) or stripped[-1:] not in "])}":
        return text
    found = parsed(stripped)
    return found if isinstance(found, dict | list) and found else text


def parsed(source: str) -> Json:
    try:
        return as_json(ast.parse(source, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def from_keywords(text: str) -> Json:
    """pydantic's `str()`: keywords between spaces, on one line. The tokens tell which spaces stand inside a text."""
    depth, places = 0, list[int]()
    try:
        found = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError):
        return None
    for before, token, after in zip(found, found[1:], found[2:], strict=False):
        depth += (token.string in tuple("([{")) - (token.string in tuple(")]}")) if token.type == tokenize.OP else 0
        if depth == 0 and token.type == tokenize.NAME and after.string == "=" and before.string != ",":
            places.append(token.start[1])
    cuts = [0, *places, len(text)]
    return parsed(f"Message({', '.join(text[a:b].strip() for a, b in itertools.pairwise(cuts))})")


def as_json(node: ast.expr) -> Json:
    """A literal, or a call with keywords as an object of that type.

    Raises:
        ValueError: it is an expression, so the text is no repr.
    """
    match node:
        case ast.Constant(value=bytes() as value):
            return f"[bytes, {len(value)}]"
        case ast.Constant(value=value):
            return value if isinstance(value, bool | int | float | str) or value is None else str(value)
        case ast.List(elts=elts) | ast.Tuple(elts=elts) | ast.Set(elts=elts):
            return [as_json(each) for each in elts]
        case ast.Dict(keys=keys, values=values):
            return {key_text(key): as_json(value) for key, value in zip(keys, values, strict=True)}
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.Call():
            return called(node)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            raise ValueError("no literal")


def key_text(key: ast.expr | None) -> str:
    found = as_json(key) if key else None
    return found if isinstance(found, str) else json.dumps(found)


def called(node: ast.Call) -> Json:
    """`Name(a=1)` as an object; `datetime(2026, 1, 31)` as its source."""
    name = as_json(node.func)
    if node.args or not node.keywords:
        return ast.unparse(node)
    fields: dict[str, Json] = {each.arg or "": as_json(each.value) for each in node.keywords}
    return {"type": name, **fields} if "type" not in fields else fields
