"""The metrics of dashboards: every tile's lines that have values over time, and which tiles have none."""

from __future__ import annotations

from collections.abc import Sequence

from posthog_mcp.analysis.asked import asked_of
from posthog_mcp.analysis.metrics import Wanted, lines_of_asked
from posthog_mcp.analysis.series import MetricSeries
from posthog_mcp.backends.backend import Progress
from posthog_mcp.errors import PostHogMcpError
from posthog_mcp.insights.saved import find
from posthog_mcp.project import Project

MOST_LINES = 4
"""Lines of one tile, the biggest."""


async def lines_of_dashboards(
    project: Project, names: Sequence[str], wanted: Wanted, progress: Progress | None = None
) -> tuple[list[MetricSeries], list[str]]:
    """The lines, each named with its insight, and a sentence for every tile that has none.

    Raises:
        NotFound: there is no such dashboard.
    """
    found: list[MetricSeries] = []
    left: list[str] = []
    for name in names:
        dashboard = await find(project, "dashboards", name)
        tiles = dashboard.get("tiles")
        for tile in tiles if isinstance(tiles, list) else []:
            insight = tile.get("insight") if isinstance(tile, dict) else None
            identity = insight.get("id") if isinstance(insight, dict) else insight
            if identity is None:
                continue
            try:
                asked = await asked_of(project, str(identity))
                found += (await lines_of_asked(project, asked, wanted, progress=progress))[:MOST_LINES]
            except PostHogMcpError as error:
                left.append(f"insight {identity}: {error.message}")
    seen: dict[tuple[str, str], MetricSeries] = {(each.name, each.interval): each for each in found}
    return list(seen.values()), left
