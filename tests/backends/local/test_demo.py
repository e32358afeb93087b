"""The demo: the same bytes for the same seed, PostHog's shapes, and every planted story found by another engine."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pytest

from posthog_mcp.backends.local.demo.generate import write_demo_export
from posthog_mcp.backends.local.demo.objects import demo_objects
from posthog_mcp.backends.local.demo.stories import COMPLETION
from posthog_mcp.backends.local.object_kinds import KINDS
from tests.running import run as run_apart

END = datetime(2026, 11, 1, tzinfo=UTC)
EVENTS = 60_000


def digest(folder: Path) -> str:
    files = sorted(folder.rglob("*.parquet"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


@pytest.fixture(scope="module", params=[1, 2, 3])
def export(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A seed's export under DuckDB; `days_left` counts back from its end."""
    folder = tmp_path_factory.mktemp("export")
    run_apart(partial(write_demo_export, folder, seed=request.param, events=EVENTS, end=END))
    engine = duckdb.connect()
    engine.execute("SET timezone = 'UTC'")
    engine.execute(
        "CREATE TABLE e AS SELECT * REPLACE (timestamp::TIMESTAMP AS timestamp), "
        f"date_diff('second', timestamp::TIMESTAMP, TIMESTAMP '{END:%Y-%m-%d}') / 86400 AS days_left "
        f"FROM read_parquet('{folder}/events/*.parquet')"
    )
    return engine


async def test_a_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        await write_demo_export(tmp_path / name, seed=seed, events=600, end=END)
    assert digest(tmp_path / "a") == digest(tmp_path / "b") != digest(tmp_path / "c")


def test_rows_are_sound(export: Any) -> None:
    total, ids, broken, late, first = export.execute(
        "SELECT count(*), count(DISTINCT uuid), count(*) FILTER (NOT json_valid(properties) OR NOT json_valid(person_properties)), "
        "count(*) FILTER (days_left < 0), max(days_left) FROM e"
    ).fetchone()
    assert abs(total - EVENTS) < 0.15 * EVENTS
    assert (ids, broken, late) == (total, 0, 0)
    assert 179 < first <= 181


def test_weekends_are_quiet(export: Any) -> None:
    weekend, weekday = export.execute(
        "SELECT count(*) FILTER (isodow(timestamp) >= 6) / 2, count(*) FILTER (isodow(timestamp) < 6) / 5 FROM e"
    ).fetchone()
    assert weekend < 0.6 * weekday


def test_checkout_breaks_on_one_platform_for_six_days(export: Any) -> None:
    rate = (
        "SELECT count(*) FILTER (event = 'checkout_completed') / count(*) FILTER (event = 'checkout_started') FROM e "
        "WHERE json_extract_string(properties, '$.\"$os\"') {os} 'iOS' AND days_left {inside} BETWEEN 34.1 AND 40"
    )
    broken = export.execute(rate.format(os="=", inside="")).fetchone()[0]
    elsewhere = export.execute(rate.format(os="!=", inside="")).fetchone()[0]
    before_and_after = export.execute(rate.format(os="=", inside="NOT")).fetchone()[0]
    assert broken < 0.25
    assert abs(elsewhere - COMPLETION) < 0.2
    assert abs(before_and_after - COMPLETION) < 0.1


def test_the_outage_loses_events_and_leaves_errors(export: Any) -> None:
    inside, outside = export.execute(
        "SELECT count(*) FILTER (event = '$exception' AND properties LIKE '%ApiUnavailable%'), "
        "count(*) FILTER (event = '$exception' AND properties LIKE '%ApiUnavailable%' AND days_left NOT BETWEEN 74 AND 75) FROM e"
    ).fetchone()
    assert inside > 0
    assert outside == 0


RETURNS = """WITH s AS (SELECT person_id, min(timestamp) AS t0, any_value(properties->>'channel') AS channel FROM e
WHERE event = 'signed_up' GROUP BY 1), c AS (SELECT DISTINCT person_id FROM e WHERE event = 'connected_integration')
SELECT avg((SELECT count(*) > 0 FROM e WHERE e.person_id = s.person_id AND e.timestamp BETWEEN s.t0 + INTERVAL 7 DAY
AND s.t0 + INTERVAL 35 DAY)::INT) FROM s LEFT JOIN c USING (person_id) WHERE days_since > 40 AND {which}"""


def test_a_channel_leaks_and_a_feature_keeps(export: Any) -> None:
    back = RETURNS.replace("days_since > 40", f"s.t0 < TIMESTAMP '{END:%Y-%m-%d}' - INTERVAL 40 DAY")
    rates = {
        name: export.execute(back.format(which=which)).fetchone()[0]
        for name, which in {
            "paid social": "channel = 'paid_social' AND c.person_id IS NULL",
            "others": "channel != 'paid_social' AND c.person_id IS NULL",
            "connected": "c.person_id IS NOT NULL",
        }.items()
    }
    assert rates["paid social"] < 0.75 * rates["others"]
    assert rates["connected"] > 1.2 * rates["others"]


def test_traces_come_in_three_formats(export: Any) -> None:
    shapes = export.execute(
        "SELECT json_extract_string(properties, '$.\"$ai_provider\"') AS provider, count(*), "
        "count(*) FILTER (properties LIKE '%tool_calls%'), count(*) FILTER (properties LIKE '%tool_use%'), "
        "count(*) FILTER (properties LIKE '%functionCall%') FROM e WHERE event = '$ai_generation' GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert [(row[0], [n > 0 for n in row[2:]]) for row in shapes] == [
        ("anthropic", [False, True, False]),
        ("google", [False, False, True]),
        ("openai", [True, False, False]),
    ]


def test_saved_objects_are_of_kinds_that_can_be_stored() -> None:
    assert {kind for kind, _ in demo_objects(END)} <= set(KINDS)
