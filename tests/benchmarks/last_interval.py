"""`python -m tests.benchmarks.last_interval [--m4 FILE]`: is the last complete interval told when it is off, and only then?

Each series is judged twice: as it is, and with its last value times 0.5 to 1.5 (0.8 to 1.2 left out). Printed are the
area under the ROC curve and the share that is found at 2 % false alarms, beside two simple recipes in the same run: the
same weekday's (hour's) median and MAD, and z of the last 28 values. `--m4` is the M4 competition's `Hourly-train.csv`
(github Mcompetitions/M4-methods, Dataset/Train); nothing of it is kept here.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from posthog_mcp.analysis.anomalies import judged
from posthog_mcp.analysis.series import MetricSeries
from tests.analysis.synthetic import days, hours, weekly
from tests.benchmarks.m4 import rows_of
from tests.benchmarks.measure import table

Method = Callable[[MetricSeries, int], float]
DAYS, SERIES, WINDOW, SEASONS = 120, 400, 28, 8


def ours(series: MetricSeries, season: int) -> float:
    """How improbable the product takes the last value to be."""
    found = judged(series)[-1]
    assert found.at == series.n - 1
    return -math.log(max(found.p, 1e-300))


def same_phase(series: MetricSeries, season: int) -> float:
    past = np.array(series.values[-1 - season :: -season][:SEASONS])
    middle = np.median(past)
    return abs(series.values[-1] - middle) / max(1.4826 * float(np.median(np.abs(past - middle))), 1e-9 + 0.01 * middle)


def rolling_z(series: MetricSeries, season: int) -> float:
    past = np.array(series.values[-1 - WINDOW : -1])
    return abs(series.values[-1] - float(past.mean())) / max(float(past.std()), 1e-9)


METHODS: dict[str, Method] = {"posthog-mcp": ours, "same weekday or hour, MAD": same_phase, "rolling z": rolling_z}


def factor(rng: np.random.Generator) -> float:
    found = rng.uniform(0.5, 1.5)
    return factor(rng) if 0.8 < found < 1.2 else float(found)


def counts(low: float, high: float) -> Iterator[list[float]]:
    """Daily counts with a weekly season."""
    rng = np.random.default_rng(5)
    for _ in range(SERIES):
        yield weekly(rng, math.exp(rng.uniform(math.log(low), math.log(high))), DAYS).tolist()


def judged_by(
    series: Sequence[list[float]], made: Callable[[list[float]], MetricSeries], season: int
) -> list[list[str]]:
    """A row a method."""
    rng = np.random.default_rng(6)
    off = [[*each[:-1], round(each[-1] * factor(rng))] for each in series]
    rows: list[list[str]] = []
    for name, method in METHODS.items():
        quiet, loud = ([method(made(each), season) for each in some] for some in (series, off))
        ranks = rankdata([*quiet, *loud])
        area = (ranks[len(quiet) :].sum() - len(loud) * (len(loud) + 1) / 2) / (len(quiet) * len(loud))
        line = float(np.quantile(quiet, 0.98))
        rows.append([name, f"{area:.3f}", f"{np.mean([each > line for each in loud]):.2f}"])
    return rows


def main(m4: Path | None) -> None:
    columns = ["method", "AUC", "found at 2 % false alarms"]
    for low, high in ((60, 5000), (8, 60)):
        rows = judged_by(list(counts(low, high)), lambda each: days(each, "count"), 7)
        print(table(f"Daily counts of {low} to {high}, {SERIES} series", columns, rows))
    if m4 is not None:
        series = [each.tolist() for each in rows_of(m4).values()]
        print(table(f"M4 hourly, {len(series)} series", columns, judged_by(series, hours, 24)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--m4", type=Path, default=None)
    main(parser.parse_args().m4)
