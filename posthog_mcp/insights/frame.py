"""What every kind needs to write its HogQL: the range, the conditions of a series, and values as literals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from posthog_mcp.errors import InvalidInput
from posthog_mcp.hogql.catalogue import Catalogue
from posthog_mcp.hogql.filters import OPERATORS, property_condition
from posthog_mcp.hogql.spelling import identifier, text_literal
from posthog_mcp.hogql.suggest import nearest
from posthog_mcp.hogql.text import to_hogql
from posthog_mcp.hogql.tree_expressions import Field
from posthog_mcp.insights.dates import FORMAT, Span, buckets, floor, label, labels
from posthog_mcp.insights.question import Breakdown, Filter, Question, Series
from posthog_mcp.insights.words import Interval
from posthog_mcp.results import Json, ProjectInfo

NONE, OTHER = "(none)", "(other)"
"""Breakdown values: no value, and all beyond the limit."""
BUCKET = {"hour": "toStartOfHour", "day": "toStartOfDay", "week": "toStartOfWeek", "month": "toStartOfMonth"}
SESSION_DURATION = "$session_duration"
"""The one math_property that is a session's."""
SLICES = 10_000
"""Parts that sampling divides people into."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The surroundings of one question. Times are wall times of the project's zone; `now` is the present one."""

    question: Question
    project: ProjectInfo
    catalogue: Catalogue
    span: Span
    now: datetime

    @property
    def interval(self) -> Interval:
        return self.question.interval

    def starts(self, span: Span | None = None) -> list[datetime]:
        """The starts of the intervals."""
        return list(buckets(span or self.span, self.interval, self.project.week_start_day))

    def labels(self, span: Span | None = None) -> list[str]:
        return list(labels(span or self.span, self.interval, self.project.week_start_day))

    def incomplete_from(self) -> str | None:
        """The label of the interval that is not over."""
        present = floor(self.now, self.interval, self.project.week_start_day)
        return label(present, self.interval) if present <= self.span.end and self.span.end >= self.now else None

    def bucket(self, time: str = "timestamp") -> str:
        """The start of a time's interval, in HogQL."""
        return f"{BUCKET[self.interval]}({time})"

    def within(self, span: Span, time: str = "timestamp", *, whole: bool = True) -> str:
        """The condition that a time lies in the span; `whole`: from the start of its first interval."""
        start = floor(span.start, self.interval, self.project.week_start_day) if whole else span.start
        return f"{time} >= {time_literal(start)} AND {time} <= {time_literal(span.end)}"

    def events(self, series: Series) -> list[str]:
        """The conditions of a series and of the whole question, without time."""
        if series.math_property and series.math_property != SESSION_DURATION:
            self.known_property(series.math_property, series.math_property_type)
        found = [condition for condition in [self.what(series)] if condition]
        found += [self.filter(each) for each in (*series.filters, *self.question.filters)]
        if self.question.sampling < 1:
            found.append(f"cityHash64(distinct_id) % {SLICES} < {round(self.question.sampling * SLICES)}")
        return found

    def what(self, series: Series) -> str:
        """Which events a series means; empty: all.

        Raises:
            InvalidInput: the project has no such event or action.
        """
        if series.action is not None:
            return f"matchesAction({self.action(series.action)})"
        if not series.event:
            return ""
        known = self.catalogue.events
        if known and series.event not in known:
            near = [f"{name} ({known[name]:,} in 30 days)" for name in nearest(series.event, known)]
            fix = f"Did you mean {', '.join(near)}?" if near else 'List them: discover_objects {"kind": "event"}.'
            raise InvalidInput(f"No event {series.event!r} was ever recorded in this project.", fix=fix)
        return f"event = {text_literal(series.event)}"

    def action(self, wanted: int | str) -> int:
        """An action's id by its id or name.

        Raises:
            InvalidInput: there is none.
        """
        for number, name in self.catalogue.actions.items():
            if str(number) == str(wanted) or name == wanted:
                return number
        near = ", ".join(nearest(str(wanted), self.catalogue.actions.values()))
        raise InvalidInput(f"There is no action {wanted!r}.", fix=f"Nearest: {near}." if near else "List the actions.")

    def filter(self, given: Filter) -> str:
        """A filter as a condition on `events`.

        Raises:
            InvalidInput: its operator, or what it compares, has no HogQL form.
        """
        if given.type == "hogql":
            return f"({given.key})"
        if given.type == "cohort":
            word = "NOT IN COHORT" if given.operator == "not_in" else "IN COHORT"
            return f"person_id {word} {int(str(given.value))}"
        self.known_property(given.key, given.type)
        found = property_condition(given.model_dump(), [], Field([]).place, on="events")
        if found is None:
            fix = f"Operators: {', '.join(OPERATORS)}."
            raise InvalidInput(f"The filter on {given.key!r} with {given.operator!r} cannot be written.", fix=fix)
        return to_hogql(found)

    def known_property(self, name: str, kind: str) -> None:
        """A property that the project has.

        Raises:
            InvalidInput: it has none of this name.
        """
        known = {"event": self.catalogue.event_properties, "person": self.catalogue.person_properties}.get(kind)
        if known and name not in known:
            near = ", ".join(nearest(name, known))
            fix = f"Nearest: {near}." if near else 'See get_object_fields {"name": "<event>"}.'
            raise InvalidInput(f"There is no {kind} property {name!r} in this project.", fix=fix)

    def value(self, given: Breakdown) -> str:
        """A breakdown's value of an event, as HogQL text; no value is `(none)`."""
        return f"ifNull(nullIf(toString({self.property(given)}), ''), {text_literal(NONE)})"

    def property(self, given: Breakdown) -> str:
        if given.type == "hogql":
            return f"({given.property})"
        self.known_property(given.property, given.type)
        name = identifier(given.property)
        prefix = {"event": "properties.", "person": "person.properties.", "session": "session."}
        return f"{prefix.get(given.type, f'group_{given.group_type_index or 0}.properties.')}{name}"


def time_literal(wall: datetime) -> str:
    """A wall time of the project's zone, as HogQL reads it."""
    text = f"{wall:{FORMAT}}" + (f".{wall.microsecond:06d}" if wall.microsecond else "")
    return f"toDateTime64({text_literal(text)}, 6)"


def is_constant(value: str) -> bool:
    """A breakdown's HogQL that is a text: the same for all, so that nothing need be grouped by it."""
    return value.startswith("'")


def conjunction(conditions: Sequence[str]) -> str:
    """WHERE …, or nothing."""
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def literal(value: Json) -> str:
    """A value in HogQL."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return text_literal(value) if isinstance(value, str) else str(value)
