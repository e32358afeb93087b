"""An insight's `dashboards` and the dashboards' tiles say the same: who changes the one changes the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from posthog_mcp.backends.local.objects import Objects
from posthog_mcp.errors import NotFound
from posthog_mcp.results import Json


def place_tiles(objects: Objects, kind: str, insight: Mapping[str, Json], changes: Mapping[str, Json]) -> None:
    """After an insight's `dashboards` were set: a tile on each of them, none on the others. Blocks."""
    wanted = changes.get("dashboards")
    if kind != "insights" or not isinstance(wanted, list):
        return
    for dashboard in objects.list("dashboards", limit=1000).items:
        given = dashboard.get("tiles")
        tiles = [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
        others = [each for each in tiles if each.get("insight") != insight["id"]]
        there = len(others) < len(tiles)
        if there == (dashboard["id"] in wanted):
            continue
        if not there:
            number = max((cast("int", each.get("id", 0)) for each in tiles), default=0) + 1
            others = [*tiles, {"id": number, "insight": insight["id"], "layouts": {}}]
        try:
            objects.update("dashboards", str(dashboard["id"]), {"tiles": cast("list[Json]", others)})
        except NotFound:
            continue
