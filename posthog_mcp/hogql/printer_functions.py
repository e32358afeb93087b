"""Functions that mean something of their own in HogQL: conversions that never fail, the project's clock and week.

Conversions of text give NULL where ClickHouse would stop; times are of the project's zone; `concat` reads NULL as
the empty text; weeks start as the project's setting says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from posthog_mcp.hogql.printer_literals import time_literal
from posthog_mcp.hogql.printer_state import PrintState, Sql, literal
from posthog_mcp.hogql.tree_expressions import Call, Constant, Expr
from posthog_mcp.hogql.types import Type

Own: TypeAlias = Callable[[PrintState, Call], Sql]
WEEK_MODES = {0: "0", 1: "3"}
"""PostHog's week_start_day → ClickHouse's mode."""


def now(state: PrintState, node: Call) -> Sql:
    return Sql(f"now64(6, {state.timezone})")


def today(state: PrintState, node: Call) -> Sql:
    return Sql(f"toDate(now64(6, {state.timezone}))")


def yesterday(state: PrintState, node: Call) -> Sql:
    return Sql(f"(toDate(now64(6, {state.timezone})) - 1)")


def casting(kind: str, already: str) -> Own:
    """accurateCastOrNull to one ClickHouse type; nothing when the value has it already."""

    def cast(state: PrintState, node: Call) -> Sql:
        value = state.expr(node.args[0])
        if kind_of(node.args[0]) == already:
            return value
        return Sql(f"accurateCastOrNull({value.text}, '{kind}')", True)

    return cast


def kind_of(node: Expr) -> str:
    return (node.type or Type()).kind


def to_date(state: PrintState, node: Call) -> Sql:
    value = state.expr(node.args[0])
    kind = kind_of(node.args[0])
    if kind == "date":
        return value
    if kind == "string":
        return Sql(f"toDateOrNull({value.text})", True)
    zone = f", {state.expr(node.args[1]).text}" if len(node.args) > 1 else ""
    return Sql(f"toDate({value.text}{zone})", value.nullable)


def to_datetime(state: PrintState, node: Call) -> Sql:
    """Text is read leniently, unreadable text as NULL; a literal is read once, here."""
    first = node.args[0]
    zone = state.expr(node.args[1]).text if len(node.args) > 1 else state.timezone
    if isinstance(first, Constant) and isinstance(first.value, str) and len(node.args) == 1:
        known = time_literal(state, first.value)
        if known:
            return known
    value = state.expr(first)
    kind = kind_of(first)
    if kind in ("datetime", "date", "integer", "float"):
        return Sql(f"toDateTime({value.text}, {zone})", value.nullable)
    text = value.text if kind == "string" else f"toString({value.text})"
    return Sql(f"parseDateTime64BestEffortOrNull({text}, 6, {zone})", True)


def to_decimal(state: PrintState, node: Call) -> Sql:
    """With the scale that is asked for: 18 digits in all, as PostHog's Decimal64."""
    scale = node.args[1].value if len(node.args) > 1 and isinstance(node.args[1], Constant) else None
    if len(node.args) > 1 and not (isinstance(scale, int) and 0 <= scale <= 18):
        raise state.refuse(node.args[1], "toDecimal() takes a scale from 0 to 18.", "Write toDecimal(x, 2).")
    kind = f"Decimal64({scale})" if scale is not None else "Decimal(38, 10)"
    return Sql(f"accurateCastOrNull(toString({state.expr(node.args[0]).text}), '{kind}')", True)


def zoned(name: str, own_args: int, filler: str = "") -> Own:
    """A function that reads a text as a time: in the project's zone, unless the call names one."""

    def show(state: PrintState, node: Call) -> Sql:
        args = [state.expr(each) for each in node.args]
        texts = [each.text for each in args]
        rest = texts[own_args:] or [state.timezone]
        middle = [filler] if filler else []
        return Sql(f"{name}({', '.join([*texts[:own_args], *middle, *rest])})", True)

    return show


def to_datetime64(state: PrintState, node: Call) -> Sql:
    """toDateTime64(time, digits?, zone?)."""
    args = [state.expr(each) for each in node.args]
    digits = args[1].text if len(args) > 1 else "6"
    zone = args[2].text if len(args) > 2 else state.timezone
    return Sql(f"toDateTime64({args[0].text}, {digits}, {zone})", args[0].nullable)


