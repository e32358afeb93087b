"""Groups of vectors: spherical k-means++ with a chosen k, outliers marked; DBSCAN and HDBSCAN beside it.

Vectors have length one; the distance of two is 1 − their dot product. k is the one with the best simplified silhouette
(own centre against the nearest other; Hruschka et al. 2004). Everything is seeded: the same vectors, the same groups.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# numpy's overloads are partly untyped.

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from posthog_mcp.errors import InvalidInput, Unavailable
from posthog_mcp.traces.vectors import normalised

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]
    Labels = NDArray[np.int64]

OUTLIER = -1
ROUNDS = 25
RESTARTS = 3
MOST_K = 200
PATIENCE, WORSE = 3, 0.8
"""The search for k ends after so many scores in a row below this share of the best."""
SAMPLE = 2_000
"""Vectors that k is chosen on."""
FAR = 3.0
"""Median absolute deviations beyond a group's median distance from which a vector is an outlier."""


@dataclass(frozen=True)
class Grouped:
    """`labels`: a group a vector, or `OUTLIER`; `distances` to the own centre; `silhouette` is the mean, −1 to 1."""

    labels: Labels
    centres: Vectors
    distances: NDArray[np.float32]
    silhouette: float


def group(vectors: Vectors, *, algorithm: str = "kmeans", k: int = 0, min_size: int = 3, seed: int = 1) -> Grouped:
    """Group the vectors; groups smaller than `min_size` become outliers.

    Raises:
        InvalidInput: there is no such algorithm.
        Unavailable: hdbscan without scikit-learn.
    """
    import numpy as np

    if len(vectors) == 0:
        return Grouped(np.zeros(0, np.int64), vectors, np.zeros(0, np.float32), 0.0)
    if algorithm == "kmeans":
        labels = marked(vectors, chosen_kmeans(vectors, k, min_size, seed))
    elif algorithm == "dbscan":
        labels = dbscan(vectors, min_size)
    elif algorithm == "hdbscan":
        labels = hdbscan(vectors, min_size)
    else:
        raise InvalidInput(f"There is no algorithm {algorithm!r}.", fix="Use kmeans, hdbscan or dbscan.")
    return finished(vectors, labels, min_size)


