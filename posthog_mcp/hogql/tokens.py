"""HogQL's words without its grammar: tokens with their places, for what must be known before or beside a parse.

Used for the caps that guard the parsers, for naming the slip behind a syntax error, and for placing a LIMIT. It
knows strings, quoted names and comments; a template string is one token, and text inside HogQLX tags is read as
code, so nothing here may decide what a query means. One pass, linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, cast

TokenKind = Literal["comment", "string", "name", "word", "number", "unclosed", "sign"]

OPENING = {"(": ")", "[": "]", "{": "}"}
CLOSING = {closing: opening for opening, closing in OPENING.items()}

_TOKEN = re.compile(
    r"""
      (?P<comment>--[^\n]*|\#[^\n]*|//[^\n]*|/\*.*?\*/)
    | (?P<string>'[^'\\]*(?:(?:\\.|'')[^'\\]*)*')
    | (?P<name>`[^`\\]*(?:(?:\\.|``)[^`\\]*)*`|"[^"\\]*(?:(?:\\.|"")[^"\\]*)*")
    | (?P<unclosed>/\*.*|'.*|`.*|".*)
    | (?P<word>[A-Za-z_$][\w$]*)
    | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<sign>\|\||::|->|<=|>=|!=|<>|==|\S)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """`text` as written; "name" is a quoted one, "unclosed" a string, name or comment without its end."""

    kind: TokenKind
    text: str
    start: int
    end: int

    @property
    def lowered(self) -> str:
        return self.text.lower()


def tokens(query: str, start: int = 0, *, comments: bool = False) -> Iterator[Token]:
    """The tokens from `start` on, white space left out, comments too unless asked for."""
    for found in _TOKEN.finditer(query, start):
        kind = cast("TokenKind", found.lastgroup)
        if comments or kind != "comment":
            yield Token(kind, found.group(), found.start(), found.end())
