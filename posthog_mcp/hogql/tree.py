"""The syntax tree: one dataclass a node kind, the words of PostHog's grammar.

`from_json` turns what the parsers emit into nodes; every node keeps its place in the text (`start`, `end`,
code points). `children` and `walk` visit them. The resolver writes what a name means into `Expr.type`,
`Field.target`, `Call.function` and `scope`; those four are notes on the tree, never part of its equality.
Nothing here knows a table, a function or ClickHouse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias, cast

from posthog_mcp.errors import HogQLResolutionError
from posthog_mcp.hogql.diagnostics import Span

if TYPE_CHECKING:
    from posthog_mcp.hogql.functions import FunctionDef
    from posthog_mcp.hogql.resolver_scopes import SelectScope, Target
    from posthog_mcp.hogql.types import Type
    from posthog_mcp.results import Json

Literals: TypeAlias = "None | bool | int | float | str"
ArithmeticOp = Literal["+", "-", "*", "/", "%"]
CompareOp = Literal[
    "==", "!=", "<", ">", "<=", ">=", "like", "ilike", "not like", "not ilike", "in", "not in",
    "global in", "global not in", "in cohort", "not in cohort", "=~", "=~*", "!~", "!~*",
]  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Node:
    """Anything with a place in the text: half-open code-point offsets."""

    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)

    @property
    def span(self) -> Span:
        """The place as a Span."""
        return Span(self.start, self.end)


@dataclass(slots=True, kw_only=True)
class Expr(Node):
    """Anything with a value. `type` is None until resolved."""

    type: Type | None = field(default=None, compare=False, repr=False)


@dataclass(slots=True)
class Constant(Expr):
    """A literal. `value_type` is "number" when JSON could not carry it: big integers, NaN, infinities."""

    value: Literals = None
    value_type: str | None = None


@dataclass(slots=True)
class Field(Expr):
    """A dotted name: `event`, `e.properties.x`, `*`, `t.*`; as `JoinExpr.table`, a table's name."""

    chain: list[str | int]
    target: Target | None = field(default=None, compare=False, repr=False)


@dataclass(slots=True)
class Alias(Expr):
    """`expr AS alias`."""

    alias: str
    expr: Expr


@dataclass(slots=True)
class And(Expr):
    exprs: list[Expr]


@dataclass(slots=True)
class Or(Expr):
    exprs: list[Expr]


@dataclass(slots=True)
class Not(Expr):
    expr: Expr


@dataclass(slots=True)
class CompareOperation(Expr):
    """`is_null_comparison_style` marks IS NULL and IS NOT NULL."""

    left: Expr
    right: Expr
    op: CompareOp
    is_null_comparison_style: bool = False


@dataclass(slots=True)
class ArithmeticOperation(Expr):
    """Unary minus comes as `0 - x`."""

    left: Expr
    right: Expr
    op: ArithmeticOp


@dataclass(slots=True)
class BetweenExpr(Expr):
    expr: Expr
    low: Expr
    high: Expr
    negated: bool = False


@dataclass(slots=True)
class IsDistinctFrom(Expr):
    """`negated` marks IS NOT DISTINCT FROM."""

    left: Expr
    right: Expr
    negated: bool = False


@dataclass(slots=True)
class OrderExpr(Expr):
    expr: Expr
    order: Literal["ASC", "DESC"] = "ASC"
    with_fill: WithFillExpr | None = None


@dataclass(slots=True)
class WithFillExpr(Expr):
    from_value: Expr | None = None
    to_value: Expr | None = None
    step_value: Expr | None = None


@dataclass(slots=True)
class InterpolateExpr(Expr):
    expr: Expr
    value: Expr | None = None


@dataclass(slots=True)
class Call(Expr):
    """`name(params)(DISTINCT args ORDER BY …) FILTER (WHERE …)`; casts, CASE and `??` come as calls too."""

    name: str
    args: list[Expr]
    params: list[Expr] | None = None
    distinct: bool = False
    filter_expr: Expr | None = None
    order_by: list[OrderExpr] | None = None
    within_group: list[OrderExpr] | None = None
    function: FunctionDef | None = field(default=None, compare=False, repr=False)


@dataclass(slots=True)
class ExprCall(Expr):
    """A call of something that is not a plain name: `f.g(x)`, `x::decimal(10, 2)`."""

    expr: Expr
    args: list[Expr]


@dataclass(slots=True)
class NamedArgument(Expr):
    """`name := value`."""

    name: str
    value: Expr


@dataclass(slots=True)
class TypeCast(Expr):
    """`x::type` and CAST(x AS type); the parser lower-cases the type."""

    expr: Expr
    type_name: str


@dataclass(slots=True)
class TryCast(Expr):
    expr: Expr
    type_name: str


@dataclass(slots=True)
class WindowFrameExpr(Expr):
    """No `frame_value` means UNBOUNDED, or the current row."""

    frame_type: Literal["CURRENT ROW", "PRECEDING", "FOLLOWING"] | None = None
    frame_value: int | Expr | None = None


