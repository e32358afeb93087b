"""Numbers of a funnel's steps as a table, facts and a chart; the same whichever of the two queries ran."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from posthog_mcp.charts.chart import Chart
from posthog_mcp.insights.answer import Answer
from posthog_mcp.insights.facts import percent, shown
from posthog_mcp.insights.frame import OTHER, Frame
from posthog_mcp.insights.funnel_query import mandatory
from posthog_mcp.insights.question import Question
from posthog_mcp.results import Column, Json

SMALL = 30
"""Below so many people, a rate says little."""


@dataclass(frozen=True, slots=True)
class Step:
    """People who reached a step, and seconds from the step before (None: nobody, or no time passed)."""

    people: int
    average: float | None = None
    median: float | None = None


Lines = dict[str, list[Step]]
"""Breakdown value (empty: not broken down) → steps."""


def answer_of(frame: Frame, lines: Lines) -> Answer:
    """One row a step, of one breakdown value after the other."""
    names = step_names(frame)
    lines = lines if frame.question.breakdowns or lines else {"": [Step(0)] * len(names)}
    keys = sorted(lines, key=lambda each: (each == OTHER, [-step.people for step in reversed(lines[each])], each))
    broken_down = bool(frame.question.breakdowns)
    columns = (
        *((Column(frame.question.breakdowns[0].property, "String"),) if broken_down else ()),
        Column("step", "UInt8"),
        Column("name", "String"),
        Column("people", "UInt64"),
        Column("conversion_from_start", "Float64"),
        Column("conversion_from_previous", "Float64"),
        Column("dropped", "Int64"),
        Column("avg_seconds", "Float64"),
        Column("median_seconds", "Float64"),
    )
    rows: list[list[Json]] = []
    for key in keys:
        for at, step in enumerate(lines[key]):
            first: list[Json] = [key] if broken_down else []
            rows.append([*first, at + 1, names[at], *row(frame, lines[key], at, step)])
    return Answer(columns, rows, facts(frame, keys, lines, names), chart(frame, keys, lines, names))


def row(frame: Frame, steps: Sequence[Step], at: int, step: Step) -> list[Json]:
    """People, both conversions, drop-off, and seconds. An optional step loses nobody."""
    before = previous(frame, at)
    if before is None:
        return [step.people, 1.0 if step.people else 0.0, None, None, None, None]
    dropped = None if frame.question.series[at].optional else steps[before].people - step.people
    rates: list[Json] = [rate(step.people, steps[0].people), rate(step.people, steps[before].people)]
    return [step.people, *rates, dropped, rounded(step.average), rounded(step.median)]


def previous(frame: Frame, at: int) -> int | None:
    """The step that a step is compared with: the last one before it that is not optional."""
    return max((each for each in mandatory(frame.question) if each < at), default=None)


def rate(part: float, whole: float) -> float:
    return round(part / whole, 6) if whole else 0.0


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def step_names(frame: Frame) -> list[str]:
    """What the steps are called, each differently; in any order they are counts of steps."""
    series = frame.question.series
    if frame.question.funnel_order == "unordered":
        return [f"{at + 1} step{'s' if at else ''} done" for at in range(len(series))]
    names: list[str] = []
    for at, each in enumerate(series):
        named = each.name or each.action is None
        label = each.label if named else frame.catalogue.actions[frame.action(each.action or 0)]
        names.append(f"{label} (step {at + 1})" if label in names else label)
    return names


def facts(frame: Frame, keys: Sequence[str], lines: Lines, names: Sequence[str]) -> tuple[str, ...]:
    """Overall conversion, the biggest drop-off, the slowest step, best and worst breakdown values."""
    if any(each.type == "cohort" for each in frame.question.breakdowns):
        return tuple(overall(frame, lines[key], names, f"{key}: ") for key in keys)
    total = [sum(lines[key][at].people for key in keys) for at in range(len(names))]
    steps = [Step(people) for people in total] if frame.question.breakdowns else lines[""]
    found = [overall(frame, steps, names, "")]
    if not total[0]:
        return tuple(found)
    lost = [(total[before] - total[at], before, at) for at, before in transitions(frame)]
    most, before, at = max(lost, key=lambda each: each[0])
    if most:
        lost_of = f"{shown(most)} of {people_of(total[before])} ({percent(most / total[before])})"
        found.append(f"Biggest drop-off: {lost_of} after {names[before]}, before {names[at]}.")
    timed = [(step.median, step.average, at) for at, step in enumerate(steps) if step.median is not None]
    if timed:
        median, average, at = max(timed, key=lambda each: each[0] or 0)
        typical = f"median {lasting(median or 0)}, average {lasting(average or 0)}"
        found.append(f"Slowest step: {names[at]}, {typical} after the step before.")
    if frame.question.breakdowns:
        found += compared(frame, keys, lines)
    if total[0] < SMALL:
        found.append(f"Only {people_of(total[0])} entered; too few for rates to mean much.")
    return tuple(found)


def transitions(frame: Frame) -> list[tuple[int, int]]:
    """(step, step before) of the steps that are not optional."""
    steps = mandatory(frame.question)
    return [(after, before) for before, after in pairwise(steps)]


def overall(frame: Frame, steps: Sequence[Step], names: Sequence[str], whose: str) -> str:
    """How many of those who entered came to the end."""
    first, last = steps[0].people, steps[-1].people
    if not first:
        return f"{whose}Nobody entered the funnel."
    came = f"{shown(last)} of {people_of(first)} ({percent(last / first)})"
    return f"{whose}{came} went from {names[0]} to {names[-1]} within {window_of(frame.question)}."


def window_of(question: Question) -> str:
    """The window in words."""
    return f"{question.funnel_window} {question.funnel_window_unit}{'s' if question.funnel_window > 1 else ''}"


def compared(frame: Frame, keys: Sequence[str], lines: Lines) -> list[str]:
    """The best and the worst value, of those with enough people."""
    rates = {
        key: lines[key][-1].people / lines[key][0].people
        for key in keys
        if key != OTHER and lines[key][0].people >= SMALL
    }
    if len(rates) < 2:
        return []
    best, worst = max(rates, key=lambda each: rates[each]), min(rates, key=lambda each: rates[each])
    by = frame.question.breakdowns[0].property
    told = [f"{key} {percent(rates[key])} of {people_of(lines[key][0].people)}" for key in (best, worst)]
    return [f"By {by}: best {told[0]}, worst {told[1]} (values with {SMALL} people or more)."]


def people_of(count: int) -> str:
    return "1 person" if count == 1 else f"{shown(count)} people"


def lasting(seconds: float) -> str:
    """A length of time in its biggest unit: 45 s, 3.5 min, 2.1 h, 6.8 days."""
    for unit, length in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length * (2 if unit == "days" else 1):
            return f"{round(seconds / length, 1):g} {unit}"
    return f"{round(seconds, 1):g} s"


def chart(frame: Frame, keys: Sequence[str], lines: Lines, names: Sequence[str]) -> Chart:
    """A bar a step."""
    breakdowns = frame.question.breakdowns
    by = breakdowns[0].property if breakdowns else None
    rows: list[list[Json]] = [
        [names[at], *([key] if by else []), step.people] for key in keys for at, step in enumerate(lines[key])
    ]
    columns = ("step", *((by,) if by else ()), "people")
    return Chart("funnel", title_of(frame), columns, rows, "step", "people", by, footnote=footnote_of(frame))


def title_of(frame: Frame) -> str:
    """The question in a few words."""
    series = frame.question.series
    if frame.question.funnel_order == "unordered":
        title = ", ".join(each.label for each in series[:4]) + " in any order"
    else:
        title = f"{series[0].label} → {series[-1].label}"
    by = ", ".join(each.property for each in frame.question.breakdowns)
    return f"{title} by {by}" if by else title


def footnote_of(frame: Frame) -> str:
    span = frame.span
    return f"{frame.project.name}, {span.start:%Y-%m-%d} to {span.end:%Y-%m-%d} ({frame.project.timezone})"
