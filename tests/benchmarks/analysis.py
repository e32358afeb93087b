"""`python -m tests.benchmarks.analysis [--m4 DIR]`: how good and how fast the analysis is.

Drivers on 200 random cubes with known causes beside picking the largest contribution; false alarms on noise; coverage
of forecasts; time for 100 metrics of 180 days. `--m4` is a folder with the M4 competition's `Hourly-train.csv` and
`Hourly-test.csv` (github Mcompetitions/M4-methods, Dataset); nothing of it is kept here.
"""

from __future__ import annotations

import argparse
import csv
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import numpy as np

from posthog_mcp.analysis.anomalies import detect, shifts
from posthog_mcp.analysis.forecast import forecast
from posthog_mcp.analysis.stats import forecasting
from posthog_mcp.analysis.stats.contributions import contributions
from tests.analysis.cubes import judged, made
from tests.analysis.synthetic import NOISE, coverage, days, weekly
from tests.benchmarks.measure import table

HORIZON, DAY = 48, 24
M4_NAIVE, M4_WINNER = 1.193, 0.893
"""MASE of the seasonal naive and of the competition's winner, hourly (Makridakis et al., IJF 36 (2020))."""


def largest(cases: int) -> tuple[float, float]:
    """Precision and recall of naming the one largest contribution of all dimensions."""
    right = told = there = 0
    for seed in range(cases):
        case = made(seed)
        parts = {
            ((at, key[0]),): abs(each.whole)
            for at in range(len(case.cube.dimensions))
            for key, each in contributions(case.cube, case.cube.along(at)).items()
        }
        best = max(parts, key=lambda where: parts[where])
        right, told, there = right + (best in case.causes), told + 1, there + len(case.causes)
    return right / told, right / there


def false_alarms(cases: int) -> Iterator[tuple[str, float]]:
    for name, noise in NOISE.items():
        rng = np.random.default_rng(1)
        yield name, sum(bool(detect(days(noise(rng), "count"))) for _ in range(cases)) / cases


def seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def speed() -> list[tuple[str, str]]:
    rng = np.random.default_rng(2)
    metrics = [days(weekly(rng, 300, 180), "count") for _ in range(100)]
    jobs: dict[str, Callable[[], object]] = {
        "unusual values": lambda: [detect(each) for each in metrics],
        "level shifts": lambda: [shifts(each) for each in metrics],
        "forecast, 14 days": lambda: [forecast(each, 14) for each in metrics],
    }
    found = [(name, f"{seconds(run):.2f} s") for name, run in jobs.items()]
    return [*found, ("peak memory", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")]


def rows_of(path: Path) -> dict[str, list[float]]:
    with path.open() as file:
        lines = list(csv.reader(file))[1:]
    return {line[0]: [float(cell) for cell in line[1:] if cell] for line in lines}


def m4(folder: Path, count: int) -> tuple[float, float, float]:
    """MASE of ours and of the seasonal naive, and coverage of our 95 % intervals, over the first series."""
    train, test = rows_of(folder / "Hourly-train.csv"), rows_of(folder / "Hourly-test.csv")
    ours, naive, held, total = 0.0, 0.0, 0, 0
    names = list(train)[:: max(1, len(train) // count)][:count]
    for name in names:
        past, truth = train[name], test[name][:HORIZON]
        scale = float(np.mean(np.abs(np.array(past[DAY:]) - np.array(past[:-DAY]))))
        found = forecasting.forecast(past, 168, HORIZON)
        plain = forecasting.seasonal_naive(past, DAY, HORIZON)
        ours += float(np.mean(np.abs(np.array(truth) - np.array(found.values)))) / scale
        naive += float(np.mean(np.abs(np.array(truth) - np.array(plain)))) / scale
        held += sum(low <= value <= high for low, value, high in zip(found.low, truth, found.high, strict=True))
        total += HORIZON
    return ours / len(names), naive / len(names), held / total


async def report() -> str:
    """What needs no data from elsewhere."""
    precision, recall, false = judged(200)
    rough = largest(200)
    rows = [
        ("ours", f"{precision:.3f}", f"{recall:.3f}"),
        ("largest contribution", f"{rough[0]:.3f}", f"{rough[1]:.3f}"),
    ]
    alarms = [(name, f"{rate:.3f}") for name, rate in false_alarms(1000)]
    held = coverage(np.random.default_rng(1), 200)
    return "\n".join(
        [
            table(f"Drivers, 200 cubes (told in {false} without a cause)", ["method", "precision", "recall"], rows),
            table("Series of noise in which anything is told (stated: 0.05)", ["noise", "rate"], alarms),
            table("Coverage of 95 % intervals, 200 series, 14 days", ["held"], [(f"{held:.3f}",)]),
            table("100 metrics × 180 days", ["work", "cost"], speed()),
        ]
    )


def main(folder: Path | None, series: int) -> None:
    print(anyio.run(report))
    if folder is not None:
        ours, naive, kept = m4(folder, series)
        told = [("ours", f"{ours:.3f}", f"{kept:.3f}"), ("seasonal naive, here", f"{naive:.3f}", "")]
        told += [("seasonal naive, published, all", f"{M4_NAIVE}", ""), ("winner, published, all", f"{M4_WINNER}", "")]
        print(table(f"M4 hourly, {series} series", ["method", "MASE", "coverage"], told))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--m4", type=Path, default=None)
    parser.add_argument("--series", type=int, default=60)
    given = parser.parse_args()
    main(given.m4, given.series)
