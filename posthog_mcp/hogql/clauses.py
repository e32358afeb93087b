"""Where the clauses of one SELECT stand in the author's text, and edits that add to them.

Told from the tokens at the SELECT's own depth of brackets: the tree keeps no place for a keyword, and where a node
ends does not say where its brackets do.
"""

from __future__ import annotations

from posthog_mcp.hogql.diagnostics import Edit, Span
from posthog_mcp.hogql.tokens import CLOSING, OPENING, tokens
from posthog_mcp.hogql.tree_expressions import Or
from posthog_mcp.hogql.tree_queries import SelectQuery

CLAUSE_WORDS = frozenset(
    ["select", "from", "prewhere", "where", "group", "having", "qualify", "window", "order", "limit", "offset"]
)
NEXT_QUERY = frozenset({"union", "intersect", "except"})


def clause_spans(query: str, node: SelectQuery) -> dict[str, Span]:
    """Each clause from its keyword to the end of its last token; a second LIMIT (after LIMIT BY) is not told apart."""
    spans: dict[str, Span] = {}
    depth, base = 0, -1
    current, before = "", ""
    for token in tokens(query, node.start):
        word = token.lowered if token.kind == "word" and before != "." else ""
        before = token.text
        if base < 0:
            depth += token.text in OPENING
            if word in ("select", "with"):
                base, current = depth, word
                spans[current] = Span(token.start, token.end)
            continue
        depth -= token.text in CLOSING
        if depth < base or (depth == base and (word in NEXT_QUERY or token.text == ";")):
            break
        if depth == base and word in CLAUSE_WORDS and word not in spans:
            current = word
            spans[current] = Span(token.start, token.end)
        spans[current] = Span(spans[current].start, token.end)
        depth += token.text in OPENING
    return spans


def end_before(spans: dict[str, Span], clauses: frozenset[str]) -> int:
    """Where something belongs that stands before these clauses: the end of the last clause that is none of them."""
    return max((span.end for word, span in spans.items() if word not in clauses), default=0)


def group_by_edit(query: str, node: SelectQuery, columns: list[str]) -> Edit | None:
    """GROUP BY with these columns added."""
    listed = ", ".join(columns)
    spans = clause_spans(query, node)
    if "group" in spans:
        end = spans["group"].end
        return Edit(end, end, f", {listed}")
    if "select" not in spans:
        return None
    end = end_before(spans, frozenset({"having", "qualify", "window", "order", "limit", "offset"}))
    return Edit(end, end, f" GROUP BY {listed}")


def condition_edit(query: str, node: SelectQuery, condition: str) -> Edit | None:
    """One more condition in WHERE."""
    spans = clause_spans(query, node)
    found = spans.get("where")
    if found:
        start = found.start + len("where")
        if isinstance(node.where, Or):
            return Edit(start, found.end, f" {condition} AND ({query[start : found.end].strip()})")
        return Edit(start, start, f" {condition} AND")
    if "from" not in spans:
        return None
    end = spans.get("prewhere", spans["from"]).end
    return Edit(end, end, f" WHERE {condition}")
