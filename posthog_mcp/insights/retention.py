"""Retention: of the people who did something in a period, how many did it, or something else, in the periods after.

Source of the semantics: PostHog's `hogql_queries/insights/retention` (fixed intervals). Only events in the range count,
the last period whole; period 0 is the cohort itself; `first_time` looks at all of history for the first target event;
a breakdown by an event property puts a person in a group for each value their target events carry, and counts returns
that carry the same; `unbounded` (PostHog's cumulative) sees as far as the last period that is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from posthog_mcp.errors import InvalidInput
from posthog_mcp.hogql.spelling import text_literal
from posthog_mcp.insights.answer import Answer
from posthog_mcp.insights.frame import NONE, OTHER, Frame, is_constant
from posthog_mcp.insights.native import breakdown_filter, common, properties, results_of
from posthog_mcp.insights.question import Series
from posthog_mcp.insights.retention_periods import Periods, date_range, periods_of, refuse, scaled
from posthog_mcp.insights.retention_table import Counts, answer_of
from posthog_mcp.results import Json

MOST_COHORTS = 500
BREAKDOWNS = ("event", "person", "group", "hogql", "cohort")
EVERYBODY = "0"
"""What PostHog calls the cohort of all people."""
LABELS = {"$$_posthog_breakdown_other_$$": OTHER, "$$_posthog_breakdown_null_$$": NONE, "": NONE}


class Retention:
    """The kind `retention`."""

    def hogql(self, frame: Frame) -> str:
        """Rows of breakdown, cohort, period (numbers from 0) and people; what nobody did has no row."""
        return "\nUNION ALL\n".join(counted(group, select) for group, select in selects(frame))

    def read(self, frame: Frame, rows: Sequence[Sequence[Json]]) -> Answer:
        counts: Counts = {}
        for group, cohort, period, people in rows:
            cells = counts.setdefault(str(group), {})
            cells[int(str(cohort)), int(str(period))] = scaled(frame, people)
        return answer_of(frame, cohorts_of(frame), named(frame, folded(frame, counts)))

    def native(self, frame: Frame) -> dict[str, Json]:
        question = frame.question
        cohorts = cohorts_of(frame)
        first = question.retention_type == "first_time"
        return {
            "kind": "RetentionQuery",
            **common(frame),
            "dateRange": date_range(cohorts, frame.span.end),
            "retentionFilter": {
                "period": question.period.capitalize(),
                "totalIntervals": question.periods,
                "retentionType": "retention_first_time" if first else "retention_recurring",
                "retentionReference": "total",
                "cumulative": question.unbounded,
                "targetEntity": entity(frame, question.series[0]),
                "returningEntity": entity(frame, question.series[-1]),
            },
            **breakdown_filter(frame),
        }

    def read_native(self, frame: Frame, response: Mapping[str, Json]) -> Answer:
        counts: Counts = {}
        seen: dict[str, int] = {}
        for each in results_of(response):
            group = group_of(frame, each.get("breakdown_value"))
            cohort = seen[group] = seen.get(group, -1) + 1
            values = each.get("values")
            cells = counts.setdefault(group, {})
            for period, value in enumerate(values if isinstance(values, list) else []):
                people = value.get("count") if isinstance(value, dict) else 0
                cells[cohort, period] = round(float(str(people or 0)))
        return answer_of(frame, cohorts_of(frame), named(frame, counts))

    def actors(self, frame: Frame, cohort: str, period: int, breakdown: str = "") -> str:
        """The people behind a cell: `cohort` and `breakdown` as the answer shows them.

        Raises:
            InvalidInput: there is no such cell.
        """
        at = cohorts_of(frame).at(cohort)
        if not 0 <= period < frame.question.periods:
            raise InvalidInput(f"There is no period {period}.", fix=f"Take one of 0 to {frame.question.periods - 1}.")
        conditions = [f"cohort = {at}", f"period = {period}"]
        if frame.question.breakdowns:
            if breakdown in ("", OTHER):
                raise InvalidInput(f"The people of {breakdown or 'no group'!r} cannot be listed.", fix="Name a group.")
            conditions.append(f"breakdown = {text_literal(value_of(frame, breakdown))}")
        everybody = "\nUNION ALL\n".join(select for _, select in selects(frame))
        return f"SELECT DISTINCT person_id FROM ({everybody}) WHERE {' AND '.join(conditions)} ORDER BY person_id"


def cohorts_of(frame: Frame) -> Periods:
    """The range's periods.

    Raises:
        InvalidInput: there are too many.
    """
    found = periods_of(frame, frame.question.period)
    if len(found) > MOST_COHORTS:
        fix = "Use a longer period or a shorter range."
        raise InvalidInput(f"That is {len(found):,} cohorts; at most {MOST_COHORTS} can be shown.", fix=fix)
    return found


def counted(group: str, select: str) -> str:
    """How many are in each cell of one of `selects`."""
    keys = "cohort, period" if is_constant(group) else "breakdown, cohort, period"
    breakdown = f"{group} AS breakdown" if is_constant(group) else "breakdown"
    return f"SELECT {breakdown}, cohort, period, count() AS people FROM ({select}) GROUP BY {keys}"


def selects(frame: Frame) -> list[tuple[str, str]]:
    """The group in HogQL, and a SELECT of person, breakdown, cohort and period: one, or one a cohort of the breakdown.

    Raises:
        InvalidInput: a breakdown that retention cannot have.
    """
    refuse(frame)
    breakdowns = frame.question.breakdowns
    if not breakdowns:
        return [("''", people(frame, "''", ""))]
    wrong = [each.type for each in breakdowns if each.type not in BREAKDOWNS]
    if wrong:
        raise InvalidInput(f"Retention has no breakdown by {wrong[0]}.", fix=f"Use {', '.join(BREAKDOWNS)}.")
    if any(each.type == "cohort" for each in breakdowns):
        groups = [(text_literal(value), condition) for value, condition in cohort_groups(frame)]
        return [(group, people(frame, group, condition)) for group, condition in groups]
    if len(breakdowns) > 1:
        raise InvalidInput("Retention takes one breakdown.", fix="Give one property, or several cohorts.")
    group = frame.value(breakdowns[0])
    return [(group, people(frame, group, ""))]


def cohort_groups(frame: Frame) -> list[tuple[str, str]]:
    """Each cohort's id and the condition of being in it.

    Raises:
        InvalidInput: something else is among them, or there is no such cohort.
    """
    found: list[tuple[str, str]] = []
    for each in frame.question.breakdowns:
        if each.type != "cohort":
            raise InvalidInput(
                "A breakdown by cohorts takes cohorts only.", fix="Give only cohorts, or only one property."
            )
        if each.property == "all":
            found.append((EVERYBODY, ""))
            continue
        if not each.property.isdigit() or int(each.property) not in frame.catalogue.cohorts:
            fix = 'List them: discover_objects {"kind": "cohort"}; `all` is everybody.'
            raise InvalidInput(f"There is no cohort {each.property!r}.", fix=fix)
        found.append((each.property, f"person_id IN COHORT {int(each.property)}"))
    return found


def people(frame: Frame, group: str, condition: str) -> str:
    """Everybody once for each cohort they are in and period they came back in. Flat, since nested calls are what
    HogQL's parser is slow at."""
    cohorts, question = cohorts_of(frame), frame.question
    inside = f"cohort >= 0 AND period >= 0 AND period < {question.periods} AND cohort + period < {len(cohorts)}"
    found = entries(frame, group, condition)
    cells = f"SELECT person_id, breakdown, cohort, arrayJoin(ats) - cohort AS period FROM ({found})"
    if not question.unbounded:
        return f"SELECT person_id, breakdown, cohort, period FROM ({cells}) WHERE {inside}"
    last = f"SELECT person_id, breakdown, cohort, max(period) AS last FROM ({cells}) WHERE {inside}"
    grouped = f"{last} GROUP BY person_id, breakdown, cohort"
    return f"SELECT person_id, breakdown, cohort, arrayJoin(range(0, last + 1)) AS period FROM ({grouped})"


