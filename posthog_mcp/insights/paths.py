"""Paths: which step follows which, in visits that a pause of thirty minutes ends.

Source of the semantics: PostHog's `hogql_queries/insights/paths_query_runner.py`: repeats of a step in a row are one
step at the time of the last; a start cuts off what came before its first occurrence, an end what comes after; of long
visits the first steps are kept, with an end the last, with both the outermost. Steps of the same instant are put in
the order of their uuids, where PostHog leaves their order open.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import cast

from posthog_mcp.charts.chart import Chart
from posthog_mcp.hogql.spelling import text_literal
from posthog_mcp.insights.answer import Answer
from posthog_mcp.insights.facts import percent, shown
from posthog_mcp.insights.frame import Frame, conjunction
from posthog_mcp.insights.native import common, results_of
from posthog_mcp.results import Column, Json

PAUSE_SECONDS = 30 * 60
CUT = "..."
"""Stands for the steps between the outermost ones."""
COLUMNS = (
    Column("source", "String"),
    Column("target", "String"),
    Column("value", "UInt64"),
    Column("average_seconds", "Nullable(Float64)"),
)
SMALL = 30


class Paths:
    """The kind `paths`. `value` counts visits that have the step, not people."""

    def hogql(self, frame: Frame) -> str:
        """Rows of source (`1_/a`), target (`2_/b`), how often, average seconds between them."""
        question = frame.question
        visits = (
            f"SELECT person_id, arraySort(groupArray((timestamp, toString(uuid), item))) AS taken FROM ({steps(frame)})"
        )
        split = (
            "SELECT arrayJoin(arraySplit((step, gap) -> gap >= "
            f"{PAUSE_SECONDS}, taken, arrayDifference(arrayMap(step -> toUnixTimestamp(step.1), taken)))) AS whole "
            f"FROM ({visits} GROUP BY person_id)"
        )
        once = (
            "SELECT arrayFilter((step, place) -> place = length(whole) OR whole[place + 1].3 != step.3, "
            f"whole, arrayEnumerate(whole)) AS visit FROM ({split})"
        )
        kept = walks(once, question.start, question.end, question.step_limit)
        places = f"SELECT walk, arrayJoin(range(1, length(walk))) AS place FROM ({kept}) WHERE length(walk) > 1"
        edges = f"SELECT place, walk[place] AS here, walk[place + 1] AS after FROM ({places})"
        return (
            "SELECT concat(toString(place), '_', here.3) AS source, "
            "concat(toString(place + 1), '_', after.3) AS target, count() AS value, "
            "avg(dateDiff('second', here.1, after.1)) AS average_seconds "
            f"FROM ({edges}) GROUP BY source, target ORDER BY value DESC, source, target LIMIT {question.edge_limit}"
        )

    def read(self, frame: Frame, rows: Sequence[Sequence[Json]]) -> Answer:
        return answer_of(frame, [[row[0], row[1], int(str(row[2])), seconds(row[3])] for row in rows])

    def native(self, frame: Frame) -> dict[str, Json]:
        question = frame.question
        chosen: dict[str, Json] = {
            "includeEventTypes": list(question.path_events),
            "stepLimit": question.step_limit,
            "edgeLimit": question.edge_limit,
        }
        given: dict[str, Json] = {
            "startPoint": question.start,
            "endPoint": question.end,
            "excludeEvents": list(question.exclude),
            "pathGroupings": list(question.path_groups),
        }
        chosen |= {name: value for name, value in given.items() if value}
        return {"kind": "PathsQuery", **common(frame), "pathsFilter": chosen}

    def read_native(self, frame: Frame, response: Mapping[str, Json]) -> Answer:
        rows: list[list[Json]] = [
            [
                each.get("source"),
                each.get("target"),
                each.get("value"),
                milliseconds(each.get("average_conversion_time")),
            ]
            for each in results_of(response)
        ]
        return answer_of(frame, rows)


def steps(frame: Frame) -> str:
    """Each event that is a step, with the step's name."""
    question = frame.question
    kinds = {
        "$pageview": "event = '$pageview'",
        "$screen": "event = '$screen'",
        "custom_event": "NOT startsWith(event, '$')",
    }
    item = (
        "multiIf(event = '$pageview', "
        "replaceRegexpOne(ifNull(toString(properties.$current_url), ''), '(.)/$', '\\\\1'), "
        "event = '$screen', ifNull(toString(properties.$screen_name), ''), event)"
    )
    conditions = [
        frame.within(frame.span, whole=False),
        f"({' OR '.join(kinds[each] for each in question.path_events)})",
    ]
    conditions += [frame.filter(each) for each in question.filters]
    grouped = [f"match(step, {text_literal(pattern(each))}), {text_literal(each)}" for each in question.path_groups]
    named = f"multiIf({', '.join([*grouped, 'step'])})" if grouped else "step"
    inner = f"SELECT person_id, timestamp, uuid, {item} AS step FROM events {conjunction(conditions)}"
    excluded = ", ".join(text_literal(each) for each in question.exclude)
    outside = f" WHERE item NOT IN ({excluded})" if excluded else ""
    shown_as = f"SELECT person_id, timestamp, uuid, {named} AS item FROM ({inner})"
    return f"SELECT person_id, timestamp, uuid, item FROM ({shown_as}){outside}"


