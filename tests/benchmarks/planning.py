"""plan_question: warm median over the retrieval set, against one validate_hogql of a small query. Aim: under 20 ms."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from posthog_mcp.knowledge.planning import plan
from posthog_mcp.queries.check import check
from posthog_mcp.runtime import open_project
from posthog_mcp.settings import Settings
from tests.benchmarks.measure import ratio, table
from tests.knowledge.retrieval import questions


async def report(data_dir: Path) -> str:
    async with open_project(Settings.load(data_dir=data_dir, backend="local")) as project:
        begun = time.perf_counter()
        await plan(project, "how many users")
        first = 1000 * (time.perf_counter() - begun)
        plans: list[float] = []
        checks: list[float] = []
        for at, each in enumerate(questions()):
            begun = time.perf_counter()
            await plan(project, each.question)
            plans.append(1000 * (time.perf_counter() - begun))
            begun = time.perf_counter()
            await check(project, f"SELECT event, count() FROM events WHERE event = 'e{at}' GROUP BY event LIMIT 10")
            checks.append(1000 * (time.perf_counter() - begun))
        median, reference = statistics.median(plans), statistics.median(checks)
        worst = statistics.quantiles(plans, n=20)[-1]
    row = [f"{first:.0f}", f"{median:.1f}", f"{worst:.1f}", f"{reference:.1f}", ratio(median, reference)]
    heads = ["first call ms", "median ms", "p95 ms", "one check ms", "ratio"]
    return table("plan_question, 285 questions", heads, [row])
