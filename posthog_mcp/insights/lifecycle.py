"""Lifecycle: how many people are new, returning, resurrecting or gone dormant, interval by interval.

Source of the semantics: PostHog's `hogql_queries/insights/lifecycle`. A person is new in the interval that they were
created in, if it is also the first that they were active in; returning if active in the one before, resurrecting if
not; dormant (negative) in the first interval without them. The interval before the range is looked at as well, the
last one is whole. Events that make no person profile do not count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from posthog_mcp.charts.chart import Chart
from posthog_mcp.errors import InvalidInput
from posthog_mcp.hogql.spelling import text_literal
from posthog_mcp.insights.answer import Answer
from posthog_mcp.insights.facts import percent, shown
from posthog_mcp.insights.frame import Frame
from posthog_mcp.insights.native import common, results_of, series_nodes
from posthog_mcp.insights.retention_periods import SMALL, Periods, date_range, footnote, periods_of, refuse, scaled
from posthog_mcp.results import Column, Json

STATUSES = ("new", "returning", "resurrecting", "dormant")
PROFILED = "properties.$process_person_profile != 'false'"
AT = f"intDiv(cell, {len(STATUSES)})"
NAMES = " ".join(f"WHEN {at} THEN {text_literal(name)}" for at, name in enumerate(STATUSES[:-1]))
STATUS = f"CASE cell % {len(STATUSES)} {NAMES} ELSE {text_literal(STATUSES[-1])} END"
"""What a cell says, see `cells`."""
NEVER = -1_000_000
"""The number of no interval."""
Counts = dict[tuple[int, str], int]
"""(interval, status) → people, dormant ones too as a positive number."""


class Lifecycle:
    """The kind `lifecycle`."""

    def hogql(self, frame: Frame) -> str:
        """Rows of interval (its number), status and people; what nobody is has no row."""
        most = len(periods_of(frame, frame.interval)) * len(STATUSES)
        counted = f"SELECT cell, count() AS people FROM ({cells(frame)}) GROUP BY cell"
        return f"SELECT {AT} AS at, {STATUS} AS status, people FROM ({counted}) LIMIT {most}"

    def read(self, frame: Frame, rows: Sequence[Sequence[Json]]) -> Answer:
        counts = {(int(str(at)), str(status)): scaled(frame, number) for at, status, number in rows}
        return answer_of(frame, counts)

    def native(self, frame: Frame) -> dict[str, Json]:
        return {
            "kind": "LifecycleQuery",
            **common(frame),
            "dateRange": date_range(periods_of(frame, frame.interval), frame.span.end),
            "interval": frame.interval,
            "series": series_nodes(frame),
        }

    def read_native(self, frame: Frame, response: Mapping[str, Json]) -> Answer:
        counts: Counts = {}
        labels = periods_of(frame, frame.interval).labels
        for line in results_of(response):
            days = [str(each) for each in cast("list[Json]", line.get("days") or [])]
            width = 16 if frame.interval == "hour" else 10
            first = labels.index(days[0][:width]) if days and days[0][:width] in labels else 0
            for place, value in enumerate(cast("list[Json]", line.get("data") or [])):
                counts[first + place, str(line.get("status"))] = abs(round(float(str(value))))
        return answer_of(frame, counts)

    def actors(self, frame: Frame, interval: str, status: str) -> str:
        """The people behind a cell: `interval` as the answer shows it.

        Raises:
            InvalidInput: there is no such cell.
        """
        if status not in STATUSES:
            raise InvalidInput(f"There is no status {status!r}.", fix=f"Take one of {', '.join(STATUSES)}.")
        at = periods_of(frame, frame.interval).at(interval)
        condition = f"cell = {at * len(STATUSES) + STATUSES.index(status)}"
        return f"SELECT person_id FROM ({cells(frame)}) WHERE {condition} ORDER BY person_id"


def cells(frame: Frame) -> str:
    """Everybody once for each interval of the range that they have a status in: person_id and cell, which is the
    interval's number times the statuses, and the status's number."""
    refuse(frame)
    periods = periods_of(frame, frame.interval)
    conditions = [*frame.events(frame.question.series[0]), PROFILED, periods.within(before=1)]
    active = f"SELECT person_id, groupUniqArray({periods.number()}) AS some FROM events"
    active = f"{active} WHERE {' AND '.join(conditions)} GROUP BY person_id"
    # Joined to people, not to their events: these are many times as many.
    created = f"{periods.number('persons.created_at')} AS created"
    found = (
        f"SELECT active.person_id AS person_id, arraySort(active.some) AS active, {created} FROM ({active}) AS active"
    )
    found = f"{found} LEFT JOIN persons ON persons.id = active.person_id"
    # Beside each interval the ones before and after it that the person was active in; {NEVER}: none.
    before = f"arrayPushFront(arrayPopBack(active), {NEVER}) AS befores"
    after = f"arrayPushBack(arrayPopFront(active), {NEVER}) AS afters"
    found = f"SELECT person_id, created, active, {before}, {after} FROM ({found})"
    new = f"WHEN before = {NEVER} AND at = created THEN 0"
    status = f"CASE WHEN before = at - 1 THEN 1 {new} ELSE 2 END"
    here = f"arrayMap((at, before) -> at * {len(STATUSES)} + {status}, active, befores) AS here"
    gone = "arrayFilter((at, after) -> after != at + 1, active, afters) AS lasts"
    found = f"SELECT person_id, {here}, {gone} FROM ({found})"
    dormant = f"arrayMap(at -> (at + 1) * {len(STATUSES)} + 3, lasts)"
    found = f"SELECT person_id, arrayJoin(arrayConcat(here, {dormant})) AS cell FROM ({found})"
    return f"SELECT person_id, cell FROM ({found}) WHERE cell >= 0 AND cell < {len(periods) * len(STATUSES)}"


def answer_of(frame: Frame, counts: Counts) -> Answer:
    """One row an interval that has begun."""
    periods = periods_of(frame, frame.interval)
    rows: list[list[Json]] = []
    points: list[list[Json]] = []
    for at, label in enumerate(periods.labels[: periods.begun]):
        cells = [signed(status, counts.get((at, status), 0)) for status in STATUSES]
        rows.append([label, *cells])
        for status, number in zip(STATUSES, cells, strict=True):
            points.append([label, status, number])
    columns = (Column(frame.interval, "String"), *(Column(status, "Int64") for status in STATUSES))
    drawn = Chart(
        "lifecycle",
        f"Lifecycle of {frame.question.series[0].label}",
        (frame.interval, "status", "people"),
        points,
        frame.interval,
        "people",
        "status",
        "count",
        footnote=footnote(frame),
        incomplete_from=None if periods.running is None else periods.labels[periods.running],
    )
    return Answer(columns, rows, facts(frame, periods, counts), drawn)


def signed(status: str, number: int) -> int:
    return -number if status == "dormant" else number


def facts(frame: Frame, periods: Periods, counts: Counts) -> tuple[str, ...]:
    """Net change, the last complete interval, the share of returning; of the complete intervals."""
    name, unit = frame.question.series[0].label, frame.interval
    found: list[str] = []
    over = periods.complete
    sums = {status: sum(counts.get((at, status), 0) for at in over) for status in STATUSES}
    active = sum(sums[status] for status in STATUSES[:3])
    if not any(sums.values()):
        found.append(f"Nobody did {name} in {len(over)} complete {unit}s.")
    else:
        net = active - sums["returning"] - sums["dormant"]
        gained = f"{shown(sums['new'])} new + {shown(sums['resurrecting'])} resurrecting"
        word = f"net change {'+' if net > 0 else ''}{shown(net)}"
        found.append(
            f"{name}: {word} people in {len(over)} complete {unit}s ({gained} - {shown(sums['dormant'])} dormant)."
        )
    if active:
        share = percent(sums["returning"] / active)
        found.append(f"{name}: {share} of the active were returning (n = {shown(active)}, each {unit} counted).")
        found += last_complete(unit, periods, counts)
    if 0 < active < SMALL:
        found.append(f"{name}: only {shown(active)} in all; too few for shares to mean much.")
    if periods.running is not None:
        label = periods.labels[periods.running]
        found.append(f"The {unit} of {label} is not over: its dormant may still come; it is left out of these facts.")
    return tuple(found)


def last_complete(unit: str, periods: Periods, counts: Counts) -> list[str]:
    """The last complete interval in numbers."""
    last = periods.complete[-1]
    new, returning, resurrecting, dormant = (counts.get((last, status), 0) for status in STATUSES)
    here = new + returning + resurrecting
    told = f"{shown(here)} active ({shown(new)} new, {shown(returning)} returning, {shown(resurrecting)} resurrecting)"
    return [f"Last complete {unit} ({periods.labels[last]}): {told}, {shown(dormant)} dormant."]