def pattern(group: str) -> str:
    """A group's pattern: `*` stands for anything."""
    return ".*".join(re.escape(part) for part in group.split("*"))


def walks(visits: str, start: str, end: str, limit: int) -> str:
    """The part of each visit that is shown; a visit without the start or end is left out.

    A layer a step: the C++ parser takes six times as long for each call that stands in another one.
    """
    if start and end:
        tails = f"SELECT arraySlice(visit, at) AS visit FROM ({placed(visits, start)}) WHERE at > 0"
        cuts = f"SELECT arraySlice(visit, 1, at) AS cut FROM ({placed(tails, end)}) WHERE at > 0"
        half = limit // 2
        middle = f"[tuple(cut[{half + 1}].1, '', {text_literal(CUT)})]"
        outer = f"arrayConcat(arraySlice(cut, 1, {half}), {middle}, arraySlice(cut, -{half}))"
        return f"SELECT if(length(cut) > {limit}, {outer}, cut) AS walk FROM ({cuts})"
    if end:
        cuts = f"SELECT arraySlice(visit, 1, at) AS cut FROM ({placed(visits, end)}) WHERE at > 0"
        return f"SELECT arraySlice(cut, -{limit}) AS walk FROM ({cuts})"
    if start:
        return f"SELECT arraySlice(visit, at, {limit}) AS walk FROM ({placed(visits, start)}) WHERE at > 0"
    return f"SELECT arraySlice(visit, 1, {limit}) AS walk FROM ({visits})"


def placed(visits: str, step: str) -> str:
    """Visits, with where a step stands first in them; 0: nowhere."""
    names = f"SELECT visit, arrayMap(step -> step.3, visit) AS names FROM ({visits})"
    return f"SELECT visit, indexOf(names, {text_literal(bare(step))}) AS at FROM ({names})"


def bare(step: str) -> str:
    """A step without the slash at its end, as steps are named."""
    return step[:-1] if len(step) > 1 and step.endswith("/") else step


def seconds(value: Json) -> Json:
    return round(float(value), 1) if isinstance(value, int | float) else None


def milliseconds(value: Json) -> Json:
    return round(float(value) / 1000, 1) if isinstance(value, int | float) else None


def answer_of(frame: Frame, rows: list[list[Json]]) -> Answer:
    """Edges, what stands out among them, and a picture."""
    span = frame.span
    note = f"{frame.project.name}, {span.start:%Y-%m-%d} to {span.end:%Y-%m-%d} ({frame.project.timezone})"
    title = "Paths" + (f" from {frame.question.start}" if frame.question.start else "")
    title += f" to {frame.question.end}" if frame.question.end else ""
    names = tuple(column.name for column in COLUMNS)
    return Answer(
        COLUMNS,
        rows,
        facts(frame, rows),
        Chart("paths", title, names, rows, "source", "value", "target", footnote=note),
    )


def facts(frame: Frame, rows: Sequence[Sequence[Json]]) -> tuple[str, ...]:
    """Where visits begin, the commonest step on, and how often visits went on."""
    if not rows:
        return ("No visit has two of these steps in a row.",)
    entries: dict[str, int] = defaultdict(int)
    for row in rows:
        if str(row[0]).startswith("1_"):
            entries[str(row[0])[2:]] += int(str(row[2]))
    total = sum(entries.values())
    found: list[str] = []
    if entries:
        top = max(entries, key=lambda each: entries[each])
        found.append(
            f"{shown(total)} visits go on from a first step; {percent(entries[top] / total)} begin with {top}."
        )
    source, target, value = str(rows[0][0]), str(rows[0][1]), cast("int", rows[0][2])
    found.append(
        f"Commonest: {source[source.index('_') + 1 :]} to {target[target.index('_') + 1 :]}, {shown(value)} times."
    )
    if len(rows) >= frame.question.edge_limit:
        found.append(f"Only the {frame.question.edge_limit} commonest pairs are shown (edge_limit).")
    if total < SMALL:
        found.append(f"Only {shown(total)} visits; too few for shares to mean much.")
    return tuple(found)
