"""PostHog's dashboard filters as HogQL conditions: a date range and property filters.

`date_from` and `date_to` are ISO dates or relative (`-7d`, `-1mStart`, `all`); days and longer units count from
midnight in the project's zone. What cannot be said here (test accounts, HogQL expressions) comes back as a warning.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast

from posthog_mcp.hogql.catalogue import Catalogue
from posthog_mcp.hogql.tree_expressions import CompareOp, CompareOperation, Constant, Expr, Field, Place, Tuple
from posthog_mcp.hogql.tree_queries import SelectQuery
from posthog_mcp.results import Json

RELATIVE = re.compile(r"^-?(\d*)([hdwmqy])(Start|End)?$")
OPERATORS: dict[str, CompareOp] = {
    "exact": "in",
    "is_not": "not in",
    "icontains": "ilike",
    "not_icontains": "not ilike",
    "regex": "=~",
    "not_regex": "!~",
    "gt": ">",
    "lt": "<",
    "gte": ">=",
    "lte": "<=",
    "is_set": "!=",
    "is_not_set": "==",
    "is_date_after": ">",
    "is_date_before": "<",
}


def date_bounds(filters: Mapping[str, Json], now: datetime) -> tuple[datetime | None, datetime | None]:
    """The range's ends; None where it is open."""
    given = filters.get("dateRange")
    if not isinstance(given, dict):
        return None, None
    low, high = given.get("date_from"), given.get("date_to")
    end = read_date(str(high), now) if high else None
    if end and high and re.fullmatch(r"\d{4}-\d\d-\d\d", str(high)):
        end += timedelta(days=1, microseconds=-1)
    return (read_date(str(low), now) if low else None), end


def read_date(text: str, now: datetime) -> datetime | None:
    """An ISO time, or one relative to now; None for `all` and for what cannot be read."""
    found = RELATIVE.match(text)
    if not found:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        return moment if moment.tzinfo else moment.replace(tzinfo=now.tzinfo)
    count, unit, edge = int(found[1] or 0), found[2], found[3]
    if unit == "h":
        return now - timedelta(hours=count)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit in "dw":
        return midnight - timedelta(days=count * (7 if unit == "w" else 1))
    months = count * {"m": 1, "q": 3, "y": 12}[unit]
    moment = months_before(midnight, months)
    if edge != "Start":
        return moment
    return moment.replace(day=1, month=1 if unit == "y" else moment.month)


def months_before(moment: datetime, months: int) -> datetime:
    """The same day of an earlier month, or that month's last."""
    index = moment.year * 12 + moment.month - 1 - months
    for day in range(moment.day, 27, -1):
        try:
            return moment.replace(year=index // 12, month=index % 12 + 1, day=day)
        except ValueError:
            continue
    return moment.replace(year=index // 12, month=index % 12 + 1, day=min(moment.day, 28))


def literal_time(moment: datetime) -> str:
    """A literal with its offset, so that an hour that comes twice in autumn stays the one it is."""
    return moment.isoformat(sep=" ")


def conditions(
    filters: Mapping[str, Json], now: datetime, select: SelectQuery, catalogue: Catalogue, place: Expr
) -> tuple[list[Expr], list[str]]:
    """The conditions that `{filters}` means in this SELECT, and warnings about those it cannot."""
    join = select.select_from
    table = join.table if join else None
    name = ".".join(map(str, table.chain)) if isinstance(table, Field) else ""
    found = catalogue.tables.get(name)
    prefix = [join.alias] if join and join.alias else []
    at = place.place
    exprs: list[Expr] = []
    warnings: list[str] = []
    low, high = date_bounds(filters, now)
    time = found.time_field if found else None
    if (low or high) and not time:
        warnings.append("{filters}: the date range is not applied, since this table has no time.")
    for moment, op in ((low, ">="), (high, "<=")):
        if moment and time:
            zoned = moment.astimezone(now.tzinfo)
            exprs.append(
                CompareOperation(
                    Field([*prefix, time], **at), Constant(literal_time(zoned), **at), cast("CompareOp", op)
                )
            )
    listed = filters.get("properties")
    for each in listed if isinstance(listed, list) else []:
        expr = property_condition(each, prefix, at, on=name) if isinstance(each, dict) else None
        if expr:
            exprs.append(expr)
        else:
            warnings.append("{filters}: a property filter cannot be applied here.")
    if filters.get("filterTestAccounts"):
        warnings.append("{filters}: test accounts are not filtered out here.")
    return exprs, warnings


def property_condition(given: Mapping[str, Json], prefix: list[str], at: Place, on: str) -> Expr | None:
    """One property filter on the table `on`; None when it has no HogQL form here."""
    kind, key, value = str(given.get("type", "event")), given.get("key"), given.get("value")
    if kind == "cohort" and isinstance(value, (int, str)):
        wanted = Constant(int(value) if str(value).isdigit() else value, **at)
        return CompareOperation(Field([*prefix, "person_id"], **at), wanted, "in cohort", **at)
    index = given.get("group_type_index")
    base = {
        "event": ["properties"],
        "person": ["properties"] if on == "persons" else ["person", "properties"],
        "session": ["session"],
    }
    chain = [f"group_{index}", "properties"] if kind == "group" and isinstance(index, int) else base.get(kind)
    op = OPERATORS.get(str(given.get("operator") or "exact"))
    if not chain or not op or not isinstance(key, str):
        return None
    return CompareOperation(Field([*prefix, *chain, key], **at), operand(op, value, given, at), op, **at)


def operand(op: CompareOp, value: Json, given: Mapping[str, Json], at: Place) -> Expr:
    """The right side that the operator needs."""
    if given.get("operator") in ("is_set", "is_not_set"):
        return Constant(None, **at)
    single = value[0] if isinstance(value, list) and value else value
    if op in ("in", "not in"):
        many: Sequence[Json] = value if isinstance(value, list) else [value]
        return Tuple([Constant(scalar(each), **at) for each in many], **at)
    text = scalar(single)
    return Constant(f"%{text}%" if op in ("ilike", "not ilike") else text, **at)


def scalar(value: Json) -> bool | int | float | str | None:
    return value if not isinstance(value, (list, dict)) else str(value)
