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
class Edit:
    """What mends a finding: the text that replaces `start` to `end` (code points of the query)."""

    start: int
    end: int
    text: str

    def on(self, query: str) -> str:
        """The query with this edit applied."""
        return query[: self.start] + self.text + query[self.end :]


WITHOUT_PAGE = frozenset({"hogql_syntax", "hogql_resolution", "filters"})


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
    edit: Edit | None = None
    """The mend as text, where there is one to be sure of."""
    edit_place: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Line, column, end line and end column of the edit."""
    source: str = ""
    """Who found it, where that is not this checker: `posthog` for the host's own check."""

    @property
    def knowledge(self) -> str | None:
        """The id of the knowledge entry that explains this finding; errors of syntax and names explain themselves."""
        return None if self.code in WITHOUT_PAGE or self.source else self.code.replace("_", "-")

    def as_json(self) -> dict[str, Json]:
        """As tools show it; `edit.text` replaces what stands from its line and column to its end."""
        shown: dict[str, Json] = {
            "code": self.code,
            "message": self.message,
            "line": self.line,
            "column": self.column,
            "end_line": self.end_line,
            "end_column": self.end_column,
            "fix": self.fix,
        }
        if self.edit:
            line, column, end_line, end_column = self.edit_place
            place: dict[str, Json] = {"line": line, "column": column, "end_line": end_line, "end_column": end_column}
            shown["edit"] = {**place, "text": self.edit.text}
        if self.knowledge:
            shown["knowledge"] = self.knowledge
        if self.source:
            shown["source"] = self.source
        return shown


def position(query: str, offset: int) -> tuple[int, int]:
    """1-based line and column of a code-point offset."""
    offset = max(0, min(offset, len(query)))
    return query.count("\n", 0, offset) + 1, offset - (query.rfind("\n", 0, offset) + 1) + 1


def diagnostic(
    severity: Literal["error", "warning"],
    code: str,
    message: str,
    query: str,
    span: Span,
    fix: str = "",
    edit: Edit | None = None,
) -> Diagnostic:
    """Build a Diagnostic, working out lines, columns and the offending text from the span."""
    line, column = position(query, span.start)
    end_line, end_column = position(query, span.end)
    text = query[span.start : span.end][:200]
    place = (*position(query, edit.start), *position(query, edit.end)) if edit else (0, 0, 0, 0)
    return Diagnostic(severity, code, message, span, line, column, end_line, end_column, text, fix, edit, place)
