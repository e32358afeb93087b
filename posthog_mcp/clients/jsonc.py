"""JSON with comments, edited in place: find a member by its path, replace or insert it, leave all else as it is.

Reads what VS Code and its kin read: `//` and `/* */` comments and a comma after the last member.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from posthog_mcp.errors import InvalidInput
from posthog_mcp.results import Json

BLANK = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
REMARK = re.compile(r"[ \t]*(?://[^\n]*|/\*[^\n]*?\*/[ \t]*(?=\n))")
"""A comment on the rest of a line."""
SCALAR = re.compile(r'"(?:[^"\\\n]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null')
MAX_DEPTH = 200


@dataclass(slots=True)
class Place:
    """A value and where it stands; `members` only of objects, `items` only of lists, in order."""

    start: int
    end: int
    is_object: bool = False
    members: list[tuple[str, int, Place]] = field(default_factory=list["tuple[str, int, Place]"])
    items: list[Place] = field(default_factory=list["Place"])

    def member(self, name: str) -> Place | None:
        return next((place for key, _, place in reversed(self.members) if key == name), None)


def with_member(text: str, path: Sequence[str], value: Json) -> str:
    """The text with this value at this path; objects on the way are made where they are missing.

    Raises:
        refusal: the text is not JSON, or something on the path is no object.
    """
    source = text if text.strip() else "{}\n"
    place = read(source)
    for depth, name in enumerate(path):
        if not place.is_object:
            raise refusal(source, place.start, f"an object is needed to hold {name!r}")
        inner = place.member(name)
        if inner is None:
            return inserted(source, place, name, nested(path[depth + 1 :], value))
        place = inner
    column = place.start - (source.rfind("\n", 0, place.start) + 1)
    indent = re.match(r"\s*", source[place.start - column : place.start])
    return source[: place.start] + dumped(value, indent[0] if indent else "", step_of(source)) + source[place.end :]


def with_item(text: str, name: str, value: Json, mark: str) -> str:
    """The text with one item more in the list of this name, unless one of its items holds `mark`."""
    source = text if text.strip() else "{}\n"
    found = read(source).member(name)
    if found is None or not found.items:
        return with_member(source, (name,), [value])
    if any(mark in source[item.start : item.end] for item in found.items):
        return text
    end = found.items[-1].end
    return f"{source[:end]}, {json.dumps(value, ensure_ascii=False)}{source[end:]}"


def nested(path: Sequence[str], value: Json) -> Json:
    for name in reversed(path):
        value = {name: value}
    return value


def inserted(text: str, place: Place, name: str, value: Json) -> str:
    """The object with one member more, after its last."""
    step = step_of(text)
    line = text.rfind("\n", 0, place.start) + 1
    outer = (re.match(r"[ \t]*", text[line:]) or [""])[0]
    if not place.members:
        body = f"\n{outer}{step}{json.dumps(name)}: {dumped(value, outer + step, step)}\n{outer}"
        return text[: place.start + 1] + text[place.start + 1 : place.end - 1].rstrip() + body + text[place.end - 1 :]
    _, key_start, last = place.members[-1]
    before = text[text.rfind("\n", 0, key_start) + 1 : key_start]
    indent = before if not before.strip() else outer + step
    comma = BLANK.match(text, last.end)
    has_comma = comma is not None and text[comma.end() : comma.end() + 1] == ","
    at = comma.end() + 1 if comma is not None and has_comma else last.end
    member = f"\n{indent}{json.dumps(name)}: {dumped(value, indent, step)}"
    said = REMARK.match(text, at)
    remark = said[0] if said else ""
    return text[:at] + ("" if has_comma else ",") + remark + member + text[at + len(remark) :]


def dumped(value: Json, indent: str, step: str) -> str:
    """The value as JSON, its lines below this indent."""
    return json.dumps(value, ensure_ascii=False, indent=step).replace("\n", f"\n{indent}")


def step_of(text: str) -> str:
    """The indent of the first member: tabs or blanks."""
    found = re.search(r"\{[^\n]*\n(?:[ \t]*//[^\n]*\n|[ \t]*/\*[^\n]*\*/[ \t]*\n|[ \t]*\n)*([ \t]+)\"", text)
    return found[1] if found else "  "


def read(text: str) -> Place:
    """The places of a whole text.

    Raises:
        refusal: it is not JSON.
    """
    start = skip(text, 1 if text.startswith("\ufeff") else 0)
    place = value_at(text, start, 0)
    rest = skip(text, place.end)
    if rest != len(text):
        raise refusal(text, rest, "something stands after the end")
    return place


def value_at(text: str, at: int, depth: int) -> Place:
    if depth > MAX_DEPTH:
        raise refusal(text, at, "it is nested too deeply")
    if text[at : at + 1] == "{":
        return object_at(text, at, depth)
    if text[at : at + 1] == "[":
        return list_at(text, at, depth)
    scalar = SCALAR.match(text, at)
    if scalar is None:
        raise refusal(text, at, "a value is needed")
    return Place(at, scalar.end())


def object_at(text: str, start: int, depth: int) -> Place:
    place, at = Place(start, start, is_object=True), skip(text, start + 1)
    while text[at : at + 1] != "}":
        key = SCALAR.match(text, at)
        if key is None or not key[0].startswith('"'):
            raise refusal(text, at, "a name in double quotes or } is needed")
        colon = skip(text, key.end())
        if text[colon : colon + 1] != ":":
            raise refusal(text, colon, "a colon is needed")
        inner = value_at(text, skip(text, colon + 1), depth + 1)
        place.members.append((json.loads(key[0]), at, inner))
        at = after_item(text, inner.end, "}")
    place.end = at + 1
    return place


def list_at(text: str, start: int, depth: int) -> Place:
    place, at = Place(start, start), skip(text, start + 1)
    while text[at : at + 1] != "]":
        place.items.append(value_at(text, at, depth + 1))
        at = after_item(text, place.items[-1].end, "]")
    place.end = at + 1
    return place


def after_item(text: str, end: int, closing: str) -> int:
    """Where the next item or the closing bracket stands.

    Raises:
        refusal: neither a comma nor the bracket follows.
    """
    at = skip(text, end)
    if text[at : at + 1] == ",":
        return skip(text, at + 1)
    if text[at : at + 1] != closing:
        raise refusal(text, at, f"a comma or {closing} is needed")
    return at


def skip(text: str, at: int) -> int:
    found = BLANK.match(text, at)
    return found.end() if found else at


def refusal(text: str, at: int, why: str) -> InvalidInput:
    """The error that names line and column, both from 1."""
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    return InvalidInput(f"It is not JSON at line {line}, column {column}: {why}.", context={"line": line})
