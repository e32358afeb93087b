"""Checking a query: our part against the parser alone, the round trip to its process, and a large catalogue.

Aims: the whole check within 3× of the parser alone in-process; the round trip to the parser's process at most 2 ms
(median); both on the parser of this Python (Rust from 3.12 on, C++ on 3.11).
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import cast

from posthog_mcp.hogql.builtin import builtin_tables
from posthog_mcp.hogql.catalogue import Catalogue
from posthog_mcp.hogql.checker import Checker, examine
from posthog_mcp.hogql.parsing import Parser
from posthog_mcp.hogql.placeholders import Filling
from posthog_mcp.results import Json
from tests.benchmarks.measure import ratio, table

PRACTICE = Path(__file__).parents[2] / "knowledge" / "practice"
ROUNDS = 30
NOW = datetime(2026, 11, 1, tzinfo=UTC)
CATALOGUE = Catalogue(
    builtin_tables(), "1", events={"$pageview": 1000, "signed_up": 50}, event_properties={"$browser": "String"}
)
HOSTILE = {
    "20,000 ORs": "select 1 from events where " + " or ".join(["event = 'a'"] * 20_000),
    "10,000 brackets": "select " + "(" * 10_000 + "1" + ")" * 10_000,
    "1 MB": "select '" + "x" * 1_000_000 + "'",
    "1 MB of columns": "select " + ", ".join(f"a{i}" for i in range(150_000)),
    "deep CTE chain": "with a0 as (select 1), " + ", ".join(f"a{i} as (select * from a{i - 1}, a{i - 1} b)" for i in range(1, 60)) + " select * from a59",
    "unicode": "select '" + "🦔é\u202e" * 5_000 + "' from events where `naïve` = 1",
    "zero bytes": "select \0 from events",
    "200 nested calls": "select " + "lower(" * 200 + "event" + ")" * 200 + " from events",
    "400 ORs": "select 1 from events where " + " or ".join(f"properties.p{i} = 'x'" for i in range(400)),
}  # fmt: skip


def queries() -> list[str]:
    """The queries that our knowledge recommends."""
    pages = [path.read_text(encoding="utf-8") for path in sorted(PRACTICE.glob("*.md"))]
    return [found[1] for page in pages for found in re.finditer(r"## Instead\n\n```hogql\n(.*?)\n```", page, re.DOTALL)]


def parser_module() -> ModuleType:
    """This Python's parser, in this process. The C++ one wants an importable `posthog.hogql.errors`."""
    if sys.version_info >= (3, 12):
        import hogql_parser_rs as module
    else:
        for name in ("posthog.hogql", "posthog.hogql.errors"):
            sys.modules.setdefault(name, ModuleType(name))
        sys.modules.setdefault("posthog", ModuleType("posthog"))
        import hogql_parser as module
    return cast("ModuleType", module)


def median(run: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Milliseconds."""
    taken: list[float] = []
    for _ in range(rounds):
        started = time.perf_counter()
        run()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


def large(events: int = 2_000, properties: int = 5_000) -> Catalogue:
    kinds = {f"property_{i}": "Numeric" if i % 3 == 0 else "String" for i in range(properties)}
    return replace(
        CATALOGUE,
        version="large",
        events={f"event_{i}": i for i in range(events)} | dict(CATALOGUE.events),
        event_properties=cast("dict[str, object]", kinds) | dict(CATALOGUE.event_properties),  # pyright: ignore[reportArgumentType]
    )


async def report() -> str:
    module = parser_module()
    parse = cast("Callable[[str], str]", module.parse_select_json)
    parser = Parser()

    async def current() -> Catalogue:
        return CATALOGUE

    filling = Filling({}, {}, {}, NOW)
    alone: list[float] = []
    whole: list[float] = []
    trips: list[float] = []
    for query in queries():
        alone.append(median(lambda query=query: parse(query)))
        whole.append(median(lambda query=query: examine(query, json.loads(parse(query)), filling, CATALOGUE)))
        taken: list[float] = []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            await parser.parse(query)
            taken.append((time.perf_counter() - started) * 1000)
        trips.append(statistics.median(taken))
    parsed, checked, trip = (statistics.median(each) for each in (alone, whole, trips))
    rows = [
        ["parser alone, in this process", f"{parsed:.3f}", ""],
        ["whole check, in this process", f"{checked:.3f}", ratio(checked, parsed)],
        ["parse by the worker, round trip", f"{trip:.3f}", ratio(trip, parsed)],
    ]
    big = large()
    wrong = "select properties.propertee_77, evnt from events where event = 'evnt_77'"
    tree: dict[str, Json] = json.loads(parse(wrong))
    small_ms, big_ms = (
        median(lambda found=found: examine(wrong, json.loads(json.dumps(tree)), filling, found))
        for found in (CATALOGUE, big)
    )
    rows.append(["three wrong names, 2,000 events × 5,000 properties", f"{big_ms:.3f}", ratio(big_ms, small_ms)])
    checker = Checker(parser, current)
    for name, query in HOSTILE.items():
        started = time.perf_counter()
        found = await checker.check(query)
        took = (time.perf_counter() - started) * 1000
        rows.append([f"hostile: {name}", f"{took:.0f}", found.errors[0].message[:60] if found.errors else "valid"])
    alive = await checker.check("select 1")
    rows.append(["after all that, `select 1`", "", "valid" if not alive.errors else "DEAD"])
    await parser.aclose()
    return table(
        f"Checking ({len(alone)} queries, Python {sys.version_info.major}.{sys.version_info.minor})",
        ["what", "ms", "ratio or answer"],
        rows,
    )
