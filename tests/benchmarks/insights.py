"""Each kind of insight against ClickHouse SQL by hand for the same answer, and a dashboard against its slowest tile.

Aims: at most 1.2× the hand-written SQL; a dashboard of twelve tiles in at most twice its slowest tile on two cores.
The hand-written texts give the numbers only; filling intervals, naming and facts are ours. A funnel's by hand gives its
people, not how long its steps took: windowFunnel does not tell. Paths by hand keep repeats and do not number steps.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from posthog_mcp.backends.local.driver import LocalDriver
from posthog_mcp.insights.dashboards import compute_dashboard
from posthog_mcp.insights.question import question_of
from posthog_mcp.insights.run import run_insight
from posthog_mcp.insights.saving import saved_query
from posthog_mcp.project import Project
from posthog_mcp.runtime import open_project
from posthog_mcp.settings import Settings
from tests.benchmarks.answers import prepared
from tests.benchmarks.measure import alternate, ratio, table

RANGE = {"date_from": "2026-08-01", "date_to": "2026-10-31"}
FUNNEL = ("signed_up", "created_project", "invited_teammate")


def since(day: str) -> str:
    return f"timestamp >= toDateTime64('{day} 00:00:00', 6) AND timestamp < toDateTime64('2026-11-01 00:00:00', 6)"


TIME = since("2026-08-01")


@dataclass(frozen=True, slots=True)
class Case:
    """A question, and the SQL that a person would write for it."""

    name: str
    question: dict[str, Any]
    sql: str


def when(event: str) -> str:
    return f"event = '{event}'"


CASES = (
    Case(
        "trends: people a day",
        {"kind": "trends", "series": [{"event": "$pageview", "math": "dau"}], **RANGE},
        f"SELECT toStartOfDay(timestamp) AS day, uniqExact(person_id) FROM ph.events WHERE {when('$pageview')} AND {TIME} GROUP BY day",
    ),
    Case(
        "trends: by browser",
        {"kind": "trends", "series": [{"event": "$pageview"}], "breakdowns": [{"property": "$browser"}], **RANGE},
        f"SELECT toStartOfDay(timestamp) AS day, ifNull(`mat_$browser`, '') AS browser, count() FROM ph.events WHERE {when('$pageview')} AND {TIME} GROUP BY day, browser",
    ),
    Case(
        "trends: weekly active",
        {"kind": "trends", "series": [{"event": "$pageview", "math": "weekly_active"}], **RANGE},
        f"SELECT day + toIntervalDay(later) AS at, uniqExact(person_id) FROM (SELECT DISTINCT person_id, toStartOfDay(timestamp) AS day FROM ph.events WHERE {when('$pageview')} AND {since('2026-07-26')}) ARRAY JOIN range(0, 7) AS later WHERE at >= '2026-08-01' AND at < '2026-11-01' GROUP BY at",
    ),
    Case(
        "funnel",
        {"kind": "funnel", "series": [{"event": each} for each in FUNNEL], **RANGE},
        f"SELECT level, count() FROM (SELECT person_id, windowFunnel(1209600)(toDateTime(timestamp), {', '.join(map(when, FUNNEL))}) AS level FROM ph.events WHERE event IN {FUNNEL} AND {TIME} GROUP BY person_id) GROUP BY level",
    ),
    Case(
        "retention: weekly",
        {
            "kind": "retention",
            "series": [{"event": "$pageview"}],
            "period": "week",
            "periods": 8,
            "date_to": "2026-10-31",
            "date_from": "2026-09-06",
        },
        f"SELECT c, r - c AS p, count() FROM (SELECT c, arrayJoin(w) AS r FROM (SELECT w, arrayJoin(w) AS c FROM (SELECT person_id, groupUniqArray(dateDiff('week', toDate('2026-09-06'), toStartOfWeek(timestamp))) AS w FROM ph.events WHERE {when('$pageview')} AND {since('2026-09-06')} GROUP BY person_id))) WHERE r >= c GROUP BY c, p",
    ),
    Case(
        "lifecycle: weekly",
        {"kind": "lifecycle", "series": [{"event": "$pageview"}], "interval": "week", **RANGE},
        f"SELECT at, multiIf(NOT has(w, at), 'dormant', at = born AND at = arrayMin(w), 'new', has(w, at - 7), 'returning', 'resurrecting') AS status, count() FROM (SELECT born, w, arrayJoin(arrayDistinct(arrayConcat(w, arrayMap(x -> x + 7, w)))) AS at FROM (SELECT person_id, groupUniqArray(toStartOfWeek(timestamp)) AS w FROM ph.events WHERE {when('$pageview')} AND person_mode != 'propertyless' AND {since('2026-07-19')} GROUP BY person_id) AS e LEFT JOIN (SELECT id, toStartOfWeek(created_at) AS born FROM ph.persons) AS p ON p.id = e.person_id) WHERE at >= '2026-07-26' AND at < '2026-11-01' GROUP BY at, status",
    ),
    Case(
        "stickiness",
        {"kind": "stickiness", "series": [{"event": "$pageview"}], **RANGE},
        f"SELECT days, count() FROM (SELECT person_id, uniqExact(toStartOfDay(timestamp)) AS days FROM ph.events WHERE {when('$pageview')} AND {TIME} GROUP BY person_id) GROUP BY days",
    ),
    Case(
        "paths",
        {"kind": "paths", **RANGE},
        f"SELECT edge, count() FROM (SELECT arrayJoin(arrayMap(i -> (v[i].2, v[i + 1].2), range(1, length(v)))) AS edge FROM (SELECT arrayJoin(arraySplit((x, gap) -> gap >= 1800, t, arrayDifference(arrayMap(x -> toUnixTimestamp(x.1), t)))) AS v FROM (SELECT person_id, arraySort(groupArray((timestamp, `mat_$current_url`))) AS t FROM ph.events WHERE {when('$pageview')} AND {TIME} GROUP BY person_id))) GROUP BY edge ORDER BY count() DESC LIMIT 50",
    ),
)


async def report(data_dir: Path, events: int, times: int = 5) -> str:
    snapshot, _ = await prepared(data_dir, events)
    rows: list[list[object]] = []
    async with open_project(Settings.load(data_dir=data_dir, backend="local", query_timeout=120)) as project:
        for case in CASES:
            rows.append(await measured(project, case, times))
        tiles = await dashboard(project)
    title = f"Insights on {snapshot.manifest.tables['events'].rows:,} events, median of {times}, ms"
    return table(title, ["insight", "run_insight", "by hand on chDB", "ratio"], rows) + tiles


async def measured(project: Project, case: Case, times: int) -> list[object]:
    driver = project.driver
    assert isinstance(driver, LocalDriver)
    engine = driver._engine  # pyright: ignore
    question = question_of(case.question)
    ours: Callable[[], Awaitable[object]] = partial(run_insight, project, question, refresh=True)
    by_hand: Callable[[], Awaitable[object]] = partial(engine.run, case.sql, {}, timeout_seconds=120, timezone="UTC")
    await ours()
    await by_hand()
    mine, hand = await alternate([ours, by_hand], times)
    return [case.name, f"{mine:.0f}", f"{hand:.0f}", ratio(mine, hand)]


async def dashboard(project: Project) -> str:
    """Twelve tiles at once against the slowest of them alone."""
    questions = [question_of(case.question) for case in (*CASES, *CASES)][:12]
    tiles: list[Any] = []
    slowest = 0.0
    for place, question in enumerate(questions):
        tiles.append(
            {"id": place, "insight": {"id": place, "name": str(place), "query": await saved_query(project, question)}}
        )
        begun = time.perf_counter()
        await run_insight(project, question, refresh=True)
        slowest = max(slowest, (time.perf_counter() - begun) * 1000)
    begun = time.perf_counter()
    done = await compute_dashboard(project, {"tiles": tiles}, refresh=True, compare=False)
    whole = (time.perf_counter() - begun) * 1000
    failed = sum(bool(tile.error) for tile in done.tiles)
    head = ["tiles", "failed", "all at once, ms", "slowest alone, ms", "ratio"]
    return table("A dashboard", head, [[len(tiles), failed, f"{whole:.0f}", f"{slowest:.0f}", ratio(whole, slowest)]])
