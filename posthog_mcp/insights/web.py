"""Web overview: visitors, views, sessions, duration and bounce rate, with the period before; top pages and channels.

Source of the semantics: PostHog's `hogql_queries/web_analytics`: views are page views and screens, a session counts in
the span in which it began, bounce and channel are the session's own. It runs as HogQL on both backends, since PostHog
answers it with three queries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from posthog_mcp.charts.chart import Chart
from posthog_mcp.insights.answer import Answer
from posthog_mcp.insights.dates import Span
from posthog_mcp.insights.facts import change, percent, shown
from posthog_mcp.insights.frame import Frame, conjunction
from posthog_mcp.results import Column, Json

TOP = 10
VIEWS = "event IN ('$pageview', '$screen')"
MEASURES = ("visitors", "views", "sessions", "duration_seconds", "bounce_rate")
COLUMNS = (
    Column("part", "String"),
    Column("name", "String"),
    *(Column(name, "Nullable(Float64)") for name in MEASURES),
    *(Column(f"{name}_before", "Nullable(Float64)") for name in MEASURES),
)
SMALL = 30


class Web:
    """The kind `web`. Parts are `all`, `page` and `channel`."""

    def hogql(self, frame: Frame) -> str:
        """Rows of part, name, 1 for the earlier span, and the measures."""
        spans = [frame.span, frame.span.shifted(frame.question.compare or "previous")]
        selects: list[str] = []
        for earlier, span in enumerate(spans):
            selects.append(part(frame, "all", "''", earlier, span))
            selects.append(part(frame, "channel", "ifNull(channel, '')", earlier, span))
            selects.append(pages(frame, earlier, span))
        return "\nUNION ALL\n".join(f"SELECT * FROM ({each})" for each in selects)

    def read(self, frame: Frame, rows: Sequence[Sequence[Json]]) -> Answer:
        found: dict[tuple[str, str], dict[int, Sequence[Json]]] = {}
        for name, value, earlier, *measures in rows:
            found.setdefault((str(name), str(value)), {})[int(str(earlier))] = measures
        nothing: list[Json] = [0, 0, 0, None, None]
        table: list[list[Json]] = [
            [*key, *map(plain, spans.get(0, nothing)), *map(plain, spans.get(1, nothing))]
            for key, spans in found.items()
            if 0 in spans or key[0] == "all"
        ]
        order = {"all": 0, "page": 1, "channel": 2}
        table.sort(key=lambda row: (order[str(row[0])], -float(str(row[2] or 0)), str(row[1])))
        return Answer(COLUMNS, table, facts(table), chart(frame, table))

    def native(self, frame: Frame) -> dict[str, Json]:
        """None: see above."""
        del frame
        return {}

    def read_native(self, frame: Frame, response: Mapping[str, Json]) -> Answer:
        del response
        return self.read(frame, [])


def sessions(frame: Frame, span: Span) -> str:
    """A row a session that began in the span."""
    conditions = [VIEWS, "$session_id IS NOT NULL", frame.within(span, whole=False)]
    conditions += [frame.filter(each) for each in frame.question.filters]
    inner = (
        "SELECT $session_id AS session_id, any(person_id) AS person, count() AS views, "
        "any(session.$session_duration) AS duration, any(session.$is_bounce) AS bounced, "
        "any(session.$channel_type) AS channel, min(session.$start_timestamp) AS begun "
        f"FROM events {conjunction(conditions)} GROUP BY session_id"
    )
    return f"SELECT * FROM ({inner}) WHERE {frame.within(span, 'begun', whole=False)}"


def part(frame: Frame, name: str, value: str, earlier: int, span: Span) -> str:
    """The measures of all sessions, or of each group of them."""
    measures = (
        "count(DISTINCT person) AS visitors, sum(views) AS views, count() AS sessions, "
        "avg(duration) AS duration, avg(toFloat(bounced)) AS bounce"
    )
    return (
        f"SELECT '{name}' AS part, {value} AS name, {earlier} AS earlier, {measures} "
        f"FROM ({sessions(frame, span)}) GROUP BY name ORDER BY visitors DESC, name LIMIT {TOP}"
    )


def pages(frame: Frame, earlier: int, span: Span) -> str:
    """Visitors and views of each page."""
    conditions = [VIEWS, frame.within(span, whole=False), *(frame.filter(each) for each in frame.question.filters)]
    name = "ifNull(toString(coalesce(properties.$pathname, properties.$screen_name)), '')"
    return (
        f"SELECT 'page' AS part, {name} AS name, {earlier} AS earlier, count(DISTINCT person_id) AS visitors, "
        "count() AS views, count(DISTINCT $session_id) AS sessions, NULL AS duration, NULL AS bounce "
        f"FROM events {conjunction(conditions)} GROUP BY name ORDER BY visitors DESC, name LIMIT {TOP}"
    )


def plain(value: Json) -> Json:
    if not isinstance(value, int | float):
        return None
    return int(value) if value == int(value) else round(float(value), 4)


def facts(table: Sequence[Sequence[Json]]) -> tuple[str, ...]:
    """The overview with its changes, the top page and the top channel."""
    whole = next((row for row in table if row[0] == "all"), None)
    if whole is None or not whole[2]:
        return ("There were no page views or screens in this time.",)
    found: list[str] = []
    for place, name in enumerate(MEASURES):
        now, before = whole[2 + place], whole[2 + len(MEASURES) + place]
        if not isinstance(now, int | float):
            continue
        written = percent(now) if name == "bounce_rate" else shown(now)
        told = f", {change(float(before), float(now))} the period before" if isinstance(before, int | float) else ""
        found.append(f"{name.replace('_', ' ')}: {written}{told}.")
    for kind in ("page", "channel"):
        top = next((row for row in table if row[0] == kind), None)
        if top is not None:
            found.append(f"Top {kind}: {top[1] or '(none)'} with {shown(float(str(top[2])))} visitors.")
    if float(str(whole[2])) < SMALL:
        found.append(f"Only {shown(float(str(whole[2])))} visitors; too few for changes to mean much.")
    return tuple(found)


def chart(frame: Frame, table: Sequence[Sequence[Json]]) -> Chart:
    """Visitors by channel."""
    span = frame.span
    note = f"{frame.project.name}, {span.start:%Y-%m-%d} to {span.end:%Y-%m-%d} ({frame.project.timezone})"
    rows: list[list[Json]] = [[row[1] or "(none)", row[2]] for row in table if row[0] == "channel"]
    return Chart("bar", "Visitors by channel", ("channel", "visitors"), rows, "channel", "visitors", footnote=note)
