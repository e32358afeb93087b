"""Pictures of results for a terminal: tables with bars, a line a series with a small graph, highlighted HogQL.

Takes a tool's structured content as it came over the wire and returns Rich renderables; prints nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from posthog_mcp.results import Json

EIGHTHS = " ▏▎▍▌▋▊▉█"
STEPS = "▁▂▃▄▅▆▇█"
BAR_WIDTH = 16

Structured = Mapping[str, Json]


def column_names(result: Structured) -> list[str]:
    columns = cast("list[dict[str, str]]", result["columns"])
    return [column["name"] for column in columns]


def records(result: Structured) -> list[dict[str, Json]]:
    """Rows as dicts, for reading a value by its name."""
    names = column_names(result)
    return [dict(zip(names, row, strict=True)) for row in cast("list[list[Json]]", result["rows"])]


def number(value: Json) -> float:
    """The value as a number; 0 for what is none."""
    return float(value) if isinstance(value, int | float) else 0.0


def bar(value: float, most: float, width: int = BAR_WIDTH) -> str:
    """A bar of eighth blocks."""
    eighths = round(8 * width * value / most) if most > 0 else 0
    return EIGHTHS[8] * (eighths // 8) + (EIGHTHS[eighths % 8] if eighths % 8 else "")


def sparkline(values: Sequence[float]) -> str:
    """One block a value, the tallest for the greatest."""
    most = max(values, default=0.0)
    return "".join(STEPS[min(7, int(8 * value / most))] if most else STEPS[0] for value in values)


def cell(value: Json) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.4g}" if isinstance(value, float) and abs(value) < 1 else str(value)


def new_table(names: Sequence[str], numeric: Sequence[bool]) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for name, right in zip(names, numeric, strict=True):
        table.add_column(name, justify="right" if right else "left", no_wrap=True)
    return table


def fitted(table: Table) -> Table:
    """Numbers keep their width in a narrow terminal; names and values give way."""
    for column in table.columns:
        if column.justify == "right":
            column.min_width = max(len(str(content)) for content in (column.header, *column.cells))
    return table


def rows_table(bars: str | None = None, most: float | None = None) -> Callable[[Structured], Table]:
    """A picture: the rows, with a bar for one column. `most`: the value of a full bar, default the greatest."""

    def picture(result: Structured) -> Table:
        names, rows = column_names(result), records(result)
        numeric = [any(isinstance(row[name], int | float) for row in rows) for name in names]
        table = new_table([*names, ""], [*numeric, False])
        top = most or max((number(row[bars]) for row in rows), default=0.0) if bars else 0.0
        for row in rows:
            drawn = Text(bar(number(row[bars]), top), style="cyan") if bars else ""
            table.add_row(*(Text(cell(row[name])) for name in names), drawn)
        return fitted(table)

    return picture


def series_table(x: str, series: str, value: str) -> Callable[[Structured], Table]:
    """A picture: one line a series with its graph over `x`, total and share, greatest first."""

    def picture(result: Structured) -> Table:
        rows = records(result)
        steps = sorted({str(row[x]) for row in rows})
        sums: dict[str, dict[str, float]] = {}
        for row in rows:
            sums.setdefault(str(row[series]), {})[str(row[x])] = number(row[value])
        total = sum(sum(line.values()) for line in sums.values())
        table = new_table(
            [series, f"{steps[0][:10]} … {steps[-1][:10]}" if steps else x, value, "share", ""],
            [False, False, True, True, False],
        )
        for name, line in sorted(sums.items(), key=lambda pair: -sum(pair[1].values())):
            own = sum(line.values())
            graph = Text(" ".join(sparkline([line.get(step, 0.0) for step in steps])), style="cyan")
            table.add_row(
                Text(name), graph, f"{own:,.0f}", f"{100 * own / total:.0f} %", Text(bar(own, total), style="cyan")
            )
        return fitted(table)

    return picture


def code(text: str, language: str, limit: int = 40) -> Syntax:
    """Highlighted source, at most `limit` lines."""
    lines = text.splitlines()
    more = [f"… {len(lines) - limit} more lines"] if len(lines) > limit else []
    shown = "\n".join([*lines[:limit], *more])
    return Syntax(shown, language, theme="ansi_dark", background_color="default", word_wrap=True)
