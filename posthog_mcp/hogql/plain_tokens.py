"""Tokens of plain HogQL with one to look at, and nodes with their places."""

from __future__ import annotations

from collections.abc import Sequence

from posthog_mcp.hogql.tokens import Token, tokens
from posthog_mcp.results import Json

Tree = dict[str, Json]
STRUCTURE = frozenset(
    """all and anti any array as asc asof between both by case cast cohort columns cross cube current desc distinct else
    end except exists extract false fill filter final following from full global group grouping having ilike in inf
    infinity inner intersect interval into is join last lateral leading left like limit nan not null nulls offset on or
    order outer over partition pivot positional preceding prewhere qualify range recursive replace returning right
    rollup row rows sample select semi set settings substring then ties top totals trailing trim true try_cast
    unbounded union unpivot using values when where window with within""".split()  # noqa: SIM905
)
"""Words that are no alias without AS."""
NAMES = frozenset(
    """all any array both cohort cube current fill first following full last leading pivot positional preceding
    range replace returning right left rollup row rows sample set settings substring ties top totals trailing trim
    unbounded values""".split()  # noqa: SIM905
)
"""Of these, words that are names of columns and functions too."""


class NotPlain(Exception):
    """PostHog's parser must read this text."""


class Reader:
    """Walks over the tokens of one text."""

    def __init__(self, query: str) -> None:
        self.query = query
        self.tokens: Sequence[Token] = list(tokens(query))
        self.words = [token.lowered if token.kind == "word" else "" for token in self.tokens]
        self.at: int = 0

    def word(self, ahead: int = 0) -> str:
        """The word there in lower case; empty where there is none."""
        place = self.at + ahead
        return self.words[place] if place < len(self.words) else ""

    def sign(self, ahead: int = 0) -> str:
        """The sign there; empty where there is none."""
        place = self.at + ahead
        token = self.tokens[place] if place < len(self.tokens) else None
        return token.text if token is not None and token.kind == "sign" else ""

    def kind(self, ahead: int = 0) -> str:
        place = self.at + ahead
        return self.tokens[place].kind if place < len(self.tokens) else ""

    def next(self) -> Token:
        """The next token, and on.

        Raises:
            NotPlain: the text ends.
        """
        if self.at >= len(self.tokens):
            raise NotPlain
        self.at += 1
        return self.tokens[self.at - 1]

    def takes(self, *words: str) -> bool:
        """Whether these words come next; then they are behind."""
        if any(self.word(ahead) != word for ahead, word in enumerate(words)):
            return False
        self.at += len(words)
        return True

    def takes_sign(self, sign: str) -> bool:
        if self.sign() != sign:
            return False
        self.at += 1
        return True

    def needs(self, word: str) -> None:
        """A word that must come.

        Raises:
            NotPlain: another comes.
        """
        if not self.takes(word):
            raise NotPlain

    def needs_sign(self, sign: str) -> Token:
        """A sign that must come.

        Raises:
            NotPlain: another comes.
        """
        if self.sign() != sign:
            raise NotPlain
        return self.next()

    @property
    def start(self) -> int:
        """Where the next token begins."""
        return self.tokens[self.at].start if self.at < len(self.tokens) else len(self.query)

    @property
    def end(self) -> int:
        """Where the last one ended."""
        return self.tokens[self.at - 1].end if self.at else 0

    def name(self, *, clear: bool = False) -> str:
        """A plain or quoted name; `clear`: it stands where only a name can, after a dot or AS.

        Raises:
            NotPlain: something else comes, or a name that must be unescaped.
        """
        token = self.next()
        if token.kind == "word" and (clear or token.lowered in NAMES or token.lowered not in STRUCTURE):
            return token.text
        inner = token.text[1:-1]
        if token.kind == "name" and inner and not set(inner) & set('\\`"'):
            return inner
        raise NotPlain

    def node(self, kind: str, start: int, end: int | None = None, **fields: Json) -> Tree:
        """A node that ends where the last token did, or at `end`."""
        last: Tree = {"offset": self.end if end is None else end}
        first: Tree = {"offset": start}
        return {"node": kind, "start": first, "end": last, **fields}
