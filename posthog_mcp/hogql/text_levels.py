"""How tightly each kind of expression holds together: where printed HogQL needs brackets."""

from __future__ import annotations

from enum import IntEnum

from posthog_mcp.hogql.tree_expressions import (
    Alias,
    And,
    BetweenExpr,
    CompareOperation,
    IsDistinctFrom,
    Lambda,
    NamedArgument,
    Node,
    Not,
    Or,
    SpreadExpr,
)


class Level(IntEnum):
    """How tightly an expression holds together, loosest first."""

    ANY = 0
    """An alias, a lambda, a named argument: alone or in a list only."""
    OR = 1
    AND = 2
    NOT = 3
    BETWEEN = 4
    DISTINCT_FROM = 5
    COMPARE = 6
    SUM = 7
    PRODUCT = 8
    SIGNED = 9
    VALUE = 10


LEVELS: dict[type[Node], Level] = {
    Alias: Level.ANY,
    Lambda: Level.ANY,
    NamedArgument: Level.ANY,
    SpreadExpr: Level.ANY,
    Or: Level.OR,
    And: Level.AND,
    Not: Level.NOT,
    BetweenExpr: Level.BETWEEN,
    IsDistinctFrom: Level.DISTINCT_FROM,
    CompareOperation: Level.COMPARE,
}
