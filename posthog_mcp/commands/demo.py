"""`demo`: a server process of its own, a real MCP client, and questions asked one after the other for eyes to see.

Always on demo data: beside a project of imported data it keeps its own folder, and data that ended days ago is made
anew, because the questions ask about the last weeks.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from posthog_mcp.backends.local.storage import Snapshot, Store
from posthog_mcp.commands.demo_steps import STEPS, Step
from posthog_mcp.commands.progress import progress_bar
from posthog_mcp.commands.show import code
from posthog_mcp.errors import Unavailable
from posthog_mcp.results import Json
from posthog_mcp.server.client import Answer, Session, Watch, over_stdio
from posthog_mcp.settings import Settings

FRESH = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Asked:
    """A step with its answer."""

    number: int
    step: Step
    answer: Answer
    elapsed_ms: float


Show = Callable[[Console, Asked], None]


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Ask every question and show the answers, or print them as JSON lines."""
    # Progress goes to stderr with --json, so that stdout holds JSON only.
    console = Console(stderr=arguments.json, highlight=False)
    show = print_json if arguments.json else print_step

    async def tour() -> None:
        started = time.perf_counter()
        folder = await demo_folder(settings.data_dir)
        if not arguments.json:
            console.print(Text("posthog-mcp demo", style="bold"), "  questions about a product, asked over MCP\n")
        await walk(console, folder, show)
        if not arguments.json:
            console.print(goodbye(folder, time.perf_counter() - started))

    anyio.run(tour)
    return 0


async def demo_folder(data_dir: Path) -> Path:
    """The data folder, or `demo` in it where the folder holds something else or demo data that ended days ago."""
    snapshot = await anyio.to_thread.run_sync(Store(data_dir / "local").current)
    if snapshot is None or is_fresh_demo(snapshot):
        return data_dir
    own = Store(data_dir / "demo" / "local")
    snapshot = await anyio.to_thread.run_sync(own.current)
    if snapshot is not None and not is_fresh_demo(snapshot):
        await own.reset()
    return data_dir / "demo"


def is_fresh_demo(snapshot: Snapshot) -> bool:
    """Whether this is demo data that reaches the last days."""
    manifest = snapshot.manifest
    if manifest.source.kind != "demo" or manifest.date_range is None:
        return False
    last = datetime.fromisoformat(manifest.date_range.last)
    return datetime.now(UTC) - (last if last.tzinfo else last.replace(tzinfo=UTC)) < FRESH


async def walk(console: Console, folder: Path, show: Show) -> None:
    """Ask the questions in order on one connection, and show each answer as it comes."""
    with progress_bar("starting the server", console) as watch:
        async with over_stdio(["--backend", "local", "--data-dir", str(folder)]) as session:
            for number, step in enumerate(STEPS, 1):
                watch(0, step.question)
                show(console, await ask(session, number, step, watch))


async def ask(session: Session, number: int, step: Step, watch: Watch) -> Asked:
    """Call the step's tool.

    Raises:
        Unavailable: the tool erred where the demo expects an answer.
    """
    start = time.perf_counter()
    answer = await session.call(step.tool, step.arguments, watch)
    if answer.is_error or answer.structured is None:
        raise Unavailable(f"{step.tool} did not answer “{step.question}”: {answer.text}")
    return Asked(number, step, answer, (time.perf_counter() - start) * 1000)


def print_json(console: Console, asked: Asked) -> None:
    """One line a step, for machines."""
    step, answer = asked.step, asked.answer
    line: dict[str, Json] = {
        "step": asked.number,
        "question": step.question,
        "tool": step.tool,
        "arguments": step.arguments,
        "elapsed_ms": round(asked.elapsed_ms, 1),
        "stands_out": step.stands_out(answer.structured or {}),
        "structured_content": answer.structured,
    }
    sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def print_step(console: Console, asked: Asked) -> None:
    """Question, tool, HogQL, picture, and what stands out."""
    step, structured = asked.step, asked.answer.structured or {}
    plain = {name: value for name, value in step.arguments.items() if name != "query"}
    called = Text.assemble(
        ("→ ", "dim"), (step.tool, "bold magenta"), (f" {json.dumps(plain)}" if plain else "", "dim")
    )
    called.append(f"  {asked.elapsed_ms:,.0f} ms", style="dim")
    console.print(Rule(Text(f"{asked.number}. {step.question}", style="bold"), align="left", style="dim"))
    console.print(called)
    query = step.arguments.get("query")
    if isinstance(query, str):
        console.print(Padding(code(query, "sql"), (1, 0, 0, 4)))
    console.print(Padding(step.picture(structured), (1, 0, 1, 4)))
    console.print(Text.assemble(("  ● ", "yellow"), (step.stands_out(structured), "bold")), "\n", soft_wrap=True)


def goodbye(folder: Path, seconds: float) -> Text:
    """How long it took and what to do next."""
    return Text.assemble(
        (f"{len(STEPS)} answers in {seconds:.1f} s, all on this machine. ", "bold"),
        f"The data is in {folder}.\n",
        "Next: ",
        ("posthog-mcp call discover_objects", "magenta"),
        ", connect a client (README), or set POSTHOG_API_KEY to ask your own PostHog.",
    )
