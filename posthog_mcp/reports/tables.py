"""Tables in a report: HogQL without a time column, as of the end of the period and as of its start.

Nothing is known of what the numbers are, so a change is told by its size and never called significant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from posthog_mcp.analysis.asked import Asked
from posthog_mcp.delivery.message import quoted
from posthog_mcp.insights.facts import percent, shown
from posthog_mcp.project import Project
from posthog_mcp.queries.run import QueryResult
from posthog_mcp.queries.run import run as run_hogql
from posthog_mcp.reports.as_of import as_of
from posthog_mcp.reports.findings import Examined, Finding, Period, Trend
from posthog_mcp.results import Column, Json

NOTABLE = 0.25
SHOWN = 4
Row = dict[str, float]


async def examine_table(project: Project, asked: Asked, period: Period, dashboard: str) -> Examined:
    """A table's rows now against those at the start of the period.

    Raises:
        PostHogMcpError: the query does not run.
    """
    now_text = await as_of(project, asked.hogql, period.end)
    now = await run_hogql(project, now_text, values=asked.values)
    before = await run_hogql(project, await as_of(project, asked.hogql, period.start), values=asked.values)
    name = quoted(asked.name, 80)
    after_rows, before_rows = by_key(now.table.columns, now.table.rows), by_key(before.table.columns, before.table.rows)
    if not after_rows:
        return Examined(notes=(f"**{name}** has no rows as of {period.last}.",))
    trend = Trend(name, dashboard, head(after_rows), query_id=now.query_id, hogql=now.hogql)
    changed = moves(after_rows, before_rows)
    if not changed or now.table.rows == before.table.rows:
        return Examined((trend,))
    told = "; ".join(text for _, text in changed[:SHOWN])
    size = changed[0][0]
    found = finding(name, told, size, now, period, dashboard, asked)
    return Examined((trend,), (replace(found, compared=(before.query_id, before.hogql)),))


def finding(
    name: str, told: str, size: float, now: QueryResult, period: Period, dashboard: str, asked: Asked
) -> Finding:
    text = f"**{name}**, against {period.days} {'day' if period.days == 1 else 'days'} before: {told} (not tested)."
    score = 25 + min(size, 1.0) * 15
    return Finding("table", name, text, score, None, dashboard, (), now.query_id, now.hogql, asked.url)


def by_key(columns: Sequence[Column], rows: Sequence[Sequence[Json]]) -> dict[str, Row]:
    """Text cells joined → number cells by column."""
    found: dict[str, Row] = {}
    for row in rows:
        cells = list(zip(columns, row, strict=True))
        texts = [quoted(str(cell), 40) for _, cell in cells if cell is None or isinstance(cell, str)]
        numbers = {column.name: float(cell) for column, cell in cells if plain_number(cell)}  # pyright: ignore[reportArgumentType]
        found[" · ".join(texts)] = numbers
    return found


def plain_number(cell: Json) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def head(rows: dict[str, Row]) -> str:
    """The first rows."""
    told = [
        f"{f'{key}: ' if key else ''}{', '.join(f'{shown(round(number, 3))} {name}' for name, number in row.items())}"
        for key, row in list(rows.items())[:SHOWN]
    ]
    left = len(rows) - SHOWN
    more = f"; {left} more {'row' if left == 1 else 'rows'}" if left > 0 else ""
    return "; ".join(told) + more


def moves(after: dict[str, Row], before: dict[str, Row]) -> list[tuple[float, str]]:
    """Rows that came, went, or moved by a quarter at least, the biggest first."""
    found: list[tuple[float, str]] = []
    for key, row in after.items():
        for name, number in row.items():
            old = before.get(key, {}).get(name)
            label = f"{name} of {key}" if key else name
            if key not in before:
                found.append((1.0, f"{key} is new ({shown(round(number, 3))} {name})"))
                break
            if old and abs(number / old - 1) >= NOTABLE:
                size = abs(number / old - 1)
                word = "up" if number > old else "down"
                values = f"{shown(round(old, 3))} → {shown(round(number, 3))}"
                found.append((size, f"{label} {word} {percent(size)} ({values})"))
    found += [(1.0, f"{key} is gone") for key in before if key not in after and key]
    return sorted(found, key=lambda each: -each[0])
