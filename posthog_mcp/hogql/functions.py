"""The functions HogQL allows: a whitelist with arity, parameters and what ClickHouse calls each.

The data (`data/functions.json`) holds PostHog's published list: name → [ClickHouse name or null, minimum and
maximum arguments, minimum and maximum parameters, kind, reason, template], and the names that may be written in any
case. Aggregates with combinators (`sumIf`, `avgArrayOrNull`, …) are generated as PostHog does. Nothing outside this
list can be printed, so no query reaches a file, a socket, a setting or a dictionary through a function.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from posthog_mcp.hogql.suggest import nearest

FunctionKind = Literal["scalar", "aggregate", "window", "macro", "missing"]

COMBINED = ("avg", "sum", "min", "max", "count", "countDistinct", "median")
"""Aggregates that take every combinator; others have the forms that the data lists."""
CONDITIONAL = ("If", "OrDefault", "OrNull")
COMBINATORS: dict[str, tuple[int, tuple[str, ...]]] = {
    "If": (1, ()),
    "Array": (0, CONDITIONAL),
    "Map": (0, CONDITIONAL),
    "State": (0, CONDITIONAL),
    "Merge": (0, CONDITIONAL),
    "ForEach": (0, CONDITIONAL),
    "OrDefault": (0, ("If",)),
    "OrNull": (0, ("If",)),
    "ArgMin": (1, CONDITIONAL),
    "ArgMax": (1, CONDITIONAL),
}
"""Combinator → arguments it adds, and the combinators that may follow it."""


@dataclass(frozen=True, slots=True)
class FunctionDef:
    """One function. `max_args` and `max_params` None: no upper bound.

    `clickhouse` is the function that runs, or the outermost one where HogQL's form prints as more than a call.
    `kind` "macro" is PostHog's own, expanded by the resolver or refused by the printer; "missing" exists in PostHog
    and cannot run embedded, for `reason`. `template` is the SQL where a plain call would not do, `{0}` the first
    argument.
    """

    name: str
    clickhouse: str
    min_args: int
    max_args: int | None
    min_params: int
    max_params: int | None
    kind: FunctionKind
    reason: str = ""
    template: str = ""

    @property
    def aggregate(self) -> bool:
        return self.kind == "aggregate"

    @property
    def embedded(self) -> bool:
        """Whether ClickHouse has what it stands for."""
        return self.kind not in ("macro", "missing")


@cache
def registry() -> dict[str, FunctionDef]:
    """Every function by name, generated forms included."""
    listed = {name: FunctionDef(name, row[0] or name, *row[1:]) for name, row in data().functions.items()}
    generated = {each.name: each for name in COMBINED for each in combined(listed[name], COMBINATORS)}
    return {**generated, **listed}


def combined(
    base: FunctionDef, suffixes: tuple[str, ...] | dict[str, tuple[int, tuple[str, ...]]]
) -> Iterator[FunctionDef]:
    """`base` with each of the combinators, and with what may follow them."""
    for suffix in suffixes:
        more, followers = COMBINATORS[suffix]
        most = None if base.max_args is None else base.max_args + more
        one = FunctionDef(base.name + suffix, base.clickhouse + suffix, base.min_args + more, most, 0, 0, "aggregate")
        yield one
        yield from combined(one, followers)


@dataclass(frozen=True, slots=True)
class Data:
    """What `data/functions.json` holds."""

    functions: dict[str, tuple[str | None, int, int | None, int, int | None, FunctionKind]]
    any_case: list[str]


@cache
def data() -> Data:
    return Data(**json.loads(files("posthog_mcp.hogql").joinpath("data/functions.json").read_text(encoding="utf-8")))


@cache
def any_case() -> dict[str, str]:
    """Lower-cased name → name, for those that SQL authors write in capitals (COUNT, COALESCE, IF, …)."""
    return {name.lower(): name for name in data().any_case}


def find_function(name: str) -> FunctionDef | None:
    """The function of this name; None when HogQL does not allow it. Case counts but for a few (`any_case`)."""
    return registry().get(name) or registry().get(any_case().get(name.lower(), ""))


def suggest_function(name: str) -> list[str]:
    """The nearest allowed names, best first."""
    return nearest(name, registry())
