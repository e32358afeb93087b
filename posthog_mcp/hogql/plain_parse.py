"""A parser of our own for the plain part of HogQL, because the C++ one (Python 3.11) takes seconds for long queries.

It reads what insights, analyses and templates are written in and gives PostHog's JSON tree, places included. Whatever
it does not know (casts, BETWEEN, ternaries, SAMPLE, comments, …) and whatever is wrong, it leaves to PostHog's parser:
`parse_plain` then returns None. So it decides nothing about errors, and can be dropped with Python 3.11.
The tests compare its trees with those of PostHog's parser on every query of this repository and on generated ones.
"""

from __future__ import annotations

import re

from posthog_mcp.hogql.plain_select import Plain
from posthog_mcp.hogql.plain_tokens import NotPlain
from posthog_mcp.results import Json

STRING = re.compile(r"'[^'\\]*(?:(?:\\.|'')[^'\\]*)*'")
MARKS = re.compile(r"--|//|/\*|#|;|\|\||\?|::|:=")
"""Comments, ends, and operators that are PostHog's to read."""


def parse_plain(query: str) -> dict[str, Json] | None:
    """The tree of a SELECT; None where PostHog's parser must read it."""
    if MARKS.search(STRING.sub("''", query)):
        return None
    try:
        return Plain(query).whole()
    except (NotPlain, RecursionError):
        return None
