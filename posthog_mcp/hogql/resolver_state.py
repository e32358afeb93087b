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
from posthog_mcp.hogql.diagnostics import Diagnostic, Span, diagnostic
from posthog_mcp.hogql.resolver_scopes import Output, SelectScope
from posthog_mcp.hogql.suggest import nearest
from posthog_mcp.hogql.tree_expressions import Expr, Node
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

    def error(self, place: Node | Span, message: str, fix: str = "") -> Type:
        """Note an error; returns the unknown type, for the value that has none."""
        span = place if isinstance(place, Span) else place.span
        found = diagnostic("error", "hogql_resolution", message, self.query, span, fix)
        if found not in self.errors:
            self.errors.append(found)
        return UNKNOWN

    def text_as_number(self, place: Node) -> None:
        """Warn of a text where the engine takes numbers only."""
        shown = self.query[place.start : place.end]
        message = f"`{shown}` is text, used as a number."
        self.warn(place, "text_as_number", message, f"Write toFloat({shown}).")

    def warn(self, place: Node, code: str, message: str, fix: str = "") -> None:
        """Note a warning."""
        if not any(each.message == message for each in self.warnings):
            self.warnings.append(diagnostic("warning", code, message, self.query, place.span, fix))


def did_you_mean(name: str, candidates: list[str], otherwise: str = "", quote: str = "`") -> str:
    """The nearest names as a sentence; else what to do otherwise."""
    near = nearest(name, candidates)
    return f"Did you mean {' or '.join(f'{quote}{each}{quote}' for each in near)}?" if near else otherwise
