"""The scoring rule of the Numenta Anomaly Benchmark, written from its description.

Lavin and Ahmad, Evaluating Real-Time Anomaly Detection Algorithms, IEEE ICMLA 2015. Rows of a file's first 15 % (750 at
most) are not scored. A window counts its best alert, 1 at the left edge falling along a sigmoid to 0 at the right one;
a window without an alert costs what its profile says; an alert outside costs by how far behind the last window it is.
A detector has one threshold for all files, the best for the profile; 0 is a detector without alerts, 100 a perfect one.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Line = NDArray[np.float64]
PROBATION, PROBATION_ROWS = 0.15, 5000


@dataclass(frozen=True)
class Profile:
    """What an alert outside costs and what a missed window does; a found one is worth 1."""

    false: float
    missed: float


PROFILES: Mapping[str, Profile] = {
    "standard": Profile(0.11, 1.0),
    "low FP": Profile(0.22, 1.0),
    "low FN": Profile(0.11, 2.0),
}


@dataclass(frozen=True, eq=False)
class File:
    """One series with the rows of its windows, the last one included."""

    name: str
    labels: tuple[str, ...]
    values: Line
    windows: tuple[tuple[int, int], ...]


def files(folder: Path) -> Iterator[File]:
    """All of the corpus, a checkout of which is in `folder`."""
    windows = json.loads((folder / "labels" / "combined_windows.json").read_text())
    for name, bounds in sorted(windows.items()):
        labels, values = columns(folder / "data" / name, "value")
        places = {label: at for at, label in enumerate(labels)}
        rows = tuple((places[start[:19]], places[end[:19]]) for start, end in bounds)
        yield File(name, labels, values, rows)


def columns(path: Path, name: str) -> tuple[tuple[str, ...], Line]:
    """The times of a file and one of its columns."""
    with path.open() as file:
        rows = list(csv.DictReader(file))
    return tuple(row["timestamp"][:19] for row in rows), np.array([float(row[name]) for row in rows])


def shipped(folder: Path, detector: str, file: File) -> Line:
    """The scores that the benchmark's authors keep of a detector."""
    part, name = file.name.split("/")
    return columns(folder / "results" / detector / part / f"{detector}_{name}", "anomaly_score")[1]


def sigmoid(place: Line) -> Line:
    """-1 at the left edge gives 0.987, 0 at the right edge 0; behind three widths it is -1."""
    return np.where(place > 3, -1.0, 2 / (1 + np.exp(5 * place)) - 1)


def worth(file: File) -> tuple[Line, NDArray[np.int64]]:
    """What an alert at each row is worth, unweighted, and which window the row is in (-1: in none)."""
    rows = np.arange(len(file.values))
    inside = np.full(len(rows), -1)
    found = np.full(len(rows), -1.0)
    for number, (start, end) in enumerate(file.windows):
        width = end - start + 1
        behind = rows > end
        found[behind] = sigmoid((rows[behind] - end) / (width - 1))
        here = (rows >= start) & (rows <= end)
        found[here] = sigmoid((rows[here] - end - 1) / width) / sigmoid(np.array(-1.0))
        inside[here] = number
    return found, inside


def score(corpus: Mapping[File, Line], profile: Profile) -> float:
    """0 to 100 with the best threshold, for the scores of every row of every file: higher is more unusual."""
    parts: list[tuple[Line, Line, NDArray[np.int64]]] = []
    windows = 0
    for file, scores in corpus.items():
        gain, inside = worth(file)
        scored = np.arange(len(scores)) >= min(int(PROBATION * len(scores)), PROBATION * PROBATION_ROWS)
        parts.append((scores[scored], gain[scored], np.where(inside >= 0, inside + windows, -1)[scored]))
        windows += len(file.windows)
    scores, gains, inside = (np.concatenate(each) for each in zip(*parts, strict=True))
    return best(scores, gains, inside, windows, profile)


def best(scores: Line, gains: Line, inside: NDArray[np.int64], windows: int, profile: Profile) -> float:
    """The best of all thresholds: rows become alerts from the highest score down."""
    order = np.argsort(-scores, kind="stable")
    found = np.full(windows, -profile.missed)
    reached = highest = float(found.sum())
    empty = reached
    for place, at in enumerate(order):
        window = inside[at]
        if window < 0:
            reached += profile.false * gains[at]
        elif gains[at] > found[window]:
            reached += gains[at] - found[window]
            found[window] = gains[at]
        last = place + 1 == len(order) or scores[order[place + 1]] != scores[at]
        highest = max(highest, reached) if last else highest
    return 100 * (highest - empty) / (windows - empty)
