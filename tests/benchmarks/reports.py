"""`python -m tests.benchmarks.reports [--projects N]`: how often reports on pure noise say something, at a stated 5 %,
and what a weekly report of twelve tiles costs.

Series: 120 dashboards of 12 tiles a kind of noise, judged as a report does. Whole: reports over made projects in which
nothing happens (`noisy.py`), with everything that a report looks at.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import numpy as np
import psutil

from posthog_mcp.analysis.series import MetricSeries
from posthog_mcp.insights.words import Interval
from posthog_mcp.reports.build import Wanted, build_report, correlations
from posthog_mcp.reports.findings import Examined, Period, Report, ranked
from posthog_mcp.reports.trends import examine_series
from posthog_mcp.results import ProjectInfo
from posthog_mcp.runtime import open_project
from posthog_mcp.settings import Settings
from tests.benchmarks import noisy
from tests.benchmarks.measure import table

INFO = ProjectInfo(1, "Made", "UTC", "local", "embedded")
SEEDS, TILES = 120, 12
END = noisy.END.replace(tzinfo=None)
WEEK = timedelta(days=7)
DAILY = Period(END - timedelta(days=1), END, 1, END - timedelta(days=8), END - WEEK)
WEEKLY = Period(END - WEEK, END, 7, END - 2 * WEEK, END - WEEK)
Noise = Callable[[np.random.Generator, np.ndarray], np.ndarray]
NOISE: dict[str, Noise] = {
    "Poisson": lambda rng, means: rng.poisson(means),
    "negative binomial, variance 5 × mean": lambda rng, means: rng.negative_binomial(means / 4, 0.2),
    "days differ by 20 %": lambda rng, means: rng.poisson(means * rng.gamma(25, 1 / 25, means.size)),
    "autocorrelated, 10 %": lambda rng, means: rng.poisson(means * np.exp(inertia(rng, means.size, 0.6, 0.1))),
}
KINDS = {
    "trend tiles": ("change", "anomaly", "shift"),
    "funnel": ("funnel",),
    "retention": ("retention",),
    "completion": ("completion",),
    "who stays": ("segment",),
    "experiment": ("experiment",),
    "exceptions": ("errors",),
    "outages": ("outage",),
}
"""Not counted are first-week actions and metrics that move together: those are there in the made projects too, since
whoever stays longer does more, and the same people do everything."""


def inertia(rng: np.random.Generator, size: int, keep: float, sd: float) -> np.ndarray:
    """A first-order autoregressive process."""
    found, last = np.empty(size), 0.0
    for at, step in enumerate(rng.normal(0, sd * (1 - keep**2) ** 0.5, size)):
        last = keep * last + step
        found[at] = last
    return found


def series(rng: np.random.Generator, name: str, noise: Noise, interval: Interval) -> MetricSeries:
    """130 days, or 60 weeks."""
    size, step = (60, 7) if interval == "week" else (130, 1)
    season = np.ones(1) if interval == "week" else rng.uniform(0.7, 1.3, 7)
    means = rng.uniform(40, 2000) * np.resize(season, size)
    labels = tuple(f"{END - timedelta(days=step * (size - at)):%Y-%m-%d}" for at in range(size))
    values = tuple(float(each) for each in noise(rng, means))
    return MetricSeries(name, labels, values, interval, "count", INFO, adds=True)


def loud(noise: Noise, period: Period, interval: Interval) -> float:
    """The share of dashboards on which anything is told."""
    count = 0
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        parts = [examine_series(series(rng, f"m{at}", noise, interval), period, "") for at in range(TILES)]
        found = ranked([one for each in parts for one in each.findings], sum(each.tests for each in parts))
        count += bool(found)
    return count / SEEDS


def together(noise: Noise) -> float:
    """The share of dashboards of unrelated metrics of which two are told to move together."""
    count = 0
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        parts = [Examined(series=(series(rng, f"m{at}", noise, "day"),)) for at in range(TILES)]
        pairs = correlations(parts)
        count += bool(ranked(pairs.findings, pairs.tests))
    return count / SEEDS


@dataclass
class Tally:
    """Reports of one kind over noise: how many, how many loud, by what, and what they took."""

    reports: int = 0
    loud: int = 0
    by: Counter[str] = field(default_factory=Counter[str])
    seconds: list[float] = field(default_factory=list[float])
    megabytes: float = 0.0

    def add(self, report: Report, seconds: float) -> None:
        found = {name for name, kinds in KINDS.items() if any(each.kind in kinds for each in report.findings)}
        self.reports, self.loud = self.reports + 1, self.loud + bool(found)
        self.by.update(found)
        self.seconds.append(seconds)


def resident() -> float:
    """Megabytes of this process and its workers."""
    process = psutil.Process()
    return sum(each.memory_info().rss for each in (process, *process.children(recursive=True))) / 1e6


async def whole(tallies: dict[str, Tally], projects: int, weeks: int, bursty: bool) -> None:
    """Weekly reports of so many weeks of each project, and daily ones of three days of each week."""
    for seed in range(projects):
        with TemporaryDirectory() as folder:
            await noisy.project_in(Path(folder), seed, 150 + 7 * weeks, bursty)
            async with open_project(Settings.load(data_dir=Path(folder) / "data", backend="local")) as project:
                for week in range(weeks):
                    for days, kind, back in ((7, "weekly", 0), (1, "daily", 0), (1, "daily", 2), (1, "daily", 5)):
                        now = noisy.END - timedelta(days=7 * week + back) + timedelta(hours=8)
                        begun = time.perf_counter()
                        wanted = Wanted("weekly" if kind == "weekly" else "daily", (), days, now)
                        tallies[kind].add(await build_report(project, wanted), time.perf_counter() - begun)
                        tallies[kind].megabytes = max(tallies[kind].megabytes, resident())


def lines(tally: Tally) -> Sequence[object]:
    by = ", ".join(f"{name} {count / tally.reports:.1%}" for name, count in tally.by.most_common()) or "nothing"
    seconds = sorted(tally.seconds)
    cost = f"{seconds[len(seconds) // 2]:.1f} s, {seconds[-1]:.1f} s at most, {tally.megabytes:.0f} MB"
    return tally.reports, f"{tally.loud / tally.reports:.1%}", by, cost


async def report(projects: int, weeks: int) -> str:
    rows: list[Sequence[object]] = []
    for name, noise in NOISE.items():
        shares = (loud(noise, DAILY, "day"), loud(noise, WEEKLY, "day"), loud(noise, WEEKLY, "week"), together(noise))
        rows.append((name, *(f"{each:.1%}" for each in shares)))
    head = ["noise", "daily report", "weekly report", "weekly report, tiles by week", "two move together"]
    parts = [table(f"Loud reports on noise: {SEEDS} dashboards of {TILES} tiles", head, rows)]
    rows = []
    for bursty in (False, True):
        tallies = {"daily": Tally(), "weekly": Tally()}
        await whole(tallies, projects, weeks, bursty)
        rows += [(f"{kind}, {'bursty' if bursty else 'Poisson'}", *lines(each)) for kind, each in tallies.items()]
    head = ["report", "reports", "loud", "by what", "median time, longest, memory"]
    return "\n".join([*parts, table("Whole reports of 12 tiles on projects in which nothing happens", head, rows)])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--projects", type=int, default=6)
    parser.add_argument("--weeks", type=int, default=10)
    given = parser.parse_args()
    print(anyio.run(report, given.projects, given.weeks))
