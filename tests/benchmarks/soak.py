"""`python -m tests.benchmarks.soak [--minutes 30] [--clients 20]`: a server in long use over HTTP, tools mixed.

Every client calls one tool after another with arguments that change, so that answers are worked out and not only looked
up; one call in ten is wrong on purpose and has to be refused with its code. A line a minute: answers, refusals, errors,
p95, and memory, threads and open files of the server and its workers. At its end the growth of each over the second
half, in percent: a leak shows there, since caches are full by then.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean

import anyio
import httpx
import psutil

from posthog_mcp.results import Json
from tests.benchmarks.load import answering, free_port, served_on, started, with_demo
from tests.remote.calls import META, headers

WRONG = 0.1
Call = tuple[str, dict[str, Json], str]
"""A tool, its arguments, and the code it has to be refused with ('' where it has to answer)."""


def asked(rng: random.Random) -> Call:
    """Any call of the mix."""
    day = rng.randrange(1, 28)
    if rng.random() < WRONG:
        wrong: list[Call] = [
            ("execute_hogql", {"query": f"SELEC {day} FROM events"}, "hogql_syntax"),
            ("execute_hogql", {"query": f"SELECT propertis.x{day} FROM events"}, "hogql_resolution"),
            ("get_object_fields", {"name": f"no such event {day}"}, "not_found"),
        ]
        return rng.choice(wrong)
    query = f"SELECT event, count() AS n FROM events WHERE toDayOfMonth(timestamp) = {day} GROUP BY event LIMIT "
    right: list[tuple[str, dict[str, Json]]] = [
        ("execute_hogql", {"query": query + str(rng.randrange(1, 500))}),
        ("validate_hogql", {"query": query + str(rng.randrange(1, 500))}),
        ("discover_objects", {}),
        ("get_object_fields", {"name": "$pageview"}),
        ("run_insight", {"kind": "trends", "series": [{"event": "$pageview", "math": "dau"}], "date_from": f"-{day}d"}),
        ("run_insight", {"kind": "funnel", "series": [{"event": "$pageview"}, {"event": "signed_up"}], "date_from": f"-{day}d"}),
        ("detect_anomalies", {"metric": {"kind": "trends", "series": [{"event": "$pageview"}]}}),
        ("plan_question", {"question": f"why did signups drop in the last {day} days?"}),
        ("search_knowledge", {"query": f"retention of week {day}"}),
        ("render_chart", {"columns": ["day", "n"], "rows": [[f"2026-10-{at:02d}", at * day] for at in range(1, 20)]}),
        ("list_traces", {"limit": day}),
    ]  # fmt: skip
    return (*rng.choice(right), "")


@dataclass
class Minute:
    """What happened in one; times in seconds."""

    times: list[float] = field(default_factory=list[float])
    refused: int = 0
    errors: Counter[str] = field(default_factory=Counter[str])

    def line(self) -> str:
        p95 = sorted(self.times)[int((len(self.times) - 1) * 0.95)] * 1000 if self.times else 0.0
        wrong = ", ".join(f"{count} × {what}" for what, count in self.errors.most_common(3)) or "no error"
        return f"{len(self.times):6d} answers, {self.refused:4d} refused as they should be, p95 {p95:5.0f} ms, {wrong}"


@dataclass(frozen=True)
class Held:
    """What the server and its workers hold: resident bytes, threads, open files."""

    memory: int
    threads: int
    files: int

    @classmethod
    def of(cls, server: psutil.Process) -> Held:
        alive = [server, *server.children(recursive=True)]
        return cls(
            sum(each.memory_info().rss for each in alive),
            sum(each.num_threads() for each in alive),
            sum(each.num_fds() for each in alive),
        )

    def line(self) -> str:
        return f"{self.memory >> 20} MB, {self.threads} threads, {self.files} open files"


class Soak:
    """The clients of one server."""

    def __init__(self, url: str, until: float) -> None:
        self.url, self.until = url, until
        self.minute = Minute()
        self.failed = 0

    async def client(self, seed: int) -> None:
        rng = random.Random(seed)
        async with httpx.AsyncClient(timeout=120) as client:
            while (begun := time.monotonic()) < self.until:
                tool, arguments, code = asked(rng)
                wrong = await self.one(client, tool, arguments, code)
                self.minute.times.append(time.monotonic() - begun)
                self.minute.refused += not wrong and bool(code)
                if wrong:
                    self.failed += 1
                    self.minute.errors[f"{tool}: {wrong}"] += 1

    async def one(self, client: httpx.AsyncClient, tool: str, arguments: dict[str, Json], code: str) -> str:
        """What was wrong with the answer; '' where nothing was."""
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                "params": {"name": tool, "arguments": arguments, "_meta": META}}  # fmt: skip
        try:
            answer = await client.post(self.url, json=body, headers=headers("tools/call", tool))
        except httpx.HTTPError as error:
            return type(error).__name__
        if answer.status_code != 200:
            return f"status {answer.status_code}"
        # A long call answers as an event stream; its last event is the answer.
        streamed = answer.headers["content-type"].startswith("text/event-stream")
        told = answer.text.rpartition("\ndata: ")[2] if streamed else answer.text
        result = json.loads(told).get("result", {})
        text = "".join(str(part.get("text", "")) for part in result.get("content", []))
        if bool(result.get("isError")) != bool(code) or (code and not text.startswith(f"[{code}]")):
            return text[:80] or told[:80]
        return ""


def growth(of: list[int]) -> float:
    """The last quarter beside the third one, in percent."""
    quarter = max(1, len(of) // 4)
    return 100 * (mean(of[-quarter:]) / mean(of[-2 * quarter : -quarter] or of[:1]) - 1)


async def main(minutes: int, clients: int) -> int:
    data, port = await with_demo(Path(tempfile.mkdtemp())), free_port()
    server = started(served_on(port, data, "--toolsets", "all"))
    try:
        await answering(f"http://127.0.0.1:{port}/health")
        soak = Soak(f"http://127.0.0.1:{port}/mcp", time.monotonic() + minutes * 60)
        held: list[Held] = []

        async def watch() -> None:
            process = psutil.Process(server.pid)
            for at in range(minutes):
                await anyio.sleep(60)
                done, soak.minute = soak.minute, Minute()
                held.append(Held.of(process))
                print(f"{at + 1:3d}  {done.line()}  {held[-1].line()}", flush=True)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch)
            for seed in range(clients):
                tasks.start_soon(soak.client, seed)
    finally:
        server.terminate()
        ended = server.wait(timeout=60)
    memory, threads, files = ([getattr(each, name) for each in held] for name in ("memory", "threads", "files"))
    print(
        f"{soak.failed} errors; growth of the last quarter: memory {growth(memory):+.1f} %, threads "
        f"{growth(threads):+.1f} %, open files {growth(files):+.1f} %; the server ended with {ended}"
    )
    return 1 if soak.failed else 0


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--minutes", type=int, default=30)
    options.add_argument("--clients", type=int, default=20)
    given = options.parse_args()
    sys.exit(anyio.run(main, given.minutes, given.clients))
