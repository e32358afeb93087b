"""Causes in the data rather than in the product, looked at first: broken tracking, duplicates, bots, late events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from posthog_mcp.analysis.case import Case
from posthog_mcp.analysis.cubes import Side, name_of
from posthog_mcp.analysis.explanation import Finding
from posthog_mcp.analysis.sources import later_of, within
from posthog_mcp.analysis.stats.proportions import two_proportions
from posthog_mcp.insights.facts import percent, shown
from posthog_mcp.insights.frame import NONE, conjunction
from posthog_mcp.insights.question import Series
from posthog_mcp.queries.run import run as run_hogql
from posthog_mcp.results import Json

BOTS = "bot|crawl|spider|headless|slurp|lighthouse|pingdom|uptime|python-requests|curl/|wget|scrapy|phantomjs"
LOST = 0.5
"""A property that so many more of the events lack has been lost."""
LEAST = 30
SMALL = 0.001


@dataclass(frozen=True, slots=True)
class Health:
    """The metric's events and all others in one stretch."""

    n: float = 0.0
    distinct: float = 0.0
    bots: float = 0.0
    lag: float = 0.0
    """Seconds from an event to its arrival, 95th percentile."""
    most: float = 0.0
    """Events of the busiest person."""
    others: float = 0.0
    hours: float = 0.0
    """Hours in which anything at all was recorded."""


async def quality_of(case: Case, sides: Sequence[Side]) -> list[Finding]:
    """What is wrong with the data, the serious first."""
    if case.question is None or not case.question.series:
        return []
    before, after = await health_of(case, case.question.series)
    scale = len(case.current.labels()) / len(case.baseline.labels())
    found = [
        *everything(before, after, scale),
        *silent(case, before, after, scale),
        *duplicates(before, after),
        *bots(before, after),
        *one_person(before, after, scale),
        *late(case, after),
        *lost(sides),
    ]
    return sorted(found, key=lambda each: not each.serious)


async def health_of(case: Case, series: Sequence[Series]) -> tuple[Health, Health]:
    """Baseline and current, in one pass over all events."""
    assert case.question is not None
    frame = case.frame(case.question, case.current)
    own = [f"({' AND '.join(frame.events(each) or ['true'])})" for each in series]
    mine, bot = f"({' OR '.join(own)})", bot_condition(case)
    agent = f"countIf(mine AND {bot}) AS bots" if bot else "0 AS bots"
    inner = (
        f"SELECT {later_of(case)} AS later, {mine} AS mine, timestamp, created_at, distinct_id, event, person_id, "
        f"properties FROM events {conjunction([within(case)])}"
    )
    query = (
        f"SELECT later, countIf(mine) AS n, uniqIf(tuple(distinct_id, event, timestamp), mine) AS distinct, {agent}, "
        f"quantileIf(0.95)(dateDiff('second', timestamp, created_at), mine) AS lag, "
        f"countIf(NOT mine AND event != '$exception') AS others, uniq(toStartOfHour(timestamp)) AS hours "
        f"FROM ({inner}) WHERE later < 2 GROUP BY later ORDER BY later LIMIT 2"
    )
    busiest = (
        f"SELECT later, max(k) AS most FROM (SELECT {later_of(case)} AS later, person_id, count() AS k FROM events "
        f"{conjunction([mine, within(case)])} GROUP BY later, person_id) WHERE later < 2 GROUP BY later LIMIT 2"
    )
    rows = (await run_hogql(case.project, query, progress=case.progress)).table.rows
    most = {int(str(row[0])): float(str(row[1])) for row in (await run_hogql(case.project, busiest)).table.rows}
    found = {int(str(row[0])): health(row, most.get(int(str(row[0])), 0.0)) for row in rows}
    return found.get(0, Health()), found.get(1, Health())


def health(row: Sequence[Json], most: float) -> Health:
    n, distinct, bots, lag, others, hours = (float(str(each)) if each not in (None, "NaN") else 0.0 for each in row[1:])
    return Health(n, distinct, bots, lag, most, others, hours)


def bot_condition(case: Case) -> str:
    """An event of an agent that says it is a machine; empty where no property tells."""
    known = [name for name in ("$raw_user_agent", "$browser", "$user_agent") if name in case.catalogue.event_properties]
    parts = [f"match(lower(toString(properties.{name})), '{BOTS}')" for name in known]
    return f"({' OR '.join(f'ifNull({each}, false)' for each in parts)})" if parts else ""


