"""Where a parser stopped, as tokens, and what is said of it: the material of `slips.py`'s rules."""

from __future__ import annotations

from dataclasses import dataclass, field

from posthog_mcp.hogql.diagnostics import Edit
from posthog_mcp.hogql.tokens import CLOSING, OPENING, Token


@dataclass(frozen=True, slots=True)
class Slip:
    """What went wrong from `start` to `end`, and how to mend it."""

    message: str
    fix: str
    start: int
    end: int
    edit: Edit | None = None


@dataclass(slots=True)
class Place:
    """The tokens and the index of the one where the parser stopped; past the last one at the end of the query."""

    query: str
    message: str
    offset: int
    all: list[Token] = field(default_factory=list[Token])
    at: int = 0

    def token(self, step: int = 0) -> Token | None:
        """The token `step` places on (or back)."""
        return self.all[self.at + step] if 0 <= self.at + step < len(self.all) else None

    def text(self, step: int = 0) -> str:
        """Its text in lower case, "" where there is none."""
        token = self.token(step)
        return token.lowered if token else ""

    def slip(
        self,
        message: str,
        fix: str,
        start: Token | int | None,
        end: Token | int | None = None,
        edit: Edit | str | None = None,
    ) -> Slip:
        """A slip from one token to another, both included; from and to offsets where numbers are given. An edit that
        is a text replaces the slip."""
        until = start if end is None else end
        first = start.start if isinstance(start, Token) else self.offset if start is None else start
        last = until.end if isinstance(until, Token) else len(self.query) if until is None else until
        return Slip(message, fix, first, last, Edit(first, last, edit) if isinstance(edit, str) else edit)

    def open_brackets(self) -> list[Token]:
        """The brackets that are open where the parser stopped."""
        stack: list[Token] = []
        for token in self.all[: self.at]:
            if token.text in OPENING:
                stack.append(token)
            elif token.text in CLOSING and stack and stack[-1].text == CLOSING[token.text]:
                stack.pop()
        return stack
