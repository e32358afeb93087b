"""Values of trends by series, breakdown, span and interval, and what is worked out from them: formulas, moving
averages, running sums. On PostHog it works these out itself."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import floor
from typing import cast

from posthog_mcp.errors import InvalidInput
from posthog_mcp.insights.frame import Frame

Values = dict[str, float]
"""Interval's label → value."""


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """Which line: the number of the series or formula, the breakdown's value, and whether of the earlier span."""

    index: int
    breakdown: str = ""
    earlier: bool = False


Points = dict[Key, Values]
OPERATORS: Mapping[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda left, right: left / right if right else 0.0,
    ast.Mod: lambda left, right: left % right if right else 0.0,
    ast.Pow: lambda left, right: left**right if abs(left) < 1e6 and abs(right) <= 10 else 0.0,
}
MAX_FORMULA = 200


def key_of(index: int, breakdown: str, earlier: bool) -> Key:
    return Key(index, breakdown, earlier)


def labels_of(frame: Frame, earlier: bool) -> list[str]:
    """The intervals of the span, or of the one to compare with; one of no name for aggregates."""
    if frame.question.aggregate:
        return [""]
    return frame.labels(frame.span.shifted(frame.question.compare) if earlier else None)


def finished(frame: Frame, points: Points) -> Points:
    """Every interval filled with 0, then scaled up from the sample, smoothed, summed and put into formulas."""
    filled: Points = {}
    for key, values in with_empty(frame, points).items():
        line = {label: values.get(label, 0.0) for label in labels_of(frame, key.earlier)}
        filled[key] = scaled(frame, key, line)
    if frame.question.smoothing > 1:
        filled = {key: smoothed(values, frame.question.smoothing) for key, values in filled.items()}
    if frame.question.cumulative:
        filled = {key: summed(values) for key, values in filled.items()}
    return calculated(frame, filled) if frame.question.formula else filled


def with_empty(frame: Frame, points: Points) -> Points:
    """A line of zeros for a series that no event fits, where nothing is broken down."""
    spans = [False, *([True] if frame.question.compare else [])]
    if frame.question.breakdowns:
        return points
    return {Key(index, "", earlier): {} for index in range(len(frame.question.series)) for earlier in spans} | points


def scaled(frame: Frame, key: Key, values: Values) -> Values:
    """Counts of a sample stand for all."""
    share = frame.question.sampling
    math = frame.question.series[key.index].math
    if share == 1 or math not in (
        "total",
        "sum",
        "dau",
        "weekly_active",
        "monthly_active",
        "unique_session",
        "unique_group",
    ):
        return values
    return {label: value / share for label, value in values.items()}


def smoothed(values: Values, count: int) -> Values:
    """The floor of the mean of each interval and those before it, as PostHog does."""
    line = list(values.values())
    means = [floor(sum(line[max(0, at - count + 1) : at + 1]) / min(at + 1, count)) for at in range(len(line))]
    return dict(zip(values, map(float, means), strict=True))


def summed(values: Values) -> Values:
    total = 0.0
    found: Values = {}
    for label, value in values.items():
        total += value
        found[label] = total
    return found


def formulas(frame: Frame) -> list[str]:
    return [each.strip() for each in frame.question.formula.split(";") if each.strip()]


def calculated(frame: Frame, points: Points) -> Points:
    """The formulas in place of the series, for each breakdown value and span.

    Raises:
        InvalidInput: a formula cannot be read.
    """
    found: Points = {}
    trees = [parsed(text, len(frame.question.series)) for text in formulas(frame)]
    places = sorted({(key.breakdown, key.earlier) for key in points})
    for breakdown, earlier in places:
        labels = labels_of(frame, earlier)
        for index, tree in enumerate(trees):
            found[Key(index, breakdown, earlier)] = {
                label: value_of(
                    tree,
                    [
                        points.get(Key(at, breakdown, earlier), {}).get(label, 0.0)
                        for at in range(len(frame.question.series))
                    ],
                )
                for label in labels
            }
    return found


def parsed(text: str, series: int) -> ast.expr:
    """A formula's tree.

    Raises:
        InvalidInput: it is not arithmetic of the series.
    """
    last = chr(ord("A") + series - 1)
    fix = f"Use A to {last}, numbers, + - * / % ** and brackets, such as A / B * 100."
    try:
        tree = ast.parse(text[:MAX_FORMULA], mode="eval").body
    except (SyntaxError, ValueError):
        raise InvalidInput(f"The formula {text[:MAX_FORMULA]!r} cannot be read.", fix=fix) from None
    for node in ast.walk(tree):
        known = isinstance(node, ast.BinOp | ast.UnaryOp | ast.USub | ast.UAdd | ast.Load) or type(node) in OPERATORS
        letter = isinstance(node, ast.Name) and len(node.id) == 1 and "A" <= node.id.upper() <= last
        digits = isinstance(node, ast.Constant) and isinstance(node.value, int | float)
        if not (known or letter or digits):
            raise InvalidInput(f"The formula {text!r} holds {ast.unparse(node)!r}.", fix=fix)
    return tree


def value_of(node: ast.expr, values: list[float]) -> float:
    """A formula's value; a division by zero is 0, as on PostHog."""
    if isinstance(node, ast.BinOp):
        return OPERATORS[type(node.op)](value_of(node.left, values), value_of(node.right, values))
    if isinstance(node, ast.UnaryOp):
        value = value_of(node.operand, values)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.Name):
        return values[ord(node.id.upper()) - ord("A")]
    return float(cast("float", cast("ast.Constant", node).value))
