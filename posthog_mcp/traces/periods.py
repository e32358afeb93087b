"""The two spans of time that a trend compares: the theme's range with the one before, or the halves of the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from posthog_mcp.project import Project
from posthog_mcp.results import Json
from posthog_mcp.state.trace_themes.summaries import StoredSummary
from posthog_mcp.traces.picking import range_of
from posthog_mcp.traces.themes import AnalysisTheme


@dataclass(frozen=True, slots=True)
class Periods:
    """`before` ≤ t < `start` against `start` ≤ t ≤ `end`, in UTC. `has_before`: summaries lie before `start`."""

    before: datetime
    start: datetime
    end: datetime
    has_before: bool

    def counts(self, times: Sequence[str]) -> tuple[int, int]:
        """How many fall into the later and into the earlier span."""
        moments = [datetime.fromisoformat(each) for each in times]
        return (
            sum(self.start <= each <= self.end for each in moments),
            sum(self.before <= each < self.start for each in moments),
        )

    def as_json(self) -> dict[str, Json]:
        texts = [each.isoformat(timespec="seconds") for each in (self.before, self.start, self.end)]
        return {"before": [texts[0], texts[1]], "now": [texts[1], texts[2]]}


async def periods_of(project: Project, theme: AnalysisTheme, rows: Sequence[StoredSummary], days: int = 0) -> Periods:
    """`days`: the later span's length, up to the newest summary. 0: the theme's range, where older summaries exist."""
    times = sorted(datetime.fromisoformat(each.at) for each in rows)
    end = times[-1]
    bounds = await range_of(project, theme)
    start = datetime.fromisoformat(str(bounds.date_from)).replace(tzinfo=ZoneInfo(bounds.timezone)).astimezone(UTC)
    if days:
        start = end - timedelta(days=days)
    elif not times[0] < start < end:
        start = times[0] + (end - times[0]) / 2
    return Periods(start - (end - start), start, end, times[0] < start)
