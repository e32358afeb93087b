"""`python -m tests.benchmarks.analysis`: how good and how fast the analysis is.

False alarms on noise; coverage of forecasts; time for 100 metrics of 180 days. Drivers are in `drivers.py`, forecasts
on the M4 competition in `m4.py`.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator

import anyio
import numpy as np

from posthog_mcp.analysis.anomalies import detect, shifts
from posthog_mcp.analysis.forecast import forecast
from tests.analysis.synthetic import NOISE, coverage, days, weekly
from tests.benchmarks.measure import table


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


async def report() -> str:
    """What needs no data from elsewhere."""
    alarms = [(name, f"{rate:.3f}") for name, rate in false_alarms(1000)]
    held = coverage(np.random.default_rng(1), 200)
    return "\n".join(
        [
            table("Series of noise in which anything is told (stated: 0.05)", ["noise", "rate"], alarms),
            table("Coverage of 95 % intervals, 200 series, 14 days", ["held"], [(f"{held:.3f}",)]),
            table("100 metrics × 180 days", ["work", "cost"], speed()),
        ]
    )


if __name__ == "__main__":
    print(anyio.run(report))
