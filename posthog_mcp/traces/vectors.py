"""Vectors of short texts without a model: words, word pairs and letter groups, weighted, hashed and projected.

Hashed TF-IDF (sublinear counts, smoothed idf of the texts at hand) times a sparse ±1 random projection, normalised to
length one: the dot product of two vectors estimates the cosine of their TF-IDF. Needs numpy only, and no network.
Source of the projection: Achlioptas, Database-friendly random projections, 2003.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# numpy's overloads are partly untyped.

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

DIMENSIONS = 512
BUCKETS = 1 << 18
SEED = 20_240_601
WORD = re.compile(r"[^\W\d_]{2,}")
STOP = frozenset(
    """a an and are as at be been but by can could did do does for from had has have how i if in into is it its me my no
    not of on or our she so that the their them then there they this to too up us was we were what when which who will
    with would you your""".split()  # noqa: SIM905
)
"""Words that say nothing of what a text is about."""


def tokens(text: str) -> list[str]:
    """Words, and in the order said; numbers and ids are left out, so that equal findings read alike."""
    return [word for word in WORD.findall(text.lower()) if word not in STOP]


def features(text: str) -> Counter[int]:
    """Buckets of words (twice), word pairs, and four-letter groups within words, with their counts."""
    words = tokens(text)
    found: Counter[int] = Counter()
    for word in words:
        found[bucket(f"w {word}")] += 2
        padded = f"<{word}>"
        for start in range(max(1, len(padded) - 3)):
            found[bucket(f"c {padded[start : start + 4]}")] += 1
    for first, second in pairwise(words):
        found[bucket(f"p {first} {second}")] += 1
    return found


def bucket(feature: str) -> int:
    return zlib.crc32(feature.encode("utf-8", "surrogatepass")) % BUCKETS


class HashedTfIdf:
    """Learns how common each feature is, then makes vectors. The same texts give the same bytes."""

    def __init__(self, dimensions: int = DIMENSIONS) -> None:
        self.dimensions = dimensions
        self.name = f"hashed-{dimensions}"

    def vectors(self, texts: Sequence[str], corpus: Sequence[str] | None = None) -> Vectors:
        """One row a text, of length one (zero for a text without words). `corpus`: where commonness is learnt."""
        import numpy as np

        rows = [features(text) for text in texts]
        learnt = rows if corpus is None else [features(text) for text in corpus]
        seen: Counter[int] = Counter(name for row in learnt for name in row)
        names = sorted({name for row in rows for name in row})
        place = {name: index for index, name in enumerate(names)}
        idf = np.log((1 + len(learnt)) / (1 + np.array([seen[name] for name in names], dtype=np.float64))) + 1
        found = np.zeros((len(rows), self.dimensions), dtype=np.float32)
        if not names:
            return found
        projection = self.projection(np.array(names, dtype=np.uint64))
        for index, row in enumerate(rows):
            if row:
                chosen = np.fromiter((place[name] for name in row), dtype=np.intp, count=len(row))
                counts = np.fromiter(row.values(), dtype=np.float64, count=len(row))
                weights = ((1 + np.log(counts)) * idf[chosen]).astype(np.float32)
                found[index] = weights @ projection[chosen].astype(np.float32)
        return normalised(found)

    def projection(self, names: NDArray[np.uint64]) -> NDArray[np.int8]:
        """±1 for each feature and dimension, made from the feature's number alone (splitmix64)."""
        import numpy as np

        words = -(-self.dimensions // 64)
        with np.errstate(over="ignore"):
            state = (names[:, None] + np.uint64(SEED)) * np.uint64(0x9E3779B97F4A7C15)
            state = state + np.arange(1, words + 1, dtype=np.uint64)[None, :] * np.uint64(0xD1B54A32D192ED03)
            for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
                state = (state ^ (state >> np.uint64(shift))) * np.uint64(factor)
            state ^= state >> np.uint64(31)
        bits = np.unpackbits(state.astype("<u8").view(np.uint8).reshape(len(names), -1), axis=1)
        return (bits[:, : self.dimensions].astype(np.int8) * 2 - 1).astype(np.int8)


def normalised(rows: Vectors) -> Vectors:
    """Rows of length one; zero rows stay."""
    import numpy as np

    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(lengths == 0, 1, lengths)).astype(np.float32)
