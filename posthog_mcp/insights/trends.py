"""Trends: how many, interval by interval; counts, people, properties, formulas, breakdowns, comparisons.

Source of the semantics: PostHog's `hogql_queries/insights/trends` (intervals from the start of the first one, property
maths with 0 where there is nothing, active users over a window of days, floor of a moving average, empty groups left
out). Days of active users are calendar days here; PostHog's window also holds an event at the very midnight after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from posthog_mcp.errors import InvalidInput
from posthog_mcp.hogql.spelling import identifier, text_literal
from posthog_mcp.insights.answer import Answer
from posthog_mcp.insights.dates import Span, floor
from posthog_mcp.insights.frame import BUCKET, OTHER, SESSION_DURATION, Frame, conjunction, is_constant, time_literal
from posthog_mcp.insights.question import Breakdown, Series
from posthog_mcp.insights.trends_actors import WINDOWS, breakdown_value, trends_actors
from posthog_mcp.insights.trends_native import native_points, native_query
from posthog_mcp.insights.trends_points import Points, finished, key_of
from posthog_mcp.insights.trends_table import answer_of
from posthog_mcp.results import Json

QUANTILES = {"median": "0.5", "p75": "0.75", "p90": "0.9", "p95": "0.95", "p99": "0.99"}
PER_ACTOR = "_count_per_actor"


class Trends:
    """The kind `trends`."""

    def hogql(self, frame: Frame) -> str:
        """One SELECT for each series, span and cohort: series number, 1 for the earlier span, interval, breakdown,
        value. Intervals without events have no row; the answer shows them as 0."""
        spans = [frame.span, *([frame.span.shifted(frame.question.compare)] if frame.question.compare else [])]
        selects = [
            select
            for index, series in enumerate(frame.question.series)
            for earlier, span in enumerate(spans)
            for select in of_series(frame, index, series, earlier, span)
        ]
        return "\nUNION ALL\n".join(selects)

    def read(self, frame: Frame, rows: Sequence[Sequence[Json]]) -> Answer:
        points: Points = {}
        for index, earlier, period, breakdown, value in rows:
            key = key_of(int(str(index)), str(breakdown), bool(earlier))
            points.setdefault(key, {})[period_label(frame, str(period))] = number(value)
        return answer_of(frame, finished(frame, points))

    def actors(self, frame: Frame, period: str = "", series: int = 0, breakdown: str = "") -> str:
        """The people behind one value: of an interval by its label, of one series, with one breakdown value.

        Raises:
            InvalidInput: there is no such value.
        """
        return trends_actors(frame, period, series, breakdown)

    def native(self, frame: Frame) -> dict[str, Json]:
        return native_query(frame)

    def read_native(self, frame: Frame, response: Mapping[str, Json]) -> Answer:
        return answer_of(frame, native_points(frame, response))


def period_label(frame: Frame, period: str) -> str:
    """A row's interval as the answer shows it."""
    if frame.question.aggregate:
        return ""
    text = period.replace("T", " ")
    return text[:16] if frame.interval == "hour" else text[:10]


def number(value: Json) -> float:
    return float(value) if isinstance(value, int | float | str) and str(value) not in ("", "NaN") else 0.0


def of_series(frame: Frame, index: int, series: Series, earlier: int, span: Span) -> list[str]:
    """The SELECTs of one series in one span: one, or one a cohort.

    Raises:
        InvalidInput: breakdowns that do not go together.
    """
    breakdowns = frame.question.breakdowns
    cohorts = [each for each in breakdowns if each.type == "cohort"]
    if not cohorts:
        value = breakdown_value(frame, breakdowns)
        return [select(frame, index, series, earlier, span, value, [])]
    if len(cohorts) < len(breakdowns):
        raise InvalidInput("A breakdown by cohorts takes cohorts only.", fix="Give only cohorts, or only properties.")
    found: list[str] = []
    for each in cohorts:
        name, conditions = "all", list[str]()
        if each.property != "all":
            name = cohort_name(frame, each)
            conditions = [f"person_id IN COHORT {int(each.property)}"]
        found.append(select(frame, index, series, earlier, span, text_literal(name), conditions))
    return found


