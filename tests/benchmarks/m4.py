"""`python -m tests.benchmarks.m4 DIR [--every N]`: our forecasts on the M4 competition beside what it published.

DIR holds its `Hourly-train.csv`, `Hourly-test.csv` and the same of `Weekly` and `Daily`, as far as they are there
(github Mcompetitions/M4-methods, Dataset/Train and Dataset/Test); nothing of it is kept here. Every series goes through
the product's own `forecast`, which chooses the season. The measures are the competition's (its "Benchmarks and
Evaluation.R"; Makridakis, Spiliotis and Assimakopoulos, The M4 Competition, International Journal of Forecasting 36
(2020)), the published figures are from its "Evaluation and Ranks.xlsx". Nothing was chosen on the test parts: methods
and intervals were decided on the last values of the training parts.
"""

from __future__ import annotations

import argparse
import csv
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from posthog_mcp.analysis.forecast import forecast
from posthog_mcp.analysis.series import MetricSeries
from tests.analysis.synthetic import PROJECT
from tests.benchmarks.measure import table

Line = NDArray[np.float64]
Published = tuple[str, str, str, str, str]
"""MASE, sMAPE, OWA, MSIS, and how far coverage lay from 0.95; empty where not published."""


@dataclass(frozen=True)
class Kind:
    """One frequency of the competition, the season of its scaling, and what others reached."""

    name: str
    interval: Literal["hour", "day", "week"]
    horizon: int
    season: int
    published: Mapping[str, Published]


KINDS = (
    Kind(
        "Hourly",
        "hour",
        48,
        24,
        {
            "Naive2": ("2.395", "18.383", "1.000", "", ""),
            "seasonal naive": ("1.193", "13.912", "0.627", "", ""),
            "Theta": ("2.455", "18.138", "1.006", "", ""),
            "ETS": ("", "", "", "17.49", "0.001"),
            "ARIMA": ("", "", "", "7.54", "0.001"),
            "Smyl, first of all": ("0.893", "9.328", "0.440", "7.93", "0.040"),
            "Montero-Manso et al., second": ("0.819", "11.506", "0.484", "18.51", "0.029"),
            "Doornik et al., first of hourly": ("0.801", "8.913", "0.410", "6.14", "0.002"),
        },
    ),
    Kind(
        "Weekly",
        "week",
        13,
        1,
        {
            "Naive2": ("2.777", "9.161", "1.000", "26.36", "0.001"),
            "Theta": ("2.637", "9.093", "0.971", "", ""),
            "ETS": ("", "", "", "20.39", "0.014"),
            "ARIMA": ("", "", "", "19.58", "0.005"),
            "Smyl, first of all": ("2.356", "7.817", "0.851", "22.03", "0.021"),
            "Montero-Manso et al., second": ("2.108", "7.625", "0.796", "21.53", "0.040"),
            "Darin and Stellwagen, first of weekly": ("2.107", "6.582", "0.739", "", ""),
            "Petropoulos and Svetunkov, first intervals": ("2.133", "6.726", "0.751", "16.20", "0.012"),
        },
    ),
    Kind(
        "Daily",
        "day",
        14,
        1,
        {
            "Naive2": ("3.278", "3.045", "1.000", "32.55", "0.021"),
            "Smyl, first of all": ("3.446", "3.170", "1.046", "26.28", "0.004"),
        },
    ),
)


@dataclass(frozen=True)
class Score:
    """Means over one series' horizon. A naive forecast has no intervals."""

    mase: float
    smape: float
    msis: float = math.nan
    held: float = math.nan
    held_80: float = math.nan


def rows_of(path: Path) -> dict[str, Line]:
    with path.open() as file:
        lines = list(csv.reader(file))[1:]
    return {line[0]: np.array([float(cell) for cell in line[1:] if cell]) for line in lines}


def series_of(kind: Kind, values: Line) -> MetricSeries:
    """A metric from a Monday on; every third kind of number may come, so it is any value."""
    step = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}[kind.interval]
    form = "%Y-%m-%d %H:00" if kind.interval == "hour" else "%Y-%m-%d"
    labels = tuple(f"{datetime(1960, 1, 4) + at * step:{form}}" for at in range(len(values)))
    return MetricSeries(kind.name, labels, tuple(map(float, values)), kind.interval, "value", PROJECT)


def errors(kind: Kind, past: Line, truth: Line, made: Line) -> Score:
    return Score(
        float(np.mean(np.abs(truth - made))) / scale_of(kind, past),
        float(np.mean(200 * np.abs(truth - made) / (np.abs(truth) + np.abs(made)))),
    )


