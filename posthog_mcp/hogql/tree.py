"""The syntax tree: one dataclass a node kind, the words of PostHog's grammar.

`from_json` turns what the parsers emit into nodes; every node keeps its place in the text (`start`, `end`,
code points). `children`, `walk` and `rewrite` visit them. The nodes themselves are in `tree_expressions.py` and
`tree_queries.py` and are importable from here. Nothing here knows a table, a function or ClickHouse.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, ClassVar, cast

from posthog_mcp.errors import HogQLResolutionError
from posthog_mcp.hogql.tree_expressions import (
    Alias,
    And,
    ArithmeticOp,
    ArithmeticOperation,
    Array,
    ArrayAccess,
    ArraySlice,
    BetweenExpr,
    Call,
    ColumnsExpr,
    CompareOp,
    CompareOperation,
    Constant,
    Dict,
    Expr,
    ExprCall,
    Field,
    HogQLXAttribute,
    HogQLXTag,
    InterpolateExpr,
    IsDistinctFrom,
    Lambda,
    Literals,
    NamedArgument,
    Node,
    Not,
    Or,
    OrderExpr,
    Placeholder,
    PositionalRef,
    SpreadExpr,
    TryCast,
    Tuple,
    TupleAccess,
    TypeCast,
    WindowExpr,
    WindowFrameExpr,
    WindowFunction,
    WithFillExpr,
)
from posthog_mcp.hogql.tree_queries import (
    CTE,
    GroupingSet,
    JoinConstraint,
    JoinExpr,
    LimitByExpr,
    PivotColumn,
    PivotExpr,
    Query,
    RatioExpr,
    SampleExpr,
    SelectQuery,
    SelectSetNode,
    SelectSetQuery,
    UnpivotColumn,
    UnpivotExpr,
    ValuesQuery,
)

if TYPE_CHECKING:
    from posthog_mcp.results import Json

__all__ = [
    "CTE",
    "Alias",
    "And",
    "ArithmeticOp",
    "ArithmeticOperation",
    "Array",
    "ArrayAccess",
    "ArraySlice",
    "BetweenExpr",
    "Call",
    "ColumnsExpr",
    "CompareOp",
    "CompareOperation",
    "Constant",
    "Dict",
    "Expr",
    "ExprCall",
    "Field",
    "GroupingSet",
    "HogQLXAttribute",
    "HogQLXTag",
    "InterpolateExpr",
    "IsDistinctFrom",
    "JoinConstraint",
    "JoinExpr",
    "Lambda",
    "LimitByExpr",
    "Literals",
    "NamedArgument",
    "Node",
    "Not",
    "Or",
    "OrderExpr",
    "PivotColumn",
    "PivotExpr",
    "Placeholder",
    "PositionalRef",
    "Query",
    "RatioExpr",
    "SampleExpr",
    "SelectQuery",
    "SelectSetNode",
    "SelectSetQuery",
    "SpreadExpr",
    "TryCast",
    "Tuple",
    "TupleAccess",
    "TypeCast",
    "UnpivotColumn",
    "UnpivotExpr",
    "ValuesQuery",
    "WindowExpr",
    "WindowFrameExpr",
    "WindowFunction",
    "WithFillExpr",
    "children",
    "from_json",
    "rewrite",
    "walk",
]

_NOTES: frozenset[str] = frozenset(
    {"type", "meaning", "target", "function", "scope", "source", "printed", "may_be_empty", "start", "end"}
)


class _Kinds:
    """Node classes by the parsers' `node` word, with the JSON keys each may have and those that may hold nodes."""

    by_name: ClassVar[dict[str, tuple[Callable[..., Node], frozenset[str]]]] = {}
    child_names: ClassVar[dict[type[Node], tuple[str, ...]]] = {}

    @classmethod
    def learn(cls, kind: type[Node]) -> None:
        for sub in kind.__subclasses__():
            if "__slots__" not in vars(sub):  # what the dataclass decorator replaced
                continue
            cls.by_name[sub.__name__] = (sub, frozenset(f.name for f in fields(sub) if f.name not in _NOTES))
            cls.child_names[sub] = ()
            cls.learn(sub)

    @classmethod
    def learn_children(cls) -> None:
        """A field may hold nodes when its annotation names a node class."""
        words = {*cls.by_name, "Query"}
        for kind in cls.child_names:
            named = [f.name for f in fields(kind) if words & set(re.findall(r"\w+", str(f.type)))]
            cls.child_names[kind] = tuple(name for name in named if name not in _NOTES)


_Kinds.learn(Node)
_Kinds.learn_children()


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


def children(node: Node) -> list[Node]:
    """The direct children, in the order of the fields."""
    found: list[Node] = []
    for name in _Kinds.child_names[type(node)]:
        value = getattr(node, name)
        if value is not None:
            _gather(value, found)
    return found


def _gather(value: object, found: list[Node]) -> None:
    if isinstance(value, Node):
        found.append(value)
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            _gather(item, found)
    elif isinstance(value, dict):
        for item in cast("dict[str, object]", value).values():
            _gather(item, found)


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, parents first; without recursion, so depth does not matter."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(reversed(children(current)))


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
