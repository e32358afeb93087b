"""An insight's answer: a table, facts about it, and how to draw it. The same for both backends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from posthog_mcp.charts.chart import Chart
from posthog_mcp.insights.frame import Frame
from posthog_mcp.results import Column, Json, Note


@dataclass(frozen=True, slots=True)
class Answer:
    """`facts` are sentences with numbers, the most important first. `chart` draws the table."""

    columns: tuple[Column, ...]
    rows: list[list[Json]]
    facts: tuple[str, ...]
    chart: Chart
    warnings: tuple[Note, ...] = ()


class Kind(Protocol):
    """One kind of insight."""

    def hogql(self, frame: Frame) -> str:
        """The query whose rows `read` understands. Checked before it runs.

        Raises:
            InvalidInput: the question cannot be asked.
        """
        ...

    def read(self, frame: Frame, rows: Sequence[Sequence[Json]]) -> Answer:
        """The answer from the HogQL's rows."""
        ...

    def native(self, frame: Frame) -> dict[str, Json]:
        """PostHog's own query for the same question."""
        ...

    def read_native(self, frame: Frame, response: Mapping[str, Json]) -> Answer:
        """The answer from PostHog's response."""
        ...
