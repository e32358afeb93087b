"""An export file's own columns → raw columns, as SQL that never fails on a bad value, and what makes a row bad.

Types are taken from the file: a time may be a timestamp, a date or ISO 8601 text, a UUID may be text, a flag may be
text. JSON lines are first landed as texts, so that both formats meet here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from posthog_mcp.backends.local.import_files import Model
from posthog_mcp.backends.local.schema import SESSIONS, TEXT, Columns, literal, quoted
from posthog_mcp.backends.local.sources import RAW_EVENTS, RAW_PERSONS, ROW

LINE_TEXTS: Mapping[Model, tuple[str, ...]] = {
    "events": (
        *("uuid", "event", "distinct_id", "person_id", "properties", "person_properties", "elements_chain"),
        *("timestamp", "created_at", "_inserted_at"),
    ),
    "persons": (
        *("distinct_id", "person_id", "properties", "person_distinct_id_version", "person_version", "created_at"),
        "is_deleted",
    ),
    "sessions": tuple(name.removeprefix("$") for name, _ in SESSIONS),
}
RAW_COLUMNS: Mapping[Model, Columns] = {"events": RAW_EVENTS, "persons": RAW_PERSONS, "sessions": SESSIONS}
LANDED_ROW: Columns = (("_row", "UInt64"), ("_broken", "String"))
MAX_UNIX = 4_102_444_800
"""2100-01-01: later events are mistakes."""


@dataclass(frozen=True, slots=True)
class FileShape:
    """Column → ClickHouse type of some files of one model; `landed` when they were JSON lines."""

    model: Model
    columns: tuple[tuple[str, str], ...]
    landed: bool = False

    @property
    def row(self) -> str:
        return ROW.replace("_row_number", "_row") if self.landed else ROW

    @property
    def files(self) -> str:
        columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in self.columns)
        return f"file({{files}}, Parquet, {literal(columns)}, 'none')"


def landed_columns(model: Model) -> Columns:
    return (*LANDED_ROW, *((name, TEXT) for name in LINE_TEXTS[model]))


def land_lines(files: str, compression: str, model: Model) -> str:
    """SELECT of `landed_columns` from a file of JSON lines; empty lines are nothing."""
    names = LINE_TEXTS[model]
    inside = ", ".join(f"{quoted(name)} {TEXT}" for name in names)
    fields = ", ".join(f"tupleElement(fields, {index}) AS {quoted(name)}" for index, name in enumerate(names, 1))
    return f"""SELECT _row, multiIf(NOT isValidUTF8(line), 'the line is not UTF-8',
NOT isValidJSON(line), 'the line is not valid JSON', JSONType(line) != 'Object', 'the line is not a JSON object', '')
AS _broken, {fields}
FROM (SELECT line, _row_number AS _row, JSONExtract(line, {literal(f"Tuple({inside})")}) AS fields
FROM file({files}, LineAsString, 'line String', {literal(compression)}) WHERE notEmpty(trim(line)))"""


def raw_select(shape: FileShape) -> str:
    """The `Source.select` of these files: raw columns and `row`, a default where a value is bad."""
    read = Reader(shape)
    expressions = EXPRESSIONS[shape.model](read)
    types = dict(RAW_COLUMNS[shape.model])
    selected = ", ".join(
        f"CAST({expression}, {literal(types[name])}) AS {quoted(f'raw {name}')}"
        for name, expression in expressions.items()
    )
    renamed = ", ".join(f"{quoted(f'raw {name}')} AS {quoted(name)}" for name in expressions)
    return f"SELECT {renamed}, row FROM (SELECT {selected}, {shape.row} AS row FROM {shape.files})"


def rejects_select(shape: FileShape) -> str:
    """SELECT of row and reason for every bad row of these files."""
    read = Reader(shape)
    tests = [*([("_broken != ''", "_broken")] if shape.landed else []), *TESTS[shape.model](read)]
    cases = ", ".join(f"{test}, {reason}" for test, reason in tests)
    judged = f"SELECT {shape.row} AS row, multiIf({cases}, '') AS reason FROM {shape.files}"
    return f"SELECT row, reason FROM ({judged}) WHERE reason != ''"


class Reader:
    """SQL of a file's column in the type wanted, whatever type the file gives it; NULL or '' where it has none."""

    def __init__(self, shape: FileShape) -> None:
        self.types = dict(shape.columns)

    def find(self, name: str) -> tuple[str, str] | None:
        for candidate in (name, f"${name}", name.removeprefix("$")):
            if candidate in self.types:
                return quoted(candidate), bare(self.types[candidate])
        return None

    def text(self, name: str) -> str:
        found = self.find(name)
        if found is None:
            return "''"
        column, kind = found
        if kind.startswith(("Tuple", "Map", "Array", "JSON", "Object")):
            return f"toJSONString({column})"
        return f"ifNull({column if kind == 'String' else f'toString({column})'}, '')"

    def uuid(self, name: str) -> str:
        return f"toUUIDOrNull({self.text(name)})"

    def time(self, name: str) -> str:
        found = self.find(name)
        if found is None:
            return "CAST(NULL, 'Nullable(DateTime64(6, \\'UTC\\'))')"
        column, kind = found
        if kind.startswith("Date"):
            return f"toNullable(toDateTime64({column}, 6, 'UTC'))"
        if kind.startswith(("Int", "UInt")):
            return f"toNullable(fromUnixTimestamp64Micro(toInt64({column}), 'UTC'))"
        return f"parseDateTime64BestEffortOrNull({self.text(name)}, 6, 'UTC')"

    def integer(self, name: str) -> str:
        return f"toInt64OrZero({self.text(name)})"

    def number(self, name: str) -> str:
        return f"toFloat64OrNull({self.text(name)})"

    def flag(self, name: str) -> str:
        return f"{self.text(name)} IN ('true', '1', 'True')"


