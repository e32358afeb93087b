"""Print literals: numbers as they are, texts bound, times read in the project's zone.

A literal beside a time is bound as DateTime64 of that zone, so that the engine neither guesses the format nor the
zone, and can skip files by it.
"""

from __future__ import annotations

import math
from datetime import UTC

from posthog_mcp.hogql.printer_state import PrintState, Sql
from posthog_mcp.hogql.resolver_compare import parse_time
from posthog_mcp.hogql.tree_expressions import Constant, Expr
from posthog_mcp.hogql.types import Type

SIMPLE_LIMIT = 0x20


def print_constant(state: PrintState, node: Constant) -> Sql:
    """A literal with no other value beside it."""
    value = node.value
    if value is None:
        return Sql("NULL", True)
    if isinstance(value, bool):
        return Sql("true" if value else "false")
    if isinstance(value, int):
        return Sql(str(value))
    if isinstance(value, float):
        return Sql(number(value))
    if node.value_type == "number":
        return Sql({"Infinity": "inf", "-Infinity": "-inf", "NaN": "nan"}.get(value) or state.bind(value, "Float64"))
    return Sql(state.bind(value))


def number(value: float) -> str:
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return repr(value)


def beside(state: PrintState, node: Expr, other: Type | None) -> Sql | None:
    """A text literal beside a time, printed as a time; None for anything else."""
    if not isinstance(node, Constant) or not isinstance(node.value, str) or node.value_type or other is None:
        return None
    if other.kind == "datetime" or (other.kind == "date" and len(node.value.strip()) > 10):
        return time_literal(state, node.value)
    return None


def time_literal(state: PrintState, text: str) -> Sql | None:
    """An ISO time in the project's zone, or in UTC when the text names its zone."""
    moment = parse_time(text)
    if moment is None:
        return None
    zone = state.catalogue.timezone
    if moment.tzinfo:
        moment, zone = moment.astimezone(UTC), "UTC"
    return Sql(state.bind(moment.strftime("%Y-%m-%d %H:%M:%S.%f"), f"DateTime64(6, '{zone}')"))


def is_simple(node: Expr) -> bool:
    """Text that JSON writes without escapes."""
    text = node.value if isinstance(node, Constant) else None
    return isinstance(text, str) and not any(c in '"\\\u2028\u2029' or ord(c) < SIMPLE_LIMIT for c in text)
