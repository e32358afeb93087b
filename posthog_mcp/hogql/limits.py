"""The one place where row limits are applied: a query's text in, the same text with a binding LIMIT out.

Edits by places, so the author's text, comments and all, stays as it is. A limit that is small enough is left alone;
a constant one that is too large is replaced; where there is none one is added; and what cannot be bounded in place
(WITH TIES, percent, a computed limit) is bounded from outside.
"""

from __future__ import annotations

from dataclasses import dataclass

from posthog_mcp.hogql.tokens import tokens
from posthog_mcp.hogql.tree import Constant, Expr, Node, SelectQuery, SelectSetQuery, walk


@dataclass(frozen=True, slots=True)
class Bounded:
    """The text to run, and the most rows it gives. `added`: a LIMIT of ours binds; `lowered`: theirs was too large."""

    query: str
    limit: int
    added: bool = False
    lowered: bool = False


def bounded(query: str, tree: Node | None, *, default: int, cap: int) -> Bounded:
    """Bound the rows of a query whose parse is `tree`: `default` where it says nothing, at most `cap`."""
    default = min(default, cap)
    if not isinstance(tree, SelectQuery | SelectSetQuery):
        return Bounded(query, default)
    end = body_end(query, tree)
    body, rest = query[:end], query[end:]
    if tree.limit is None and tree.offset is not None:
        # HogQL reads LIMIT before OFFSET only.
        words = [each for each in tokens(query[: tree.offset.start]) if each.lowered == "offset"]
        at = words[-1].start if words else end
        return Bounded(f"{query[:at]}LIMIT {default} {query[at:]}", default, added=True)
    if tree.limit is None:
        # A bare LIMIT after a UNION would bind its last part only; in brackets it binds the whole.
        whole = body if isinstance(tree, SelectQuery) else f"({body})"
        return Bounded(f"{whole} LIMIT {default}{rest}", default, added=True)
    rows = constant_limit(tree.limit)
    if rows is None or tree.limit_percent or tree.limit_with_ties:
        return Bounded(f"SELECT * FROM ({body}) LIMIT {cap}{rest}", cap, added=True)  # noqa: S608 - HogQL, checked before it runs
    if abs(rows) <= cap:
        return Bounded(query, abs(rows))
    at = tree.limit.span
    return Bounded(f"{query[: at.start]}{cap if rows > 0 else -cap}{query[at.end :]}", cap, lowered=True)


def constant_limit(limit: Expr) -> int | None:
    """The number of a literal LIMIT; None when it is computed or a fraction. Negative: the last rows."""
    value = limit.value if isinstance(limit, Constant) else None
    if isinstance(value, bool | None) or (isinstance(value, float) and not value.is_integer()):
        return None
    try:
        return int(value)
    except ValueError:
        return None


def body_end(query: str, tree: Node) -> int:
    """Where the last token ends, a closing `;` and comments left out.

    Only what follows the last node is read as tokens: before it, text in tags could pass for code.
    """
    end = min(max(node.end for node in walk(tree)), len(query))
    for token in tokens(query, end):
        if token.text != ";":
            end = token.end
    return end