@dataclass(slots=True)
class WindowExpr(Expr):
    partition_by: list[Expr] | None = None
    order_by: list[OrderExpr] | None = None
    frame_method: Literal["ROWS", "RANGE"] | None = None
    frame_start: WindowFrameExpr | None = None
    frame_end: WindowFrameExpr | None = None


@dataclass(slots=True)
class WindowFunction(Expr):
    """`name(exprs) OVER …`, or `name(exprs)(args) OVER …` when `args` is not empty."""

    name: str
    args: list[Expr] | None = None
    exprs: list[Expr] | None = None
    over_expr: WindowExpr | None = None
    over_identifier: str | None = None
    function: FunctionDef | None = field(default=None, compare=False, repr=False)


@dataclass(slots=True)
class Lambda(Expr):
    args: list[str]
    expr: Expr


@dataclass(slots=True)
class Array(Expr):
    exprs: list[Expr]


@dataclass(slots=True)
class Tuple(Expr):
    exprs: list[Expr]


@dataclass(slots=True)
class Dict(Expr):
    items: list[list[Expr]]


@dataclass(slots=True)
class ArrayAccess(Expr):
    """`a[b]`; also `a.b` on anything that is not a plain name, and `a?.b` (`nullish`)."""

    array: Expr
    property: Expr
    nullish: bool = False
    target: Target | None = field(default=None, compare=False, repr=False)


@dataclass(slots=True)
class ArraySlice(Expr):
    array: Expr
    start_expr: Expr | None = None
    end_expr: Expr | None = None


@dataclass(slots=True)
class TupleAccess(Expr):
    """`a.1`; also an array's element or a property's, once the type is known."""

    tuple: Expr
    index: int
    nullish: bool = False
    target: Target | None = field(default=None, compare=False, repr=False)


@dataclass(slots=True)
class ColumnsExpr(Expr):
    """`* EXCLUDE (a)`, `(* REPLACE (x AS a))`, `COLUMNS('re')`, `COLUMNS(a, b)`."""

    columns: list[Expr] | None = None
    regex: str | None = None
    all_columns: bool = False
    exclude: list[str] | None = None
    replace: dict[str, Expr] | None = None
    target: Target | None = field(default=None, compare=False, repr=False)


@dataclass(slots=True)
class SpreadExpr(Expr):
    expr: Expr


@dataclass(slots=True)
class PositionalRef(Expr):
    index: int = 0


@dataclass(slots=True)
class Placeholder(Expr):
    """`{name}`, `{filters}`, `{variables.x}`."""

    expr: Expr


@dataclass(slots=True)
class HogQLXAttribute(Node):
    name: str
    value: Expr | list[Expr]


@dataclass(slots=True)
class HogQLXTag(Expr):
    kind: str
    attributes: list[HogQLXAttribute]


@dataclass(slots=True)
class RatioExpr(Expr):
    left: Constant
    right: Constant | None = None


@dataclass(slots=True)
class SampleExpr(Expr):
    sample_value: RatioExpr
    offset_value: RatioExpr | None = None


@dataclass(slots=True)
class JoinConstraint(Expr):
    """`expr` of USING is a Field or a Tuple of them."""

    expr: Expr
    constraint_type: Literal["ON", "USING"] = "ON"


@dataclass(slots=True)
class JoinExpr(Expr):
    """One table of FROM; `join_type` and `constraint` say how it joins the ones before it."""

    table: Expr | None = None
    alias: str | None = None
    join_type: str | None = None
    constraint: JoinConstraint | None = None
    next_join: JoinExpr | None = None
    table_args: list[Expr] | None = None
    column_aliases: list[str] | None = None
    table_final: bool | None = None
    sample: SampleExpr | None = None


@dataclass(slots=True)
class PivotColumn(Expr):
    column: Expr
    values: list[Expr]


@dataclass(slots=True)
class PivotExpr(Expr):
    table: Expr
    aggregates: list[Expr]
    columns: list[PivotColumn]
    group_by: list[Expr] | None = None


@dataclass(slots=True)
class UnpivotColumn(Expr):
    value_columns: Expr
    name_columns: Expr
    unpivot_values: list[Expr]


@dataclass(slots=True)
class UnpivotExpr(Expr):
    table: Expr
    columns: list[UnpivotColumn]
    include_nulls: bool = False


@dataclass(slots=True)
class ValuesQuery(Expr):
    rows: list[list[Expr]]


@dataclass(slots=True)
class GroupingSet(Expr):
    exprs: list[Expr]


@dataclass(slots=True)
class LimitByExpr(Expr):
    n: Expr
    exprs: list[Expr]
    offset_value: Expr | None = None


@dataclass(slots=True)
class CTE(Expr):
    """`name AS (query)` (subquery) or `expr AS name` (column)."""

    name: str
    expr: Expr
    cte_type: Literal["column", "subquery"] = "subquery"
    recursive: bool = False
    materialized: bool | None = None
    columns: list[str] | None = None
    using_key: list[str] | None = None


