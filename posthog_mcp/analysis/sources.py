"""HogQL whose rows are what a metric counts, each with its dimensions' values, so that sums over any of them are exact.

Every source has the columns `later` (2 the stretch before the baseline, 0 the baseline, 1 the current one),
`person_id`, `dims` (an array of texts), `num` and `den`. People counted once an interval have the values of their last
event in it, so that nobody is in two segments.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from posthog_mcp.analysis.case import Case
from posthog_mcp.analysis.windows import Stretch
from posthog_mcp.hogql.spelling import identifier, text_literal
from posthog_mcp.insights.frame import BUCKET, NONE, Frame, conjunction, time_literal
from posthog_mcp.insights.funnel_query import people
from posthog_mcp.insights.question import Breakdown, Question, Series
from posthog_mcp.insights.trends_actors import WINDOWS

MARK = "‖"
"""Between the values of a funnel's dimensions."""
RATIO = re.compile(r"\s*(?:100\s*\*\s*)?([AB])\s*/\s*([AB])\s*(?:\*\s*100)?\s*")
Nature = Literal["counts", "shares", "means"]
"""What the metric is of num and den: num, the share num/den, or the mean num/den."""


@dataclass(frozen=True, slots=True)
class Source:
    """Rows behind a metric. `times` turns num (or num/den) into the metric's unit, as a formula in percent does."""

    hogql: str
    nature: Nature
    times: float = 1.0


def source_of(case: Case, dimensions: Sequence[Breakdown], step: int | None = None) -> Source | None:
    """The rows behind a metric, None where no sums give it (a median, a formula of several parts). `step` of a funnel:
    the transition to it instead of the whole."""
    question = case.question
    if question is None:
        return None
    if question.kind == "funnel":
        return of_funnel(case, question, dimensions, step)
    if question.kind != "trends":
        return None
    if question.formula:
        return of_ratio(case, question, dimensions)
    if len(question.series) != 1:
        return None
    return of_series(case, question, question.series[0], dimensions)


def dims_of(frame: Frame, dimensions: Sequence[Breakdown]) -> str:
    """The values as an array, each cut to 120 characters."""
    if not dimensions:
        return "['']"
    return f"[{', '.join(f'substring({frame.value(each)}, 1, 120)' for each in dimensions)}]"


def later_of(case: Case, time: str = "timestamp") -> str:
    """Which stretch a time lies in."""
    inside = f"{time} >= {time_literal(case.current.start)} AND {time} < {time_literal(case.current.end)}"
    return f"multiIf({inside}, 1, {time} >= {time_literal(case.baseline.start)}, 0, 2)"


def within(case: Case, time: str = "timestamp") -> str:
    """The time lies in one of the three stretches."""
    spans = [case.current, *joined(case.earlier, case.baseline)]
    each = [f"{time} >= {time_literal(span.start)} AND {time} < {time_literal(span.end)}" for span in spans]
    return f"({' OR '.join(f'({one})' for one in each)})"


def joined(first: Stretch, second: Stretch) -> list[Stretch]:
    """Two stretches that follow each other as one."""
    return [Stretch(first.start, second.end, first.interval)] if first.end == second.start else [first, second]


def of_series(case: Case, question: Question, series: Series, dimensions: Sequence[Breakdown]) -> Source | None:
    """The rows of one series, by its math."""
    frame = case.frame(question, case.current)
    dims = dims_of(frame, dimensions)
    later, where = later_of(case), conjunction([*frame.events(series), within(case)])
    columns = f"SELECT {later} AS later, person_id, {dims} AS dims"
    if series.math == "total":
        return Source(f"{columns}, 1 AS num, 1 AS den FROM events {where}", "counts")
    if series.math in ("sum", "avg") and series.math_property and series.math_property != "$session_duration":
        prefix = "person.properties" if series.math_property_type == "person" else "properties"
        amount = f"toFloat({prefix}.{identifier(series.math_property)})"
        found = f"{columns}, ifNull({amount}, 0) AS num, if(isNull({amount}), 0, 1) AS den FROM events {where}"
        return Source(found, "counts" if series.math == "sum" else "means")
    if series.math == "avg_count_per_actor":
        found = f"SELECT later, person_id, dims, num, 1 AS den FROM ({last_of(case, dims, where, 'person_id')})"
        return Source(found, "means")
    if series.math in WINDOWS:
        return Source(windowed(case, frame, series, dims), "counts")
    if series.math == "first_time_for_user":
        return Source(first_times(case, frame, series, dims), "counts")
    actors = {"dau": "person_id", "unique_session": "$session_id"}
    actor = actors.get(series.math)
    if series.math == "unique_group":
        actor = f"$group_{series.math_group_type_index or 0}"
    if actor is None:
        return None
    found = f"SELECT later, person_id, dims, 1 AS num, 1 AS den FROM ({last_of(case, dims, where, actor)})"
    return Source(found, "counts")


