"""The functions HogQL allows: a whitelist with arity, parameters and what ClickHouse calls each.

The data (`data/functions.json`) holds PostHog's published list: name → [ClickHouse name or null, minimum and
maximum arguments, minimum and maximum parameters, kind, reason]. Forms with aggregate combinators (`countIf`,
`sumOrNullIf`, …) are generated. Nothing outside this list can be printed, so no query reaches a file, a socket, a
setting or a dictionary through a function.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Literal

from posthog_mcp.hogql.suggest import nearest

FunctionKind = Literal["scalar", "aggregate", "window", "macro", "missing"]

COMBINATORS = {"If": 1, "OrNull": 0, "OrDefault": 0, "Array": 0, "ForEach": 0, "Distinct": 0, "State": 0, "Merge": 0}
"""Combinator suffix → arguments it adds."""


@dataclass(frozen=True, slots=True)
class FunctionDef:
    """One function. `max_args` and `max_params` None: no upper bound.

    `kind` "macro" is PostHog's own, expanded by the resolver or refused there by name; "missing" exists in PostHog
    and cannot run embedded, for `reason`.
    """

    name: str
    clickhouse: str
    min_args: int
    max_args: int | None
    min_params: int
    max_params: int | None
    kind: FunctionKind
    reason: str = ""

    @property
    def aggregate(self) -> bool:
        return self.kind == "aggregate"

    @property
    def embedded(self) -> bool:
        return self.kind != "missing"


@cache
def registry() -> dict[str, FunctionDef]:
    """All base functions by name."""
    text = files("posthog_mcp.hogql").joinpath("data/functions.json").read_text(encoding="utf-8")
    return {name: FunctionDef(name, row[0] or name, *row[1:]) for name, row in json.loads(text).items()}


@cache
def find_function(name: str) -> FunctionDef | None:
    """The function of exactly this name, a generated combinator form included; None when it is not allowed."""
    known = registry().get(name)
    if known:
        return known
    for suffix, extra in COMBINATORS.items():
        base = find_function(name.removesuffix(suffix)) if name.endswith(suffix) and name != suffix else None
        if base and base.aggregate:
            return replace(
                base,
                name=name,
                clickhouse=base.clickhouse + suffix,
                min_args=base.min_args + extra if suffix != "Merge" else 1,
                max_args=None if base.max_args is None else base.max_args + extra,
            )
    lowered = case_insensitive().get(name.lower())
    return registry()[lowered] if lowered else None


@cache
def case_insensitive() -> dict[str, str]:
    """SQL's own spellings that people write in capitals (COUNT, SUM, COALESCE, IF, …)."""
    common = ("count", "sum", "avg", "min", "max", "any", "if", "coalesce", "lower", "upper", "round", "length")
    more = ("concat", "least", "greatest", "abs", "now", "sortableSemVer", "ifNull", "nullIf", "trim", "floor", "ceil")
    return {name.lower(): name for name in (*common, *more) if name in registry()}


def suggest_function(name: str) -> list[str]:
    """The nearest allowed names, best first."""
    return nearest(name, registry())