def as_text(kind: str) -> str:
    """Parquet's JSON columns are read as the text they are; as JSON they would nest every name with a dot."""
    return TEXT if bare(kind) in {"JSON", "Object('json')"} else kind


def bare(kind: str) -> str:
    for wrapper in ("Nullable(", "LowCardinality("):
        if kind.startswith(wrapper):
            return bare(kind[len(wrapper) : -1])
    return kind


def person_of(read: Reader) -> str:
    """An event without person_id gets one that follows from its distinct_id."""
    distinct_id = read.text("distinct_id")
    made = f"toUUID(UUIDNumToString(MD5({distinct_id})))"
    return f"ifNull({read.uuid('person_id')}, {made})"


def usable(time: str) -> str:
    return f"ifNull({time}, toDateTime64(0, 6, 'UTC'))"


def event_expressions(read: Reader) -> dict[str, str]:
    timestamp = read.time("timestamp")
    return {
        "uuid": f"ifNull({read.uuid('uuid')}, toUUID('00000000-0000-0000-0000-000000000000'))",
        "event": read.text("event"),
        "distinct_id": read.text("distinct_id"),
        "person_id": person_of(read),
        "properties": read.text("properties"),
        "person_properties": read.text("person_properties"),
        "elements_chain": read.text("elements_chain"),
        "timestamp": usable(timestamp),
        "created_at": usable(f"coalesce({read.time('created_at')}, {timestamp})"),
        "_inserted_at": usable(read.time("_inserted_at")),
    }


def person_expressions(read: Reader) -> dict[str, str]:
    return {
        "distinct_id": read.text("distinct_id"),
        "person_id": f"ifNull({read.uuid('person_id')}, toUUID('00000000-0000-0000-0000-000000000000'))",
        "properties": read.text("properties"),
        "person_distinct_id_version": read.integer("person_distinct_id_version"),
        "person_version": read.integer("person_version"),
        "created_at": usable(read.time("created_at")),
        "is_deleted": read.flag("is_deleted"),
    }


