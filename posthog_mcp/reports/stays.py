"""Who stays: of those who signed up some weeks ago, which channels and which first-week actions go with coming back.

People who joined at least four weeks before the end of the period, back: active between a week and four weeks after.
What is found is told as going together, never as a cause.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from posthog_mcp.analysis.stats.multiple import benjamini_hochberg
from posthog_mcp.analysis.stats.proportions import fisher
from posthog_mcp.delivery.message import quoted
from posthog_mcp.hogql.spelling import identifier, text_literal
from posthog_mcp.insights.facts import percent, shown
from posthog_mcp.insights.frame import time_literal
from posthog_mcp.project import Project
from posthog_mcp.queries.run import QueryResult
from posthog_mcp.queries.run import run as run_hogql
from posthog_mcp.reports.findings import Examined, Finding, Kind, Period

JOINED = re.compile(r"(?i)^(user[ _])?(sign(ed)?[ _]?up(ed)?|registered|(account|user)[ _]created|created[ _]account)$")
FROM = re.compile(
    r"(?i)(^\$initial_(utm_source|utm_medium|referring_domain|geoip_country_code|os|device_type)$)|channel"
)
LOOKED, FOLLOWED = 120, 28
LEAST, MOST_DIMENSIONS, MOST_FEATURES = 40, 4, 15
TOLD = 3


@dataclass(frozen=True, slots=True)
class Part:
    """People with a value, and those of them who came back; `rest` likewise."""

    name: str
    n: float
    came: float
    rest_n: float
    rest_came: float

    @property
    def test(self) -> float:
        return fisher((self.rest_came, self.came), (self.rest_n, self.n))

    @property
    def share(self) -> float:
        return self.came / self.n

    @property
    def rest(self) -> float:
        return self.rest_came / self.rest_n


Segment = tuple[str, Part, float, QueryResult]
"""Property, value with its counts, p, and where it comes from."""


def joining_event(events: Mapping[str, int]) -> str | None:
    """The event that people begin with, by its name."""
    fitting = [name for name in events if JOINED.match(name)]
    return max(fitting, key=lambda name: events[name]) if fitting else None


async def who_stays(project: Project, period: Period) -> Examined:
    """Channels and first-week actions that go with coming back, or with not coming back; all that were looked at count
    as tests of the report.

    Raises:
        PostHogMcpError: a query does not run.
    """
    catalogue = await project.driver.catalogue()
    start = joining_event(catalogue.events)
    if start is None:
        return Examined()
    people = people_of(start, period)
    total = await run_hogql(project, f"SELECT count() AS n, countIf(back) AS came FROM ({people}) LIMIT 1")
    n, came = (float(str(each or 0)) for each in (total.table.rows or [[0, 0]])[0])
    if n < 2 * LEAST:
        return Examined()
    segments, tests = list[Segment](), 0
    dimensions = [name for name in catalogue.person_properties if FROM.search(name)][:MOST_DIMENSIONS]
    for name in dimensions:
        value = f"ifNull(toString(person.properties.{identifier(name)}), '')"
        result = await counted(project, people_of(start, period, value), "value")
        known = among_known(result)
        segments += [(name, each, p, result) for each, p in tested(known)]
        tests += len(known)
    found = segment_findings(start, segments, n)
    result = await counted(project, f"SELECT back, arrayJoin(did) AS feature FROM ({people})", "feature")
    parts = [each for each in parts_of(result, n, came) if not each.name.startswith("$") and each.name != start]
    parts = parts[:MOST_FEATURES]
    days = (f"{period.end - timedelta(days=LOOKED):%Y-%m-%d}", period.last)
    told = [replace(each, days=days) for each in (*found, *feature_findings(parts, result))]
    return Examined(findings=tuple(told), tests=tests + len(parts))


async def counted(project: Project, people: str, column: str) -> QueryResult:
    """People and those of them who came back, by a column."""
    counts = f"SELECT {column}, count() AS n, countIf(back) AS came FROM ({people})"
    return await run_hogql(project, f"{counts} GROUP BY {column} ORDER BY n DESC LIMIT 60")


def people_of(start: str, period: Period, value: str = "''") -> str:
    """One row a person who joined: whether they came back, what they did in the first week, a value."""
    first, last = period.end - timedelta(days=LOOKED), period.end - timedelta(days=FOLLOWED)
    within = (
        f"event = {text_literal(start)} AND timestamp >= {time_literal(first)} AND timestamp < {time_literal(last)}"
    )
    joined = f"SELECT person_id, min(timestamp) AS joined FROM events WHERE {within} GROUP BY person_id"
    back = "countIf(e.timestamp >= j.joined + toIntervalDay(7)) > 0"
    did = "groupUniqArrayIf(e.event, e.timestamp < j.joined + toIntervalDay(7))"
    span = f"e.timestamp >= {time_literal(first)} AND e.timestamp < {time_literal(period.end)}"
    theirs = f"e.timestamp >= j.joined AND e.timestamp < j.joined + toIntervalDay({FOLLOWED})"
    valued = value.replace("person.properties", "e.person.properties")
    return (
        f"SELECT e.person_id AS who, {back} AS back, {did} AS did, argMax({valued}, e.timestamp) AS value "
        f"FROM events AS e JOIN ({joined}) AS j ON e.person_id = j.person_id WHERE {span} AND {theirs} "
        f"GROUP BY e.person_id"
    )


def parts_of(result: QueryResult, n: float, came: float) -> list[Part]:
    """Each value against everybody else, where both are enough."""
    found: list[Part] = []
    for name, own, back in result.table.rows:
        size, returned = float(str(own)), float(str(back))
        if size >= LEAST and n - size >= LEAST:
            found.append(Part(str(name), size, returned, n - size, came - returned))
    return found


def among_known(result: QueryResult) -> list[Part]:
    """Each value against the others whose value is known: those of whom nothing is known are another kind of people."""
    rows = [(float(str(own)), float(str(back))) for name, own, back in result.table.rows if name]
    n, came = sum(own for own, _ in rows), sum(back for _, back in rows)
    return [each for each in parts_of(result, n, came) if each.name]


def tested(parts: Sequence[Part]) -> list[tuple[Part, float]]:
    """Those that differ after a correction of their own, by their p as such, the strongest first. The report corrects
    for everything that it looked at."""
    tests = [each.test for each in parts]
    adjusted = benjamini_hochberg(tests)
    kept = [(each, p) for each, p, q in zip(parts, tests, adjusted, strict=True) if q <= 0.01]
    return sorted(kept, key=lambda pair: (pair[1], -abs(pair[0].share - pair[0].rest)))


def order_of(found: Segment) -> tuple[bool, bool, float]:
    """Leaks before strongholds, a team's own properties before those that every project has, big before small."""
    dimension, part, _, _ = found
    return part.share > part.rest, dimension.startswith("$"), -abs(part.share - part.rest)