def cohort_name(frame: Frame, given: Breakdown) -> str:
    """A cohort's name.

    Raises:
        InvalidInput: there is no such cohort.
    """
    known = frame.catalogue.cohorts
    if not given.property.isdigit() or int(given.property) not in known:
        fix = 'List them: discover_objects {"kind": "cohort"}; `all` is everybody.'
        raise InvalidInput(f"There is no cohort {given.property!r}.", fix=fix)
    return known[int(given.property)]


def select(frame: Frame, index: int, series: Series, earlier: int, span: Span, value: str, more: Sequence[str]) -> str:
    """One SELECT; `value` is the breakdown, folded to the biggest ones and the rest."""
    conditions = [*frame.events(series), *more]
    if series.math == "unique_group":
        conditions.append(f"$group_{series.math_group_type_index} != ''")
    head = f"SELECT {index} AS series, {earlier} AS earlier"
    if frame.question.breakdowns and not is_constant(value):
        if series.math == "total" and not frame.question.aggregate:
            return f"{head}, {ranked_counts(frame, span, value, conditions)}"
        value = f"if({value} IN ({biggest(frame, series, span, value, conditions)}), {value}, {text_literal(OTHER)})"
    body = source(frame, series, span, value, conditions)
    return f"{head}, {body}"


def ranked_counts(frame: Frame, span: Span, value: str, conditions: Sequence[str]) -> str:
    """Counts with the biggest breakdown values and the rest, in one reading of the events: counts of values add up."""
    where = conjunction([*conditions, frame.within(span)])
    found = (
        f"SELECT {frame.bucket()} AS start, {value} AS value, count() AS n FROM events {where} GROUP BY start, value"
    )
    points = "sum(n) AS size, groupArray(tuple(start, n)) AS points"
    found = f"SELECT value, {points} FROM ({found}) GROUP BY value"
    found = f"SELECT value, points, row_number() OVER (ORDER BY size DESC, value) AS place FROM ({found})"
    shown = f"if(place <= {frame.question.breakdown_limit}, value, {text_literal(OTHER)}) AS breakdown"
    found = f"SELECT {shown}, arrayJoin(points) AS point FROM ({found})"
    return f"toString(point.1) AS period, breakdown, sum(point.2) AS value FROM ({found}) GROUP BY period, breakdown"


def biggest(frame: Frame, series: Series, span: Span, value: str, conditions: Sequence[str]) -> str:
    """The breakdown values with the most of what is counted."""
    where = conjunction([*conditions, frame.within(span, whole=not frame.question.aggregate)])
    rank = simple(series) or "count()"
    limit = frame.question.breakdown_limit
    inner = (
        f"SELECT {value} AS value, {rank} AS n FROM events {where} GROUP BY value ORDER BY n DESC, value LIMIT {limit}"
    )
    return f"SELECT value FROM ({inner})"


def source(frame: Frame, series: Series, span: Span, value: str, conditions: list[str]) -> str:
    """Everything behind the first two columns."""
    period = "''" if frame.question.aggregate else f"toString({frame.bucket()})"
    time = frame.within(span, whole=not frame.question.aggregate)
    if series.math in WINDOWS:
        return active(frame, series, span, value, conditions)
    if series.math == "first_time_for_user":
        return first_time(frame, series, span, value)
    if series.math.endswith(PER_ACTOR):
        inner = f"SELECT person_id, {period} AS period, {value} AS breakdown, count() AS n FROM events"
        grouped = f"{inner} {conjunction([*conditions, time])} GROUP BY person_id, period, breakdown"
        return second_level(aggregate(series.math.removesuffix(PER_ACTOR), "n"), grouped)
    if series.math_property == SESSION_DURATION:
        measured = "any(session.$session_duration) AS n"
        inner = f"SELECT $session_id, {period} AS period, {value} AS breakdown, {measured} FROM events"
        grouped = f"{inner} {conjunction([*conditions, time])} GROUP BY $session_id, period, breakdown"
        return second_level(aggregate(series.math, "n"), grouped)
    if frame.question.cumulative and series.math == "dau":
        inner = f"SELECT person_id, {value} AS breakdown, min({frame.bucket()}) AS first FROM events"
        grouped = f"{inner} {conjunction([*conditions, time])} GROUP BY person_id, breakdown"
        return second_level("count()", grouped, period="toString(first)")
    measured = simple(series) or "count()"
    columns = f"{period} AS period, {value} AS breakdown, {measured} AS value"
    return f"{columns} FROM events {conjunction([*conditions, time])} GROUP BY period, breakdown"


