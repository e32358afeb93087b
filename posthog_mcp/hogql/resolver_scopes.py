"""What names mean inside one SELECT: its sources, aliases, CTEs, and the targets that fields point to.

Data only. `resolver_from.py` fills sources, `resolver_names.py` looks names up, the printer reads what was found.
Every source and helper column has a `printed` name that cannot occur in the author's text, so that no alias of
theirs can shadow one of ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from posthog_mcp.hogql.catalogue import TableDef
from posthog_mcp.hogql.tree_expressions import Expr
from posthog_mcp.hogql.tree_queries import CTE, Query
from posthog_mcp.hogql.types import PropertyScope, Type

PathPart: TypeAlias = "str | int"


@dataclass(slots=True, eq=False)
class Source:
    """Something in FROM. `names` are what an author may put before the dot; unknown tables stay plain Sources."""

    printed: str
    names: tuple[str, ...] = ()
    using: set[str] = field(default_factory=set[str])
    """Columns that USING merged into an earlier source; `*` leaves them out."""
    outer: set[str] = field(default_factory=set[str])
    """Those of them that a RIGHT JOIN merged: the earlier side may be missing."""


@dataclass(slots=True, eq=False)
class LazyJoin:
    """How a lazily joined table hangs on its parent: `parent_key = key`, at most one match unless `many`."""

    name: str
    parent: TableSource
    parent_key: str
    key: str
    many: bool = False


@dataclass(slots=True, eq=False)
class TableSource(Source):
    """A catalogue table. `pulled` are the properties a joined side reads, by (column, path) → printed name."""

    table: TableDef = field(default_factory=lambda: TableDef("", {}))
    join: LazyJoin | None = None
    group: int | None = None
    lazy: dict[str, TableSource] = field(default_factory=dict[str, "TableSource"])
    renames: dict[str, str] = field(default_factory=dict[str, str])
    columns: set[str] = field(default_factory=set[str])
    """Fields that the query reads; a lazy join selects only these."""


@dataclass(slots=True)
class Output:
    """A column a query gives: the author's `name`, the `printed` one (unique in its SELECT), its expression."""

    name: str
    printed: str
    type: Type
    expr: Expr | None = None


@dataclass(slots=True, eq=False)
class Cte:
    """A WITH entry. Subqueries are resolved once; column expressions once in each SELECT that uses them."""

    name: str
    printed: str
    node: CTE
    outputs: list[Output] = field(default_factory=list[Output])
    reads: int = 1
    used: bool = False
    known: bool = True


@dataclass(slots=True, eq=False)
class QuerySource(Source):
    """A subquery, a CTE, VALUES or numbers()."""

    query: Query | None = None
    cte: Cte | None = None
    outputs: list[Output] = field(default_factory=list[Output])


@dataclass(slots=True, eq=False)
class NamedExpr:
    """An alias of the SELECT, or a WITH expression used in it."""

    name: str
    printed: str
    type: Type
    expr: Expr
    has_aggregate: bool = False
    has_window: bool = False


@dataclass(frozen=True, slots=True)
class ColumnTarget:
    """A field of a catalogue table; also `person_properties` of events, which authors reach as `person.properties`."""

    source: TableSource
    name: str


@dataclass(frozen=True, slots=True)
class OutputTarget:
    """A column of a subquery, CTE, VALUES or numbers()."""

    source: QuerySource
    output: Output


@dataclass(frozen=True, slots=True)
class AliasTarget:
    """An alias of the same SELECT."""

    named: NamedExpr


@dataclass(frozen=True, slots=True)
class LocalTarget:
    """A lambda's argument or an ARRAY JOIN's column."""

    printed: str


@dataclass(frozen=True, slots=True)
class PropertyTarget:
    """One property out of a JSON value; a negative or positive integer in `path` is a 1-based array index."""

    base: ColumnTarget | OutputTarget | AliasTarget | LocalTarget | Expr
    path: tuple[PathPart, ...]
    scope: PropertyScope


@dataclass(frozen=True, slots=True)
class StarTarget:
    """What `*` stands for here: (column name, expression)."""

    columns: tuple[tuple[str, Expr], ...]


Target: TypeAlias = ColumnTarget | OutputTarget | AliasTarget | LocalTarget | PropertyTarget | StarTarget


@dataclass(slots=True, eq=False)
class SelectScope:
    """The names one SELECT sees. `clause` is the part being resolved, for messages and for what it may hold."""

    parent: SelectScope | None = None
    sources: list[Source] = field(default_factory=list[Source])
    ctes: dict[str, Cte] = field(default_factory=dict[str, Cte])
    own_ctes: list[Cte] = field(default_factory=list[Cte])
    aliases: dict[str, NamedExpr] = field(default_factory=dict[str, NamedExpr])
    macros: dict[str, NamedExpr] = field(default_factory=dict[str, NamedExpr])
    locals: list[dict[str, tuple[str, Type]]] = field(default_factory=list[dict[str, tuple[str, Type]]])
    arrays: dict[str, tuple[str, Type]] = field(default_factory=dict[str, tuple[str, Type]])
    array_printed: list[str] = field(default_factory=list[str])
    windows: set[str] = field(default_factory=set[str])
    outputs: list[Output] = field(default_factory=list[Output])
    """What the SELECT prints: its columns, then properties that outer queries read from them."""
    pushed: dict[tuple[str, tuple[PathPart, ...]], Output] = field(
        default_factory=dict[tuple[str, tuple[PathPart, ...]], Output]
    )
    clause: str = "SELECT"
    inside_aggregate: str = ""
    aggregates: int = 0
    window_calls: int = 0
