"""Timing and table printing that every benchmark shares."""

from __future__ import annotations

import statistics
import time
from collections.abc import Awaitable, Callable, Sequence

AsyncRun = Callable[[], Awaitable[object]]


async def alternate(runs: Sequence[AsyncRun], times: int) -> list[float]:
    """Median milliseconds of each run, interleaved so that noise on the machine falls on all alike."""
    samples: list[list[float]] = [[] for _ in runs]
    for _ in range(times):
        for run, kept in zip(runs, samples, strict=True):
            start = time.perf_counter()
            await run()
            kept.append((time.perf_counter() - start) * 1000)
    return [statistics.median(kept) for kept in samples]


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table under a heading."""
    lines = [f"\n### {title}\n", "| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def ratio(ours: float, reference: float) -> str:
    return f"{ours / reference:.2f}×"