@dataclass(slots=True)
class SelectQuery(Expr):
    select: list[Expr]
    ctes: list[CTE] | None = None
    distinct: bool = False
    select_from: JoinExpr | None = None
    array_join_op: str | None = None
    array_join_list: list[Expr] | None = None
    prewhere: Expr | None = None
    where: Expr | None = None
    group_by: list[Expr] | None = None
    group_by_mode: Literal["all", "rollup", "cube", "grouping_sets"] | None = None
    having: Expr | None = None
    qualify: Expr | None = None
    window_exprs: dict[str, WindowExpr] | None = None
    order_by: list[OrderExpr] | None = None
    interpolate: list[Expr] | None = None
    limit_by: LimitByExpr | None = None
    limit: Expr | None = None
    offset: Expr | None = None
    limit_with_ties: bool = False
    limit_percent: bool = False
    scope: SelectScope | None = field(default=None, compare=False, repr=False)


@dataclass(slots=True)
class SelectSetNode(Node):
    select_query: Query
    set_operator: str


@dataclass(slots=True)
class SelectSetQuery(Expr):
    """`a UNION ALL b EXCEPT c …`, flat, in the order written."""

    initial_select_query: Query
    subsequent_select_queries: list[SelectSetNode]
    limit: Expr | None = None
    offset: Expr | None = None
    limit_with_ties: bool = False
    limit_percent: bool = False

    def queries(self) -> list[Query]:
        """All members in order."""
        return [self.initial_select_query, *(part.select_query for part in self.subsequent_select_queries)]


Query: TypeAlias = "SelectQuery | SelectSetQuery"

_NOTES: frozenset[str] = frozenset({"type", "target", "function", "scope", "start", "end"})


class _Kinds:
    """Node classes by the parsers' `node` word, with the JSON keys each may have."""

    by_name: ClassVar[dict[str, tuple[Callable[..., Node], frozenset[str]]]] = {}
    child_names: ClassVar[dict[type[Node], tuple[str, ...]]] = {}

    @classmethod
    def learn(cls, kind: type[Node]) -> None:
        for sub in kind.__subclasses__():
            names = tuple(f.name for f in fields(sub) if f.name not in _NOTES)
            cls.by_name[sub.__name__] = (sub, frozenset(names))
            cls.child_names[sub] = names
            cls.learn(sub)


_Kinds.learn(Node)


def from_json(json: Mapping[str, Json]) -> Node:
    """Build the typed tree from a parser's JSON.

    Raises:
        HogQLResolutionError: for a node kind or a part of one that this version does not know.
    """
    return cast(Node, _convert(cast("Json", json)))


def _convert(value: Json) -> object:
    if isinstance(value, list):
        return [_convert(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "node" not in value:
        return {name: _convert(item) for name, item in value.items()}
    return _node(value)


def _node(value: dict[str, Json]) -> Node:
    kind = str(value["node"])
    start, end = _offset(value.get("start")), _offset(value.get("end"))
    known = _Kinds.by_name.get(kind)
    if known is None:
        raise _unknown(f"HogQL's `{kind}` is not supported here.", start, end)
    build, names = known
    given: dict[str, object] = {"start": start, "end": end}
    for name, item in value.items():
        if name in names:
            if item is not None:
                given[name] = _convert(item)
        elif item is not None and name not in ("node", "start", "end"):
            raise _unknown(f"HogQL's `{kind}` with `{name}` is not supported here.", start, end)
    try:
        return build(**given)
    except TypeError as bad:
        raise _unknown(f"HogQL's `{kind}` is not complete: {bad}.", start, end) from bad


def _unknown(message: str, start: int, end: int) -> HogQLResolutionError:
    return HogQLResolutionError(message, fix="Write it another way.", context={"start": start, "end": end})


def _offset(place: Json) -> int:
    offset = place.get("offset") if isinstance(place, dict) else None
    return offset if isinstance(offset, int) else 0


def children(node: Node) -> Iterator[Node]:
    """The direct children, in the order of the fields."""
    for name in _Kinds.child_names[type(node)]:
        yield from _nodes(getattr(node, name))


def _nodes(value: object) -> Iterator[Node]:
    if isinstance(value, Node):
        yield value
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _nodes(item)
    elif isinstance(value, dict):
        for item in cast("dict[str, object]", value).values():
            yield from _nodes(item)


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, parents first; without recursion, so depth does not matter."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(reversed(list(children(current))))


def rewrite(node: Node, change: Callable[[Node], Node]) -> Node:
    """Replace nodes bottom-up in place: `change` gets each node after its children and returns what stands there."""
    for name in _Kinds.child_names[type(node)]:
        value = getattr(node, name)
        if isinstance(value, (Node, list, dict)):
            setattr(node, name, _rewritten(cast(object, value), change))
    return change(node)


def _rewritten(value: object, change: Callable[[Node], Node]) -> object:
    if isinstance(value, Node):
        return rewrite(value, change)
    if isinstance(value, list):
        return [_rewritten(item, change) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        return {name: _rewritten(item, change) for name, item in cast("dict[str, object]", value).items()}
    return value
