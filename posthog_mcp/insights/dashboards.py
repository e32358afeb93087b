"""Dashboards: every tile computed, several at a time, each with its change against the period before.

A tile that fails says why and does not hide the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import anyio

from posthog_mcp.backends.backend import Progress
from posthog_mcp.errors import PostHogMcpError
from posthog_mcp.insights.saved import Body, Override, Result, compute, query_of, variable_values
from posthog_mcp.project import Project
from posthog_mcp.results import Json

AT_ONCE = 3
"""PostHog runs three queries of a project at once; the embedded engine has two cores as often as not."""
MAX_TILES = 60


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile: an insight with its result or error, or a text."""

    id: int
    insight_id: int | None
    name: str
    text: str = ""
    result: Result | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A computed dashboard. `left_out` counts tiles beyond the limit."""

    saved: Body
    tiles: tuple[Tile, ...]
    left_out: int


async def compute_dashboard(
    project: Project, saved: Body, *, refresh: bool = False, compare: bool = True, progress: Progress | None = None
) -> Dashboard:
    """Every tile's result, in the dashboard's order."""
    listed = [each for each in as_list(saved.get("tiles")) if not each.get("deleted")]
    chosen = listed[:MAX_TILES]
    over = override_of(saved)
    done: dict[int, Tile] = {}
    places = anyio.Semaphore(AT_ONCE)

    async def work(place: int, tile: Mapping[str, Json]) -> None:
        async with places:
            done[place] = await computed(project, place, tile, over, refresh, compare)
        if progress:
            progress(len(done) / len(chosen), f"{len(done)} of {len(chosen)} tiles")

    async with anyio.create_task_group() as tasks:
        for place, tile in enumerate(chosen):
            tasks.start_soon(work, place, tile)
    return Dashboard(saved, tuple(done[place] for place in sorted(done)), len(listed) - len(chosen))


async def computed(
    project: Project, place: int, tile: Mapping[str, Json], over: Override, refresh: bool, compare: bool
) -> Tile:
    """One tile."""
    number = tile.get("id")
    tile_id = number if isinstance(number, int) else place + 1
    text = tile.get("text")
    if isinstance(text, dict):
        return Tile(tile_id, None, "", text=str(text.get("body") or ""))
    insight = tile.get("insight")
    if not isinstance(insight, dict):
        gone = "[not_found] This tile's insight was deleted. Fix: Remove the tile in PostHog."
        return Tile(tile_id, None, "", error=gone)
    insight_id = insight.get("id")
    name = str(insight.get("name") or insight.get("derived_name") or f"insight {insight_id}")
    shown = insight_id if isinstance(insight_id, int) else None
    try:
        query = with_compare(query_of(insight)) if compare else query_of(insight)
        return Tile(tile_id, shown, name, result=await compute(project, query, override=over, refresh=refresh))
    except PostHogMcpError as error:
        return Tile(tile_id, shown, name, error=error.as_text())


def with_compare(query: Body) -> Body:
    """A trend compared with the period before, unless it compares already or is broken down."""
    plain = query.get("kind") == "TrendsQuery" and not query.get("compareFilter") and not query.get("breakdownFilter")
    return {**query, "compareFilter": {"compare": True}} if plain else query


def override_of(saved: Mapping[str, Json]) -> Override:
    """What the dashboard sets for all tiles."""
    filters = saved.get("filters")
    given: Body = filters if isinstance(filters, dict) else {}
    properties = given.get("properties")
    return Override(
        str(given.get("date_from") or ""),
        str(given.get("date_to") or ""),
        as_list(properties),
        variable_values(saved.get("variables")),
    )


def as_list(value: Json) -> list[Mapping[str, Json]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
