"""Totals computed from the exported Parquet by another engine equal what the tools answer, to the row, on three seeds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from mcp import Client

from posthog_mcp.backends.local.demo.generate import generate_demo, write_demo_export
from posthog_mcp.backends.local.objects import Objects
from posthog_mcp.backends.local.storage import Store
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings

END = datetime(2026, 10, 15, tzinfo=UTC)
EVENTS = 12_000

PAIRS = {
    "per event": (
        "SELECT event, count() FROM events GROUP BY event ORDER BY event LIMIT 1000",
        "SELECT event, count(*) FROM e GROUP BY event ORDER BY event",
    ),
    "per day": (
        "SELECT toString(toDate(timestamp)) AS day, count() FROM events GROUP BY day ORDER BY day LIMIT 1000",
        "SELECT strftime(t, '%Y-%m-%d') AS day, count(*) FROM e GROUP BY day ORDER BY day",
    ),
    "people per week": (
        "SELECT toString(toMonday(timestamp)) AS week, uniqExact(person_id) FROM events GROUP BY week ORDER BY week "
        "LIMIT 100",
        "SELECT strftime(date_trunc('week', t), '%Y-%m-%d') AS week, count(DISTINCT coalesce(m.p, e.person_id)) FROM e "
        "LEFT JOIN m ON e.distinct_id = m.d GROUP BY week ORDER BY week",
    ),
    "revenue per plan": (
        "SELECT properties.plan AS plan, count(), sum(properties.amount) FROM events WHERE event = 'payment_succeeded' "
        "GROUP BY plan ORDER BY plan LIMIT 10",
        "SELECT properties->>'plan' AS plan, count(*), sum((properties->>'amount')::DOUBLE) FROM e "
        "WHERE event = 'payment_succeeded' GROUP BY plan ORDER BY plan",
    ),
    "sessions": (
        "SELECT count(), sum($pageview_count), sum($screen_count), max($session_duration) FROM sessions LIMIT 1",
        "SELECT count(*), sum(pages), sum(screens), max(seconds) FROM (SELECT json_extract_string(properties, "
        "'$.\"$session_id\"') AS s, count(*) FILTER (event = '$pageview') AS pages, "
        "count(*) FILTER (event = '$screen') AS screens, date_diff('second', min(t), max(t)) AS seconds "
        "FROM e WHERE s IS NOT NULL GROUP BY s)",
    ),
    "persons": ("SELECT count() FROM persons LIMIT 1", "SELECT count(DISTINCT person_id) FROM p"),
    "by browser of people on a plan": (
        "SELECT properties.$browser AS b, person.properties.plan AS plan, count() FROM events "
        "WHERE person.properties.plan != 'free' AND event = '$pageview' GROUP BY b, plan ORDER BY b, plan LIMIT 100",
        "SELECT json_extract_string(properties, '$.\"$browser\"') AS b, person_properties->>'plan' AS plan, count(*) "
        "FROM e WHERE event = '$pageview' AND coalesce(person_properties->>'plan', '') NOT IN ('free') "
        "GROUP BY b, plan ORDER BY b NULLS LAST, plan NULLS LAST",
    ),
}


@pytest.fixture(scope="module", params=[1, 2, 3])
async def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Client, Any]]:
    """The same demo twice: as a served project, and as exported Parquet under DuckDB."""
    seed: int = request.param
    folder: Path = tmp_path_factory.mktemp(f"seed{seed}")
    store = Store(folder / "data" / "local")
    await generate_demo(store, Objects(store.root), seed=seed, events=EVENTS, end=END)
    await write_demo_export(folder / "export", seed=seed, events=EVENTS, end=END)
    other = duckdb.connect()
    read = f"read_parquet('{folder}/export/%s/*.parquet')"
    other.execute("SET timezone = 'UTC'")
    other.execute(f"CREATE VIEW e AS SELECT *, timestamp::TIMESTAMP AS t FROM {read % 'events'}")
    other.execute(f"CREATE VIEW p AS SELECT * FROM {read % 'persons'}")
    other.execute(
        "CREATE VIEW m AS SELECT distinct_id AS d, arg_max(person_id, person_distinct_id_version) AS p FROM p GROUP BY d"
    )
    async with Client(build_server(Settings.load(data_dir=folder / "data", backend="local"))) as client:
        yield client, other


@pytest.mark.parametrize("name", PAIRS)
async def test_another_engine_gives_the_same_rows(both: tuple[Client, Any], name: str) -> None:
    client, other = both
    hogql, sql = PAIRS[name]
    expected = [[*row] for row in other.execute(sql).fetchall()]
    rows: list[list[Any]] = []
    arguments: dict[str, Any] | None = {"query": hogql}
    while arguments:
        answer = await client.call_tool("execute_hogql", arguments)
        assert answer.structured_content is not None, answer.content
        rows += answer.structured_content["rows"]
        arguments = answer.structured_content["next"]
    assert rows == expected
