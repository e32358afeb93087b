"""Fill a template: parameters checked by their type, written into the HogQL or the insight call as what they are.

No value is pasted. In HogQL an event is a text literal, events are a list for IN, a property is its dotted name
(`properties.plan`), a cohort its id, a choice the author's own piece of HogQL. Forms of a value follow a dot:
`{{steps.array}}`, `{{steps.conditions}}`, `{{steps.series}}`, `{{by.name}}`, `{{by.of}}`, `{{by.breakdown}}`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from posthog_mcp.errors import InvalidInput
from posthog_mcp.hogql.filters import RELATIVE
from posthog_mcp.hogql.spelling import identifier, text_literal
from posthog_mcp.hogql.suggest import nearest
from posthog_mcp.knowledge.models import PLACEHOLDER, Param, PropertyOf, Template, Workflow
from posthog_mcp.results import Json

PREFIXES: dict[PropertyOf, tuple[str, ...]] = {
    "person": ("person.properties.", "person:"),
    "session": ("session.", "session:"),
    "event": ("properties.", "event:"),
}
Parametrised = Template | Workflow
SPELT = {"person": "person.properties.", "session": "session.", "event": "properties."}


@dataclass(frozen=True, slots=True)
class PropertyName:
    """A property and whose it is."""

    name: str
    of: PropertyOf

    @property
    def hogql(self) -> str:
        return SPELT[self.of] + identifier(self.name)

    @property
    def breakdown(self) -> str:
        """As run_insight's breakdown takes it."""
        return self.name if self.of == "event" else f"{self.of}:{self.name}"


@dataclass(frozen=True, slots=True)
class Filled:
    """A template with its values: `hogql` or `insight`, and the params as they were used."""

    template: Template
    params: dict[str, Json]
    hogql: str = ""
    insight: dict[str, Json] = field(default_factory=dict[str, Json])


def fill(template: Template, params: Mapping[str, Json], metrics: Mapping[str, str] | None = None) -> Filled:
    """A template filled; what is not given is its default. `metrics`: formulas by name, for params of type metric.

    Raises:
        InvalidInput: a parameter is unknown, missing, or not of its type.
    """
    used = taken_all(template, params)
    known = metrics or {}
    if template.insight is None:
        return Filled(template, used, hogql=filled_text(template.query, template, used, known))
    return Filled(template, used, insight=cast("dict[str, Json]", filled_value(template.insight, template, used)))


def fill_steps(
    workflow: Workflow, params: Mapping[str, Json], metrics: Mapping[str, str] | None = None
) -> tuple[dict[str, Json], list[dict[str, Json]]]:
    """The params as they are used, and each step's arguments; an argument `query` is HogQL.

    Raises:
        InvalidInput: a parameter is unknown, missing, or not of its type.
    """
    used = taken_all(workflow, params)
    return used, [filled_step(workflow, step.arguments, used, metrics or {}) for step in workflow.steps]


def filled_step(
    workflow: Workflow, arguments: Mapping[str, object], used: Mapping[str, Json], metrics: Mapping[str, str]
) -> dict[str, Json]:
    """A step's arguments with the params written in."""
    return {
        key: filled_text(value, workflow, used, metrics)
        if key in ("query", "hogql") and isinstance(value, str)
        else filled_value(value, workflow, used)
        for key, value in arguments.items()
    }


def taken_all(entry: Parametrised, params: Mapping[str, Json]) -> dict[str, Json]:
    """Every parameter's value: as given, else its default.

    Raises:
        InvalidInput: a parameter is unknown, missing, or not of its type.
    """
    for name in params:
        if name not in entry.params:
            near = ", ".join(nearest(name, entry.params)) or ", ".join(entry.params) or "it takes none"
            raise InvalidInput(f"{entry.id} has no parameter {name!r}.", fix=f"Parameters: {near}.")
    used: dict[str, Json] = {}
    for name, param in entry.params.items():
        value = params.get(name)
        used[name] = taken(entry.id, name, param, param.default if value is None else value)
    return used


def taken(entry: str, name: str, param: Param, value: Json) -> Json:
    """A value that fits its parameter, in its own type.

    Raises:
        InvalidInput: it does not, or there is none.
    """
    if value is None or value == "":
        if param.optional:
            return None
        raise InvalidInput(
            f"{entry} needs {name}: {param.description or param.type}.", fix=param.find or f"Give {name}."
        )
    problem = f"{entry}: {name} is {value!r}"
    if param.type in ("integer", "cohort"):
        return whole(problem, param, value)
    if param.type == "number":
        return limited(problem, param, number(problem, value))
    if param.type == "events":
        return listed(problem, value)
    if param.type == "choice":
        return chosen(problem, param, str(value))
    if not isinstance(value, str):
        raise InvalidInput(f"{problem}, not a text.", fix=f"Give {name} as a {param.type}.")
    if param.type == "date":
        return dated(problem, value)
    return value


def number(problem: str, value: Json) -> float:
    """A number, also one in a text.

    Raises:
        InvalidInput: it is none.
    """
    try:
        return float(cast("Any", value)) if not isinstance(value, bool) else float("nan")
    except (TypeError, ValueError):
        raise InvalidInput(f"{problem}, not a number.", fix="Give a number.") from None


def whole(problem: str, param: Param, value: Json) -> int:
    """A whole number.

    Raises:
        InvalidInput: it is none.
    """
    found = number(problem, value)
    if found != found or found != int(found):
        raise InvalidInput(f"{problem}, not a whole number.", fix="Give a whole number.")
    return int(limited(problem, param, found))


