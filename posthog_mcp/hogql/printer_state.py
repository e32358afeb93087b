"""What one printing carries along: the profile, bound parameters, and what joined tables must also select.

The printer's parts are functions over this state; `expr` and `query` let them call one another. Every text literal
is bound as a parameter, numbers are printed, and every identifier is quoted or our own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from posthog_mcp.errors import HogQLResolutionError
from posthog_mcp.hogql.catalogue import Catalogue
from posthog_mcp.hogql.diagnostics import position
from posthog_mcp.hogql.profile import PhysicalTable, Profile
from posthog_mcp.hogql.resolver_scopes import PathPart, TableSource
from posthog_mcp.hogql.tree_expressions import Expr, Node
from posthog_mcp.hogql.tree_queries import Query


@dataclass(frozen=True, slots=True)
class Parameter:
    """A bound literal: its ClickHouse type and its plain text (not escaped)."""

    type: str
    value: str


class Sql(NamedTuple):
    """A printed expression. `nullable` may be true for one that never is NULL, never the other way round."""

    text: str
    nullable: bool = False


class Pulled(NamedTuple):
    """A property that a joined table selects, so that its JSON is not carried through the join."""

    printed: str
    sql: Sql


@dataclass(slots=True)
class PrintState:
    query: str
    catalogue: Catalogue
    profile: Profile
    print_expr: Callable[[PrintState, Expr], Sql]
    print_query: Callable[[PrintState, Query], str]
    parameters: dict[str, Parameter] = field(default_factory=dict[str, Parameter])
    nulls: dict[tuple[int, str], bool] = field(default_factory=dict[tuple[int, str], bool])
    """Whether a query's column can be NULL, by (query's id, printed name)."""
    pulled: dict[int, dict[tuple[str, tuple[PathPart, ...], str], Pulled]] = field(
        default_factory=dict[int, dict[tuple[str, tuple[PathPart, ...], str], Pulled]]
    )
    """By the joined source's id."""
    read: dict[int, dict[str, None]] = field(default_factory=dict[int, dict[str, None]])
    """Physical columns read, by the source's id."""
    joined: set[int] = field(default_factory=set[int])
    """Sources that stand on the right of a join."""
    alias_nulls: dict[int, bool] = field(default_factory=dict[int, bool])
    """Whether an alias can be NULL, by its expression's id; noted when it is printed."""
    in_join: bool = False
    _names: dict[Parameter, str] = field(default_factory=dict[Parameter, str])
    _fresh: int = 0

    def expr(self, node: Expr) -> Sql:
        """Print an expression, or what it stands for."""
        return self.print_expr(self, node.meant)

    def select(self, query: Query) -> str:
        """Print a query."""
        return self.print_query(self, query)

    def bind(self, value: str, kind: str = "String") -> str:
        """A placeholder for a literal; equal literals share one, so that GROUP BY still matches SELECT."""
        parameter = Parameter(kind, value)
        name = self._names.setdefault(parameter, f"p{len(self._names)}")
        self.parameters[name] = parameter
        return f"{{{name}:{kind}}}"

    def fresh(self) -> str:
        """A column name for the printer's own use."""
        self._fresh += 1
        return f"pulled_{self._fresh}"

    @property
    def timezone(self) -> str:
        """The project's time zone as a quoted literal."""
        return literal(self.catalogue.timezone)

    def physical(self, source: TableSource, place: Node | None = None) -> PhysicalTable:
        """Where a table lives.

        Raises:
            HogQLResolutionError: when it does not exist in this project.
        """
        found = self.profile.tables.get(source.table.name)
        if found is None:
            raise self.refuse(place, f"The table `{source.table.name}` has no data in the embedded project.")
        return found

    def refuse_text(self, place: Node) -> HogQLResolutionError:
        """The error for a text where the engine takes numbers only."""
        shown = self.query[place.start : place.end]
        return self.refuse(place, f"`{shown}` is text, used as a number.", f"Write toFloat({shown}).")

    def refuse(
        self, place: Node | None, message: str, fix: str = "It works on a PostHog host."
    ) -> HogQLResolutionError:
        """The error for what HogQL has and this engine cannot run."""
        start, end = (place.start, place.end) if place else (0, 0)
        line, column = position(self.query, start)
        context = {"line": line, "column": column, "text": self.query[start:end][:200], "start": start, "end": end}
        return HogQLResolutionError(message, fix=fix, context=context)


def quote(name: str) -> str:
    """An identifier in backticks."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def literal(text: str) -> str:
    """A quoted text of our own (time zones, patterns); authors' texts are bound."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
