"""The description of a chart: rows with the part that each column plays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from posthog_mcp.results import Json

ChartType = Literal[
    "line",
    "bar",
    "area",
    "pie",
    "scatter",
    "histogram",
    "box",
    "funnel",
    "retention",
    "lifecycle",
    "paths",
    "number",
    "table",
]
Unit = Literal["count", "percent", "seconds", "milliseconds", "bytes", "currency", "none"]
"""How values are written; `percent` values are fractions of one."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of `rows` (cells in `columns`' order).

    `x`, `y` and `series` name columns: the horizontal axis or category, the value, and what tells lines or bars apart
    (None: one series). By type:
    - line, area, bar, pie, scatter, histogram, box: as said; a time `x` is ISO 8601.
    - funnel: x the step's name in order, y people who reached it, series a breakdown value.
    - retention: x the period's number (0, 1, …), y the fraction that came back, series the cohort's label.
    - lifecycle: x time, y people (dormant negative), series new, returning, resurrecting or dormant.
    - paths: x the source step (`1_/home`), series the target (`2_/pricing`), y people.
    - number: y of the only row; x unused.
    - table: columns as they are.
    """

    type: ChartType
    title: str
    columns: tuple[str, ...]
    rows: list[list[Json]]
    x: str | None = None
    y: str | None = None
    series: str | None = None
    unit: Unit = "count"
    currency: str = ""
    """ISO 4217, with unit `currency`."""
    footnote: str = ""
    """Source, time range, time zone: one line."""
    incomplete_from: str | None = None
    """Times of x from here on are not over; they are drawn dashed or pale."""
    compared: tuple[str, ...] = field(default=())
    """Values of `series` that are an earlier period: drawn grey."""

    def column(self, name: str) -> list[Json]:
        """The cells of one column."""
        index = self.columns.index(name)
        return [row[index] for row in self.rows]

    def as_json(self) -> dict[str, Json]:
        """What a view needs beside `columns` and `rows`."""
        return {
            "type": self.type,
            "title": self.title,
            "x": self.x,
            "y": self.y,
            "series": self.series,
            "unit": self.unit,
            "currency": self.currency,
            "footnote": self.footnote,
            "incomplete_from": self.incomplete_from,
            "compared": list(self.compared),
        }