def scale_of(kind: Kind, past: Line) -> float:
    return float(np.mean(np.abs(past[kind.season :] - past[: -kind.season])))


def ours(kind: Kind, past: Line, truth: Line) -> Score:
    series = series_of(kind, past)
    wide, narrow = forecast(series, kind.horizon), forecast(series, kind.horizon, 0.8)
    low, high = np.array(wide.low), np.array(wide.high)
    missed = np.maximum(low - truth, 0) + np.maximum(truth - high, 0)
    return replace(
        errors(kind, past, truth, np.array(wide.values)),
        msis=float(np.mean(high - low + 2 / 0.05 * missed)) / scale_of(kind, past),
        held=float(np.mean(missed == 0)),
        held_80=float(np.mean((np.array(narrow.low) <= truth) & (truth <= np.array(narrow.high)))),
    )


def seasonal_naive(kind: Kind, past: Line) -> Line:
    return past[len(past) - kind.season + np.arange(kind.horizon) % kind.season]


def naive2(kind: Kind, past: Line) -> Line:
    """The last value, after classical multiplicative decomposition where the competition's test finds a season."""
    if kind.season == 1 or not seasonal(past, kind.season):
        return np.full(kind.horizon, past[-1])
    weights = np.ones(kind.season + 1) / kind.season
    weights[[0, -1]] /= 2
    half, phases = kind.season // 2, np.arange(len(past)) % kind.season
    ratios = past[half:-half] / np.convolve(past, weights, "valid")
    factors = np.array([ratios[phases[half:-half] == phase].mean() for phase in range(kind.season)])
    factors /= factors.mean()
    coming = factors[(len(past) + np.arange(kind.horizon)) % kind.season]
    return past[-1] / factors[phases[-1]] * coming


def seasonal(past: Line, season: int) -> bool:
    """The autocorrelation of a season's lag is beyond 90 % limits that allow for the lags before it."""
    about = past - past.mean()
    if len(past) < 3 * season or not about.any():
        return False
    known = [float(np.sum(about[lag:] * about[:-lag]) / np.sum(about**2)) for lag in range(1, season + 1)]
    limit = 1.645 / math.sqrt(len(past)) * math.sqrt(1 + 2 * sum(each**2 for each in known[:-1]))
    return abs(known[-1]) > limit


def report(kind: Kind, folder: Path, every: int) -> str:
    """Ours and the naive ones of this run, and what is published."""
    train, test = rows_of(folder / f"{kind.name}-train.csv"), rows_of(folder / f"{kind.name}-test.csv")
    pairs = [(train[name], test[name][: kind.horizon]) for name in list(train)[::every]]
    start = time.process_time()
    scores = {"ours": [ours(kind, *pair) for pair in pairs]}
    spent = (time.process_time() - start) / len(pairs) / 2 * 1000
    scores["seasonal naive, here"] = [errors(kind, *pair, seasonal_naive(kind, pair[0])) for pair in pairs]
    scores["Naive2, here"] = [errors(kind, *pair, naive2(kind, pair[0])) for pair in pairs]
    base = mean(scores["Naive2, here"])
    rows: list[tuple[str, ...]] = []
    for name, each in scores.items():
        score = mean(each)
        owa = (score.mase / base.mase + score.smape / base.smape) / 2
        rows.append((name, *(shown(part) for part in (score.mase, score.smape, owa, score.msis)), *held_of(score)))
    rows += [
        (f"{name} (published)", *each[:4], "", f"0.95 ± {each[4]}" if each[4] else "")
        for name, each in kind.published.items()
    ]
    title = (
        f"M4 {kind.name.lower()}: {len(pairs)} series, {kind.horizon} ahead ({spent:.0f} ms of processor a forecast)"
    )
    return table(title, ["method", "MASE", "sMAPE", "OWA", "MSIS", "held at 80 %", "held at 95 %"], rows)


def held_of(score: Score) -> tuple[str, str]:
    return shown(score.held_80), shown(score.held)


def mean(scores: Sequence[Score]) -> Score:
    return Score(*(float(np.mean(column)) for column in zip(*map(astuple, scores), strict=True)))


def shown(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3f}"


def main(folder: Path, every: int) -> None:
    for kind in KINDS:
        if (folder / f"{kind.name}-train.csv").is_file() and (folder / f"{kind.name}-train.csv").stat().st_size:
            print(report(kind, folder, every), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=1, help="only every Nth series")
    given = parser.parse_args()
    main(given.folder, given.every)
