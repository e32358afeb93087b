"""Names in printed HogQL: bare where both parsers read them back, else in backticks."""

from __future__ import annotations

from posthog_mcp.hogql import spelling

STATEMENTS = frozenset({"catch", "finally", "fn", "fun", "infinity", "let", "throw", "try", "while"})
"""Words of Hog, the programming language, and a number: no name may be one."""
FORMS = frozenset({"columns", "date", "timestamp"})
"""Words that begin a construct of their own before a bracket or a text."""


def identifier(name: str) -> str:
    """A name anywhere."""
    return f"`{name}`" if name.lower() in STATEMENTS else spelling.identifier(name)


def called(name: str) -> str:
    """A function's name, before its bracket."""
    return f"`{name}`" if name.lower() in FORMS else identifier(name)
