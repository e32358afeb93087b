"""Text to words, and words to what they mean: stems, concepts of five languages, and slips of the keyboard.

The concepts stand in `knowledge/guide/words.yaml`. Everything is deterministic, and nothing is learnt here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from threading import Lock
from typing import cast

from posthog_mcp.errors import Unavailable
from posthog_mcp.knowledge.entries import folder

TOKEN = re.compile(r"[$@]?[a-z0-9][a-z0-9_]*(?:[/&.-][a-z0-9_]+)*")
LONGEST_PHRASE = 4
SUBJECTS = frozenset(
    {
        "account",
        "activation",
        "active",
        "arpu",
        "cancel",
        "checkout",
        "churn",
        "device",
        "digest",
        "error",
        "experiment",
        "feature",
        "funnel",
        "invite",
        "login",
        "ltv",
        "os",
        "pageview",
        "purchase",
        "release",
        "retention",
        "revenue",
        "session",
        "signup",
        "stickiness",
        "trace",
        "upgrade",
        "upload",
        "web",
    }
)
"""Concepts that a question about a product is about; people, countries and times are in questions about anything."""
MOST_TOKENS = 120
"""Of a question; a pasted page is not read to its end."""
SHORT, LONG = 4, 8
"""Letters from which one slip is mended, and from which two are."""


def folded(text: str) -> str:
    """Lower case without accents."""
    plain = unicodedata.normalize("NFKD", text.lower().replace("ß", "ss").replace("’", "'"))
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def tokens(text: str) -> list[str]:
    """The words, in order; names such as `signed_up`, `$pageview` and `dau/mau` stay whole."""
    return TOKEN.findall(folded(text))[:MOST_TOKENS]


STEMMING = Lock()
"""A stemmer holds the word it works on, and questions are read in several threads."""


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """The English stem; words of other languages only lose their endings alike."""
    if not word.isalpha():
        return word
    with STEMMING:
        return stemmer().stemWord(word)


@cache
def stemmer() -> Stemmer:
    import snowballstemmer

    return cast("Stemmer", snowballstemmer.stemmer("english"))  # pyright: ignore[reportUnknownMemberType]


class Stemmer:
    """What is used of the library."""

    def stemWord(self, word: str) -> str:
        raise NotImplementedError


@cache
def concepts() -> Mapping[str, tuple[str, ...]]:
    """Phrase → the concepts it stands for. Blocks once.

    Raises:
        Unavailable: the installation lacks the knowledge folder.
    """
    import yaml

    found = folder()
    if found is None:
        raise Unavailable("The knowledge folder is not installed.", fix="Install posthog-mcp again.")
    text = (found / "guide" / "words.yaml").read_text(encoding="utf-8")
    listed = cast("dict[str, str]", yaml.safe_load(text))
    meanings: dict[str, tuple[str, ...]] = {}
    for concept, phrases in listed.items():
        for phrase in phrases.split(","):
            key = " ".join(tokens(phrase))
            meanings[key] = tuple(dict.fromkeys((*meanings.get(key, ()), concept)))
    return meanings


def concepts_in(words: Sequence[str]) -> list[str]:
    """The concepts of the words and of the phrases among them, in order, each once."""
    return list(concepts_of(tuple(words)))


@lru_cache(maxsize=20_000)
def concepts_of(words: tuple[str, ...]) -> tuple[str, ...]:
    known = concepts()
    found: dict[str, None] = {}
    for start, word in enumerate(words):
        found.update(dict.fromkeys(known.get(word, ())))
        for length in range(2, min(LONGEST_PHRASE, len(words) - start) + 1):
            found.update(dict.fromkeys(known.get(" ".join(words[start : start + length]), ())))
    return tuple(found)


class Vocabulary:
    """The words that are known, for mending slips."""

    def __init__(self, words: Iterable[str]) -> None:
        self.known = set(words)
        self._by_letter: dict[str, list[str]] = {}
        for word in sorted(self.known):
            if len(word) >= SHORT and word.isalpha():
                self._by_letter.setdefault(word[0], []).append(word)
        self._mended: dict[str, str] = {}

    def mended(self, words: Sequence[str]) -> list[str]:
        """The words, those that are not known replaced by the one known word that is a slip or two away."""
        return [word if word in self.known else self._nearest(word) for word in words]

    def _nearest(self, word: str) -> str:
        if len(word) < SHORT or not word.isalpha():
            return word
        if word not in self._mended:
            self._mended[word] = nearest_word(word, self._by_letter.get(word[0], []))
        return self._mended[word]


def nearest_word(word: str, candidates: Sequence[str]) -> str:
    """The candidate that a slip (two in long words) turns into the word; the word itself where there is none."""
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    most = 2 if len(word) >= LONG else 1
    found = process.extractOne(word, candidates, scorer=OSA.distance, score_cutoff=most)
    return found[0] if found else word
