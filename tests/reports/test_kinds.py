"""A dashboard with every kind of tile, old filters too: each has its line, with the numbers that were put in."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from posthog_mcp.reports.build import tiles_of
from posthog_mcp.reports.findings import Period
from tests.insights.made import Did, project_of

DAYS = [datetime(2026, 10, day) for day in (19, 26, 12, 19)]
PERIOD = Period(DAYS[0], DAYS[1], 7, DAYS[2], DAYS[3])
SEEN = [{"kind": "EventsNode", "event": "seen"}]
OLD_SEEN = [{"id": "seen", "type": "events", "order": 0}]
BY_PLAN = {"breakdown": "plan", "breakdown_type": "event"}


def events() -> list[Did]:
    """A week before with 2 a day. In the week: ann on 7 days, bob on 2; each sees, then pays."""
    days = [("ann", day) for day in range(19, 26)] + [("bob", 19), ("bob", 20)]
    before = [(who, day) for day in range(12, 19) for who in ("ann", "bob")]
    plan = {"ann": "pro", "bob": "free"}
    return [
        Did(who, event, f"2026-10-{day}T{at}:00", {"plan": plan[who]})
        for who, day in before + days
        for event, at in (("seen", "10:00"), ("paid", "10:10"))
    ] + [Did("ann", "later", "2026-10-26T09:00:00")]


TILES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "trend": ({"query": {"kind": "TrendsQuery", "series": SEEN}}, ["9, down 35.7 % on 14"]),
    "old trend": ({"filters": {"insight": "TRENDS", "events": OLD_SEEN}}, ["9, down 35.7 % on 14"]),
    "old, broken down": ({"filters": {"events": OLD_SEEN, **BY_PLAN}}, ["7, the same", "2, down 71.4 % on 7"]),
    "broken down": (
        {"query": {"kind": "TrendsQuery", "series": SEEN, "breakdownFilter": BY_PLAN}},
        ["7, the same", "2, down 71.4 % on 7"],
    ),
    "stickiness": ({"query": {"kind": "StickinessQuery", "series": SEEN}}, ["4.5 of 7 days active on average (n = 2)"]),
    "old stickiness": (
        {"filters": {"insight": "STICKINESS", "events": OLD_SEEN}},
        ["4.5 of 7 days active on average (n = 2)"],
    ),
    "paths": (
        {"query": {"kind": "PathsQuery", "pathsFilter": {"includeEventTypes": ["custom_event"]}}},
        ["9 visits", "100.0 % begin with seen"],
    ),
    "old funnel": (
        {
            "filters": {
                "insight": "FUNNELS",
                "events": [*OLD_SEEN, {"id": "paid", "type": "events", "order": 1}],
            }
        },
        ["100.0 % came to the end", "seen 2 → paid 2"],
    ),
    "old lifecycle": (
        {"filters": {"insight": "LIFECYCLE", "events": OLD_SEEN}},
        ["2 active: 0 new, 2 returning, 0 back after a pause; 0 went dormant"],
    ),
    "table": (
        {
            "query": {
                "kind": "HogQLQuery",
                "query": "SELECT event, count() AS n FROM events GROUP BY event ORDER BY event",
            }
        },
        ["paid: 23 n", "seen: 23 n"],
    ),
}


async def test_each_kind_has_its_numbers(tmp_path: Path) -> None:
    """23 of each: 14 before and 9 in the week."""
    insights = [{"id": at, "name": name, **TILES[name][0]} for at, name in enumerate(TILES)]
    dashboard: dict[str, Any] = {"name": "All", "tiles": [{"id": each["id"], "insight": each} for each in insights]}
    async with project_of(tmp_path, events()) as project:
        parts = await tiles_of(project, [dashboard], PERIOD)

    for part, (name, (_, expected)) in zip(parts, TILES.items(), strict=True):
        lines = "\n".join(each.text for each in part.trends)
        assert not part.notes, name
        for each in expected:
            assert each in lines, (name, lines)