def segment_findings(start: str, found: Sequence[Segment], whole: float) -> list[Finding]:
    """The strongest segments; the same people by another name are told once."""
    by_people: dict[tuple[float, float], list[Segment]] = {}
    for each in sorted(found, key=order_of):
        by_people.setdefault((each[1].n, each[1].came), []).append(each)
    told: list[Finding] = []
    for twins in list(by_people.values())[:TOLD]:
        dimension, each, p, result = twins[0]
        names = ", ".join(f"{quoted(one[0], 40)} = {quoted(one[1].name, 40)}" for one in twins[1:])
        same = f" (the same people: {names})" if names else ""
        word = "is leaky" if each.share < each.rest else "holds on to people"
        text = (
            f"**{quoted(dimension, 40)} = {quoted(each.name, 40)}** {word}{same}: of its {shown(each.n)} people "
            f"({percent(each.n / whole)} of those who did {quoted(start, 40)}) {percent(each.share)} were back after "
            f"their first week, against {percent(each.rest)} of those with another known value."
        )
        made = of_part("segment", f"{dimension} = {each.name}", text, each, p, result)
        told.append(replace(made, score=52.0 - 4 * len(told)))
    return told


def feature_findings(parts: Sequence[Part], result: QueryResult) -> list[Finding]:
    told: list[Finding] = []
    for each, p in [pair for pair in tested(parts) if pair[0].share > pair[0].rest][:TOLD]:
        times = f"{each.share / each.rest:.1f} times as often as" if each.rest else "unlike"
        text = (
            f"People who did **{quoted(each.name, 60)}** in their first week came back {times} the others "
            f"({percent(each.share)} of {shown(each.n)}, against {percent(each.rest)} of {shown(each.rest_n)}); "
            "they go together, which need not be an effect."
        )
        told.append(of_part("feature", each.name, text, each, p, result))
    return told


def of_part(kind: Kind, metric: str, text: str, each: Part, p: float, result: QueryResult) -> Finding:
    numbers = (("n", each.n), ("share", each.share), ("others", each.rest))
    score = 35 + min(abs(each.share - each.rest) * 60, 25)
    return Finding(kind, quoted(metric, 80), text, score, p, "", numbers, result.query_id, result.hogql)
