"""The project's own events and properties in a question's words.

A name is found whole (`signed_up`), by its words in any order and form ("exported reports" is `report_exported`), with
a slip, or by what it means: "Käufe" and `checkout_completed` share a concept. What was found how is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from posthog_mcp.hogql.catalogue import Catalogue
from posthog_mcp.knowledge.models import PropertyOf
from posthog_mcp.knowledge.words import concepts_in, stem

How = Literal["definition", "name", "words", "slip", "meaning"]
PARTS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+")
PREFERRED: Mapping[str, tuple[str, ...]] = {
    "country": ("$geoip_country_name", "$geoip_country_code", "country"),
    "device": ("$device_type", "device_type", "platform"),
    "os": ("$os", "os", "platform"),
    "browser": ("$browser", "browser"),
    "plan": ("plan", "subscription_plan", "tier"),
    "language": ("$browser_language", "language", "locale"),
    "web": ("$channel_type", "utm_source", "$initial_utm_source", "initial_utm_source", "$referring_domain", "channel"),
    "pageview": ("$pathname", "$current_url"),
    "release": ("$app_version", "app_version", "version"),
    "trace": ("$ai_model",),
}
"""A concept → the properties that usually mean it, best first."""
TOO_COMMON = frozenset(
    {"type", "name", "value", "id", "time", "count", "number", "first", "last", "new", "user", "person"}
)
"""Single words that name a property only when they stand after "by" and the like."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A name of the project in the question. `at` is its first word's position."""

    text: str
    name: str
    kind: Literal["event", "property"]
    how: How
    at: int
    of: PropertyOf = "event"
    others: tuple[str, ...] = ()
    """Further names of the same meaning."""


def parts(name: str) -> list[str]:
    """The words of a name: `signedUp`, `signed_up` and `Signed Up` alike."""
    return [part.lower() for part in PARTS.findall(name)]


def key(words: Iterable[str]) -> str:
    return " ".join(sorted(stem(word) for word in words))


@dataclass
class Names:
    """A catalogue's names by their words and by their concepts. Made once for a version of the catalogue."""

    catalogue: Catalogue
    exact: dict[str, Mention] = field(default_factory=dict[str, Mention])
    by_words: dict[str, Mention] = field(default_factory=dict[str, Mention])
    event_concepts: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Concept → events, the most frequent first."""
    words: set[str] = field(default_factory=set[str])

    def __post_init__(self) -> None:
        for each in properties_of(self.catalogue):
            self._add(each)
        ranked = sorted(self.catalogue.events.items(), key=lambda item: (-item[1], item[0]))
        for name, _ in ranked:
            self._add(Mention(name, name, "event", "name", 0))
            for concept in concepts_in(parts(name)):
                self.event_concepts.setdefault(concept, []).append(name)

    def _add(self, mention: Mention) -> None:
        split = parts(mention.name)
        self.words |= set(split)
        self.exact[mention.name.lower()] = mention
        if split and not (len(split) == 1 and mention.kind == "property" and split[0] in TOO_COMMON):
            self.by_words[key(split)] = mention

    def found(self, words: Sequence[str]) -> list[Mention]:
        """The names in the question's words, in order; the longest at each place."""
        mentions: list[Mention] = []
        start = 0
        while start < len(words):
            mention, length = self._at(words, start)
            if mention:
                mentions.append(mention)
            start += length
        return mentions

    def _at(self, words: Sequence[str], start: int) -> tuple[Mention | None, int]:
        for length in range(min(4, len(words) - start), 0, -1):
            window = words[start : start + length]
            text = " ".join(window)
            found = self.exact.get(text) if length == 1 else None
            how: How = "name"
            if found is None:
                found, how = self.by_words.get(key(window)), "words"
            if found:
                return Mention(text, found.name, found.kind, how, start, found.of), length
        word = words[start]
        if "_" in word or word.startswith("$"):
            slip = self._slip(word)
            if slip:
                return Mention(word, slip.name, slip.kind, "slip", start, slip.of), 1
        return None, 1

    def _slip(self, word: str) -> Mention | None:
        """A name that is a slip away from one that looks like a name."""
        from rapidfuzz import fuzz, process

        found = process.extractOne(word, list(self.exact), scorer=fuzz.ratio, score_cutoff=80)
        return self.exact[found[0]] if found else None

    def meant(self, words: Sequence[str]) -> list[Mention]:
        """Events that mean what the question's concepts mean, by concept in order."""
        return [
            Mention(
                concept,
                self.event_concepts[concept][0],
                "event",
                "meaning",
                0,
                others=tuple(self.event_concepts[concept]),
            )
            for concept in concepts_in(words)
            if concept in self.event_concepts
        ]

    def property_meant(self, words: Sequence[str]) -> Mention | None:
        """The property that a word after "by" and the like means: by name, else by concept."""
        for start, word in enumerate(words[:-1]):
            if word in BY:
                found = self._grouping(words[start + 1 : start + 4])
                if found:
                    return found
        return None

    def _grouping(self, after: Sequence[str]) -> Mention | None:
        for length in range(len(after), 0, -1):
            named = self.exact.get("_".join(after[:length])) or self.by_words.get(key(after[:length]))
            if named and named.kind == "property":
                return Mention(" ".join(after[:length]), named.name, "property", "words", 0, named.of)
        for concept in concepts_in(after[:2]):
            for name in PREFERRED.get(concept, ()):
                known = self.exact.get(name.lower())
                if known and known.kind == "property":
                    return Mention(concept, known.name, "property", "meaning", 0, known.of)
        return None

    def first(self, names: Iterable[str]) -> str:
        """The first of these events that the project has, its own spelling; empty where it has none."""
        for name in names:
            known = self.exact.get(name.lower()) or self.by_words.get(key(parts(name)))
            if known and known.kind == "event":
                return known.name
        return ""


BY = frozenset(("by", "per", "nach", "pro", "par", "por", "split", "across", "each", "jede", "segmented", "grouped"))


def properties_of(catalogue: Catalogue) -> Iterable[Mention]:
    """Session, person, then event properties: the later win where names are the same."""
    session = catalogue.tables.get("sessions")
    for name in session.fields if session else ():
        if name.startswith("$"):
            yield Mention(name, name, "property", "name", 0, "session")
    for name in catalogue.person_properties:
        yield Mention(name, name, "property", "name", 0, "person")
    for name in catalogue.event_properties:
        yield Mention(name, name, "property", "name", 0, "event")
