"""The times a query reads: bounds on the time field of every table in it, worked out from its conditions.

Works on a resolved tree, so that aliases, subqueries and WITH queries lead to the table they read. `scans` gives each
read of a table that has a time field; `range_of` what they span together. Only what is certain counts: AND-ed
conditions, ORs whose every side bounds the field, constant times (`timefold.py`) against the field or its truncation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from zoneinfo import ZoneInfo

from posthog_mcp.hogql.catalogue import Catalogue
from posthog_mcp.hogql.resolver_scopes import (
    AliasTarget,
    ColumnTarget,
    OutputTarget,
    QuerySource,
    TableSource,
)
from posthog_mcp.hogql.timefold import SAME_TIME, TRUNCATIONS, UNIT_NAMES, Clock, Interval, Unit
from posthog_mcp.hogql.tree import walk
from posthog_mcp.hogql.tree_expressions import (
    Alias,
    And,
    BetweenExpr,
    Call,
    CompareOperation,
    Constant,
    Expr,
    Field,
    Node,
    Or,
)
from posthog_mcp.hogql.tree_queries import JoinExpr, Query, SelectQuery
from posthog_mcp.results import DateRange

FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "=="}
NUMBERED: dict[str, tuple[int, Unit]] = {"toyear": (4, "year"), "toyyyymm": (6, "month"), "toyyyymmdd": (8, "day")}
"""Functions that write a time as one number: its digits, and the unit that number stands for."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """`low` inclusive, `high` as written. A side that is limited by something not constant is `held`, its time None."""

    low: datetime | None = None
    high: datetime | None = None
    low_held: bool = False
    high_held: bool = False

    def both(self, other: Bounds) -> Bounds:
        """Where both hold."""
        lows = [each for each in (self.low, other.low) if each]
        highs = [each for each in (self.high, other.high) if each]
        held = self.low_held or other.low_held, self.high_held or other.high_held
        return Bounds(max(lows, default=None), min(highs, default=None), *held)

    def either(self, other: Bounds) -> Bounds:
        """Where at least one holds."""
        low = min(self.low, other.low) if self.low and other.low else None
        high = max(self.high, other.high) if self.high and other.high else None
        return Bounds(low, high, self.low_held and other.low_held, self.high_held and other.high_held)


Found = dict[TableSource, Bounds]


@dataclass(frozen=True, slots=True)
class Scan:
    """One read of a table that has a time field."""

    join: JoinExpr
    source: TableSource
    bounds: Bounds


def range_of(reads: Sequence[Scan], catalogue: Catalogue) -> DateRange | None:
    """From the earliest to the latest time that any table is read at; None when no table has a time field.

    Bounds are ISO 8601 in the project's time zone; a side that some read leaves open is None.
    """
    found = [scan.bounds for scan in reads]
    if not found:
        return None
    span = reduce(Bounds.either, found)
    return DateRange(iso(span.low), iso(span.high), catalogue.timezone)


def iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def scans(tree: Query, catalogue: Catalogue, now: datetime) -> list[Scan]:
    """Every read of a table with a time field, with the bounds that hold for it."""
    nodes = list(walk(tree))
    clock = Clock(now, ZoneInfo(catalogue.timezone), "monday" if catalogue.week_start_day else "week")
    reader = Reader(clock, read_once(nodes))
    found: Found = {}
    for node in nodes:
        if isinstance(node, SelectQuery):
            for condition in (node.prewhere, node.where, node.qualify):
                found = joined(found, reader.bounds(condition)) if condition else found
        elif isinstance(node, JoinExpr) and node.constraint and isinstance(node.source, TableSource):
            # ON limits the table it joins; whether also the one before depends on the kind of join.
            here = reader.bounds(node.constraint.expr).get(node.source)
            found = joined(found, {node.source: here}) if here else found
    reads = [(node, node.source) for node in nodes if isinstance(node, JoinExpr)]
    return [
        Scan(join, source, found.get(source, Bounds()))
        for join, source in reads
        if isinstance(source, TableSource) and source.table.time_field
    ]


def read_once(nodes: list[Node]) -> set[str]:
    """Printed names of the WITH queries that are read once: a condition on such a read bounds the query itself."""
    sources = [node.source for node in nodes if isinstance(node, JoinExpr)]
    reads = Counter(each.cte.printed for each in sources if isinstance(each, QuerySource) and each.cte)
    return {name for name, count in reads.items() if count == 1}


def joined(first: Found, second: Mapping[TableSource, Bounds]) -> Found:
    return first | {source: first.get(source, Bounds()).both(each) for source, each in second.items()}


@dataclass(frozen=True, slots=True)
class TimeField:
    """A table's time field, as it stands in a comparison: whole, or cut to `unit`."""

    source: TableSource
    unit: Unit | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    clock: Clock
    read_once: set[str]

    def bounds(self, expr: Expr) -> Found:
        """What a condition says of each table's time field."""
        expr = expr.meant
        if isinstance(expr, Alias):
            return self.bounds(expr.expr)
        if isinstance(expr, And) or (isinstance(expr, Call) and expr.name == "and"):
            return reduce(joined, map(self.bounds, expr.args if isinstance(expr, Call) else expr.exprs), Found())
        if isinstance(expr, Or) and expr.exprs:
            sides = [self.bounds(each) for each in expr.exprs]
            common = set(sides[0]).intersection(*sides)
            return {source: reduce(Bounds.either, (side[source] for side in sides)) for source in common}
        if isinstance(expr, BetweenExpr) and not expr.negated:
            return joined(self.compared(expr.expr, ">=", expr.low), self.compared(expr.expr, "<=", expr.high))
        if isinstance(expr, CompareOperation) and expr.op in FLIPPED:
            found = self.compared(expr.left, expr.op, expr.right)
            return found or self.compared(expr.right, FLIPPED[expr.op], expr.left)
        return {}

    def compared(self, left: Expr, op: str, right: Expr) -> Found:
        """Bounds from `left op right`, where left is a time field in some form."""
        left = left.meaning or left
        name = left.name.lower() if isinstance(left, Call) else ""
        if isinstance(left, Call) and name in ("datediff", "date_diff"):
            return self.distance(left, op, right)
        if isinstance(left, Call) and name in NUMBERED and left.args:
            field, number = self.time_field(left.args[0]), self.clock.value(right)
            digits, unit = NUMBERED[name]
            start = self.clock.moment(numbered(number, digits)) if isinstance(number, int) else None
            return {field.source: self.side(op, start, unit)} if field else {}
        field = self.time_field(left)
        if field is None:
            return {}
        value = self.clock.moment(self.clock.value(right))
        return {field.source: self.side(op, value, field.unit)}

    def side(self, op: str, at: datetime | None, unit: Unit | None) -> Bounds:
        """The bounds of `field op at`, the field cut to `unit`."""
        low, high = op in (">", ">=", "=="), op in ("<", "<=", "==")
        if at is None:
            return Bounds(low_held=low, high_held=high)
        start = self.clock.start_of(at, unit) if unit else at
        end = self.clock.end_of(at, unit) if unit else at
        lowest = end if op == ">" and unit else start
        highest = start if op == "<" and start == at else end
        return Bounds(lowest if low else None, highest if high else None, low, high)

    def distance(self, call: Call, op: str, right: Expr) -> Found:
        """dateDiff('day', timestamp, now()) < 30, and the other way round; it counts the unit's beginnings between."""
        if op not in ("<", "<=") or len(call.args) < 3 or not isinstance(call.args[0], Constant):
            return {}
        unit, count = UNIT_NAMES.get(str(call.args[0].value).lower()), self.clock.value(right)
        field, until = self.time_field(call.args[1]), self.clock.moment(self.clock.value(call.args[2]))
        if field is None or field.unit or not unit or until is None or not isinstance(count, int):
            return {}
        unit = "monday" if unit == "week" else unit
        units = count - (op == "<")
        low = self.clock.moment(self.clock.shifted(self.clock.start_of(until, unit), -units, unit))
        return {field.source: Bounds(low=low, low_held=True)}

    def time_field(self, expr: Expr) -> TimeField | None:
        """The time field that an expression is, whole or cut to a unit, through aliases and subqueries."""
        expr = expr.meaning or expr
        if isinstance(expr, Alias):
            return self.time_field(expr.expr)
        if isinstance(expr, Field):
            return self.field_target(expr)
        if not isinstance(expr, Call) or not expr.args:
            return None
        name = expr.name.lower()
        if name in ("date_trunc", "datetrunc") and len(expr.args) > 1 and isinstance(expr.args[0], Constant):
            unit = UNIT_NAMES.get(str(expr.args[0].value).lower())
            return self.cut(expr.args[1], "monday" if unit == "week" else unit)
        if name == "tostartofinterval" and len(expr.args) > 1:
            step = self.clock.value(expr.args[1])
            return self.cut(expr.args[0], step.unit) if isinstance(step, Interval) and step.count == 1 else None
        if name == "tostartofweek":
            return self.cut(expr.args[0], self.clock.week_of(self.clock.value(expr.args[1]) if expr.args[1:] else None))
        if name in TRUNCATIONS:
            return self.cut(expr.args[0], TRUNCATIONS[name])
        return self.time_field(expr.args[0]) if name in SAME_TIME | {"totimezone"} else None

    def cut(self, expr: Expr, unit: Unit | None) -> TimeField | None:
        field = self.time_field(expr)
        return TimeField(field.source, unit) if field and unit and not field.unit else None

    def field_target(self, field: Field) -> TimeField | None:
        target = field.target
        if isinstance(target, ColumnTarget):
            return TimeField(target.source) if target.name == target.source.table.time_field else None
        if isinstance(target, AliasTarget):
            return self.time_field(target.named.expr)
        if isinstance(target, OutputTarget) and target.output.expr:
            cte = target.source.cte
            return self.time_field(target.output.expr) if cte is None or cte.printed in self.read_once else None
        return None


def numbered(number: int, digits: int) -> str | None:
    """202611 → 2026-11-01; None when it has another number of digits."""
    text = str(number)
    if len(text) != digits:
        return None
    return "-".join([text[:4], text[4:6] or "01", text[6:8] or "01"])
