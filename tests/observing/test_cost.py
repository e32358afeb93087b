"""Cost: what a call spends is summed, kept beside its record, and told by tool and person."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio

from posthog_mcp.observing.cost import Cost, counting, spend
from posthog_mcp.state.audit import Audit, Record
from posthog_mcp.state.usage import usage
from tests.safety.planted import client_of, make


def record(who: str, action: str, cost: Cost, elapsed: float = 10.0) -> Record:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return Record(now, f"id-{who}", action, 1, "q", "", 1, 10, elapsed, False, "ok", who=who, cost=cost)


def named(found: dict[str, Any], group: str) -> dict[str, dict[str, Any]]:
    return {row[0]: dict(zip(found["columns"][1:], row[1:], strict=True)) for row in found[group]}


async def test_costs_add_up_by_person_and_tool_and_the_chain_holds(tmp_path: Path) -> None:
    audit = Audit(tmp_path, None, b"k" * 32)
    audit.add(record("ada", "execute_hogql", Cost(queries=2, query_ms=1500, rows_read=1_000, bytes_read=8_000)))
    audit.add(record("ada", "run_theme", Cost(queries=1, query_ms=500, tokens_in=900, tokens_out=100, usd=0.0125)))
    audit.add(record("bob", "run_python", Cost(sandbox_ms=2_250)))
    audit.add(record("bob", "execute_hogql", Cost(queries=1, query_ms=250, rows_read=3_000, bytes_read=1_000)))
    audit.add(record("bob", "discover_objects", Cost()))
    found: Any = await anyio.to_thread.run_sync(usage, audit)
    tools, people = named(found, "tools"), named(found, "people")

    assert (
        tools["execute_hogql"] | {"queries": 3, "query_s": 1.75, "rows_read": 4_000, "bytes_read": 9_000}
        == tools["execute_hogql"]
    )
    assert (tools["run_theme"]["tokens"], tools["run_theme"]["usd"]) == (1_000, 0.0125)
    assert (people["ada"]["query_s"], people["ada"]["usd"], people["ada"]["sandbox_s"]) == (2.0, 0.0125, 0)
    assert (people["bob"]["query_s"], people["bob"]["usd"], people["bob"]["sandbox_s"]) == (0.25, 0, 2.25)
    assert audit.verify().broken_at is None
    assert audit.prune("9999") == 5
    assert list(audit.export()) == []
    await audit.aclose()


async def test_what_tasks_and_threads_spend_counts_and_calls_stay_apart() -> None:
    async def call(rows: int) -> Cost:
        with counting() as cost:
            async with anyio.create_task_group() as tasks:
                for _ in range(3):
                    tasks.start_soon(anyio.to_thread.run_sync, spend, Cost(queries=1, rows_read=rows))
            return cost

    found: list[Cost] = []

    async def keep(rows: int) -> None:
        found.append(await call(rows))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keep, 1)
        tasks.start_soon(keep, 100)
    spend(Cost(usd=1.0))

    assert {(each.queries, each.rows_read, each.usd) for each in found} == {(3, 3, 0.0), (3, 300, 0.0)}


async def test_a_query_costs_what_the_engine_read_and_a_cached_one_nothing(tmp_path: Path) -> None:
    data = await make(tmp_path)
    async with client_of(data) as client:
        for _ in range(3):  # the first query of a new folder publishes its tables, which empties the cache
            await client.call_tool("execute_hogql", {"query": "SELECT count() FROM events WHERE event = 'bought'"})
    async with client_of(data) as client:
        read: Any = await client.read_resource("posthog://usage")
    found = named(json.loads(read.contents[0].text), "tools")
    told = found["execute_hogql"]

    assert told["calls"] == 3
    assert told["cached"] >= 1
    assert told["queries"] == told["calls"] - told["cached"]
    assert told["rows_read"] == 7 * told["queries"], "seven events were imported"
    assert told["query_s"] > 0
