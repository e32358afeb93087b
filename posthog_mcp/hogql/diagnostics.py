"""What a check found: errors and warnings with exact places and a fix.

Lines and columns are 1-based and count code points; `end_column` is one past the last one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from posthog_mcp.results import Json


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open range of code-point offsets into the query text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. `code` is `hogql_syntax`, `hogql_resolution`, or a lint's id."""

    severity: Literal["error", "warning"]
    code: str
    message: str
    span: Span
    line: int
    column: int
    end_line: int
    end_column: int
    text: str
    """The offending text."""
    fix: str = ""
    """What to do, nearest valid names included."""

    def as_json(self) -> dict[str, Json]:
        return {
            "code": self.code,
            "message": self.message,
            "line": self.line,
            "column": self.column,
            "end_line": self.end_line,
            "end_column": self.end_column,
            "fix": self.fix,
        }


def position(query: str, offset: int) -> tuple[int, int]:
    """1-based line and column of a code-point offset."""
    offset = max(0, min(offset, len(query)))
    return query.count("\n", 0, offset) + 1, offset - (query.rfind("\n", 0, offset) + 1) + 1


def diagnostic(
    severity: Literal["error", "warning"], code: str, message: str, query: str, span: Span, fix: str = ""
) -> Diagnostic:
    """Build a Diagnostic, working out lines, columns and the offending text from the span."""
    line, column = position(query, span.start)
    end_line, end_column = position(query, span.end)
    return Diagnostic(
        severity, code, message, span, line, column, end_line, end_column, query[span.start : span.end][:200], fix
    )