def session_expressions(read: Reader) -> dict[str, str]:
    made = {name: session_field(name, kind, read) for name, kind in SESSIONS}
    started = usable(read.time("start_timestamp"))
    return made | {
        "session_timestamp": started,
        "person_id": person_of(read),
        "max_inserted_at": usable(f"coalesce({read.time('_inserted_at')}, {read.time('end_timestamp')})"),
        "$urls": f"JSONExtract({read.text('urls')}, 'Array(String)')",
        "$entry_has_fbclid": f"{read.text('entry_fbclid')} != ''",
        "$entry_has_gclid": f"{read.text('entry_gclid')} != ''",
        "$session_duration": f"if({read.text('session_duration')} = '', {read.integer('duration')}, "
        f"{read.integer('session_duration')})",
    }


def session_field(name: str, kind: str, read: Reader) -> str:
    if kind == TEXT:
        return f"nullIf({read.text(name)}, '')"
    if "Bool" in kind:
        return f"if({read.text(name)} = '', NULL, {read.flag(name)})"
    if "Float" in kind:
        return read.number(name)
    if "Int" in kind:
        return read.integer(name)
    return usable(read.time(name)) if kind.startswith("DateTime") else read.text(name)


def event_tests(read: Reader) -> list[tuple[str, str]]:
    timestamp = read.time("timestamp")
    texts = " AND ".join(f"isValidUTF8({read.text(name)})" for name in ("event", "distinct_id", "elements_chain"))
    return [
        (f"NOT ({texts})", "'a text is not UTF-8'"),
        (f"isNull({read.uuid('uuid')})", wrong("uuid", "a UUID", read)),
        (f"{read.text('event')} = ''", "'event is missing'"),
        (f"{read.text('distinct_id')} = ''", "'distinct_id is missing'"),
        (f"isNull({timestamp})", wrong("timestamp", "a time", read)),
        (
            f"toUnixTimestamp64Micro(assumeNotNull({timestamp})) NOT BETWEEN 0 AND {MAX_UNIX * 1_000_000}",
            wrong("timestamp", "between 1970 and 2100", read),
        ),
        *person_id_tests(read),
        (bad_json("properties", read), "'properties is not a valid JSON object'"),
        (bad_json("person_properties", read), "'person_properties is not a valid JSON object'"),
    ]


def person_id_tests(read: Reader) -> list[tuple[str, str]]:
    given = read.text("person_id")
    return [(f"{given} != '' AND isNull({read.uuid('person_id')})", wrong("person_id", "a UUID", read))]


def person_tests(read: Reader) -> list[tuple[str, str]]:
    return [
        (f"NOT isValidUTF8({read.text('distinct_id')})", "'a text is not UTF-8'"),
        (f"{read.text('distinct_id')} = ''", "'distinct_id is missing'"),
        (f"{read.text('person_id')} = ''", "'person_id is missing'"),
        *person_id_tests(read),
        (bad_json("properties", read), "'properties is not a valid JSON object'"),
    ]


def session_tests(read: Reader) -> list[tuple[str, str]]:
    return [
        (f"{read.text('session_id')} = ''", "'session_id is missing'"),
        (f"isNull({read.time('start_timestamp')})", wrong("start_timestamp", "a time", read)),
    ]


def bad_json(name: str, read: Reader) -> str:
    text = read.text(name)
    return f"{text} != '' AND (NOT startsWith(trimLeft({text}), '{{') OR NOT isValidJSON({text}))"


def wrong(name: str, kind: str, read: Reader) -> str:
    shown = f"substringUTF8(toValidUTF8({read.text(name)}), 1, 60)"
    return f"concat({literal(f'{name} is not {kind}: ')}, {shown})"


EXPRESSIONS: Mapping[Model, Callable[[Reader], dict[str, str]]] = {
    "events": event_expressions,
    "persons": person_expressions,
    "sessions": session_expressions,
}
TESTS: Mapping[Model, Callable[[Reader], list[tuple[str, str]]]] = {
    "events": event_tests,
    "persons": person_tests,
    "sessions": session_tests,
}
