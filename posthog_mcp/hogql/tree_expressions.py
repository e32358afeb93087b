"""Expression nodes of the syntax tree: values, names, operators, calls, windows, tags.

Data only; `tree.py` builds and visits them, `tree_queries.py` has SELECT and FROM. The resolver writes what a
name means into `type`, `target` and `function`: notes on the tree, never part of its equality.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

from posthog_mcp.hogql.diagnostics import Span

if TYPE_CHECKING:
    from posthog_mcp.hogql.functions import FunctionDef
    from posthog_mcp.hogql.resolver_scopes import Target
    from posthog_mcp.hogql.types import Type

Literals: TypeAlias = "bool | int | float | str | None"
ArithmeticOp = Literal["+", "-", "*", "/", "%"]
CompareOp = Literal[
    "==", "!=", "<", ">", "<=", ">=", "like", "ilike", "not like", "not ilike", "in", "not in",
    "global in", "global not in", "in cohort", "not in cohort", "=~", "=~*", "!~", "!~*",
]  # fmt: skip


class Place(TypedDict):
    """Where a node stands, as keyword arguments for another one there."""

    start: int
    end: int


@dataclass(slots=True, kw_only=True)
class Node:
    """Anything with a place in the text: half-open code-point offsets."""

    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)

    @property
    def span(self) -> Span:
        """The place as a Span."""
        return Span(self.start, self.end)

    @property
    def place(self) -> Place:
        """For nodes that are made up in this one's place."""
        return {"start": self.start, "end": self.end}


@dataclass(slots=True, kw_only=True)
class Expr(Node):
    """Anything with a value. `type` is None until resolved; `meaning` is what a macro such as IN COHORT stands for."""

    type: Type | None = field(default=None, compare=False, repr=False)
    meaning: Expr | None = field(default=None, compare=False, repr=False)

    @property
    def meant(self) -> Expr:
        """The expression that runs: a macro may stand for another one."""
        expr = self
        while expr.meaning:
            expr = expr.meaning
        return expr


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
    """`expr AS alias`. `printed` is the resolver's own name for one inside a lambda."""

    alias: str
    expr: Expr
    printed: str = field(default="", compare=False, repr=False)


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
    """`printed` are the resolver's own names for the arguments."""

    args: list[str]
    expr: Expr
    printed: list[str] = field(default_factory=list[str], compare=False, repr=False)


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
    may_be_empty: bool = field(default=False, compare=False, repr=False)
    """What UNPIVOT leaves may be nothing."""
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
