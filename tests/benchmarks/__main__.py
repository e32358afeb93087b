"""`python -m tests.benchmarks [PAGE]… [--events N] [--data DIR]`: prints the pages named in PAGES, or all."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import anyio

PAGES = (
    "startup",
    "calls",
    "tokens",
    "answers",
    "importing",
    "memory",
    "checking",
    "estimating",
    "insights",
    "charts",
    "client",
    "traces",
    "planning",
    "analysis",
    "groups",
)


async def main(pages: list[str], data_dir: Path, events: int) -> None:
    from tests.benchmarks import (
        analysis,
        answers,
        calls,
        charts,
        checking,
        client,
        estimating,
        groups,
        importing,
        insights,
        memory,
        planning,
        startup,
        tokens,
        traces,
    )

    if not {*pages} <= {"checking", "client", "charts", "traces", "analysis", "groups"}:
        await answers.prepared(data_dir, events)
    runs = {
        "startup": partial(startup.report, data_dir),
        "calls": partial(calls.report, data_dir),
        "tokens": partial(tokens.report, data_dir),
        "answers": partial(answers.report, data_dir, events),
        "importing": partial(importing.report, data_dir, events),
        "memory": partial(memory.report, data_dir),
        "checking": checking.report,
        "estimating": partial(estimating.report, data_dir),
        "insights": partial(insights.report, data_dir, events),
        "charts": charts.report,
        "client": client.report,
        "traces": traces.report,
        "planning": partial(planning.report, data_dir),
        "analysis": analysis.report,
        "groups": groups.report,
    }
    for page in pages:
        print(await runs[page](), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("pages", nargs="*", choices=[*PAGES, []], default=list(PAGES))
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--data", type=Path, default=None)
    given = parser.parse_args()
    folder = given.data or Path.home() / ".cache" / "posthog-mcp-benchmarks" / str(given.events)
    anyio.run(main, given.pages, folder, given.events)