def limited(problem: str, param: Param, value: float) -> float:
    """A number within the parameter's limits.

    Raises:
        InvalidInput: it is outside.
    """
    low, high = param.min, param.max
    if not (low is None or value >= low) or not (high is None or value <= high) or value != value:
        ends = f"{'any' if low is None else f'{low:g}'} to {'any' if high is None else f'{high:g}'}"
        raise InvalidInput(f"{problem}, out of range.", fix=f"Give {ends}.")
    return value


def listed(problem: str, value: Json) -> list[Json]:
    """Names of events; a text is a list of one, or of several with commas.

    Raises:
        InvalidInput: it holds none, or other things.
    """
    given = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
    if not isinstance(given, list) or not given or not all(isinstance(each, str) and each for each in given):
        raise InvalidInput(f"{problem}, not a list of events.", fix='Give a list such as ["signed_up", "paid"].')
    return list(given)


def chosen(problem: str, param: Param, value: str) -> str:
    """One of the choices.

    Raises:
        InvalidInput: it is none of them.
    """
    if value not in param.choices:
        raise InvalidInput(f"{problem}, none of the choices.", fix=f"Choose {', '.join(param.choices)}.")
    return value


def dated(problem: str, value: str) -> str:
    """An ISO date or time, or days and the like back from now, such as -30d.

    Raises:
        InvalidInput: it is none.
    """
    if value.startswith("-") and RELATIVE.match(value):
        return value
    try:
        datetime.fromisoformat(value)
    except ValueError:
        raise InvalidInput(f"{problem}, not a date.", fix="Give a date such as 2026-01-31, or -30d.") from None
    return value


def property_name(param: Param, value: str) -> PropertyName:
    """`person:plan` or `person.properties.plan` says whose it is; a bare name is of the parameter's own."""
    for of, prefixes in PREFIXES.items():
        for prefix in prefixes:
            if value.startswith(prefix):
                return PropertyName(value.removeprefix(prefix), of)
    return PropertyName(value, param.of)


def filled_text(text: str, template: Parametrised, used: Mapping[str, Json], metrics: Mapping[str, str]) -> str:
    """HogQL with every placeholder written as what it is."""

    def spelt(found: re.Match[str]) -> str:
        return hogql_of(template.params[found[1]], used[found[1]], found[2] or "", metrics)

    return PLACEHOLDER.sub(spelt, text)


def hogql_of(param: Param, value: Json, form: str, metrics: Mapping[str, str]) -> str:
    """A value as HogQL. A metric that is no definition's name is itself a formula; the check sees it in parentheses.

    Raises:
        InvalidInput: the type has no such form.
    """
    if value is None:
        return ""
    if isinstance(value, list):
        return events_of([str(each) for each in value], form)
    if param.type == "property":
        return property_of(property_name(param, str(value)), form)
    if form:
        raise InvalidInput(f"A {param.type} has no form .{form}.", fix="Correct the template.")
    if param.type == "choice":
        return param.choices[str(value)] if isinstance(param.choices, dict) else str(value)
    if param.type == "metric":
        return f"({metrics.get(str(value), str(value))})"
    if param.type == "date":
        return moment_of(str(value))
    return (
        f"{value:g}" if isinstance(value, float) else str(value) if isinstance(value, int) else text_literal(str(value))
    )


UNITS = {"h": "HOUR", "d": "DAY", "w": "WEEK", "m": "MONTH", "q": "QUARTER", "y": "YEAR"}


def moment_of(value: str) -> str:
    """A date as HogQL; days and longer back begin at midnight, as PostHog's own ranges do."""
    found = RELATIVE.match(value)
    if not found or not value.startswith("-"):
        return f"toDateTime({text_literal(f'{datetime.fromisoformat(value):%Y-%m-%d %H:%M:%S}')})"
    back = f"now() - INTERVAL {int(found[1] or 1)} {UNITS[found[2]]}"
    return back if found[2] == "h" else f"toStartOfDay({back})"


def events_of(names: Sequence[str], form: str) -> str:
    """`('a', 'b')`, `['a', 'b']`, or `event = 'a', event = 'b'`."""
    literals = [text_literal(name) for name in names]
    if form == "conditions":
        return ", ".join(f"event = {each}" for each in literals)
    return f"[{', '.join(literals)}]" if form == "array" else f"({', '.join(literals)})"


def property_of(found: PropertyName, form: str) -> str:
    """The dotted name; `.name` and `.of` as texts."""
    return text_literal(found.name) if form == "name" else text_literal(found.of) if form == "of" else found.hogql


def filled_value(value: object, template: Parametrised, used: Mapping[str, Json]) -> Json:
    """A part of an insight call: a lone placeholder becomes the value itself, one within a text its text."""
    if isinstance(value, dict):
        items = cast("dict[str, object]", value).items()
        pairs = {key: filled_value(each, template, used) for key, each in items}
        return {key: each for key, each in pairs.items() if each is not None}
    if isinstance(value, list):
        parts = [filled_value(each, template, used) for each in cast("list[object]", value)]
        return [each for each in parts if each is not None]
    if not isinstance(value, str):
        return cast("Json", value)
    alone = PLACEHOLDER.fullmatch(value.strip())
    if alone:
        return plain(template.params[alone[1]], used[alone[1]], alone[2] or "")
    return PLACEHOLDER.sub(lambda found: str(plain(template.params[found[1]], used[found[1]], found[2] or "")), value)


def plain(param: Param, value: Json, form: str) -> Json:
    """A value as an insight call takes it."""
    if isinstance(value, list) and form == "series":
        return [{"event": each} for each in value]
    if param.type == "property" and isinstance(value, str):
        found = property_name(param, value)
        forms: dict[str, Json] = {"name": found.name, "of": found.of, "hogql": found.hogql}
        return forms.get(form, found.breakdown)
    if param.type == "choice" and isinstance(param.choices, dict):
        return param.choices[str(value)]
    return value
