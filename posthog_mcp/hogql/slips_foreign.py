"""What people bring from other SQLs that HogQL refuses: token patterns, and what to write instead.

Data for `slips.py`, which looks for a pattern where the parser stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from posthog_mcp.hogql.diagnostics import Edit
from posthog_mcp.hogql.slips_edits import (
    Tokens,
    extracted,
    fetched,
    inside,
    member,
    part,
    put,
    removed,
    removed_to_end,
    replaced_star,
    substring_from,
    topped,
)
from posthog_mcp.hogql.tokens import Token

Rewrite: TypeAlias = Callable[[Tokens, int, int], Edit | None]
"""From all tokens and the first and last index of the construct to what mends it."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """A construct of another SQL: its tokens in lower case (`'` any text, `#` a number, `**` a star, `*` any token)."""

    pattern: tuple[str, ...]
    message: str
    fix: str
    anywhere: bool = False
    """Also when the parser stopped elsewhere: the C++ parser blames the whole statement for these."""
    rewrite: Rewrite | None = None


PLACEHOLDER = "Write a placeholder, {name}, and give it in `values`."
DATE_FIX = "Write toDate('…') or toDateTime('…')."
NO_CLAUSE = "SETTINGS, FORMAT and INTO OUTFILE are not part of HogQL."
EXCEPT = "`* EXCEPT …` is not HogQL."
EXCLUDE = "Write `* EXCLUDE (a, b)`, or name the columns."
SAMPLE, SAMPLE_FIX = "TABLESAMPLE is not HogQL.", "Write SAMPLE 0.1 after the table."
FETCH = "FETCH FIRST is not HogQL."
ARROWS, ARROWS_FIX = "`->>` is not HogQL.", "Write properties.name or properties['name']."
BRACKETS, BRACKETS_FIX = "[…] cannot be a table.", "Write the table's name without brackets."
FOREIGN = (
    Foreign(("settings",), NO_CLAUSE, "Remove the clause.", True, removed_to_end),
    Foreign(("into", "outfile"), NO_CLAUSE, "Remove the clause.", rewrite=removed_to_end),
    Foreign(("format", "*"), NO_CLAUSE, "Remove the clause.", rewrite=removed),
    Foreign(("date", "'"), "DATE '…' literals are not HogQL.", DATE_FIX, True, put("toDate({1})")),
    Foreign(("timestamp", "'"), "TIMESTAMP '…' literals are not HogQL.", DATE_FIX, True, put("toDateTime({1})")),
    Foreign(("datetime", "'"), "DATETIME '…' literals are not HogQL.", DATE_FIX, True, put("toDateTime({1})")),
    Foreign(("top", "#"), "TOP is not HogQL.", "Write LIMIT n at the end.", True, topped),
    Foreign(("**", "except", "("), EXCEPT, EXCLUDE, rewrite=put("* EXCLUDE (")),
    Foreign(("**", "except", "*"), EXCEPT, EXCLUDE, rewrite=put("* EXCLUDE ({2})")),
    Foreign(("**", "replace"), "`* REPLACE (…)` is not HogQL.", "Write `(* REPLACE (x AS a))`, or name the columns.",
            rewrite=replaced_star),
    Foreign(("extract", "(", "*", "from"), "EXTRACT(… FROM …) is not HogQL.", "Write toYear(x), toMonth(x), ….", True,
            extracted),
    Foreign(("substring", "(", "*", "from"), "SUBSTRING(… FROM …) is not HogQL.", "Write substring(x, 1, 3).", True,
            substring_from),
    Foreign(("trim", "(", "*", "*", "from"), "TRIM(… FROM …) is not HogQL.", "Write trim(x).", True),
    Foreign(("global", "in"), "GLOBAL IN is not HogQL.", "Write IN.", rewrite=put("IN")),
    Foreign(("global", "not"), "GLOBAL NOT IN is not HogQL.", "Write NOT IN.", rewrite=put("NOT")),
    Foreign(("tablesample", "*", "(", "#", ")"), SAMPLE, SAMPLE_FIX, True),
    Foreign(("tablesample",), SAMPLE, SAMPLE_FIX),
    Foreign(("escape", "'"), "LIKE … ESCAPE is not HogQL.", "Write a backslash before the sign: '\\\\%'.",
            rewrite=removed),
    Foreign(("fetch", "*", "#", "*", "only"), FETCH, "Write LIMIT n.", True, fetched),
    Foreign(("fetch", "*"), FETCH, "Write LIMIT n."),
    Foreign(("offset", "#", "rows"), "OFFSET … ROWS is not HogQL.", "Write LIMIT n OFFSET m.",
            rewrite=put("OFFSET {1}")),
    Foreign(("limit", "#", "rows"), "LIMIT … ROWS is not HogQL.", "Write LIMIT n.", rewrite=put("LIMIT {1}")),
    Foreign(("-", ">", ">", "'"), ARROWS, ARROWS_FIX, rewrite=member),
    Foreign(("->", ">", "'"), ARROWS, ARROWS_FIX, True, rewrite=member),
    Foreign(("->", "'"), "`->` reads no JSON in HogQL.", ARROWS_FIX, rewrite=member),
    Foreign(("-", ">", ">"), ARROWS, ARROWS_FIX),
    Foreign(("->", ">"), ARROWS, ARROWS_FIX),
    Foreign((".", "'"), "A property's name stands without quotes after a dot.", ARROWS_FIX, rewrite=part),
    Foreign(("==", "="), "`===` is not HogQL.", "Write =.", rewrite=put("=")),
    Foreign(("=", "<"), "`=<` is not HogQL.", "Write <=.", rewrite=put("<=")),
    Foreign(("=", ">"), "`=>` is not HogQL.", "Write >=.", rewrite=put(">=")),
    Foreign(("&", "&"), "`&&` is not HogQL.", "Write AND.", rewrite=put("AND")),
    Foreign(("contains", "'"), "CONTAINS is not HogQL.", "Write x ILIKE '%text%'.", rewrite=inside("ILIKE '%", "%'")),
    Foreign(("rlike", "'"), "RLIKE is not HogQL.", "Write x =~ 'pattern'.", rewrite=put("=~ {1}")),
    Foreign(("regexp", "'"), "REGEXP is not HogQL.", "Write x =~ 'pattern'.", rewrite=put("=~ {1}")),
    Foreign(("similar", "to", "'"), "SIMILAR TO is not HogQL.", "Write x =~ 'pattern'.", rewrite=put("=~ {2}")),
    Foreign(("in", "(", ")"), "IN () lists no values.", "List at least one value."),
    Foreign(("?",), "`?` does not stand for a value here.", PLACEHOLDER),
    Foreign((":", "*"), "`:name` does not stand for a value here.", PLACEHOLDER, rewrite=put("{{{1}}}")),
    Foreign(("%", "(", "*", ")"), "`%(name)s` does not stand for a value here.", PLACEHOLDER),
    Foreign(("not", "null"), "`NOT NULL` alone is no condition.", "Write x IS NOT NULL.", rewrite=put("IS NOT NULL")),
    Foreign(("map", "{"), "map{…} is not HogQL.", "Write map('a', 1)."),
    Foreign(("as", "select"), "A query after AS stands in brackets.", "Write WITH name AS (SELECT …)."),
    Foreign(("with", "*", "("), "WITH is missing its AS.", "Write WITH name AS (SELECT …).",
            rewrite=put("WITH {1} AS (")),
    Foreign((")", "*", "as", "("), "WITH queries are separated by commas.", "Write a comma before the name.",
            rewrite=put("), {1} AS (")),
    Foreign(("from", "'"), "A text cannot be a table.", "Write the table's name without quotes.",
            rewrite=inside("FROM ", "")),
    Foreign(("from", "[", "*", "]"), BRACKETS, BRACKETS_FIX, rewrite=put("FROM {2}")),
    Foreign(("from", "["), BRACKETS, BRACKETS_FIX),
)  # fmt: skip


def fits(pattern: str, token: Token) -> bool:
    if pattern == "**":
        return token.text == "*"
    if pattern in "'#":
        return token.kind == ("string" if pattern == "'" else "number")
    if pattern == "*" and token.text == "*":
        return True
    return token.lowered == pattern or (pattern == "*" and token.kind in ("word", "name", "string", "number"))
