"""What the check estimates against what the embedded engine reads and matches."""

from __future__ import annotations

from pathlib import Path

from posthog_mcp.backends.backend import QueryOptions
from posthog_mcp.backends.local.driver import LocalDriver
from tests.benchmarks.measure import ratio, table

CONDITIONS = (
    "1",
    "event = '$pageview'",
    "timestamp > {end} - INTERVAL 7 DAY",
    "timestamp > {end} - INTERVAL 60 DAY",
    "event = '$pageview' AND timestamp > {end} - INTERVAL 7 DAY",
    "event IN ('signed_up', '$identify') AND timestamp > {end} - INTERVAL 30 DAY",
    "event = 'checkout_started' AND timestamp BETWEEN {end} - INTERVAL 80 DAY AND {end} - INTERVAL 50 DAY",
)


async def report(data_dir: Path) -> str:
    driver = LocalDriver(data_dir)
    found = (await driver.snapshot()).manifest.date_range
    end = f"toDateTime('{found.last[:19].replace('T', ' ')}')" if found else "now()"
    rows: list[list[str]] = []
    for condition in CONDITIONS:
        where = condition.format(end=end)
        query = f"SELECT count() FROM events WHERE {where}"
        estimate = (await driver.checker.check(query)).estimate
        answer = await driver.query({"kind": "HogQLQuery", "query": query}, QueryOptions("estimate"))
        matched = int(str(answer.table.rows[0][0]))
        guessed = estimate.rows if estimate else 0
        rows.append(
            [
                condition.format(end="end"),
                f"{guessed:,}",
                f"{matched:,}",
                ratio(guessed, matched),
                f"{answer.rows_read or 0:,}",
            ]
        )
    await driver.aclose()
    header = ["condition", "estimated rows", "matching rows", "ratio", "rows the engine read"]
    return table("Estimated rows", header, rows)
