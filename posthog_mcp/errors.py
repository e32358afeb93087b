"""The error family: every failure a person or a model should read.

    PostHogMcpError
    ├── HogQLSyntaxError       [hogql_syntax]      the text is not HogQL
    ├── HogQLResolutionError   [hogql_resolution]  it parses, but a name, type or arity is wrong
    ├── InvalidInput           [invalid_input]     an argument, setting or file is wrong
    ├── NotFound               [not_found]         no such thing in this project
    ├── Forbidden              [forbidden]         the key, scope or safety policy refuses
    ├── WriteDisabled          [write_disabled]    a write without --allow-writes
    ├── RateLimited            [rate_limited]      a quota is used up; carries when to retry
    ├── QueryTimeout           [timeout]           the time limit passed
    └── Unavailable            [unavailable]       the backend, an extra or a worker cannot answer

Raised where the fact is known; turned into words once, at the edge (`as_text`).
Nothing here may carry a secret: messages are shown to models and written to logs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class PostHogMcpError(Exception):
    """Base of the family. `fix` says what to do; `context` holds only values safe to show."""

    code: ClassVar[str] = "unavailable"

    def __init__(self, message: str, *, fix: str = "", context: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.context: dict[str, object] = dict(context or {})

    def as_text(self) -> str:
        """`[code] message Fix: …`, the one spelling shown to models and on the command line."""
        text = f"[{self.code}] {self.message}"
        text = f"{text} Fix: {self.fix}" if self.fix else text
        corrected = self.context.get("corrected")
        return f"{text}\nCorrected query, checked and ready to run:\n{corrected}" if corrected else text


class HogQLSyntaxError(PostHogMcpError):
    """The text does not parse as HogQL. `context` has line, column (both 1-based) and text."""

    code = "hogql_syntax"


class HogQLResolutionError(PostHogMcpError):
    """A name, type, arity or placeholder does not resolve. `context` as for HogQLSyntaxError."""

    code = "hogql_resolution"


class InvalidInput(PostHogMcpError):
    """An argument, a setting, or a file's content is wrong."""

    code = "invalid_input"


class NotFound(PostHogMcpError):
    """The named thing does not exist in this project."""

    code = "not_found"


class Forbidden(PostHogMcpError):
    """The key, its scope, or our safety policy refuses."""

    code = "forbidden"


class WriteDisabled(PostHogMcpError):
    """A write was asked for and writes are off."""

    code = "write_disabled"


class RateLimited(PostHogMcpError):
    """A quota is used up. `context["retry_after_seconds"]` where known."""

    code = "rate_limited"


class QueryTimeout(PostHogMcpError):
    """The query ran longer than its time limit and was stopped."""

    code = "timeout"


class Unavailable(PostHogMcpError):
    """The backend, an optional part, or a worker process cannot answer now."""

    code = "unavailable"