def chosen_kmeans(vectors: Vectors, k: int, min_size: int, seed: int) -> Labels:
    """k-means with this k, or with the best of a geometric range of k."""
    import numpy as np

    distinct = len(np.unique(vectors, axis=0))
    if k or distinct < 4:
        return kmeans(vectors, min(k or 1, distinct), seed)[0]
    random = np.random.default_rng(seed)
    sample = vectors if len(vectors) <= SAMPLE else vectors[np.sort(random.choice(len(vectors), SAMPLE, replace=False))]
    most = min(MOST_K, distinct - 1, max(2, len(sample) // max(2, min_size)))
    scores: dict[int, float] = {}
    for each in sorted({round(each) for each in np.geomspace(2, most, 14)}):
        scores[each] = silhouette(sample, *kmeans(sample, each, seed, restarts=2))
        if len(scores) > PATIENCE and max([*scores.values()][-PATIENCE:]) < WORSE * max(scores.values()):
            break
    tried = sorted(scores)
    best = max(tried, key=lambda each: scores[each])
    place = tried.index(best)
    low, high = tried[max(0, place - 1)], tried[min(len(tried) - 1, place + 1)]
    for each in {round(near) for near in np.linspace(low, high, 8)} - set(tried):
        scores[each] = silhouette(sample, *kmeans(sample, each, seed, restarts=2))
    return kmeans(vectors, max(scores, key=lambda each: (scores[each], -each)), seed)[0]


def kmeans(vectors: Vectors, k: int, seed: int, restarts: int = RESTARTS) -> tuple[Labels, Vectors]:
    """Labels and centres of the best of some starts."""
    import numpy as np

    best: tuple[float, Labels, Vectors] | None = None
    for start in range(restarts):
        centres = seeded_centres(vectors, k, np.random.default_rng((seed, start)))
        labels = np.zeros(len(vectors), np.int64)
        near = np.zeros(len(vectors), np.float32)
        for turn in range(ROUNDS):
            closeness = vectors @ centres.T
            fresh = closeness.argmax(axis=1)
            near = closeness[np.arange(len(vectors)), fresh]
            if turn and bool((fresh == labels).all()):
                break
            labels = fresh
            centres = centres_of(vectors, labels, centres, near)
        if best is None or float(near.sum()) > best[0]:
            best = float(near.sum()), labels, centres
    assert best is not None
    return best[1], best[2]


def seeded_centres(vectors: Vectors, k: int, random: np.random.Generator) -> Vectors:
    """k-means++: each further centre is drawn by its distance to those there are (Arthur, Vassilvitskii 2007)."""
    import numpy as np

    chosen = [int(random.integers(len(vectors)))]
    far = np.maximum(1 - vectors @ vectors[chosen[0]], 0).astype(np.float64)
    for _ in range(1, k):
        total = far.sum()
        pick = int(random.choice(len(vectors), p=far / total)) if total > 0 else int(random.integers(len(vectors)))
        chosen.append(pick)
        far = np.minimum(far, np.maximum(1 - vectors @ vectors[pick], 0))
    return vectors[chosen].copy()


def centres_of(vectors: Vectors, labels: Labels, before: Vectors, near: NDArray[np.float32]) -> Vectors:
    """Means, of length one; a group that lost all its vectors takes the one that is farthest from its centre."""
    import numpy as np

    order = np.argsort(labels, kind="stable")
    groups, starts = np.unique(labels[order], return_index=True)
    sums = np.zeros_like(before)
    sums[groups] = np.add.reduceat(vectors[order], starts, axis=0)
    empty = np.setdiff1d(np.arange(len(before)), groups)
    if len(empty):
        sums[empty] = vectors[np.argsort(near)[: len(empty)]]
    return normalised(sums)


def silhouette(vectors: Vectors, labels: Labels, centres: Vectors) -> float:
    """The mean simplified silhouette."""
    return float(silhouettes(vectors, labels, centres).mean()) if len(centres) > 1 else 0.0


def silhouettes(vectors: Vectors, labels: Labels, centres: Vectors) -> NDArray[np.float32]:
    """(b − a) / max(a, b) a vector: a the distance to its own centre, b to the nearest other one; 0 for one alone.

    The own centre is taken without the vector itself, as in the full silhouette: else tiny groups always look tight.
    """
    import numpy as np

    rows = np.arange(len(vectors))
    sums = np.zeros_like(centres)
    np.add.at(sums, labels, vectors)
    along = np.einsum("ij,ij->i", vectors, sums[labels])
    length = np.sqrt(np.maximum((sums[labels] ** 2).sum(axis=1) - 2 * along + 1, 1e-12))
    own = np.maximum(1 - (along - 1) / length, 0)
    apart = 1 - vectors @ centres.T
    apart[rows, labels] = np.inf
    other = np.maximum(apart.min(axis=1), 0)
    alone = np.bincount(labels, minlength=len(centres))[labels] < 2
    found = (other - own) / np.maximum(np.maximum(own, other), 1e-9)
    return np.where(alone, 0, found).astype(np.float32)


def marked(vectors: Vectors, labels: Labels) -> Labels:
    """Outliers: closer to another centre than to their own, or far out in their group."""
    import numpy as np

    found = labels.copy()
    centres = np.stack([normalised(vectors[labels == each].sum(axis=0)[None, :])[0] for each in np.unique(labels)])
    places = np.searchsorted(np.unique(labels), labels)
    apart = 1 - np.einsum("ij,ij->i", vectors, centres[places])
    if len(centres) > 1:
        found[silhouettes(vectors, places, centres) < 0] = OUTLIER
    for each in np.unique(places):
        own = apart[places == each]
        spread = np.median(np.abs(own - np.median(own)))
        limit = np.median(own) + FAR * 1.4826 * max(float(spread), 0.02)
        found[(places == each) & (apart > limit) & (apart > 0.5)] = OUTLIER
    found[~vectors.any(axis=1)] = OUTLIER
    return found


def finished(vectors: Vectors, labels: Labels, min_size: int) -> Grouped:
    """Small groups dissolved, the others numbered by size, largest first."""
    import numpy as np

    names, counts = np.unique(labels[labels != OUTLIER], return_counts=True)
    large = [(count, name) for name, count in zip(names.tolist(), counts.tolist(), strict=True) if count >= min_size]
    order = [name for _, name in sorted(large, key=lambda each: (-each[0], each[1]))]
    found = np.full(len(labels), OUTLIER, np.int64)
    for index, name in enumerate(order):
        found[labels == name] = index
    if not order:
        empty = np.zeros((0, vectors.shape[1]), np.float32)
        return Grouped(found, empty, np.ones(len(vectors), np.float32), 0.0)
    centres = np.stack([normalised(vectors[found == each].sum(axis=0)[None, :])[0] for each in range(len(order))])
    inside = found != OUTLIER
    distances = (1 - (vectors @ centres.T).max(axis=1)).astype(np.float32)
    distances[inside] = 1 - np.einsum("ij,ij->i", vectors[inside], centres[found[inside]])
    score = silhouette(vectors[inside], found[inside], centres) if len(order) > 1 else 0.0
    return Grouped(found, centres, distances, score)


def dbscan(vectors: Vectors, min_size: int) -> Labels:
    """Dense groups (Ester et al. 1996); the radius is the knee of the distances to the `min_size`-th neighbour."""
    import numpy as np

    count, block = len(vectors), 2_000
    depth = min(min_size, count - 1)
    nearest = [
        np.partition(1 - vectors[start : start + block] @ vectors.T, depth, axis=1)[:, depth]
        for start in range(0, count, block)
    ]
    curve = np.sort(np.concatenate(nearest))
    line = np.linspace(curve[0], curve[-1], count)
    radius = float(curve[int(np.argmax(line - curve))]) + 1e-6
    near = [np.flatnonzero(1 - vectors @ vectors[each] <= radius) for each in range(count)]
    labels = np.full(count, OUTLIER, np.int64)
    found = 0
    for each in range(count):
        if labels[each] != OUTLIER or len(near[each]) < min_size:
            continue
        labels[each], waiting = found, [each]
        while waiting:
            one = waiting.pop()
            if len(near[one]) >= min_size:
                fresh = near[one][labels[near[one]] == OUTLIER]
                labels[fresh] = found
                waiting += fresh.tolist()
        found += 1
    return labels


def hdbscan(vectors: Vectors, min_size: int) -> Labels:
    """scikit-learn's.

    Raises:
        Unavailable: scikit-learn is not installed.
    """
    import numpy as np

    try:
        from sklearn.cluster import HDBSCAN
    except ImportError:
        fix = 'Run: pip install "posthog-mcp[clusters]"; or use kmeans or dbscan.'
        raise Unavailable("hdbscan needs scikit-learn.", fix=fix) from None
    if len(vectors) < max(min_size, 2):
        return np.full(len(vectors), OUTLIER, np.int64)
    model: Any = HDBSCAN(min_cluster_size=max(2, min_size), copy=True)  # pyright: ignore[reportArgumentType]
    found = model.fit_predict(vectors.astype(np.float64))
    return np.asarray(found, dtype=np.int64)
