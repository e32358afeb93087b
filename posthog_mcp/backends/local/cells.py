"""ClickHouse's JSONCompact answer → a `Table` of strict-JSON cells, as `results.Table` documents.

One converter a column, built from its type once. A column whose type needs no change costs nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import cast
from zoneinfo import ZoneInfo

from posthog_mcp.results import Column, Json, Note, Table

Convert = Callable[[Json], Json]

SAFE_INTEGER = 2**53
MAX_CELL = 100_000
"""Characters of one text cell; longer ones are cut and announced."""

WRAPPED = re.compile(r"^(?:Nullable|LowCardinality)\((.*)\)$")
FLOATS = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity", "-nan": "NaN"}
PLAIN = ("Bool", "Date", "UUID", "Int8", "Int16", "Int32", "UInt8", "UInt16", "UInt32", "IPv", "Nothing", "Interval")


class Converters:
    """Builds converters and remembers what they had to change."""

    def __init__(self, zone: str) -> None:
        self.zone = ZoneInfo(zone)
        self.changed: set[str] = set()

    def for_type(self, kind: str) -> Convert | None:
        """The converter of a ClickHouse type; None when its JSON is already right."""
        while wrapped := WRAPPED.match(kind):
            kind = wrapped.group(1)
        name, inside = kind.partition("(")[0], kind.partition("(")[2][:-1]
        if name in {"DateTime", "DateTime64"}:
            zone = re.search(r"'([^']+)'", inside)
            return self.time(ZoneInfo(zone.group(1)) if zone else self.zone)
        if name == "Array":
            return self.array(self.for_type(inside))
        if name == "Tuple":
            return self.tuple([self.for_type(part) for part in tuple_types(inside)])
        if name == "Map":
            return self.map(self.for_type(split_types(inside)[1]))
        if name.startswith(("Float", "BFloat")):
            return self.number
        if name.startswith(("Int", "UInt")) and name not in PLAIN and not name.startswith("Interval"):
            return self.integer
        if name.startswith(PLAIN):
            return None
        return self.text

    def number(self, value: Json) -> Json:
        if isinstance(value, str):
            self.changed.add("non_finite_number")
            return FLOATS.get(value, value)
        return value

    def integer(self, value: Json) -> Json:
        if isinstance(value, int) and not -SAFE_INTEGER <= value <= SAFE_INTEGER:
            self.changed.add("big_integer")
            return str(value)
        return value

    def text(self, value: Json) -> Json:
        if isinstance(value, str) and len(value) > MAX_CELL:
            self.changed.add("long_cell")
            return f"{value[:MAX_CELL]}… ({len(value) - MAX_CELL:,} more characters)"
        if isinstance(value, str) and "\ufffd" in value:
            self.changed.add("not_utf8")
        return value

    def time(self, zone: ZoneInfo) -> Convert:
        def convert(value: Json) -> Json:
            if not isinstance(value, str):
                return value
            moment = datetime.fromisoformat(value[:26]).replace(tzinfo=zone)
            # ClickHouse prints wall time; in the repeated hour of a DST change the first one is taken.
            return moment.astimezone(self.zone).isoformat().replace("+00:00", "Z")

        return convert

    def array(self, element: Convert | None) -> Convert | None:
        if element is None:
            return None
        return lambda value: [element(item) for item in value] if isinstance(value, list) else value

    def tuple(self, parts: list[Convert | None]) -> Convert:
        def convert(value: Json) -> Json:
            items = list(value.values()) if isinstance(value, dict) else value
            if not isinstance(items, list):
                return value
            return [part(item) if part else item for part, item in zip(parts, items, strict=False)]

        return convert

    def map(self, element: Convert | None) -> Convert:
        def convert(value: Json) -> Json:
            if not isinstance(value, dict) or element is None:
                return value
            return {key: element(item) for key, item in value.items()}

        return convert


NOTES = {
    "non_finite_number": Note(
        "non_finite_number", "Some numbers are not finite; they are given as the texts NaN, Infinity, -Infinity."
    ),
    "big_integer": Note("big_integer", "Integers beyond ±2^53 are given as text, so that no client rounds them."),
    "long_cell": Note(
        "long_cell", f"Texts over {MAX_CELL:,} characters are cut.", "Select substring(…) of the column for the rest."
    ),
    "not_utf8": Note("not_utf8", "Bytes that are not UTF-8 are replaced by U+FFFD."),
}


def read_table(answer: bytes, timezone_name: str) -> Table:
    """Parse one JSONCompact answer. Times come out in `timezone_name`, duplicate column names stay."""
    document = json.loads(answer.decode("utf-8", "replace"))
    columns = tuple(Column(meta["name"], meta["type"]) for meta in document["meta"])
    converters = Converters(timezone_name)
    rows = cast("list[list[Json]]", document["data"])
    for index, column in enumerate(columns):
        convert = converters.for_type(column.type)
        if convert is not None:
            for row in rows:
                if row[index] is not None:
                    row[index] = convert(row[index])
    return Table(columns, rows, tuple(NOTES[code] for code in sorted(converters.changed)))


def split_types(inside: str) -> list[str]:
    """Split `A, Map(B, C)` at its top-level commas."""
    return list(iterate_types(inside))


def iterate_types(inside: str) -> Iterator[str]:
    level, start = 0, 0
    for at, character in enumerate(inside):
        level += (character == "(") - (character == ")")
        if character == "," and level == 0:
            yield inside[start:at].strip()
            start = at + 1
    yield inside[start:].strip()


NAMED_PART = re.compile(r"^(?:`(?:[^`\\]|\\.)*`|\w+) (.+)$")


def tuple_types(inside: str) -> list[str]:
    """Element types of a tuple, named or not."""
    named = [(part, NAMED_PART.match(part)) for part in iterate_types(inside)]
    return [match.group(1) if match else part for part, match in named]
