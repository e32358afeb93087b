"""Words every room shares about answers: columns, tables, warnings, projects, time ranges.

Plain data with no behaviour beyond construction. `Json` is the type of anything that can be
written as strict JSON (no NaN, no infinity).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, cast

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
LONE = re.compile("[\ud800-\udfff]")
"""Half of a UTF-16 surrogate pair. JSON can spell one; UTF-8, and so any file, database or answer, cannot hold it."""
ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")
BackendKind = Literal["local", "posthog"]


@dataclass(frozen=True, slots=True)
class ProjectInfo:
    """Which project an answer came from. `timezone` is an IANA name; `host` has no path."""

    id: int
    name: str
    timezone: str
    backend: BackendKind
    host: str
    week_start_day: Literal[0, 1] = 0
    """PostHog's setting: 0 Sunday, 1 Monday."""

    def as_json(self) -> dict[str, Json]:
        """The `project` field of every tool result."""
        return {
            "id": self.id,
            "name": self.name,
            "timezone": self.timezone,
            "backend": self.backend,
            "host": self.host,
        }


@dataclass(frozen=True, slots=True)
class DateRange:
    """ISO 8601 bounds in the project's time zone; None where the query leaves a side open."""

    date_from: str | None
    date_to: str | None
    timezone: str

    def as_json(self) -> dict[str, Json]:
        return {"from": self.date_from, "to": self.date_to, "timezone": self.timezone}


@dataclass(frozen=True, slots=True)
class Column:
    """A result column; `type` is the ClickHouse type, or the HogQL type before execution."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Note:
    """A warning beside a result: stable `code`, what is the matter, and how to mend it."""

    code: str
    message: str
    fix: str = ""

    def as_json(self) -> dict[str, Json]:
        return {"code": self.code, "message": self.message, "fix": self.fix}


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as a backend returned them: strict-JSON cells in column order.

    Cells: integers beyond ±2^53 and Decimals are text, NaN and infinities are the texts "NaN",
    "Infinity", "-Infinity", times are ISO 8601 with offset in the project's time zone, bytes that
    are not UTF-8 are replaced by U+FFFD. Each such change is announced in `notes`.
    """

    columns: tuple[Column, ...]
    rows: list[list[Json]]
    notes: tuple[Note, ...] = field(default=())


def read_json(content: str | bytes | bytearray) -> Json:
    """JSON of others, with halves of surrogate pairs as U+FFFD.

    Raises:
        ValueError: it is none.
        RecursionError: it is nested too deeply.
    """
    text = content if isinstance(content, str) else content.decode("utf-8-sig", "replace")
    found = cast("Json", json.loads(text))
    return whole(found) if ESCAPED_HALF.search(text) or LONE.search(text) else found


def whole(value: Json) -> Json:
    """The value with halves of surrogate pairs, in texts and keys, as U+FFFD."""
    if isinstance(value, str):
        return LONE.sub("\ufffd", value)
    if isinstance(value, list):
        return [whole(each) for each in value]
    if isinstance(value, dict):
        return {LONE.sub("\ufffd", name): whole(item) for name, item in value.items()}
    return value