def last_of(case: Case, dims: str, where: str, actor: str) -> str:
    """Each actor once an interval, with the values of the last event; `num` is how many events."""
    bucket = f"{BUCKET[case.current.interval]}(timestamp)"
    columns = f"{later_of(case)} AS later, {bucket} AS at, {actor} AS actor, any(person_id) AS whose"
    inner = f"SELECT {columns}, argMax({dims}, timestamp) AS dims, count() AS num FROM events {where}"
    grouped = f"{inner} GROUP BY later, at, actor"
    return f"SELECT later, at, whose AS person_id, dims, num FROM ({grouped})"


def windowed(case: Case, frame: Frame, series: Series, dims: str) -> str:
    """People who were active on a day or the days before it: each day of theirs counts for those that follow."""
    days = WINDOWS[series.math]
    start = min(case.earlier.start, case.baseline.start, case.current.start)
    first, last = f"{time_literal(start)} - toIntervalDay({days - 1})", time_literal(case.current.end)
    time = f"timestamp >= {first} AND timestamp < {last}"
    inner = (
        f"SELECT person_id, toStartOfDay(timestamp) AS day, argMax({dims}, timestamp) AS dims, max(timestamp) AS seen"
    )
    inner = f"{inner} FROM events {conjunction([*frame.events(series), time])} GROUP BY person_id, day"
    spread = f"SELECT person_id, dims, seen, day + toIntervalDay(arrayJoin(range(0, {days}))) AS at FROM ({inner})"
    bucket = BUCKET[case.current.interval]
    counted = f"SELECT person_id, at, argMax(dims, seen) AS dims FROM ({spread})"
    counted = f"{counted} WHERE {bucket}(at) = at AND {within(case, 'at')}"
    return (
        f"SELECT {later_of(case, 'at')} AS later, person_id, dims, 1 AS num, 1 AS den "
        f"FROM ({counted} GROUP BY person_id, at)"
    )


def first_times(case: Case, frame: Frame, series: Series, dims: str) -> str:
    """People whose first such event ever lies in a stretch and passes the filters."""
    own = [condition for condition in [frame.what(series)] if condition]
    filters = [frame.filter(each) for each in (*series.filters, *frame.question.filters)]
    passing = " AND ".join(filters) or "true"
    columns = f"person_id, min(timestamp) AS first, minIf(timestamp, {passing}) AS fitting"
    inner = f"SELECT {columns}, argMin({dims}, timestamp) AS dims FROM events {conjunction(own)} GROUP BY person_id"
    return (
        f"SELECT {later_of(case, 'first')} AS later, person_id, dims, 1 AS num, 1 AS den FROM ({inner}) "
        f"WHERE first = fitting AND {within(case, 'first')}"
    )


def of_ratio(case: Case, question: Question, dimensions: Sequence[Breakdown]) -> Source | None:
    """A formula A / B (or B / A, or in percent) of two series that sums give: rows of both, num of one, den of the
    other."""
    found = RATIO.fullmatch(question.formula.upper())
    if not found or len(question.series) != 2 or found[1] == found[2]:
        return None
    order = question.series if found[1] == "A" else question.series[::-1]
    above, below = (of_series(case, question, each, dimensions) for each in order)
    if above is None or below is None or {above.nature, below.nature} != {"counts"}:
        return None
    first = f"SELECT later, person_id, dims, num, 0 AS den FROM ({above.hogql})"
    second = f"SELECT later, person_id, dims, num AS amount FROM ({below.hogql})"
    second = f"SELECT later, person_id, dims, 0 AS num, amount AS den FROM ({second})"
    nature: Nature = "shares" if all(each.math == "total" for each in question.series) else "means"
    return Source(f"{first} UNION ALL {second}", nature, 100.0 if "100" in question.formula else 1.0)


def of_funnel(case: Case, question: Question, dimensions: Sequence[Breakdown], step: int | None) -> Source:
    """People who entered in a stretch and came to the end in it, once a stretch."""
    last = len(question.series) - 1
    start, end = (0, last) if step is None else (step - 1, step)
    plain = question.model_copy(update={"funnel_view": "steps"})
    selects: list[str] = []
    for later, stretch in ((2, case.earlier), (0, case.baseline), (1, case.current)):
        frame = case.frame(plain, stretch)
        values = f"concat({', '.join(joined_values(frame, dimensions))})"
        broken = frame.question.model_copy(update={"breakdowns": [Breakdown(property=values, type="hogql")]})
        inner = people(Frame(broken, frame.project, frame.catalogue, frame.span, frame.now))
        columns = f"{later} AS later, person_id, splitByString({text_literal(MARK)}, breakdown) AS dims"
        counts = f"if(bitTest(reached, {end}), 1, 0) AS num, 1 AS den"
        selects.append(f"SELECT {columns}, {counts} FROM ({inner}) WHERE bitTest(reached, {start})")
    return Source(" UNION ALL ".join(selects), "shares")


def joined_values(frame: Frame, dimensions: Sequence[Breakdown]) -> list[str]:
    """The dimensions' values with marks between; one that is never empty where there are none."""
    found: list[str] = []
    for each in dimensions:
        found += [text_literal(MARK)] if found else []
        found.append(f"substring({frame.value(each)}, 1, 120)")
    return found if len(found) > 1 else [*(found or [text_literal(NONE)]), "''"]
