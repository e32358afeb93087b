"""A question read: its words without slips, the project's names in it, the team's words, its time, and its intents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from posthog_mcp.hogql.catalogue import Catalogue
from posthog_mcp.knowledge.definitions import named
from posthog_mcp.knowledge.intents import Guess
from posthog_mcp.knowledge.library import Library, classifier
from posthog_mcp.knowledge.models import Definition
from posthog_mcp.knowledge.names import Mention, Names
from posthog_mcp.knowledge.timespans import Timespan, timespan_in
from posthog_mcp.knowledge.words import SUBJECTS, concepts_in, folded, tokens

SHOWN = 0.12
"""The least chance with which a further intent is shown."""
MOST_INTENTS = 4
UNSURE, DOUBT, HALF = 0.1, 0.3, 0.5
"""Below the first, nothing is likely; from the second on, off topic is, without a subject; with one, from the third."""
ARROW = re.compile(r"\s*(?:->|→|=>|>)\s*")
ACTIONS = frozenset(
    {"signup", "login", "purchase", "upgrade", "cancel", "checkout", "upload", "invite", "project_made", "integration"}
)
"""Concepts that are things people do, so that an event can stand for them."""
MAX_QUESTION = 4_000


@dataclass(frozen=True)
class Understood:
    """What was read out of a question. `guesses` are all intents, the likeliest first."""

    question: str
    words: Sequence[str]
    asked: Sequence[str]
    """The words that tell the intent: names of events stand as "this event", an arrow as funnel steps."""
    mentions: Sequence[Mention]
    meant: Sequence[Mention]
    grouping: Mention | None
    definitions: Sequence[Definition]
    timespan: Timespan | None
    guesses: Sequence[Guess]
    names: Names = field(repr=False)

    @property
    def intents(self) -> list[Guess]:
        """The likely ones."""
        first, *others = self.guesses
        return [first, *(each for each in others[: MOST_INTENTS - 1] if each.confidence >= SHOWN)]

    @property
    def top(self) -> Guess:
        return self.guesses[0]

    @property
    def actions(self) -> list[str]:
        """The events that the question names or means, in order: "from signup to purchase" means two."""
        meant = [each.name for each in self.meant if each.text in ACTIONS]
        named_or_meant = [*self.events, *(each for each in meant if each not in self.events)]
        return named_or_meant if len(meant) > 1 or self.events else []

    @property
    def events(self) -> list[str]:
        """The events that the question names, a definition's among them, in order."""
        own = [event for each in self.definitions if each.defines == "event" for event in each.events]
        said = [each.name for each in self.mentions if each.kind == "event"]
        return list(dict.fromkeys([*own, *said]))


_names: dict[str, Names] = {}


def names_of(catalogue: Catalogue) -> Names:
    """The catalogue's names; kept for the newest version of a few catalogues."""
    if catalogue.version not in _names:
        if len(_names) >= 8:
            _names.clear()
        _names[catalogue.version] = Names(catalogue)
    return _names[catalogue.version]


def understand(question: str, catalogue: Catalogue, library: Library, today: date) -> Understood:
    """Read a question against a project. Blocks the first time, while the intents are learnt."""
    text = question[:MAX_QUESTION]
    names, learnt = names_of(catalogue), classifier()
    raw = tokens(text)
    mended = [
        word if word in names.words else better for word, better in zip(raw, learnt.vocabulary.mended(raw), strict=True)
    ]
    mentions = names.found(raw)
    definitions = named(library, text)
    asked = without_names(mended, mentions, definitions)
    steps = len(ARROW.findall(text))
    asked += ["funnel", "steps"] if steps else []
    guesses = learnt.guesses(asked)
    sure = bool(definitions) or any("_" in word or word.startswith("$") for word in raw)
    return Understood(
        question=text,
        words=mended,
        asked=asked,
        mentions=mentions,
        meant=names.meant(mended),
        grouping=names.property_meant(mended),
        definitions=definitions,
        timespan=timespan_in(folded(text), today),
        guesses=last(guesses, {"off_topic", "ambiguous"}) if sure else weighed(guesses, concepts_in(mended)),
        names=names,
    )


def weighed(guesses: Sequence[Guess], meant: Sequence[str]) -> list[Guess]:
    """Doubt decided: without a subject of the product a likely off topic comes first, and nothing likely is vague.

    Likely: `DOUBT` or more, and at least half as likely as the best intent.
    """
    off = next(each for each in guesses if each.intent == "off_topic")
    if set(meant) & SUBJECTS:
        return last(guesses, {"off_topic"}) if guesses[0] is off and off.confidence < HALF else list(guesses)
    if off.confidence >= max(DOUBT, guesses[0].confidence / 2):
        return [off, *(each for each in guesses if each is not off)]
    if guesses[0].confidence < UNSURE:
        vague = next(each for each in guesses if each.intent == "ambiguous")
        return [vague, *(each for each in guesses if each is not vague)]
    return list(guesses)


def without_names(words: Sequence[str], mentions: Sequence[Mention], definitions: Sequence[Definition]) -> list[str]:
    """The words with "this event" for names such as `report_exported`, whose parts would mislead."""
    named_words = {each.text for each in mentions if "_" in each.text or "$" in each.text}
    named_words |= {folded(each.name) for each in definitions if "_" in each.name}
    found: list[str] = []
    for word in words:
        found += ["this", "event"] if word in named_words else [word]
    return found


def last(guesses: Sequence[Guess], intents: set[str]) -> list[Guess]:
    """The guesses with these at the end: a question that names the project's own event is about the project."""
    kept = [each for each in guesses if each.intent not in intents]
    return [*kept, *(Guess(each.intent, 0.0) for each in guesses if each.intent in intents)]
