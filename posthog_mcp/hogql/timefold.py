"""Computes the constant times people write: now(), today() - 7, toStartOfMonth(…), '2026-01-31', INTERVAL ±.

`Clock` holds the moment and the project's time zone; `Clock.value` gives what an expression comes to, None when it
is not constant. As in ClickHouse, days and longer move the wall clock, hours and shorter the instant; months clip to
the last day.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from posthog_mcp.hogql.tree_expressions import ArithmeticOperation, Call, Constant, Expr

Unit = Literal["second", "minute", "hour", "day", "week", "monday", "month", "quarter", "year"]


@dataclass(frozen=True, slots=True)
class Interval:
    count: int
    unit: Unit


Value: TypeAlias = "datetime | date | Interval | float | int | str | None"

SHORT: dict[Unit, timedelta] = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
}
MONTHS: dict[Unit, int] = {"month": 1, "quarter": 3, "year": 12}
UNIT_NAMES: dict[str, Unit] = {
    "second": "second", "seconds": "second", "ss": "second", "s": "second",
    "minute": "minute", "minutes": "minute", "mi": "minute", "n": "minute",
    "hour": "hour", "hours": "hour", "hh": "hour", "h": "hour",
    "day": "day", "days": "day", "dd": "day", "d": "day",
    "week": "week", "weeks": "week", "wk": "week", "ww": "week",
    "month": "month", "months": "month", "mm": "month", "m": "month",
    "quarter": "quarter", "quarters": "quarter", "qq": "quarter", "q": "quarter",
    "year": "year", "years": "year", "yyyy": "year", "yy": "year",
}  # fmt: skip
TRUNCATIONS: dict[str, Unit] = {
    "todate": "day", "_todate": "day", "tostartofday": "day", "tostartofhour": "hour", "tostartofminute": "minute",
    "tostartofsecond": "second", "tostartofweek": "week", "tomonday": "monday", "tostartofmonth": "month",
    "tostartofquarter": "quarter", "tostartofyear": "year",
}  # fmt: skip
SAME_TIME = frozenset({"todatetime", "todatetime64", "_todatetime", "_todatetime64", "assumenotnull", "tonullable"})
PARSED_TIME = frozenset({"parsedatetime", "parsedatetimebesteffort", "parsedatetime64besteffort", "totimezone"})
CURRENT = frozenset({"now", "now64", "current_timestamp"})
DAYS_BACK = {"today": 0, "current_date": 0, "curdate": 0, "yesterday": 1}
INTERVAL_CALL = re.compile(r"tointerval(second|minute|hour|day|week|month|quarter|year)$")
SHIFT_CALL = re.compile(r"(add|subtract)(second|minute|hour|day|week|month|quarter|year)s$")
DATE_SHIFTS = {"dateadd": 1, "date_add": 1, "datesub": -1, "date_sub": -1, "date_subtract": -1}
DATE_TEXT = re.compile(r"\d{4}-\d{2}-\d{2}$")


@dataclass(frozen=True, slots=True)
class Clock:
    """`now` is aware; `zone` the project's; `week` how its weeks begin ("monday", or "week": on Sunday)."""

    now: datetime
    zone: tzinfo
    week: Unit = "week"

    def value(self, expr: Expr) -> Value:
        """What a constant expression comes to; None when it is not one, or lies outside years 1 to 9999."""
        try:
            return self._value(expr.meaning or expr)
        except (ValueError, OverflowError, ArithmeticError):
            return None

    def moment(self, value: Value) -> datetime | None:
        """A value read as a time: dates begin at midnight here, numbers are Unix seconds."""
        try:
            if isinstance(value, datetime):
                return value.astimezone(self.zone)
            if isinstance(value, date):
                return datetime.combine(value, time(), self.zone)
            if isinstance(value, str):
                return self._parsed(value)
            return datetime.fromtimestamp(value, self.zone) if isinstance(value, int | float) else None
        except (ValueError, OverflowError, OSError):
            return None

    def _parsed(self, text: str) -> datetime:
        read = datetime.fromisoformat(text.strip())
        return (read if read.tzinfo else read.replace(tzinfo=self.zone)).astimezone(self.zone)

    def _value(self, expr: Expr) -> Value:
        if isinstance(expr, Constant):
            return None if isinstance(expr.value, bool) else expr.value
        if isinstance(expr, ArithmeticOperation):
            return self._arithmetic(expr)
        return self._call(expr) if isinstance(expr, Call) else None

    def _arithmetic(self, expr: ArithmeticOperation) -> Value:
        left, right = self.value(expr.left), self.value(expr.right)
        if isinstance(left, int | float) and isinstance(right, int | float):
            plain: dict[str, Callable[[], float]] = {
                "+": lambda: left + right,
                "-": lambda: left - right,
                "*": lambda: left * right,
                "/": lambda: left / right,
            }
            return plain[expr.op]() if expr.op in plain else None
        if expr.op == "+" and isinstance(left, Interval | int | float):
            left, right = right, left
        if expr.op not in "+-" or not isinstance(left, date | str):
            return None
        sign = 1 if expr.op == "+" else -1
        if isinstance(right, Interval):
            return self.shifted(left, sign * right.count, right.unit)
        unit: Unit = "second" if isinstance(left, datetime) else "day"  # a bare number counts the type's own unit
        return self.shifted(left, sign * int(right), unit) if isinstance(right, int | float) else None

    def _call(self, call: Call) -> Value:
        name = call.name.lower()
        if name in CURRENT:
            return self.now.astimezone(self.zone)
        if name in DAYS_BACK:
            return self.now.astimezone(self.zone).date() - timedelta(days=DAYS_BACK[name])
        args = [self.value(each) for each in call.args]
        if not args or args[0] is None:
            return None
        if found := INTERVAL_CALL.match(name):
            return Interval(int(args[0]), UNIT_NAMES[found[1]]) if isinstance(args[0], int | float) else None
        if found := SHIFT_CALL.match(name):
            count = args[1] if len(args) == 2 and isinstance(args[1], int | float) else None
            sign = 1 if found[1] == "add" else -1
            return None if count is None else self.shifted(args[0], sign * int(count), UNIT_NAMES[found[2]])
        if name in DATE_SHIFTS:
            return self._date_shift(DATE_SHIFTS[name], args)
        return self._conversion(name, args)

    def _date_shift(self, sign: int, args: list[Value]) -> Value:
        """dateAdd('day', 3, x), or date_add(x, INTERVAL 3 DAY)."""
        if len(args) == 2 and isinstance(args[1], Interval):
            return self.shifted(args[0], sign * args[1].count, args[1].unit)
        if len(args) != 3 or not isinstance(args[1], int | float):
            return None
        unit = UNIT_NAMES.get(str(args[0]).lower())
        return self.shifted(args[2], sign * int(args[1]), unit) if unit else None

    def _conversion(self, name: str, args: list[Value]) -> Value:
        if name in ("date_trunc", "datetrunc") and len(args) >= 2:
            unit = UNIT_NAMES.get(str(args[0]).lower())
            at = self.moment(args[1])
            # date_trunc begins weeks on Monday, toStartOfWeek as the project does.
            return self.start_of(at, "monday" if unit == "week" else unit) if at and unit else None
        at = self.moment(args[0])
        if name in TRUNCATIONS and at:
            unit = TRUNCATIONS[name] if name != "tostartofweek" else self.week_of(args[1] if len(args) > 1 else None)
            start = self.start_of(at, unit)
            return start if unit in SHORT or name == "tostartofday" else start.date()
        if name in SAME_TIME | PARSED_TIME:
            zone = args[1] if len(args) > 1 and name != "totimezone" else None
            naive = isinstance(args[0], str) and at and not re.search(r"(Z|[+-]\d\d:?\d\d)$", args[0])
            return at.replace(tzinfo=zone_of(str(zone))) if at and naive and isinstance(zone, str) else at
        return None

    def week_of(self, mode: Value) -> Unit:
        """How toStartOfWeek begins a week: ClickHouse's odd modes on Monday, no mode as the project does."""
        if isinstance(mode, int):
            return "monday" if mode % 2 else "week"
        return self.week

    def shifted(self, value: Value, count: int, unit: Unit) -> Value:
        """A time or date moved by units; a date moved by hours becomes a time."""
        if isinstance(value, str) and DATE_TEXT.match(value):
            value = date.fromisoformat(value)
        if isinstance(value, date) and not isinstance(value, datetime) and unit not in SHORT:
            return moved_days(datetime.combine(value, time()), count, unit).date()
        at = self.moment(value)
        if at is None:
            return None
        if unit in SHORT:
            return (at.astimezone(UTC) + count * SHORT[unit]).astimezone(self.zone)
        return moved_days(at, count, unit)

    def start_of(self, at: datetime, unit: Unit) -> datetime:
        """The beginning of the unit a time lies in."""
        at = at.astimezone(self.zone).replace(microsecond=0)
        if unit in SHORT:
            return at.replace(second=0 if unit != "second" else at.second, minute=0 if unit == "hour" else at.minute)
        midnight = at.replace(hour=0, minute=0, second=0, fold=0)
        if unit in ("week", "monday"):
            return midnight - timedelta(days=(midnight.weekday() + (unit == "week")) % 7)
        if unit == "day":
            return midnight
        month = {"month": midnight.month, "quarter": (midnight.month - 1) // 3 * 3 + 1, "year": 1}[unit]
        return midnight.replace(month=month, day=1)

    def end_of(self, at: datetime, unit: Unit) -> datetime:
        """The beginning of the next unit."""
        end = self.shifted(self.start_of(at, unit), 1, "week" if unit == "monday" else unit)
        assert isinstance(end, datetime)
        return end


def moved_days(at: datetime, count: int, unit: Unit) -> datetime:
    if unit not in MONTHS:
        return at + timedelta(days=count * (7 if unit in ("week", "monday") else 1))
    year, month = divmod(at.year * 12 + at.month - 1 + count * MONTHS[unit], 12)
    return at.replace(year=year, month=month + 1, day=min(at.day, monthrange(year, month + 1)[1]))


def zone_of(name: str) -> tzinfo:
    """The time zone of that name.

    Raises:
        ValueError: there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError) as unknown:
        raise ValueError(name) from unknown
