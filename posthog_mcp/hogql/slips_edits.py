"""Edits that turn another SQL's construct into HogQL, from its tokens.

Each takes all tokens of the query and the first and last index of the construct, and gives the edit, or None where
the text does not have the form that it knows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from posthog_mcp.hogql.diagnostics import Edit
from posthog_mcp.hogql.spelling import identifier
from posthog_mcp.hogql.tokens import CLOSING, OPENING, Token

Tokens: TypeAlias = Sequence[Token]
PARTS = {
    "year": "toYear",
    "quarter": "toQuarter",
    "month": "toMonth",
    "week": "toISOWeek",
    "day": "toDayOfMonth",
    "dow": "toDayOfWeek",
    "isodow": "toDayOfWeek",
    "doy": "toDayOfYear",
    "hour": "toHour",
    "minute": "toMinute",
    "second": "toSecond",
    "epoch": "toUnixTimestamp",
}


def put(form: str) -> Callable[[Tokens, int, int], Edit]:
    """The construct's tokens in another form; `{n}` is its token n."""

    def edit(all_: Tokens, first: int, last: int) -> Edit:
        texts = [token.text for token in all_[first : last + 1]]
        return Edit(all_[first].start, all_[last].end, form.format(*texts))

    return edit


def removed(all_: Tokens, first: int, last: int) -> Edit:
    """Nothing in its place; the space before it goes too."""
    start = all_[first - 1].end if first else all_[first].start
    return Edit(start, all_[last].end, "")


def removed_to_end(all_: Tokens, first: int, last: int) -> Edit:
    """Nothing from here to the end."""
    return removed(all_, first, len(all_) - 1)


def inside(before: str, after: str) -> Callable[[Tokens, int, int], Edit]:
    """The text between the last token's quotes, with something around it."""

    def edit(all_: Tokens, first: int, last: int) -> Edit:
        return Edit(all_[first].start, all_[last].end, before + all_[last].text[1:-1] + after)

    return edit


def closing(all_: Tokens, opening: int) -> int | None:
    """The index of the bracket that closes the one at `opening`."""
    depth = 0
    for i in range(opening, len(all_)):
        depth += all_[i].text in OPENING
        depth -= all_[i].text in CLOSING
        if depth == 0:
            return i
    return None


def spelled(all_: Tokens, first: int, last: int) -> str:
    """The tokens from one index to another, spaced as they were."""
    texts = [all_[first].text]
    for i in range(first + 1, last + 1):
        texts.append((" " if all_[i].start > all_[i - 1].end else "") + all_[i].text)
    return "".join(texts)


def topped(all_: Tokens, first: int, last: int) -> Edit | None:
    """`SELECT TOP 10 …` as `SELECT … LIMIT 10`, in a query that is one SELECT."""
    words = [token.lowered for token in all_]
    if words.count("select") != 1 or "limit" in words:
        return None
    end = len(all_) - 1
    while end > last and all_[end].text == ";":
        end -= 1
    rest = spelled(all_, last + 1, end)
    return Edit(all_[first].start, all_[end].end, f"{rest} LIMIT {all_[last].text}")


def replaced_star(all_: Tokens, first: int, last: int) -> Edit | None:
    """`* REPLACE (…)` in brackets."""
    end = closing(all_, last + 1) if last + 1 < len(all_) and all_[last + 1].text == "(" else None
    if end is None:
        return None
    return Edit(all_[first].start, all_[end].end, f"({spelled(all_, first, end)})")


def extracted(all_: Tokens, first: int, last: int) -> Edit | None:
    """`EXTRACT(year FROM x)` as `toYear(x)`."""
    end = closing(all_, first + 1)
    part = PARTS.get(all_[first + 2].lowered.strip("'"))
    if end is None or part is None or end <= last + 1:
        return None
    return Edit(all_[first].start, all_[end].end, f"{part}({spelled(all_, last + 1, end - 1)})")


def substring_from(all_: Tokens, first: int, last: int) -> Edit | None:
    """`SUBSTRING(x FROM a FOR b)` as `substring(x, a, b)`."""
    end = closing(all_, first + 1)
    if end is None or end <= last + 1:
        return None
    middle = next((i for i in range(last + 1, end) if all_[i].lowered == "for"), None)
    parts = [all_[first + 2].text, spelled(all_, last + 1, (middle or end) - 1)]
    if middle and middle + 1 < end:
        parts.append(spelled(all_, middle + 1, end - 1))
    return Edit(all_[first].start, all_[end].end, f"substring({', '.join(parts)})")


def fetched(all_: Tokens, first: int, last: int) -> Edit | None:
    """`FETCH FIRST 10 ROWS ONLY` as `LIMIT 10`."""
    return Edit(all_[first].start, all_[last].end, f"LIMIT {all_[first + 2].text}")


def part(all_: Tokens, first: int, last: int) -> Edit:
    """`properties.'name'` as `properties.name`."""
    return Edit(all_[first].start, all_[last].end, "." + identifier(all_[last].text[1:-1]))


def member(all_: Tokens, first: int, last: int) -> Edit:
    """`properties->>'name'` as `properties.name`."""
    start = all_[first - 1].end if first else all_[first].start
    return Edit(start, all_[last].end, "." + identifier(all_[last].text[1:-1]))
