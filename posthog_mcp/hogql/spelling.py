"""How a name or a text is written in HogQL, for suggestions that can be pasted as they are."""

from __future__ import annotations

import re

PLAIN_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*\Z")
_WORDS = (
    "all and anti any array as asc asof between by case cast cohort cross cube desc distinct else end except "
    "exclude extract false filter following for from full group grouping having ilike in inf inner "
    "intersect interval is join lambda last left like limit materialized nan not null nulls offset "
    "on or order outer over partition pivot positional preceding prewhere qualify range recursive replace right "
    "rollup row rows sample select semi sets settings substring then ties to top totals trim true try_cast "
    "unbounded union unpivot using values when where window with within"
)
KEYWORDS = frozenset([*_WORDS.split(), "team_id"])
"""Words that a bare name may not be everywhere; quoting one more than needed does no harm."""


def identifier(name: str) -> str:
    """A name as HogQL reads it back: bare where that is safe, else in backticks.

    HogQL refuses `%` in names; the text is still built, and refused by the check.
    """
    if PLAIN_NAME.match(name) and name.lower() not in KEYWORDS:
        return name
    return "`" + name.replace("\\", "\\\\").replace("`", "``") + "`"


def dotted(name: str) -> str:
    """A dotted name, each part as an identifier."""
    return ".".join(identifier(part) for part in name.split("."))


def text_literal(value: str) -> str:
    """A text in single quotes with HogQL's escapes."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return "'" + escaped.replace("\t", "\\t") + "'"
