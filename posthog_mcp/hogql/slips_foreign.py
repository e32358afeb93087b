"""What people bring from other SQLs that HogQL refuses: token patterns, and what to write instead.

Data for `slips.py`, which looks for a pattern where the parser stopped.
"""

from __future__ import annotations

from dataclasses import dataclass

from posthog_mcp.hogql.tokens import Token


@dataclass(frozen=True, slots=True)
class Foreign:
    """A construct of another SQL: its tokens in lower case (`'` any text, `#` a number, `*` any token)."""

    pattern: tuple[str, ...]
    message: str
    fix: str
    anywhere: bool = False
    """Also when the parser stopped elsewhere: the C++ parser blames the whole statement for these."""


PLACEHOLDER = "Write a placeholder, {name}, and give it in `values`."
DATE_FIX = "Write toDate('…') or toDateTime('…')."
NO_CLAUSE = "SETTINGS, FORMAT and INTO OUTFILE are not part of HogQL."
FOREIGN = (
    Foreign(("settings",), NO_CLAUSE, "Remove the clause.", anywhere=True),
    Foreign(("into", "outfile"), NO_CLAUSE, "Remove the clause."),
    Foreign(("format", "*"), NO_CLAUSE, "Remove the clause."),
    Foreign(("date", "'"), "DATE '…' literals are not HogQL.", DATE_FIX, anywhere=True),
    Foreign(("timestamp", "'"), "TIMESTAMP '…' literals are not HogQL.", DATE_FIX, anywhere=True),
    Foreign(("top", "#"), "TOP is not HogQL.", "Write LIMIT n at the end.", anywhere=True),
    Foreign(("*", "except", "("), "`* EXCEPT (…)` is not HogQL.", "Write `* EXCLUDE (a, b)`, or name the columns."),
    Foreign(("*", "except"), "`* EXCEPT …` is not HogQL.", "Write `* EXCLUDE (a, b)`, or name the columns."),
    Foreign(("*", "replace"), "`* REPLACE (…)` is not HogQL.", "Write `(* REPLACE (x AS a))`, or name the columns."),
    Foreign(("extract", "(", "*", "from"), "EXTRACT(… FROM …) is not HogQL.", "Write toYear(x), toMonth(x), …."),
    Foreign(("substring", "(", "*", "from"), "SUBSTRING(… FROM …) is not HogQL.", "Write substring(x, 1, 3).", True),
    Foreign(("trim", "(", "*", "*", "from"), "TRIM(… FROM …) is not HogQL.", "Write trim(x).", True),
    Foreign(("global", "in"), "GLOBAL IN is not HogQL.", "Write IN."),
    Foreign(("global", "not"), "GLOBAL NOT IN is not HogQL.", "Write NOT IN."),
    Foreign(("tablesample",), "TABLESAMPLE is not HogQL.", "Write SAMPLE 0.1 after the table."),
    Foreign(("escape", "'"), "LIKE … ESCAPE is not HogQL.", "Write a backslash before the sign: '\\\\%'."),
    Foreign(("fetch", "*"), "FETCH FIRST is not HogQL.", "Write LIMIT n."),
    Foreign(("offset", "#", "rows"), "OFFSET … ROWS is not HogQL.", "Write LIMIT n OFFSET m."),
    Foreign(("-", ">", ">"), "`->>` is not HogQL.", "Write properties.name or properties['name']."),
    Foreign(("->", ">"), "`->>` is not HogQL.", "Write properties.name or properties['name']."),
    Foreign(("==", "="), "`===` is not HogQL.", "Write =."),
    Foreign(("=", "<"), "`=<` is not HogQL.", "Write <=."),
    Foreign(("=", ">"), "`=>` is not HogQL.", "Write >=."),
    Foreign(("contains", "'"), "CONTAINS is not HogQL.", "Write x ILIKE '%text%'."),
    Foreign(("in", "(", ")"), "IN () lists no values.", "List at least one value."),
    Foreign(("?",), "`?` does not stand for a value here.", PLACEHOLDER),
    Foreign((":", "*"), "`:name` does not stand for a value here.", PLACEHOLDER),
    Foreign(("%", "(", "*", ")"), "`%(name)s` does not stand for a value here.", PLACEHOLDER),
    Foreign(("not", "null"), "`NOT NULL` alone is no condition.", "Write x IS NOT NULL."),
    Foreign(("map", "{"), "map{…} is not HogQL.", "Write map('a', 1)."),
    Foreign(("as", "select"), "A query after AS stands in brackets.", "Write WITH name AS (SELECT …)."),
    Foreign(("with", "*", "("), "WITH is missing its AS.", "Write WITH name AS (SELECT …)."),
    Foreign((")", "*", "as", "("), "WITH queries are separated by commas.", "Write a comma before the name."),
    Foreign(("from", "'"), "A text cannot be a table.", "Write the table's name without quotes."),
    Foreign(("from", "["), "[…] cannot be a table.", "Write the table's name without brackets."),
)  # fmt: skip


def fits(pattern: str, token: Token) -> bool:
    if pattern in "'#":
        return token.kind == ("string" if pattern == "'" else "number")
    if pattern == "*" and token.text == "*":
        return True
    return token.lowered == pattern or (pattern == "*" and token.kind in ("word", "name", "string", "number"))
