"""What one resolution carries along: the text, the catalogue, the findings, name counters, and the work left.

The resolver's parts are functions over this state; `expr` and `outputs` let them call one another without import
rings. The work is bounded: every node resolved costs one of the budget, and every use of a CTE counts the tables
it reads, so that short hostile texts cannot stand for enormous queries.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from posthog_mcp.hogql.catalogue import Catalogue
from posthog_mcp.hogql.diagnostics import Diagnostic, Edit, Span, diagnostic
from posthog_mcp.hogql.resolver_scopes import Output, SelectScope
from posthog_mcp.hogql.spelling import dotted, identifier, text_literal
from posthog_mcp.hogql.suggest import nearest
from posthog_mcp.hogql.tokens import tokens
from posthog_mcp.hogql.tree_expressions import Expr, Field, Node
from posthog_mcp.hogql.tree_queries import Query
from posthog_mcp.hogql.types import UNKNOWN, Type

MAX_NODES = 50_000
"""Nodes resolved for one query, WITH expressions counted at each use."""
MAX_TABLE_READS = 500
"""Tables read by one query, CTEs counted at each use."""


class TooMuchWork(Exception):
    """The budget is used up; the resolver stops with one diagnostic."""


@dataclass(slots=True)
class State:
    query: str
    catalogue: Catalogue
    resolve_expr: Callable[[State, Expr, SelectScope], Type]
    resolve_query: Callable[[State, Query, SelectScope | None], list[Output]]
    errors: list[Diagnostic] = field(default_factory=list[Diagnostic])
    warnings: list[Diagnostic] = field(default_factory=list[Diagnostic])
    tables: dict[str, None] = field(default_factory=dict[str, None])
    reads: int = 0
    prefix: str = "t"
    _counter: int = 0
    _nodes: int = 0

    def __post_init__(self) -> None:
        while re.search(rf"{self.prefix}\d", self.query, re.IGNORECASE):
            self.prefix += "_"

    def expr(self, node: Expr, scope: SelectScope) -> Type:
        """Resolve one expression and note its type on it.

        Raises:
            TooMuchWork: when the query stands for too many nodes.
        """
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self.error(
                node, f"The query stands for more than {MAX_NODES:,} expressions.", "Use fewer WITH expressions."
            )
            raise TooMuchWork
        node.type = self.resolve_expr(self, node, scope)
        return node.type

    def exprs(self, nodes: list[Expr], scope: SelectScope) -> list[Type]:
        """Resolve several in order."""
        return [self.expr(node, scope) for node in nodes]

    def outputs(self, query: Query, scope: SelectScope | None) -> list[Output]:
        """Resolve a query and return its columns."""
        return self.resolve_query(self, query, scope)

    def read(self, node: Node, count: int = 1) -> None:
        """Count tables read.

        Raises:
            TooMuchWork: when a chain of CTEs multiplies them beyond the limit.
        """
        self.reads += count
        if self.reads > MAX_TABLE_READS:
            message = f"The query reads tables more than {MAX_TABLE_READS} times once its WITH queries are expanded."
            self.error(node, message, "Use each WITH query once or twice, or aggregate earlier.")
            raise TooMuchWork

    def fresh(self) -> str:
        """A name that cannot occur in the author's text."""
        self._counter += 1
        return f"{self.prefix}{self._counter}"

    def error(
        self,
        place: Node | Span,
        message: str,
        fix: str = "",
        edit: Edit | str | None = None,
        code: str = "hogql_resolution",
    ) -> Type:
        """Note an error; returns the unknown type, for the value that has none. An `edit` that is a text replaces
        the place; a `Mend` brings its own."""
        span = place if isinstance(place, Span) else place.span
        found = diagnostic("error", code, message, self.query, span, fix, self._edit(span, fix, edit))
        if found not in self.errors:
            self.errors.append(found)
        return UNKNOWN

    def refused_by_posthog(self, place: Node | Span, what: str, fix: str, edit: Edit | str | None = None) -> None:
        """PostHog parses this and refuses to run it: an error there, a warning where the embedded engine runs it."""
        if self.catalogue.embedded:
            self.warn(place, "refused_by_posthog", f"PostHog refuses {what}; the embedded engine runs it.", fix, edit)
        else:
            self.error(place, f"PostHog refuses {what}.", fix, edit)

    def part(self, node: Field, index: int) -> Span:
        """Where one part of a dotted name stands; the whole name where the text does not say."""
        parts = [each for each in tokens(self.query[: node.end], node.start) if each.kind in ("word", "name")]
        named = [each for each in node.chain if isinstance(each, str) and each != "*"]
        if len(parts) == len(named) and index < len(parts):
            return Span(parts[index].start, parts[index].end)
        return node.span

    def text_as_number(self, place: Node) -> None:
        """Warn of a text where the engine takes numbers only."""
        shown = self.query[place.start : place.end]
        message = f"`{shown}` is text, used as a number."
        self.warn(place, "text_as_number", message, f"Write toFloat({shown}).", f"toFloat({shown})")

    def warn(self, place: Node | Span, code: str, message: str, fix: str = "", edit: Edit | str | None = None) -> None:
        """Note a warning; the same one at another place is not repeated."""
        if any(each.message == message for each in self.warnings):
            return
        span = place if isinstance(place, Span) else place.span
        self.warnings.append(diagnostic("warning", code, message, self.query, span, fix, self._edit(span, fix, edit)))

    def _edit(self, span: Span, fix: str, edit: Edit | str | None) -> Edit | None:
        """The edit that was given, or that the fix brings along; none inside a tag, whose query has no places."""
        if self.query[span.start : span.start + 1] == "<":
            return None
        text = fix.text if edit is None and isinstance(fix, Mend) else edit
        return Edit(span.start, span.end, text) if isinstance(text, str) else text


class Mend(str):
    """A sentence that says what to do, with the text that does it: it replaces the place of the finding."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, sentence: str, text: str) -> Mend:
        made = super().__new__(cls, sentence)
        made.text = text
        return made


def did_you_mean(name: str, candidates: list[str], otherwise: str = "", quote: str = "`") -> str:
    """The nearest names as a sentence; else what to do otherwise. With quote ', the names stand for texts."""
    near = nearest(name, candidates)
    if not near:
        return otherwise
    sentence = f"Did you mean {' or '.join(f'{quote}{each}{quote}' for each in near)}?"
    best = near[0]
    return Mend(sentence, text_literal(best) if quote == "'" else dotted(best) if "." in best else identifier(best))