def entries(frame: Frame, group: str, condition: str) -> str:
    """Everybody once for each cohort, with the numbers of the periods they came back in, the cohort's own among
    them."""
    cohorts, question = cohorts_of(frame), frame.question
    started = " AND ".join(frame.events(question.series[0])) or "true"
    returned = " AND ".join(frame.events(question.series[-1])) or "true"
    first = question.retention_type == "first_time"
    matching = f"({started})" if started == returned else f"(({started}) OR ({returned}))"
    where = f"{cohorts.within()} AND {matching}"
    if first:
        where = f"({started})" if started == returned else f"(({started}) OR ({returned}) AND {cohorts.within()})"
    if condition:
        where += f" AND {condition}"
    keys = "person_id" if is_constant(group) else "person_id, breakdown"
    if started == returned:
        ats = f"groupUniqArray({cohorts.number()}) AS ats"
        persons = f"SELECT person_id, {group} AS breakdown, {ats} FROM events WHERE {where} GROUP BY {keys}"
        cohort = "arrayMin(ats)" if first else "arrayJoin(ats)"
        return f"SELECT person_id, breakdown, ats, {cohort} AS cohort FROM ({persons})"
    starts, having = "groupUniqArrayIf(at, started)", ""
    if first:
        starts, having = "[minIf(at, started)]", " HAVING countIf(started) > 0"
    events = (
        f"SELECT person_id, {group} AS breakdown, {cohorts.number()} AS at, ({started}) AS started, "
        f"({returned}) AS returned FROM events WHERE {where}"
    )
    columns = f"person_id, {group if is_constant(group) else 'breakdown'} AS breakdown"
    persons = (
        f"SELECT {columns}, {starts} AS starts, groupUniqArrayIf(at, returned) AS returns "
        f"FROM ({events}) GROUP BY {keys}{having}"
    )
    each = f"SELECT person_id, breakdown, returns, arrayJoin(starts) AS cohort FROM ({persons})"
    ats = "arrayDistinct(arrayPushFront(returns, cohort))"
    return f"SELECT person_id, breakdown, cohort, {ats} AS ats FROM ({each})"


