"""A template with parameters from the question and from the project's schema.

Events: those the question names, then the template's default where the project has it, then names other projects give
it, then what means the same. What had to be assumed is said; what cannot be found becomes a question.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from posthog_mcp.knowledge.models import Need, Param, PropertyOf, Template, Workflow
from posthog_mcp.knowledge.names import Mention, Names, parts
from posthog_mcp.knowledge.understanding import Understood
from posthog_mcp.knowledge.words import concepts_in, tokens
from posthog_mcp.results import Json

DAY_NAMES = ("days", "window_days", "since_days", "lookback")
FROM_NAMES = ("date_from", "since", "start", "from")
TO_NAMES = ("date_to", "until", "end", "to")
OPTIONS = 6
"""Events that are offered where one must be chosen."""


@dataclass
class Proposal:
    """Params for an entry; `assumed` says which and why, `missing` has no value, `lacks` the project lacks."""

    params: dict[str, Json] = field(default_factory=dict[str, Json])
    assumed: list[str] = field(default_factory=list[str])
    missing: dict[str, Param] = field(default_factory=dict[str, Param])
    lacks: list[str] = field(default_factory=list[str])


def proposed(entry: Template | Workflow, understood: Understood) -> Proposal:
    """Every parameter that the question or the schema tells."""
    proposal = Proposal()
    events = list(understood.events)
    own = {value for each in entry.params.values() for value in as_list(each.default)}
    singles = [name for name, each in entry.params.items() if each.type == "event"]
    if len(events) < len(singles) <= len(understood.actions):
        events = understood.actions[: len(singles)]
    assigned = assign(events, {name: entry.params[name] for name in singles})
    for name, param in entry.params.items():
        value = assigned.get(name)
        if value is None:
            value = value_of(name, param, understood, proposal, own)
        if value is not None:
            proposal.params[name] = value
        elif param.default is None and not param.optional:
            proposal.missing[name] = param
    proposal.lacks = lacking(entry.needs, proposal.params, understood.names)
    return proposal


def as_list(value: Json) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else [value] if isinstance(value, str) else []


def assign(events: Sequence[str], params: Mapping[str, Param]) -> dict[str, Json]:
    """Named events to parameters: to the one that defaults to it, else shares its meaning, else in order."""
    left, found = list(events), dict[str, Json]()
    for fits in (is_default, is_like, shares_meaning):
        for name, param in params.items():
            match = next((each for each in left if name not in found and fits(each, param)), None)
            if match is not None:
                found[name] = match
                left.remove(match)
    if len(params) == 1 or len(events) == len(params):
        for name, event in zip([name for name in params if name not in found], left, strict=False):
            found[name] = event
    return found


def is_default(event: str, param: Param) -> bool:
    return event == param.default


def is_like(event: str, param: Param) -> bool:
    return event in param.like


def shares_meaning(event: str, param: Param) -> bool:
    return bool(set(concepts_in(parts(event))) & meaning_of(param))


def meaning_of(param: Param) -> set[str]:
    """The concepts of the parameter's usual names."""
    return {concept for name in (*as_list(param.default), *param.like) for concept in concepts_in(parts(name))}


def value_of(name: str, param: Param, understood: Understood, proposal: Proposal, own: set[str]) -> Json:
    """A value from the question or the schema; None: the default stands, or there is none."""
    if param.type == "event":
        return event_of(name, param, understood, proposal)
    if param.type == "events":
        return events_of(name, param, understood, proposal)
    if param.type == "property":
        return property_of(name, param, understood, proposal, own)
    if param.type in ("integer", "number") and understood.timespan and name in DAY_NAMES:
        if understood.timespan.date_to:
            ends = understood.timespan.date_to
            proposal.assumed.append(f"{name}: back to {understood.timespan.date_from}; the question's time ends {ends}")
        return limited(understood.timespan.days, param)
    if param.type in ("date", "string") and understood.timespan and name in (*FROM_NAMES, *TO_NAMES):
        return (understood.timespan.date_from if name in FROM_NAMES else understood.timespan.date_to) or None
    if param.type == "choice":
        return choice_of(param, understood)
    if param.type == "metric":
        return next((each.name for each in understood.definitions if each.defines == "metric"), None)
    if param.type in ("integer", "number") and re.search(r"top|limit|most|rows", name):
        found = re.search(r"\btop (\d{1,4})\b", understood.question.lower())
        return limited(int(found[1]), param) if found else None
    return quoted(understood.question) if param.type in ("string", "insight") and param.default is None else None


