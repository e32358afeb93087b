"""One case: a query that somebody else wrote, and what PostHog says of it.

A corpus holds one JSON object a line: `query` (a SELECT) or `expr` (an expression over `events`), `verdict`, `source`,
and optionally `message` (PostHog's own) and `needs` (what of a particular project it takes; such a case is not
scored).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

Verdict = Literal["valid", "syntax", "unknown_name", "arity", "other_error", "parses", "refused"]
"""`parses`: all that is known is that it is no syntax error; `refused`: that it is an error of some kind."""
Kind = Literal["query", "expr"]

ARITY = re.compile(
    r"expects? .*(argument|parameter)|requires (parameters|arguments|between)|at (least|most) \d+ arg|"
    r"does not accept (argument|parameter)s|missing arguments",
    re.IGNORECASE,
)
UNKNOWN_NAME = re.compile(
    r"(unable to|cannot) resolve field|unsupported type cast|field not found|unknown table|"
    r"unsupported function call|unsupported aggregation|"
    r"column with name .* not found|can't access property|could not find (cohort|a cohort|action)|"
    r"no action found|cohort .*(not|doesn't) (found|exist)|unknown (column|function|window)|unresolved column|"
    r"table function .* (not found|does not exist)|has no (column|field)",
    re.IGNORECASE,
)
SYNTAX = re.compile(
    r"syntax ?error|mismatched input|no viable alternative|extraneous input|token recognition|missing .* at |"
    r"unexpected end of|^empty query|expecting|unsupported node|parsing error|could not parse|reserved keyword",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Case:
    """A text, what it is, and PostHog's verdict on it."""

    text: str
    kind: Kind
    verdict: Verdict
    source: str
    message: str = ""
    needs: str = ""


def verdict_of(message: str) -> Verdict:
    """The class of one of PostHog's error messages; `refused` where it gives none."""
    if not message:
        return "refused"
    if ARITY.search(message):
        return "arity"
    if UNKNOWN_NAME.search(message):
        return "unknown_name"
    return "syntax" if SYNTAX.search(message) else "other_error"


def read_corpus(path: Path) -> Iterator[Case]:
    """The cases of one JSON lines file.

    Raises:
        ValueError: a line is no case.
    """
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            row = cast("dict[str, str]", json.loads(line))
            kind: Kind = "query" if "query" in row else "expr"
            if kind not in row or row.get("verdict") not in get_args(Verdict):
                raise ValueError(f"{path}:{number}: needs query or expr, and a verdict of {get_args(Verdict)}.")
            verdict = cast(Verdict, row["verdict"])
            yield Case(row[kind], kind, verdict, row.get("source", ""), row.get("message", ""), row.get("needs", ""))


def distinct(cases: list[Case]) -> list[Case]:
    """Each text once; the first case of it, but a full verdict before `parses` and `refused`."""
    kept: dict[tuple[Kind, str], Case] = {}
    for case in cases:
        key = case.kind, " ".join(case.text.split())
        known = kept.get(key)
        if known is None or (known.verdict in ("parses", "refused") and case.verdict not in ("parses", "refused")):
            kept[key] = case
    return list(kept.values())
