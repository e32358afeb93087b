"""A chart for any rows: the type and the parts of the columns, chosen by the data's shape."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import cast, get_args

from posthog_mcp.charts.chart import Chart, ChartType
from posthog_mcp.charts.numbers import number
from posthog_mcp.errors import InvalidInput
from posthog_mcp.results import Column, Json

TIME = re.compile(r"\d{4}-\d\d(-\d\d([T ]\d\d:\d\d.*)?)?\Z")
TYPES: tuple[str, ...] = get_args(ChartType)
FEW = 60
"""Categories that bars can show."""


def chart_of(
    columns: Sequence[Column],
    rows: list[list[Json]],
    *,
    type: str = "auto",
    x: str = "",
    y: str = "",
    series: str = "",
    title: str = "",
    footnote: str = "",
) -> Chart:
    """A chart of a query's rows.

    Raises:
        InvalidInput: there is no such type or column, or the rows cannot be drawn so.
    """
    names = tuple(column.name for column in columns)
    if type not in ("auto", *TYPES):
        raise InvalidInput(f"There is no chart type {type!r}.", fix=f"Use auto, {', '.join(TYPES)}.")
    for given in (x, y, series):
        known(given, names)
    if not names:
        raise InvalidInput("There are no columns to draw.", fix="Select at least one.")
    numbers = [name for place, name in enumerate(names) if is_number(rows, place) and name not in (x, series)]
    times = [name for place, name in enumerate(names) if is_time(rows, place)]
    texts = [name for name in names if name not in numbers and name not in times]
    chosen_x = x or next(iter(times), "") or next(iter(texts), "")
    chosen_y = y or next(iter(numbers), "")
    kind = cast("ChartType", type) if type != "auto" else guess(rows, chosen_x in times, texts, numbers, chosen_x)
    if kind == "table" or not chosen_y:
        if type not in ("auto", "table"):
            raise InvalidInput(f"A {type} chart needs a column of numbers.", fix="Give `y`, or use type table.")
        return Chart("table", title, names, rows, unit="none", footnote=footnote)
    if kind in ("scatter", "histogram"):
        other = x or (numbers[0] if len(numbers) > 1 else chosen_y)
        value = y or (numbers[1] if len(numbers) > 1 else chosen_y)
        if kind == "histogram":
            return Chart(kind, title or value, names, rows, value, value, series or None, "none", footnote=footnote)
        return Chart(kind, title, names, rows, other, value, series or None, "none", footnote=footnote)
    several = [name for name in numbers if name != chosen_x]
    if kind in ("line", "area") and not y and not series and len(several) > 1 and chosen_x:
        return unpivoted(kind, title, names, rows, chosen_x, several, footnote)
    beside = series or next((name for name in texts if name != chosen_x), "")
    split = beside if series or (kind in ("line", "area") and len(texts) >= 1) else ""
    return Chart(kind, title, names, rows, chosen_x or None, chosen_y, split or None, "none", footnote=footnote)


def known(name: str, names: Sequence[str]) -> None:
    """A column that is there.

    Raises:
        InvalidInput: it is not; the nearest names are in the fix.
    """
    if name and name not in names:
        near = get_close_matches(name, names) or list(names)
        raise InvalidInput(f"There is no column {name!r}.", fix=f"Columns: {', '.join(near)}.")


def guess(
    rows: Sequence[Sequence[Json]], timed: bool, texts: Sequence[str], numbers: Sequence[str], x: str
) -> ChartType:
    """The type that shows most of such data."""
    if not rows or not numbers:
        return "table"
    if timed:
        return "line" if len(rows) > 1 else "bar"
    if len(rows) == 1 and len(numbers) == 1 and not texts:
        return "number"
    if not texts and len(numbers) == 2:
        return "scatter"
    if not texts and len(numbers) == 1:
        return "histogram"
    if x and len(texts) <= 2 and len(rows) <= FEW:
        return "bar"
    return "table"


def is_number(rows: Sequence[Sequence[Json]], place: int) -> bool:
    """Whether a column holds numbers only, at least one."""
    cells = [row[place] for row in rows if row[place] is not None]
    return bool(cells) and all(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in cells)


def is_time(rows: Sequence[Sequence[Json]], place: int) -> bool:
    """Whether a column holds days or times only, at least one."""
    cells = [row[place] for row in rows if row[place] is not None]
    return bool(cells) and all(isinstance(cell, str) and TIME.match(cell) for cell in cells)


def unpivoted(
    kind: ChartType,
    title: str,
    names: Sequence[str],
    rows: list[list[Json]],
    x: str,
    values: Sequence[str],
    footnote: str,
) -> Chart:
    """Number columns beside a time become lines of one chart."""
    at = names.index(x)
    long: list[list[Json]] = [[row[at], name, row[names.index(name)]] for name in values for row in rows]
    return Chart(kind, title, (x, "series", "value"), long, x, "value", "series", "none", footnote=footnote)


def values_of(chart: Chart) -> list[float]:
    """The finite values of y."""
    found = (number(cell) for cell in chart.column(chart.y)) if chart.y else iter(())
    return [each for each in found if each is not None]
