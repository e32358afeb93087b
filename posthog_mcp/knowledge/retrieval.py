"""Entries for a question: the ones whose own questions are alike, and full-text search over everything.

`Questions` compares with every question that an entry lists (cosine of weighted words, word pairs and concepts); the
best one counts for the entry. `Texts` is BM25 (the bm25s library) over titles, questions, tags and bodies.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from posthog_mcp.knowledge.intents import Guess, features
from posthog_mcp.knowledge.models import Page
from posthog_mcp.knowledge.words import concepts_in, stem, tokens

if TYPE_CHECKING:
    from bm25s import BM25

TITLE = 3
"""How often a title counts in the full text."""
MEANING = 0.75
"""What likeness of the concepts alone counts: it crosses languages, and is blind to all that has no concept."""
LIKENESS, INTENT = 0.7, 0.3
"""Weights of the wording and of the intents in an entry's score."""


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry with its score, 0 to 1."""

    page: Page
    score: float


@dataclass
class Questions:
    """Every question of some entries, by word."""

    pages: Sequence[Page]
    _owners: list[Page] = field(default_factory=list[Page])
    _postings: dict[str, list[tuple[int, float]]] = field(default_factory=dict[str, list[tuple[int, float]]])
    _weights: dict[str, float] = field(default_factory=dict[str, float])

    def __post_init__(self) -> None:
        texts = [(page, text) for page in self.pages for text in (page.title, *page.questions)]
        self._owners = [page for page, _ in texts]
        counted = [features(tokens(text)) for _, text in texts]
        documents = Counter(name for each in counted for name in each)
        total = len(counted)
        self._weights = {name: math.log(1 + total / (1 + count)) for name, count in documents.items()}
        for row, each in enumerate(counted):
            for form in (each, meanings(each)):
                for name, value in self._unit(form).items():
                    key = name if form is each else f"only {name}"
                    self._postings.setdefault(key, []).append((row, value))

    def _unit(self, counted: Mapping[str, float]) -> dict[str, float]:
        unknown = math.log(1 + len(self._owners))
        found = {name: count * self._weights.get(name, unknown) for name, count in counted.items()}
        length = math.sqrt(sum(value * value for value in found.values())) or 1.0
        return {name: value / length for name, value in found.items()}

    def hits(self, words: Sequence[str], guesses: Sequence[Guess], limit: int = 10) -> list[Hit]:
        """The entries, best first; `guesses` are the question's intents."""
        counted = features(words)
        likeness = self._alike(self._unit(counted))
        meant = {f"only {name}": value for name, value in self._unit(meanings(counted)).items()}
        for row, value in self._alike(meant).items():
            likeness[row] = max(likeness.get(row, 0.0), MEANING * value)
        best: dict[str, tuple[float, int]] = {}
        for row, value in likeness.items():
            page = self._owners[row]
            if value > best.get(page.id, (0.0, 0))[0]:
                best[page.id] = (value, row)
        chances = {guess.intent: guess.confidence for guess in guesses}
        hits = [self._hit(value, row, chances) for value, row in best.values()]
        return sorted(hits, key=lambda hit: (-hit.score, hit.page.id))[:limit]

    def _alike(self, vector: Mapping[str, float]) -> dict[int, float]:
        """The cosine of each question with the vector, by row."""
        found: dict[int, float] = {}
        for name, value in vector.items():
            for row, other in self._postings.get(name, ()):
                found[row] = found.get(row, 0.0) + value * other
        return found

    def _hit(self, value: float, row: int, chances: Mapping[str, float]) -> Hit:
        page = self._owners[row]
        fitting = max(
            (chances.get(each, 0.0) * (1 if rank == 0 else 0.8) for rank, each in enumerate(page.intents)), default=0.0
        )
        return Hit(page, round(LIKENESS * min(1.0, value) + INTENT * fitting, 3))


def meanings(counted: Mapping[str, float]) -> dict[str, float]:
    """The concepts alone."""
    return {name: value for name, value in counted.items() if name.startswith("=")}


@dataclass
class Texts:
    """Full text of entries."""

    pages: Sequence[Page]
    _index: BM25 | None = None

    def hits(self, query: str, limit: int = 10) -> list[Hit]:
        """Entries that hold the query's words, best first; the score is relative to the best. Blocks."""
        import numpy as np

        asked = terms(query)
        if not self.pages or not asked:
            return []
        index = self._made()
        vocabulary = cast("dict[str, int]", index.vocab_dict)  # pyright: ignore[reportUnknownMemberType]
        known = [each for each in asked if each in vocabulary]
        if not known:
            return []
        scores = cast("np.ndarray[tuple[int], np.dtype[np.float32]]", index.get_scores(known))  # pyright: ignore[reportUnknownMemberType]
        order = (-scores).argsort(kind="stable")[:limit]
        best = float(scores[order[0]]) or 1.0
        return [Hit(self.pages[at], round(float(scores[at]) / best, 3)) for at in map(int, order) if scores[at] > 0]

    def _made(self) -> BM25:
        if self._index is None:
            import logging

            import bm25s

            logging.getLogger("bm25s").setLevel(logging.WARNING)  # it sets DEBUG itself

            made = bm25s.BM25()
            made.index([terms(text_of(page)) for page in self.pages], show_progress=False)  # pyright: ignore[reportUnknownMemberType]
            self._index = made
        return self._index


def terms(text: str) -> list[str]:
    """Stems and concepts."""
    words = [part for word in text.split("\n") for part in tokens(word)]
    return [*map(stem, words), *(f"={concept}" for concept in concepts_in(words))]


def text_of(page: Page) -> str:
    head = "\n".join([page.id.replace("-", " "), page.title] * TITLE)
    return "\n".join([head, " ".join(page.tags), *page.questions, page.body])
