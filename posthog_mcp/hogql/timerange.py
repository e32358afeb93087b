"""The time range that a query asks for, read off the conditions on a table's time field.

Only what is certain counts: AND-ed comparisons of the time field with expressions that hold no column. The current
time is the caller's, so that the same text gives the same range in a test.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from posthog_mcp.hogql.catalogue import Catalogue
from posthog_mcp.hogql.tree import walk
from posthog_mcp.hogql.tree_expressions import (
    Alias,
    And,
    ArithmeticOperation,
    BetweenExpr,
    Call,
    CompareOperation,
    Constant,
    Expr,
    Field,
)
from posthog_mcp.hogql.tree_queries import Query, SelectQuery
from posthog_mcp.results import DateRange

LOWER, UPPER = {">", ">="}, {"<", "<="}
FLIPPED = {">": "<", ">=": "<=", "<": ">", "<=": ">="}
DAYS = {"toIntervalDay": 1, "toIntervalWeek": 7}
SECONDS = {"toIntervalSecond": 1, "toIntervalMinute": 60, "toIntervalHour": 3600}
MONTHS = {"toIntervalMonth": 1, "toIntervalQuarter": 3, "toIntervalYear": 12}
CASTS = {"toDateTime", "toDate", "parseDateTimeBestEffort", "toDateTime64", "assumeNotNull", "toTimeZone"}


def date_range(tree: Query, catalogue: Catalogue, now: datetime) -> DateRange | None:
    """The outermost bounds over all the query's SELECTs; None when no SELECT bounds a time field.

    Bounds are ISO 8601 in the project's time zone; a side that some SELECT leaves open is None.
    """
    fields = {table.time_field for table in catalogue.tables.values() if table.time_field}
    zone = ZoneInfo(catalogue.timezone)
    lows: list[datetime | None] = []
    highs: list[datetime | None] = []
    for select in walk(tree):
        if isinstance(select, SelectQuery) and select.where is not None:
            bounds = list(bounds_of(select.where, fields, now.astimezone(zone)))
            if bounds:
                lows.append(max((at for side, at in bounds if side == "low"), default=None))
                highs.append(min((at for side, at in bounds if side == "high"), default=None))
    if not lows:
        return None
    low = None if None in lows else min(at for at in lows if at)
    high = None if None in highs else max(at for at in highs if at)
    return DateRange(iso(low), iso(high), catalogue.timezone)


def iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def bounds_of(where: Expr, fields: set[str], now: datetime) -> Iterator[tuple[str, datetime]]:
    """(low or high, moment) of every AND-ed condition on a time field."""
    if isinstance(where, Alias):
        yield from bounds_of(where.expr, fields, now)
    elif isinstance(where, And):
        for part in where.exprs:
            yield from bounds_of(part, fields, now)
    elif isinstance(where, BetweenExpr) and not where.negated and is_time(where.expr, fields):
        for side, bound in (("low", where.low), ("high", where.high)):
            moment = evaluate(bound, now)
            if moment:
                yield side, moment
    elif isinstance(where, CompareOperation):
        yield from comparison_bounds(where, fields, now)


def comparison_bounds(node: CompareOperation, fields: set[str], now: datetime) -> Iterator[tuple[str, datetime]]:
    left, right, op = node.left, node.right, node.op
    if is_time(right, fields):
        left, right, op = right, left, FLIPPED.get(op, op)
    moment = evaluate(right, now) if is_time(left, fields) else None
    if moment is None:
        return
    if op in LOWER:
        yield "low", moment
    elif op in UPPER:
        yield "high", moment
    elif op == "==" and isinstance(left, Call):
        yield "low", moment
        yield "high", moment + timedelta(days=1)


def is_time(node: Expr, fields: set[str]) -> bool:
    """The time field itself, or its day."""
    if isinstance(node, Call) and node.name in {"toDate", "toStartOfDay"} and node.args:
        node = node.args[0]
    return isinstance(node, Field) and bool(node.chain) and node.chain[-1] in fields


def evaluate(node: Expr, now: datetime) -> datetime | None:
    """The moment that an expression without columns stands for; None when it is not certain."""
    if isinstance(node, Constant):
        return moment_of(node.value, now) if isinstance(node.value, str) else None
    if isinstance(node, ArithmeticOperation) and node.op in {"+", "-"}:
        start = evaluate(node.left, now)
        return shift(start, node.right, 1 if node.op == "+" else -1) if start else None
    if not isinstance(node, Call):
        return None
    if node.name in {"now", "now64"}:
        return now
    if node.name in {"today", "yesterday"}:
        return midnight(now - timedelta(days=node.name == "yesterday"))
    inner = evaluate(node.args[0], now) if node.args else None
    if inner is None or node.name in CASTS:
        return midnight(inner) if inner and node.name == "toDate" else inner
    return start_of(node.name, inner)


def moment_of(text: str, now: datetime) -> datetime | None:
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), time(), now.tzinfo)
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed.astimezone(now.tzinfo) if parsed.tzinfo else parsed.replace(tzinfo=now.tzinfo)


def shift(start: datetime, interval: Expr, sign: int) -> datetime | None:
    """Add an interval call; months are calendar months, the day cut to the month's last."""
    if not isinstance(interval, Call) or len(interval.args) != 1 or not isinstance(interval.args[0], Constant):
        return None
    amount = interval.args[0].value
    if not isinstance(amount, int):
        return None
    if interval.name in DAYS:
        return start + timedelta(days=sign * amount * DAYS[interval.name])
    if interval.name in SECONDS:
        moved = start.astimezone(UTC) + timedelta(seconds=sign * amount * SECONDS[interval.name])
        return moved.astimezone(start.tzinfo)
    if interval.name in MONTHS:
        months = start.year * 12 + start.month - 1 + sign * amount * MONTHS[interval.name]
        first = start.replace(year=months // 12, month=months % 12 + 1, day=1)
        following = (first + timedelta(days=32)).replace(day=1)
        return first.replace(day=min(start.day, (following - timedelta(days=1)).day))
    return None


def midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def start_of(name: str, moment: datetime) -> datetime | None:
    day = midnight(moment)
    starts = {
        "toStartOfDay": day,
        "toStartOfHour": moment.replace(minute=0, second=0, microsecond=0),
        "toMonday": day - timedelta(days=day.weekday()),
        "toStartOfMonth": day.replace(day=1),
        "toStartOfQuarter": day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
        "toStartOfYear": day.replace(month=1, day=1),
    }
    return starts.get(name)
