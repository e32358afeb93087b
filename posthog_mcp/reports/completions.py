"""Things begun and not completed: pairs of events by their names, as a whole and by system, browser and country."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from posthog_mcp.analysis.metrics import Wanted, lines_of
from posthog_mcp.analysis.stats.proportions import fisher, two_proportions
from posthog_mcp.delivery.message import quoted
from posthog_mcp.hogql.spelling import identifier, text_literal
from posthog_mcp.insights.facts import percent, shown
from posthog_mcp.insights.frame import time_literal
from posthog_mcp.project import Project
from posthog_mcp.queries.run import run as run_hogql
from posthog_mcp.reports.findings import Examined, Finding, Period
from posthog_mcp.reports.trends import examine_series
from posthog_mcp.results import Json

BEGUN = ("started", "begun", "initiated", "opened")
DONE = ("completed", "finished", "succeeded", "submitted")
MOST_PAIRS, MOST_VALUES = 5, 8
WITHIN = ("$os", "$browser", "$geoip_country_code")
BEFORE_DAYS, LEAST = 28, 15


def pairs_of(events: Mapping[str, int]) -> list[tuple[str, str]]:
    """Events that begin something, with those that complete it: `checkout_started`, `checkout_completed`."""
    found: list[tuple[str, str]] = []
    for name in sorted(events, key=lambda each: -events[each]):
        for begin in BEGUN:
            stem = name.removesuffix(begin)
            ends = [stem + end for end in DONE if stem + end in events]
            if stem != name and ends:
                found.append((name, ends[0]))
    return found[:MOST_PAIRS]


async def completions(project: Project, period: Period) -> list[Examined]:
    """The share of what was begun that was completed, day by day.

    Raises:
        PostHogMcpError: a query does not run.
    """
    found: list[Examined] = []
    for begun, done in pairs_of((await project.driver.catalogue()).events):
        metric: dict[str, Json] = {
            "kind": "funnel",
            "series": [{"event": begun}, {"event": done}],
            "options": {"funnel_window": 1, "funnel_window_unit": "day"},
            "name": f"{begun} → {done}",
        }
        start = period.start - timedelta(days=max(90, period.days))
        wanted = Wanted(f"{start:%Y-%m-%d}", period.last, "day")
        lines = await lines_of(project, metric, wanted, now=period.moment)
        examined = examine_series(lines[0], period, "", "completion")
        within = await by_segment(project, begun, done, period)
        tests = examined.tests + len(within)
        found.append(Examined(examined.trends, (*examined.findings, *within), examined.series, metric, tests=tests))
    return found


async def by_segment(project: Project, begun: str, done: str, period: Period) -> list[Finding]:
    """Systems, browsers and countries whose share of completions is another than in the four weeks before; the p-values
    are corrected with all others of the report.

    Raises:
        PostHogMcpError: a query does not run.
    """
    known = (await project.driver.catalogue()).event_properties
    found: list[Finding] = []
    for dimension in [each for each in WITHIN if each in known]:
        now = f"timestamp >= {time_literal(period.start)}"
        event = [f"event = {text_literal(each)}" for each in (begun, done)]
        counts = [f"countIf({each} AND {when})" for when in (f"NOT ({now})", now) for each in event]
        since = time_literal(period.start - timedelta(days=BEFORE_DAYS))
        where = f"({' OR '.join(event)}) AND timestamp >= {since} AND timestamp < {time_literal(period.end)}"
        value = f"ifNull(toString(properties.{identifier(dimension)}), '')"
        columns = f"{value} AS value, {', '.join(f'{each} AS c{at}' for at, each in enumerate(counts))}"
        query = f"SELECT {columns} FROM events WHERE {where} GROUP BY value ORDER BY c0 DESC LIMIT {MOST_VALUES}"
        result = await run_hogql(project, query)
        for name, *cells in result.table.rows:
            made = segment(begun, done, dimension, str(name), [float(str(each)) for each in cells])
            found += [replace(made, query_id=result.query_id, hogql=result.hogql)] if made and name else []
    days = (f"{period.start - timedelta(days=BEFORE_DAYS):%Y-%m-%d}", period.last)
    return [replace(each, days=days) for each in found]


def segment(begun: str, done: str, dimension: str, name: str, counts: list[float]) -> Finding | None:
    """One value's share now against before."""
    before_n, before, now_n, now = counts[0], min(counts[1], counts[0]), counts[2], min(counts[3], counts[2])
    if min(before_n, now_n) < LEAST:
        return None
    test = two_proportions((before, now), (before_n, now_n))
    word = "broke" if now / now_n < 0.5 * before / before_n else "fell" if test.difference < 0 else "rose"
    metric = f"{begun} → {done}"
    text = (
        f"**{quoted(metric, 80)}** {word} where {quoted(dimension, 40)} = {quoted(name, 40)}: {percent(now / now_n)} "
        f"of {shown(now_n)}, against {percent(before / before_n)} of {shown(before_n)} in the four weeks before "
        f"(difference {test.low * 100:+.0f} to {test.high * 100:+.0f} points)."
    )
    about = (("before", before / before_n), ("after", now / now_n), ("n", now_n), (dimension, quoted(name, 40)))
    score = 55 + min(abs(test.difference) * 60, 35)
    p = fisher((before, now), (before_n, now_n))
    return Finding("completion", quoted(metric, 80), text, score, p, about=about)