def second_level(value: str, inner: str, *, period: str = "period", where: str = "") -> str:
    """A value of grouped rows, an interval and breakdown."""
    named = "period" if period == "period" else f"{period} AS period"
    condition = f" WHERE {where}" if where else ""
    return f"{named}, breakdown, {value} AS value FROM ({inner}){condition} GROUP BY period, breakdown"


def simple(series: Series) -> str:
    """The aggregate of a math that needs no second level; empty for the others."""
    if series.math == "hogql":
        return f"({series.math_hogql})"
    if series.math_property and series.math_property != SESSION_DURATION and "_" not in series.math:
        prefix = "person.properties" if series.math_property_type == "person" else "properties"
        return aggregate(series.math, f"toFloat({prefix}.{identifier(series.math_property)})")
    counted = {
        "total": "count()",
        "dau": "count(DISTINCT person_id)",
        "unique_session": "count(DISTINCT $session_id)",
        "unique_group": f"count(DISTINCT $group_{series.math_group_type_index})",
    }
    return counted.get(series.math, "")


def aggregate(math: str, value: str) -> str:
    """A function of a value, 0 where there is none."""
    function = f"quantile({QUANTILES[math]})" if math in QUANTILES else math
    return f"ifNull({function}({value}), 0)"


def active(frame: Frame, series: Series, span: Span, value: str, conditions: Sequence[str]) -> str:
    """People who were active on a day or the days before it: each day of theirs counts for the days that follow, up to
    their next one."""
    days = WINDOWS[series.math]
    starts = frame.starts(span)
    first, last = starts[0], starts[-1]
    time = f"timestamp >= {time_literal(first)} - toIntervalDay({days - 1}) AND timestamp <= {time_literal(span.end)}"
    where = conjunction([*conditions, time])
    own = f"SELECT person_id, {value} AS breakdown, arraySort(groupUniqArray(toDate(timestamp))) AS days FROM events"
    own = f"{own} {where} GROUP BY {'person_id' if is_constant(value) else 'person_id, breakdown'}"
    after = f"arrayPushBack(arrayPopFront(days), days[-1] + toIntervalDay({days})) AS afters"
    pairs = f"SELECT person_id, breakdown, days, {after} FROM ({own})"
    pairs = f"SELECT person_id, breakdown, arrayJoin(arrayZip(days, afters)) AS pair FROM ({pairs})"
    numbers = f"range(0, least({days}, dateDiff('day', pair.1, pair.2))) AS numbers"
    spread = f"SELECT person_id, breakdown, pair.1 AS day, {numbers} FROM ({pairs})"
    spread = f"SELECT person_id, breakdown, day + toIntervalDay(arrayJoin(numbers)) AS at FROM ({spread})"
    begun = ">=" if first == floor(first, "day", 0) else ">"
    bounds = f"at {begun} toDate('{first:%Y-%m-%d}') AND at <= toDate('{last:%Y-%m-%d}')"
    if frame.interval in ("week", "month"):
        bounds += f" AND {BUCKET[frame.interval]}(at) = at"
    if frame.question.aggregate:
        return second_level("count(DISTINCT person_id)", spread, period="''", where=bounds)
    shown = value if is_constant(value) else "breakdown"
    columns = f"concat(toString(at), ' 00:00:00') AS period, {shown} AS breakdown, count() AS value"
    return f"{columns} FROM ({spread}) WHERE {bounds} GROUP BY {'at' if is_constant(value) else 'at, breakdown'}"


def first_time(frame: Frame, series: Series, span: Span, value: str) -> str:
    """People whose first such event ever is in the span and passes the filters."""
    own = [condition for condition in [frame.what(series)] if condition]
    filters = [frame.filter(each) for each in (*series.filters, *frame.question.filters)]
    passing = " AND ".join(filters) or "true"
    inner = (
        f"SELECT person_id, min(timestamp) AS first, minIf(timestamp, {passing}) AS fitting, "
        f"argMin({value}, timestamp) AS breakdown FROM events {conjunction(own)} GROUP BY person_id"
    )
    period = "''" if frame.question.aggregate else f"toString({frame.bucket('first')})"
    time = frame.within(span, "first", whole=not frame.question.aggregate)
    return second_level("count()", inner, period=period, where=f"first = fitting AND {time}")