def everything(before: Health, after: Health, scale: float) -> list[Finding]:
    """All other events (errors left out) fell as much: an outage, or ingestion."""
    if before.others < LEAST or before.n < LEAST:
        return []
    own, others = after.n / (before.n * scale), after.others / (before.others * scale)
    if others < 0.6 and own < 0.75:
        text = f"All other events fell too, by {percent(1 - others)} (this metric's by {percent(1 - own)}): the whole "
        return [Finding("everything_fell", f"{text}product or the tracking was down, not this metric alone.", True)]
    return []


def silent(case: Case, before: Health, after: Health, scale: float) -> list[Finding]:
    """Hours without any event, or the metric's events gone altogether while others went on."""
    found: list[Finding] = []
    missing = before.hours * scale - after.hours
    if before.others + before.n > 24 * LEAST and missing >= max(2.0, 0.05 * before.hours * scale):
        text = f"{missing:.0f} hours have no event of any kind that the baseline had: data is missing."
        found.append(Finding("silent_hours", text, True))
    if before.n >= LEAST and after.n == 0 and after.others > 0:
        text = (
            f"The metric's events stopped altogether ({shown(before.n)} before, 0 now) while others went on: tracking."
        )
        found.append(Finding("event_stopped", text, True))
    return found


def duplicates(before: Health, after: Health) -> list[Finding]:
    """Events of the same person, name and instant, more often than before."""
    repeated = [each.n - each.distinct for each in (before, after)]
    if max(repeated) < LEAST:
        return []
    shares = [repeat / each.n if each.n else 0.0 for repeat, each in zip(repeated, (before, after), strict=True)]
    if abs(shares[1] - shares[0]) < 0.02:
        return []
    told = f"{percent(shares[0])} of events before, {percent(shares[1])} now"
    text = f"Exact duplicates (same person, event, instant): {told}."
    return [Finding("duplicates", text, abs(shares[1] - shares[0]) > 0.1)]


def bots(before: Health, after: Health) -> list[Finding]:
    """Agents that say they are machines."""
    if max(before.bots, after.bots) < LEAST:
        return []
    shares = [each.bots / each.n if each.n else 0.0 for each in (before, after)]
    tested = two_proportions((before.bots, after.bots), (before.n, after.n))
    if tested.p > SMALL or abs(shares[1] - shares[0]) < 0.01:
        return []
    text = f"Bots by their user agent: {percent(shares[0])} of events before, {percent(shares[1])} now."
    return [Finding("bots", text, abs(shares[1] - shares[0]) > 0.1)]


def one_person(before: Health, after: Health, scale: float) -> list[Finding]:
    """One person makes much of the change."""
    change = after.n - before.n * scale
    if (
        after.most > LEAST
        and change > 0
        and after.most - before.most * scale > 0.25 * change
        and after.most > 0.05 * after.n
    ):
        text = (
            f"One person has {shown(after.most)} of {shown(after.n)} events (the busiest before: {shown(before.most)})."
        )
        return [Finding("one_person", f"{text} A script or a test may count as a user.", after.most > 0.25 * after.n)]
    return []


def late(case: Case, after: Health) -> list[Finding]:
    """Events of the newest intervals may still be on their way."""
    if after.lag > 3600 and case.now - case.current.end < timedelta(seconds=2 * after.lag):
        text = f"One event in twenty arrives {after.lag / 3600:.1f} hours or more late; the newest are not all here."
        return [Finding("late_events", text, True)]
    return []


def lost(sides: Sequence[Side]) -> list[Finding]:
    """Properties that events carried before and do not now."""
    found: list[Finding] = []
    for each in sides:
        whole, cells = each.cube.whole, each.cube.along(0)
        none = cells.get((NONE,))
        if none is None:
            continue
        shares = each.cube.shares
        before = (
            (none.before_of / whole.before_of if whole.before_of else 0)
            if shares
            else none.before / (whole.before or 1)
        )
        after = (none.after_of / whole.after_of if whole.after_of else 0) if shares else none.after / (whole.after or 1)
        if after - before > LOST:
            told = f"is missing on {percent(after)} of it now, {percent(before)} before"
            text = f"{name_of(each.dimension)} {told}: tracking changed."
            found.append(Finding("property_lost", text, True))
    return found
