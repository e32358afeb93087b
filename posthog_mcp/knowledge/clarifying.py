"""What to ask back: only what would change the query, at most two questions, each with the choices there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from posthog_mcp.knowledge.models import Intent, Param, Template
from posthog_mcp.knowledge.proposals import Proposal, busiest
from posthog_mcp.knowledge.understanding import Understood
from posthog_mcp.knowledge.words import SUBJECTS, concepts_in

MOST = 2
NEAR = 0.75
"""A second intent this near to the first, as a share of its chance, could as well be meant."""
WORDS: dict[Intent, str] = {
    "how_many": "how many, over time",
    "who": "a list of the people",
    "why": "why a number changed",
    "when": "when, and whether it is normal",
    "where_funnel": "where people drop off",
    "what_drives": "which behaviour goes with it",
    "which_feature": "which features are used",
    "retention": "whether people come back",
    "paths": "what people do before or after",
    "activation": "whether new users reach first value",
    "churn": "who leaves",
    "revenue": "money",
    "experiment": "an experiment's result",
    "time_to_value": "how long it takes",
    "stickiness": "how often people come",
    "lifecycle": "new, returning and lost people",
    "web": "traffic and channels",
    "errors": "errors and whom they hit",
    "recordings": "sessions to watch",
    "traces": "LLM traces",
    "report_alert": "a report or an alarm",
    "compare": "two groups or periods side by side",
    "data_quality": "whether the data is sound",
    "docs_help": "how the tool works",
}
NEEDS_NUMBER = frozenset({"why", "when", "compare", "report_alert"})


@dataclass(frozen=True, slots=True)
class Ask:
    """A question back, the choices, and what the answer changes."""

    question: str
    options: tuple[str, ...]
    changes: str


def asks_of(understood: Understood, templates: Sequence[tuple[Template, Proposal]]) -> list[Ask]:
    """The questions, the most decisive first."""
    if understood.top.intent == "ambiguous":
        return [vague()]
    found = [*which_intent(understood), *which_number(understood)]
    if templates:
        page, proposal = templates[0]
        found += [which_value(name, param, understood) for name, param in proposal.missing.items() if page.params]
    return found[:MOST]


def vague() -> Ask:
    options = (
        "growth: sign-ups and active users",
        "behaviour: features, funnels, retention",
        "money",
        "quality: errors and data",
    )
    return Ask("What is the answer for?", options, "which numbers are asked")


def which_intent(understood: Understood) -> list[Ask]:
    """Asked where two intents are about as likely, and neither is sure."""
    first, second = understood.guesses[:2]
    if first.confidence >= 0.5 or second.confidence < NEAR * first.confidence:
        return []
    known = [WORDS[each.intent] for each in (first, second) if each.intent in WORDS]
    return [Ask("Which is meant?", tuple(known), "which template is run")] if len(known) == 2 else []


def which_number(understood: Understood) -> list[Ask]:
    """Asked where a change is to be explained and no number is named."""
    named = understood.mentions or understood.definitions or set(concepts_in(understood.words)) & SUBJECTS
    if understood.top.intent not in NEEDS_NUMBER or named:
        return []
    options = ("active users", *busiest(understood.names)[:4])
    return [Ask("Which number?", options, "the event that is counted")]


def which_value(name: str, param: Param, understood: Understood) -> Ask:
    """Asked for a parameter that nothing tells."""
    wanted = (param.description or param.find or name.replace("_", " ")).rstrip(".")
    options = tuple(busiest(understood.names)) if param.type in ("event", "events") else tuple(param.choices)
    return Ask(f"Which {param.type} is {name} ({wanted})?", options, f"the parameter {name}")
