"""The one place where a query's row limit is applied: by editing its text, so that what ran can be shown and sent.

PostHog adds LIMIT 100 silently and cuts at 50,000; here the caller chooses both numbers and is told what was done.
"""

from __future__ import annotations

from dataclasses import dataclass

from posthog_mcp.hogql.tree_expressions import Constant
from posthog_mcp.hogql.tree_queries import Query, SelectQuery


@dataclass(frozen=True, slots=True)
class Bounded:
    """A text whose answer has at most `limit` rows; `added` or `lowered` say how it differs from the author's."""

    query: str
    limit: int
    added: bool
    lowered: bool


def constant_limit(tree: Query) -> int | None:
    """The author's own LIMIT where it binds the whole query and is a plain number of rows."""
    limit = tree.limit
    plain = isinstance(limit, Constant) and isinstance(limit.value, int) and not isinstance(limit.value, bool)
    if not plain or tree.limit_percent or tree.limit_with_ties or tree.limit is None:
        return None
    value = limit.value if isinstance(limit, Constant) else None
    return value if isinstance(value, int) and value >= 0 else None


def bounded(query: str, tree: Query, *, default: int, cap: int) -> Bounded:
    """Give a query without a LIMIT `default` rows at most, and none more than `cap`.

    `tree` is the parse of `query`; its places are trusted. A LIMIT that is not a plain number (percent, WITH TIES, an
    expression) stays inside and the whole is limited around it.
    """
    own = constant_limit(tree)
    if own is not None and own <= cap:
        return Bounded(query, own, added=False, lowered=False)
    if own is not None and tree.limit is not None:
        return Bounded(query[: tree.limit.start] + str(cap) + query[tree.limit.end :], cap, added=False, lowered=True)
    body = query[: tree.end] if 0 < tree.end <= len(query) else query
    if isinstance(tree, SelectQuery) and tree.limit is None and tree.offset is None:
        return Bounded(f"{body.rstrip()}\nLIMIT {default}", default, added=True, lowered=False)
    most = cap if tree.limit is not None else default
    return Bounded(f"SELECT * FROM (\n{body}\n)\nLIMIT {most}", most, added=True, lowered=False)
