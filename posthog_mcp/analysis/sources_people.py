"""HogQL whose rows are people of a retention or a lifecycle, each with dimensions' values: one row a person and period.

The semantics are those of the insights (`insights/retention.py`, `insights/lifecycle.py`). A person has the values of
the last event that put them into the period.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from posthog_mcp.analysis.case import Case
from posthog_mcp.analysis.windows import Stretch
from posthog_mcp.insights.dates import Span, following
from posthog_mcp.insights.frame import Frame
from posthog_mcp.insights.lifecycle import PROFILED
from posthog_mcp.insights.question import Breakdown, Question
from posthog_mcp.insights.retention_periods import Periods, periods_of

STATUS = Breakdown(property="status", type="hogql")
"""New, returning or resurrecting: the first dimension of a lifecycle."""


def retention_rows(case: Case, question: Question, dims: str) -> str:
    """Rows of each cohort's people; `num` is whether they came back in the period after."""
    frame = case.frame(question, case.current)
    periods = periods_around(case, frame, question)
    started = " AND ".join(frame.events(question.series[0])) or "true"
    returned = " AND ".join(frame.events(question.series[-1])) or "true"
    matching = f"(({started}) OR ({returned})) AND {periods.within()}"
    starts = "groupArrayIf(tuple(at, dims), began = 1)"
    if question.retention_type == "first_time":
        matching = f"(({started}) OR ({returned}) AND {periods.within()})"
        starts = f"arraySlice(arraySort(x -> x.1, {starts}), 1, 1)"
    events = (
        f"SELECT person_id, {periods.number()} AS at, timestamp, ({started}) AS started, ({returned}) AS returned, "
        f"{dims} AS dims FROM events WHERE {matching}"
    )
    days = (
        f"SELECT person_id, at, max(if(started, 1, 0)) AS began, max(if(returned, 1, 0)) AS came, "
        f"argMaxIf(dims, timestamp, started) AS dims FROM ({events}) GROUP BY person_id, at"
    )
    people = f"SELECT person_id, groupArrayIf(at, came = 1) AS returns, {starts} AS starts FROM ({days})"
    each = f"SELECT person_id, returns, arrayJoin(starts) AS start FROM ({people} GROUP BY person_id)"
    flat = "SELECT person_id, start.1 AS cohort, start.2 AS dims, if(has(returns, start.1 + 1), 1, 0) AS num"
    return (
        f"SELECT {later_at(case, periods, 'cohort')} AS later, person_id, dims, num, 1 AS den "
        f"FROM ({flat} FROM ({each})) WHERE {within_at(case, periods, 'cohort')}"
    )


def lifecycle_rows(case: Case, question: Question, dims: str) -> str:
    """Rows of the people who were active in each interval, with their status before the dimensions' values."""
    frame = case.frame(question, case.current)
    periods = periods_around(case, frame, question)
    conditions = [*frame.events(question.series[0]), PROFILED, periods.within(before=1)]
    days = (
        f"SELECT person_id, {periods.number()} AS at, min(person.created_at) AS made, "
        f"argMax({dims}, timestamp) AS dims FROM events WHERE {' AND '.join(conditions)} GROUP BY person_id, at"
    )
    people = (
        f"SELECT person_id, {periods.number('min(made)')} AS created, groupArray(at) AS active, "
        f"groupArray(tuple(at, dims)) AS days FROM ({days}) GROUP BY person_id"
    )
    each = f"SELECT person_id, created, active, arrayJoin(days) AS day FROM ({people})"
    new = "day.1 = created AND day.1 = arrayMin(active), 'new'"
    status = f"multiIf({new}, has(active, day.1 - 1), 'returning', 'resurrecting')"
    flat = f"SELECT person_id, day.1 AS at, arrayConcat([{status}], day.2) AS dims FROM ({each})"
    return (
        f"SELECT {later_at(case, periods, 'at')} AS later, person_id, dims, 1 AS num, 1 AS den "
        f"FROM ({flat}) WHERE {within_at(case, periods, 'at')}"
    )


def periods_around(case: Case, frame: Frame, question: Question) -> Periods:
    """From the first stretch to the last one and the period after it."""
    spans = (case.earlier, case.baseline, case.current)
    start, end = min(each.start for each in spans), max(each.end for each in spans)
    unit = case.current.interval
    last = following(end, unit) if question.kind == "retention" else end
    return periods_of(frame, unit, Span(start, last - timedelta(microseconds=1)))


def place(periods: Periods, wall: datetime) -> int:
    """The number of the period that starts then; one after the last at the end."""
    walls = [each.replace(tzinfo=None) for each in periods.starts]
    return walls.index(wall) if wall in walls else len(walls)


def inside(periods: Periods, stretch: Stretch, number: str) -> str:
    return f"{number} >= {place(periods, stretch.start)} AND {number} < {place(periods, stretch.end)}"


def later_at(case: Case, periods: Periods, number: str) -> str:
    """Which stretch a period's number lies in."""
    now, then = inside(periods, case.current, number), inside(periods, case.baseline, number)
    return f"multiIf({now}, 1, {then}, 0, 2)"


def within_at(case: Case, periods: Periods, number: str) -> str:
    """The number lies in one of the three stretches."""
    spans = (case.earlier, case.baseline, case.current)
    return f"({' OR '.join(f'({inside(periods, each, number)})' for each in spans)})"
