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
from posthog_mcp.analysis.sources_people import STATUS, lifecycle_rows, retention_rows
from posthog_mcp.analysis.windows import Stretch
from posthog_mcp.hogql.spelling import identifier, text_literal
from posthog_mcp.insights.frame import BUCKET, NONE, SESSION_DURATION, Frame, conjunction, time_literal
from posthog_mcp.insights.funnel_query import people
from posthog_mcp.insights.question import Breakdown, Question, Series
from posthog_mcp.insights.trends import PER_ACTOR
from posthog_mcp.insights.trends_actors import WINDOWS

MARK = "‖"
"""Between the values of a funnel's dimensions."""
RATIO = re.compile(r"\s*(?:100\s*\*\s*)?([AB])\s*/\s*([AB])\s*(?:\*\s*100)?\s*")
SUM = re.compile(r"\s*[A-Z](?:\s*\+\s*[A-Z])+\s*")
LEVELS = {"median": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99}
Nature = Literal["counts", "shares", "means", "quantiles"]
"""What the metric is of num and den: num, the share num/den, the mean num/den, or the `level` quantile of num where den
is 1."""


@dataclass(frozen=True, slots=True)
class Source:
    """Rows behind a metric. `times` turns num (or num/den) into the metric's unit, as a formula in percent does."""

    hogql: str
    nature: Nature
    times: float = 1.0
    level: float = 0.5


def why_not(question: Question | None) -> str:
    """Why no rows give a metric, and what to ask instead."""
    if question is None:
        return (
            "the query names no further text column, and is no plain time, aggregate FROM events. Add one, such as "
            "properties.$os AS os, to SELECT and GROUP BY with count(), or give an insight call"
        )
    maths = {each.math for each in question.series}
    if question.formula:
        return "only A / B and A + B of counts can be split; ask for each series alone"
    if any(each.startswith(("min", "max")) for each in maths):
        return "one single event sets a minimum or maximum, so there are no parts; ask for median or p95"
    if "hogql" in maths:
        return "what an own aggregate is a sum of is not known; use math total, dau, sum, avg, median or p75 to p99"
    return f"the rows behind {', '.join(sorted(maths)) or question.kind} are not known; ask for a total, sum or avg"


def source_of(case: Case, dimensions: Sequence[Breakdown], step: int | None = None) -> Source | None:
    """The rows behind a metric, None where no rows give it (a maximum, a formula of products). `step` of a funnel:
    the transition to it instead of the whole."""
    question = case.question
    if question is None:
        return None
    if question.kind == "funnel":
        return of_funnel(case, question, dimensions, step)
    if question.kind in ("retention", "lifecycle"):
        return of_people(case, question, dimensions)
    if question.kind != "trends":
        return None
    if SUM.fullmatch(question.formula.upper()):
        return of_sum(case, question, dimensions)
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
    if series.math_property == SESSION_DURATION:
        sessions = last_of(case, dims, where, "$session_id", measured=True)
        return natured(
            series.math, f"SELECT later, person_id, dims, ifNull(measured, 0) AS num, 1 AS den FROM ({sessions})"
        )
    if (series.math in ("sum", "avg") or series.math in LEVELS) and series.math_property:
        prefix = "person.properties" if series.math_property_type == "person" else "properties"
        amount = f"toFloat({prefix}.{identifier(series.math_property)})"
        found = f"{columns}, ifNull({amount}, 0) AS num, if(isNull({amount}), 0, 1) AS den FROM events {where}"
        return natured(series.math, found)
    if series.math.endswith(PER_ACTOR):
        found = f"SELECT later, person_id, dims, num, 1 AS den FROM ({last_of(case, dims, where, 'person_id')})"
        return natured(series.math.removesuffix(PER_ACTOR), found)
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


def natured(math: str, rows: str) -> Source | None:
    """Rows of measured numbers under their math; None of what no rows make up (a minimum, a maximum)."""
    if math in LEVELS:
        return Source(rows, "quantiles", level=LEVELS[math])
    return Source(rows, "counts" if math == "sum" else "means") if math in ("sum", "avg") else None


def of_people(case: Case, question: Question, dimensions: Sequence[Breakdown]) -> Source:
    """Retention: people of a cohort that came back. Lifecycle: active people by their status first."""
    frame = case.frame(question, case.current)
    dims = dims_of(frame, [each for each in dimensions if each != STATUS])
    if question.kind == "retention":
        return Source(retention_rows(case, question, dims), "shares")
    return Source(lifecycle_rows(case, question, dims), "counts")


def of_sum(case: Case, question: Question, dimensions: Sequence[Breakdown]) -> Source | None:
    """A formula A + B of series that sums give: the rows of all of them."""
    letters = [ord(each) - ord("A") for each in re.findall(r"[A-Z]", question.formula.upper())]
    if max(letters) >= len(question.series):
        return None
    found = [of_series(case, question, question.series[at], dimensions) for at in letters]
    if any(each is None or each.nature != "counts" for each in found):
        return None
    rows = (f"SELECT later, person_id, dims, num, den FROM ({each.hogql})" for each in found if each is not None)
    return Source(" UNION ALL ".join(rows), "counts")


def last_of(case: Case, dims: str, where: str, actor: str, *, measured: bool = False) -> str:
    """Each actor once an interval, with the values of the last event; `num` is how many events, `measured` a session's
    seconds."""
    bucket = f"{BUCKET[case.current.interval]}(timestamp)"
    columns = f"{later_of(case)} AS later, {bucket} AS at, {actor} AS actor, any(person_id) AS whose"
    more = ", any(session.$session_duration) AS measured" if measured else ""
    inner = f"SELECT {columns}, argMax({dims}, timestamp) AS dims, count() AS num{more} FROM events {where}"
    kept = ", measured" if measured else ""
    return f"SELECT later, at, whose AS person_id, dims, num{kept} FROM ({inner} GROUP BY later, at, actor)"


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