def concat(state: PrintState, node: Call) -> Sql:
    """NULL reads as the empty text."""
    parts: list[str] = []
    for each in node.args:
        if isinstance(each, Constant) and each.value is None:
            continue
        sql = state.expr(each)
        text = sql.text if kind_of(each) == "string" else f"toString({sql.text})"
        parts.append(f"ifNull({text}, '')" if sql.nullable else text)
    return Sql(f"concat({', '.join(parts)})") if len(parts) > 1 else Sql(parts[0] if parts else "''")


def to_start_of_week(state: PrintState, node: Call) -> Sql:
    args = [state.expr(each) for each in node.args]
    mode = args[1].text if len(args) > 1 else WEEK_MODES[state.catalogue.week_start_day]
    rest = "".join(f", {each.text}" for each in args[2:])
    return Sql(f"toStartOfWeek({args[0].text}, {mode}{rest})", args[0].nullable)


def interval(name: str) -> Own:
    """INTERVAL '2' HOUR comes with a text."""

    def show(state: PrintState, node: Call) -> Sql:
        amount = node.args[0]
        if isinstance(amount, Constant) and isinstance(amount.value, str):
            try:
                return Sql(f"{name}({int(amount.value)})")
            except ValueError:
                raise state.refuse(amount, "An INTERVAL takes a whole number.", "Write INTERVAL 7 DAY.") from None
        value = state.expr(amount)
        return Sql(f"{name}({value.text})", value.nullable)

    return show


def date_add(sign: str) -> Own:
    """dateAdd('day', 3, time): PostHog's order; ClickHouse takes the unit as a keyword."""

    def show(state: PrintState, node: Call) -> Sql:
        args = node.args
        if len(args) == 2:
            left, right = state.expr(args[0]), state.expr(args[1])
            return Sql(f"({left.text} {sign} {right.text})", left.nullable or right.nullable)
        unit = args[0].value if isinstance(args[0], Constant) else None
        name = INTERVALS.get(str(unit).lower().removesuffix("s"))
        if not name:
            raise state.refuse(args[0], f"`{unit}` is no unit of time.", "Write 'day', 'week', 'month', 'hour', ….")
        amount, value = state.expr(args[1]), state.expr(args[2])
        return Sql(f"({value.text} {sign} {name}({amount.text}))", value.nullable or amount.nullable)

    return show


def negation(state: PrintState, node: Call) -> Sql:
    """`not(x)` as an operator: ClickHouse misreads the call before AND."""
    sql = state.expr(node.args[0])
    return Sql(f"(NOT {sql.text})", sql.nullable)


VERSION = r"^\s*v?((0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*))(?:[-+][^\s]*)?\s*$"
"""Semantic versions, as the `semver` crate reads them: three numbers without leading zeros."""


def semantic_version(state: PrintState, node: Call) -> Sql:
    """The numbers of a version as an array, which sorts as versions do; [NULL] for anything else, which compares as
    NULL."""
    text = f"extract(ifNull(toString({state.expr(node.args[0]).text}), ''), {literal(VERSION)})"
    return Sql(f"arrayMap(part -> toInt64OrNull(part), splitByChar('.', if({text} = '', '_', {text})))")


UNITS = ("Second", "Minute", "Hour", "Day", "Week", "Month", "Quarter", "Year")
INTERVALS = {unit.lower(): f"toInterval{unit}" for unit in UNITS}
OWN_MEANING: dict[str, Own] = {
    **{f"toInterval{unit}": interval(f"toInterval{unit}") for unit in UNITS},
    "not": negation,
    "now": now,
    "today": today,
    "yesterday": yesterday,
    "current_timestamp": now,
    "toInt": casting("Int64", "integer"),
    "toFloat": casting("Float64", "float"),
    "toUUID": casting("UUID", "uuid"),
    "toDecimal": to_decimal,
    "toDate": to_date,
    "toDateTime": to_datetime,
    "concat": concat,
    "toStartOfWeek": to_start_of_week,
    "dateAdd": date_add("+"),
    "date_add": date_add("+"),
    "dateSub": date_add("-"),
    "date_subtract": date_add("-"),
    "sortableSemVer": semantic_version,
    "toDateTime64": to_datetime64,
    "parseDateTime": zoned("parseDateTimeOrNull", 2),
    **dict.fromkeys(
        ("parseDateTimeBestEffort", "parseDateTime64BestEffort", "parseDateTime64BestEffortOrNull"),
        zoned("parseDateTime64BestEffortOrNull", 1, "6"),
    ),
    "toDateTimeUS": zoned("parseDateTime64BestEffortUSOrNull", 1, "6"),
    "UUIDv7ToDateTime": zoned("UUIDv7ToDateTime", 1),
}
