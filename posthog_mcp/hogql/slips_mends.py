"""Mends that need the whole query: a code fence taken off, signs made plain, brackets closed."""

from __future__ import annotations

import re

from posthog_mcp.hogql.diagnostics import Edit
from posthog_mcp.hogql.slips_edits import spelled
from posthog_mcp.hogql.slips_place import Place
from posthog_mcp.hogql.tokens import CLOSING, OPENING, Token

CLAUSES = (
    "select",
    "from",
    "where",
    "group",
    "order",
    "having",
    "limit",
    "offset",
    "join",
    "union",
    "qualify",
    "window",
)
WRAPPING = re.compile(
    r"\A\s*(?:```\w*|`|\"|')\s*(?=select\b|with\b)(.*?)\s*(?:```|`|\"|')\s*\Z", re.IGNORECASE | re.DOTALL
)


def unwrapped(query: str) -> Edit | None:
    """The query without the quotes or code fence around it."""
    found = WRAPPING.match(query)
    return Edit(0, len(query), found[1]) if found else None


def select_first(place: Place) -> Edit | None:
    """`FROM events SELECT x WHERE …` with SELECT at its beginning."""
    words = [token.lowered for token in place.all]
    if words.count("select") != 1 or words.count("from") != 1:
        return None
    at = words.index("select")
    end = next((i for i in range(at + 1, len(words)) if words[i] in CLAUSES), len(words))
    text = f"{spelled(place.all, at, end - 1)} {spelled(place.all, 0, at - 1)}"
    return Edit(place.all[0].start, place.all[end - 1].end, text)


PLAIN = {
    **dict.fromkeys("“”„«»‘’‚´", "'"),
    **dict.fromkeys("–—−", "-"),
    "≥": ">=",
    "≤": "<=",
    "≠": "!=",
    "\u200b": "",
}
SIGNS = {"&": ("&&", "AND"), "!": ("!", "NOT ")}


def plain_characters(query: str, offset: int) -> Edit | None:
    """All typographic signs from here on as plain ones; `&&` and `!` as words."""
    sign = query[offset]
    if sign in SIGNS:
        written, word = SIGNS[sign]
        end = offset + (len(written) if query.startswith(written, offset) else 1)
        return Edit(offset, end, word)
    if sign not in PLAIN:
        return None
    return Edit(offset, len(query), "".join(PLAIN.get(each, each) for each in query[offset:]))


def closed(place: Place, opened: Token, bracket: str) -> Edit:
    """The missing bracket, at the query's end when a query stands inside, else before the next clause."""
    first = place.all.index(opened)
    query = first + 1 < len(place.all) and place.all[first + 1].lowered in ("select", "with")
    ends = [each.start for each in place.all[first + 1 :] if each.lowered in CLAUSES and not query]
    body = place.query[: ends[0]].rstrip() if ends else place.query[: place.all[-1].end].rstrip("; \n")
    return Edit(len(body), len(body), bracket)


def case_end(place: Place, opened: Token) -> Edit:
    """END before the next clause, comma, closing bracket or alias."""
    depth = 0
    last = opened
    for token in place.all[place.all.index(opened) + 1 :]:
        depth -= token.text in CLOSING
        if depth < 0 or (depth == 0 and (token.text == "," or token.lowered in (*CLAUSES, "as"))):
            break
        depth += token.text in OPENING
        last = token
    return Edit(last.end, last.end, " END")
