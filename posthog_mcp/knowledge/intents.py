"""What a question wants: several intents, each with the chance that it is right.

Ridge regression over words, word pairs and concepts of the example questions (guide pages, templates and workflows),
one column an intent, solved exactly, so that the same examples give the same answer everywhere. The scores become
chances by a logistic curve that is fitted to the leave-one-out scores of the examples, which ridge regression gives in
closed form (Golub, Heath & Wahba 1979): the chances are of examples the fit has not seen.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from posthog_mcp.knowledge.models import INTENTS, Intent
from posthog_mcp.knowledge.words import Vocabulary, concepts, concepts_in, stem, tokens

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RIDGE = 0.8
SECOND = 0.5
"""What a further intent of an example counts beside its first."""
CONCEPT, PAIR, GRAM = 1.6, 0.7, 0.3
"""Weights of a concept, of a pair of words, and of four letters in a row (which languages share); a word has 1."""
STRANGE = 2.5
"""Weight of a word that is not known."""
VAGUE = frozenset(
    {"how_many", "who", "list", "when", "why", "popular", "compare", "time_to", "user", "new", "rise", "drop", "normal"}
    | {"day", "week", "month", "quarter", "year", "docs", "germany", "country", "spend", "adoption", "slow", "language"}
)
"""Concepts that questions about anything have: alone, they do not make a question one about the product."""
RARE = "?"
"""Stands for every word that one example alone has, and for words never seen: strangeness is a feature, too."""


@dataclass(frozen=True, slots=True)
class Example:
    """A question, and its intents, the first the main one."""

    question: str
    intents: tuple[Intent, ...]


@dataclass(frozen=True, slots=True)
class Guess:
    """`confidence` is the chance, 0 to 1, that the question has this intent."""

    intent: Intent
    confidence: float


def features(words: Sequence[str]) -> Counter[str]:
    """Stems, pairs of stems, and concepts (marked =), with their weights."""
    stems = ["<", *map(stem, words), ">"]
    found: Counter[str] = Counter()
    for each in stems[1:-1]:
        found[each] += 1
    for first, second in pairwise(stems):
        found[f"{first} {second}"] += PAIR  # pyright: ignore[reportArgumentType]
    for each in words:
        for start in range(len(each) - 3):
            found[f"~{each[start : start + 4]}"] += GRAM  # pyright: ignore[reportArgumentType]
    meant = concepts_in(words)
    signs = ["nothing"] if not meant else ["vague"] if VAGUE.issuperset(meant) else []
    for concept in [*meant, *signs, *(["short"] if len(words) == 1 else [])]:
        found[f"={concept}"] += CONCEPT  # pyright: ignore[reportArgumentType]
    return found


class Classifier:
    """Learnt once from the examples; asking it is a few hundred additions."""

    def __init__(self, examples: Sequence[Example], names: Sequence[str] = ()) -> None:
        """`names`: further words that are spelt right, such as the project's events. Blocks for about a second."""
        split = [tokens(example.question) for example in examples]
        known = {word for words in split for word in words}
        known |= {word for phrase in concepts() for word in phrase.split()}
        self.vocabulary = Vocabulary({*known, *names})
        counted = [features(words) for words in split]
        documents = Counter(name for each in counted for name in each)
        kept = sorted(name for name, count in documents.items() if count > 1 or name.startswith("="))
        self._column = {name: position for position, name in enumerate([RARE, *kept])}
        self._weight = {name: math.log(1 + len(examples) / (1 + documents[name])) for name in kept}
        self._weight[RARE] = STRANGE
        self._learn(counted, examples)

    def _learn(self, counted: Sequence[Counter[str]], examples: Sequence[Example]) -> None:
        import numpy as np

        matrix = np.zeros((len(examples), len(self._column) + 1))
        wanted = np.zeros((len(examples), len(INTENTS)))
        for row, (each, example) in enumerate(zip(counted, examples, strict=True)):
            for column, value in self._vector(each).items():
                matrix[row, column] = value
            for rank, intent in enumerate(example.intents):
                wanted[row, INTENTS.index(intent)] = 1.0 if rank == 0 else SECOND
        matrix[:, -1] = 0.3
        inverse = np.linalg.inv(matrix @ matrix.T + RIDGE * np.eye(len(examples)))
        dual = inverse @ wanted
        self._weights: Floats = (matrix.T @ dual).astype(np.float64)
        unseen = wanted - dual / inverse.diagonal()[:, None]
        self._curve = logistic(unseen.ravel(), (wanted >= 1).ravel())

    def _vector(self, counted: Counter[str]) -> dict[int, float]:
        """Columns with their weights, of length 1."""
        found: dict[int, float] = {}
        for name, count in counted.items():
            column = self._column.get(name)
            if column is not None:
                found[column] = found.get(column, 0.0) + count * self._weight[name]
            elif " " not in name and name[0] != "~":
                found[0] = found.get(0, 0.0) + self._weight[RARE]
        length = math.sqrt(sum(value * value for value in found.values())) or 1.0
        return {column: value / length for column, value in found.items()}

    def guesses(self, words: Sequence[str]) -> list[Guess]:
        """Every intent, the likeliest first. `words`: mended tokens of the question."""
        vector = self._vector(features(words))
        columns = list(vector)
        scores = self._weights[columns].T @ list(vector.values()) + 0.3 * self._weights[-1]
        slope, offset = self._curve
        chances = [1 / (1 + math.exp(-(slope * float(score) + offset))) for score in scores]
        ranked = sorted(range(len(INTENTS)), key=lambda position: -float(scores[position]))
        return [Guess(INTENTS[position], round(chances[position], 3)) for position in ranked]


def logistic(scores: Floats, right: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset of the logistic curve through the scores (Platt 1999), by Newton's method."""
    import numpy as np

    design = np.ones((len(scores), 2))
    design[:, 0] = scores
    found = np.array([8.0, -4.0])
    for _ in range(25):
        chance = 1 / (1 + np.exp(-(design @ found)))
        slope = design.T @ (right - chance)
        curve = (design * (chance * (1 - chance))[:, None]).T @ design + 1e-6 * np.eye(2)
        found = found + np.linalg.solve(curve, slope)
    return float(found[0]), float(found[1])