def folded(frame: Frame, counts: Counts) -> Counts:
    """The biggest groups by all their cohorts' sizes, and the rest as one: PostHog's way, so a person may be in the
    rest more than once."""
    limit = frame.question.breakdown_limit
    if not frame.question.breakdowns or frame.question.breakdowns[0].type == "cohort" or len(counts) <= limit:
        return counts
    ranked = sorted(counts, key=lambda each: (-size(counts[each]), each))
    found = {each: counts[each] for each in ranked[:limit]}
    rest = found.setdefault(OTHER, {})
    for each in ranked[limit:]:
        for cell, number in counts[each].items():
            rest[cell] = rest.get(cell, 0) + number
    return found


def size(cells: Mapping[tuple[int, int], int]) -> int:
    return sum(number for (_, period), number in cells.items() if period == 0)


def named(frame: Frame, counts: Counts) -> Counts:
    """The groups under the names that the answer shows, the biggest first, the rest last."""
    ranked = sorted(counts, key=lambda each: (each == OTHER, -size(counts[each]), each))
    return {name_of(frame, each): counts[each] for each in ranked}


def name_of(frame: Frame, group: str) -> str:
    """A group's name: a cohort's own, for its id."""
    breakdowns = frame.question.breakdowns
    if not breakdowns or breakdowns[0].type != "cohort":
        return group
    return "all" if group == EVERYBODY else frame.catalogue.cohorts.get(int(group), group)


def value_of(frame: Frame, name: str) -> str:
    """The other way round."""
    breakdowns = frame.question.breakdowns
    if not breakdowns or breakdowns[0].type != "cohort":
        return name
    return next((value for value, _ in cohort_groups(frame) if name_of(frame, value) == name), name)


def group_of(frame: Frame, value: Json) -> str:
    """PostHog's breakdown value as our query gives it."""
    if not frame.question.breakdowns:
        return ""
    text = "" if value is None else str(value)
    return LABELS.get(text, text)


def entity(frame: Frame, series: Series) -> Json:
    """PostHog's target or returning entity."""
    found: dict[str, Json] = {"id": series.event or None, "type": "events", "name": series.event or None}
    if series.action is not None:
        found = {"id": frame.action(series.action), "type": "actions"}
    if series.name:
        found["custom_name"] = series.name
    if series.filters:
        found["properties"] = properties(series.filters)
    return found