def limited(value: int, param: Param) -> int:
    """Within the parameter's limits."""
    low, high = param.min if param.min is not None else value, param.max if param.max is not None else value
    return int(min(max(value, low), high))


def quoted(question: str) -> str | None:
    found = re.search(r"[\"“'`]([^\"”'`]{2,80})[\"”'`]", question)
    return found[1] if found else None


def event_of(name: str, param: Param, understood: Understood, proposal: Proposal) -> str | None:
    """The event that plays the parameter's part in this project."""
    names = understood.names
    default = str(param.default or "")
    wanted = meaning_of(param)
    asked = [each for each in understood.meant if not wanted or each.text in wanted]
    if asked and default not in asked[0].others and (not wanted or not names.first([default, *param.like])):
        proposal.assumed.append(f"{name}: {asked[0].name} stands for “{asked[0].text}”")
        return asked[0].name
    found = names.first([default, *param.like]) if default or param.like else ""
    if found:
        if found != default or len(wanted) > 0:
            proposal.assumed.append(f"{name}: {found}")
        return found
    for concept in sorted(wanted):
        same = names.event_concepts.get(concept, [])
        if same:
            proposal.assumed.append(f"{name}: {same[0]}, the most frequent event about {concept.replace('_', ' ')}")
            return same[0]
    if default or not param.optional:
        proposal.missing[name] = param
    return None


def events_of(name: str, param: Param, understood: Understood, proposal: Proposal) -> list[Json] | None:
    """The events named, two or more; else the usual ones that exist here."""
    for said in (understood.events, understood.actions):
        if len(said) >= 2 or (said and not param.default):
            return list(said)
    usual = as_list(param.default)
    known = [found for each in usual if (found := understood.names.first([each]) or alike(each, understood.names))]
    known = list(dict.fromkeys(known))
    if understood.events and understood.events[0] not in known:
        known = [*known[:-1], understood.events[0]]
    if not known or (len(known) < 2 <= len(usual)):
        proposal.missing[name] = param
        return None
    proposal.assumed.append(f"{name}: {', '.join(known)}")
    return list(known)


def alike(event: str, names: Names) -> str:
    """An event of this project with the meaning of another project's event."""
    found = (
        names.event_concepts[concept][0] for concept in concepts_in(parts(event)) if concept in names.event_concepts
    )
    return next(found, "")


def property_of(name: str, param: Param, understood: Understood, proposal: Proposal, own: set[str]) -> str | None:
    """The property after "by", one that is named, or the usual one."""
    said = understood.grouping or next(
        (each for each in understood.mentions if each.kind == "property" and each.name not in own), None
    )
    if said and (
        not param.like or said.name in param.like or name in ("by", "property", "segment", "breakdown", "dimension")
    ):
        return spelt(said)
    for usual in (*as_list(param.default), *param.like):
        known = understood.names.exact.get(usual.lower())
        if known and known.kind == "property":
            return usual if known.of == param.of else spelt(known)
    if param.default is not None and not param.optional:
        proposal.lacks.append(f"property {param.default}")
    return None


def spelt(mention: Mention) -> str:
    prefixes: dict[PropertyOf, str] = {"event": "", "person": "person:", "session": "session:"}
    return prefixes[mention.of] + mention.name


def choice_of(param: Param, understood: Understood) -> str | None:
    """A choice that the question says, or that is the unit of its time."""
    time = tokens(understood.timespan.text) if understood.timespan else []
    words = [word for word in understood.words if word not in time]
    meant = set(concepts_in(words))
    return next((choice for choice in param.choices if choice in words or choice in meant), None)


def lacking(needs: Sequence[Need], params: Mapping[str, Json], names: Names) -> list[str]:
    """What the project must have and has not. A need that names a parameter is met by its value."""
    found: list[str] = []
    for need in needs:
        event = filled_name(need.event, params)
        if event and not names.first([event]):
            found.append(f"event {event}")
        known = names.exact.get(filled_name(need.property, params).lower()) if need.property else None
        if need.property and (known is None or known.kind != "property"):
            found.append(f"property {need.property}")
    return found


def filled_name(text: str, params: Mapping[str, Json]) -> str:
    """`{{event}}` as its value; a default stands for itself in the params."""
    found = re.fullmatch(r"\{\{\s*(\w+)\s*\}\}", text)
    return str(params.get(found[1], "")) if found else text


def busiest(names: Names) -> list[str]:
    """Events to choose from, the team's own before PostHog's."""
    ranked = sorted(names.catalogue.events.items(), key=lambda item: (item[0].startswith("$"), -item[1], item[0]))
    return [name for name, _ in islice(ranked, OPTIONS)]
