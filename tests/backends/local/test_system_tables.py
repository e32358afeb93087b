"""`system.*` follows every change of an object, and `system.information_schema` what this project holds."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mcp import Client

from posthog_mcp.backends.backend import QueryOptions, Resource
from posthog_mcp.backends.local.demo.generate import generate_demo
from posthog_mcp.backends.local.driver import LocalDriver
from posthog_mcp.backends.local.ingest import capture
from posthog_mcp.backends.local.manifest import Manifest, Source, TableManifest
from posthog_mcp.backends.local.objects import Objects
from posthog_mcp.backends.local.project_tables import publish_project
from posthog_mcp.backends.local.schema import TABLES
from posthog_mcp.backends.local.storage import Store
from posthog_mcp.errors import HogQLResolutionError, PostHogMcpError, Unavailable
from posthog_mcp.hogql.builtin import builtin_tables
from posthog_mcp.results import Json
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings

SYSTEM = sorted(name for name in builtin_tables() if name.startswith("system."))
INFORMATION = "system.information_schema"
FLAG: dict[str, Json] = {"key": "beta", "name": "Beta", "filters": {"groups": [{"rollout_percentage": 35}]}}


@pytest.fixture(scope="module")
async def driver(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalDriver]:
    """A small demo project whose clock is Tokyo's: nine hours ahead of UTC, all year."""
    folder: Path = tmp_path_factory.mktemp("system")
    store = Store(folder / "local")
    await generate_demo(store, Objects(store.root), seed=3, events=4_000, end=datetime(2026, 11, 1, tzinfo=UTC))
    await move(store, "Asia/Tokyo")
    made = LocalDriver(folder)
    yield made
    await made.aclose()


async def move(store: Store, timezone: str) -> None:
    async with store.begin() as writing:
        assert writing.previous
        manifest = writing.previous.manifest
        for table in manifest.tables:
            writing.keep(table)
        project = manifest.project.model_copy(update={"timezone": timezone})
        await writing.commit(manifest.model_copy(update={"id": "moved", "project": project}))


async def rows(driver: LocalDriver, query: str) -> list[list[Json]]:
    return (await driver.query({"kind": "HogQLQuery", "query": query}, QueryOptions("system"))).table.rows


async def test_a_flag_shows_after_each_change(driver: LocalDriver) -> None:
    made = await driver.create("feature_flags", FLAG)
    flag = f"SELECT name, rollout_percentage, deleted FROM system.feature_flags WHERE id = {made['id']}"
    assert await rows(driver, flag) == [["Beta", 35, 0]]
    await driver.update("feature_flags", str(made["id"]), {"name": "Beta for all", "filters": {"groups": [{}]}})
    assert await rows(driver, flag) == [["Beta for all", None, 0]]
    await driver.delete("feature_flags", str(made["id"]))
    assert await rows(driver, flag) == [["Beta for all", None, 1]]
    log = "SELECT activity FROM system.activity_logs WHERE scope = 'FeatureFlag' AND item_id = '%s' ORDER BY created_at"
    assert await rows(driver, log % made["id"]) == [["created"], ["updated"], ["deleted"]]


@pytest.mark.parametrize(
    ("kind", "body", "shown", "row"),
    [
        ("actions", {"name": "Paid", "steps": [{"event": "paid"}]}, "steps_json.1.event", "paid"),
        ("alerts", {"name": "Low", "insight": 2, "condition": {"type": "absolute_value"}}, "insight_id", 2),
        ("alerts", {"name": "Low", "condition": {"type": "absolute_value"}}, "condition.type", "absolute_value"),
        ("annotations", {"content": "Sale", "dashboard_item": 4}, "dashboard_item_id", 4),
        ("batch_exports", {"name": "To S3", "interval": "day", "paused": True}, "paused", 1),
        ("dashboards", {"name": "Ops", "filters": {"date_from": "-7d"}}, "filters.date_from", "-7d"),
        ("early_access_feature", {"name": "Dark", "feature_flag": 3}, "feature_flag_id", 3),
        ("error_tracking_issues", {"name": "TypeError", "status": "resolved"}, "status", "resolved"),
        ("experiments", {"name": "Prices", "feature_flag_key": "dark-mode"}, "feature_flag_id", 3),
        ("hog_functions", {"name": "Slack", "enabled": True}, "enabled", 1),
        (
            "insights",
            {"name": "Sales", "query": {"source": {"kind": "TrendsQuery"}}},
            "query.source.kind",
            "TrendsQuery",
        ),
        ("integrations", {"kind": "slack", "config": {"team": "T1"}}, "config.team", "T1"),
        ("notebooks", {"title": "Why", "text_content": "Because"}, "text_content", "Because"),
        ("surveys", {"name": "NPS", "questions": [{"question": "How?"}]}, "questions.1.question", "How?"),
    ],
)
async def test_each_kind_has_its_rows(
    driver: LocalDriver, kind: Resource, body: dict[str, Json], shown: str, row: Json
) -> None:
    made = await driver.create(kind, body)
    table = {"early_access_feature": "early_access_features"}.get(kind, kind)
    found = await rows(driver, f"SELECT {shown} FROM system.{table} WHERE toString(id) = '{made['id']}'")
    assert found == [[row]]


async def test_tiles_join_dashboards_with_insights(driver: LocalDriver) -> None:
    insight = await driver.create("insights", {"name": "On the wall"})
    await driver.create("dashboards", {"name": "Wall", "tiles": [{"id": 77, "insight": insight["id"]}, "odd"]})
    query = """SELECT d.name, i.name FROM system.dashboard_tiles AS t JOIN system.dashboards AS d ON d.id = t.dashboard_id
JOIN system.insights AS i ON i.id = t.insight_id WHERE t.id = 77"""
    assert await rows(driver, query) == [["Wall", "On the wall"]]


async def test_times_are_in_the_projects_zone(driver: LocalDriver) -> None:
    made = await driver.create("annotations", {"content": "x", "date_marker": "2026-01-31T22:00:00+00:00"})
    query = f"SELECT toString(toDate(date_marker)), toHour(date_marker) FROM system.annotations WHERE id = {made['id']}"
    assert await rows(driver, query) == [["2026-02-01", 7]]
    assert await rows(driver, "SELECT id, name, timezone FROM system.teams") == [[1, "Demo", "Asia/Tokyo"]]


async def test_a_cohorts_last_count_is_in_its_history(driver: LocalDriver) -> None:
    query = "SELECT id FROM persons ORDER BY id LIMIT 3"
    made = await driver.create("cohorts", {"name": "Three", "query": {"kind": "HogQLQuery", "query": query}})
    history = "SELECT count, error_code FROM system.cohort_calculation_history WHERE cohort_id = %s"
    assert await rows(driver, history % made["id"]) == [[3, ""]]


@pytest.mark.parametrize("table", SYSTEM)
async def test_every_table_answers(driver: LocalDriver, table: str) -> None:
    names = [f"`{name}`" for name in builtin_tables()[table].fields]
    await rows(driver, f"SELECT * FROM {table} LIMIT 1")
    await rows(driver, f"SELECT {', '.join(names)} FROM {table} LIMIT 1")


async def test_what_an_embedded_project_has_none_of_is_empty(driver: LocalDriver) -> None:
    for table in ("data_warehouse_sources", "review_queues", "support_tickets", "usage_metrics", "tasks", "tags"):
        assert await rows(driver, f"SELECT count() FROM system.{table}") == [[0]]


async def test_groups_and_recordings_repeat_the_data(driver: LocalDriver) -> None:
    same = "SELECT group_key, group_properties.plan FROM system.groups ORDER BY group_key LIMIT 5"
    assert await rows(driver, same) == await rows(
        driver, "SELECT key, properties.plan FROM groups ORDER BY key LIMIT 5"
    )
    counts = "SELECT count(), sum(duration) FROM system.session_recordings"
    assert await rows(driver, counts) == await rows(driver, "SELECT count(), sum($session_duration) FROM sessions")


@pytest.mark.parametrize("table", ["persons", "person_distinct_ids", "groups", "cohort_people"])
async def test_raw_twins_hold_the_last_version(driver: LocalDriver, table: str) -> None:
    await rows(driver, f"SELECT {', '.join(builtin_tables()[f'raw_{table}'].fields)} FROM raw_{table} LIMIT 1")
    assert await rows(driver, f"SELECT count() FROM raw_{table}") == await rows(driver, f"SELECT count() FROM {table}")


async def test_the_catalogue_lists_tables_with_their_rows(driver: LocalDriver) -> None:
    query = f"SELECT table_schema, table_type, row_count FROM {INFORMATION}.tables WHERE table_name = '%s'"
    people = (await rows(driver, "SELECT count() FROM persons"))[0][0]
    assert await rows(driver, query % "persons") == [["public", "posthog", people]]
    assert await rows(driver, query % "system.cohorts") == [["system", "system", None]]
    information = ["information_schema", "information_schema", None]
    assert await rows(driver, query % f"{INFORMATION}.columns") == [information]
    total = f"SELECT count(), uniqExact(table_name), countIf(description IS NULL) FROM {INFORMATION}.tables"
    assert await rows(driver, total) == [[len(builtin_tables()), len(builtin_tables()), 0]]


async def test_columns_have_posthogs_types(driver: LocalDriver) -> None:
    query = f"""SELECT column_name, data_type, is_nullable, is_array, field_kind FROM {INFORMATION}.columns
WHERE table_name = 'events' AND column_name IN ('event', 'timestamp', '$session_id', 'properties',
'elements_chain_texts', '$virt_is_bot', 'poe', 'poe.properties', 'team_id') ORDER BY ordinal_position"""
    assert await rows(driver, query) == [
        ["event", "String", False, False, "column"],
        ["properties", "JSON", False, False, "column"],
        ["timestamp", "DateTime", False, False, "column"],
        ["$session_id", "String", True, False, "column"],
        ["elements_chain_texts", "Array", False, True, "column"],
        ["$virt_is_bot", "Boolean", True, False, "expression"],
        ["poe", "VirtualTable", False, False, "virtual_table"],
        ["poe.properties", "JSON", False, False, "column"],
    ]
    first = f"SELECT column_name FROM {INFORMATION}.columns WHERE table_name = 'persons' AND ordinal_position = 1"
    assert await rows(driver, first) == [["id"]]


async def test_relationships_name_the_keys(driver: LocalDriver) -> None:
    query = f"""SELECT source_column, target_table, target_column, relationship_kind FROM {INFORMATION}.relationships
WHERE source_table = 'events' AND via IN ('session', 'group_0', 'person', 'organization') ORDER BY via"""
    assert await rows(driver, query) == [
        ["$group_0", "groups", "key", "lazy_join"],
        ["organization", "events", "group_0", "field_traverser"],
        ["person", "events", "poe", "field_traverser"],
        ["$session_id", "sessions", "session_id", "lazy_join"],
    ]


async def test_a_new_group_type_is_in_the_catalogue_at_once(tmp_path: Path) -> None:
    driver = LocalDriver(tmp_path, demo_events=1_000)
    names = f"""SELECT via FROM {INFORMATION}.relationships
WHERE relationship_kind = 'field_traverser' AND target_column LIKE 'group%' ORDER BY target_column"""
    assert await rows(driver, names) == [["organization"]]
    at = "2026-11-01T10:00:00Z"
    group: dict[str, Json] = {"$group_type": "workspace", "$group_key": "w1", "$group_set": {}}
    await capture(driver.store, [{"event": "$groupidentify", "distinct_id": "a", "timestamp": at, "properties": group}])
    assert await rows(driver, names) == [["organization"], ["workspace"]]
    assert await rows(driver, "SELECT group_type FROM system.group_type_mappings ORDER BY id") == [
        ["organization"],
        ["workspace"],
    ]
    await driver.aclose()


def test_a_folder_that_cannot_be_written_keeps_the_older_catalogue(tmp_path: Path) -> None:
    manifest = Manifest(source=Source(kind="capture"), tables={t: TableManifest(rows=0, columns=[]) for t in TABLES})
    publish_project(tmp_path, manifest)
    (tmp_path / "system_teams.jsonl").unlink()
    (tmp_path / "system_teams.jsonl").mkdir()
    publish_project(tmp_path, manifest.model_copy(update={"id": "newer"}))
    (tmp_path / ".snapshot").write_text("of another version")
    with pytest.raises(Unavailable, match="cannot be used"):
        publish_project(tmp_path, manifest)


@pytest.mark.parametrize("table", ["raw_sessions", "exchange_rate", "app_metrics", "posthog.web_goals_preaggregated"])
async def test_a_table_without_data_here_says_so(driver: LocalDriver, table: str) -> None:
    checked = await driver.checker.check(f"SELECT count() FROM {table}")
    checked.raise_for_errors()
    with pytest.raises(PostHogMcpError, match=f"`{table}` has no data in the embedded project"):
        await rows(driver, f"SELECT count() FROM {table}")


@pytest.mark.parametrize("table", ["session_replay_events", "raw_session_replay_events"])
async def test_replay_joins_people_sessions_and_events(driver: LocalDriver, table: str) -> None:
    query = f"SELECT person_id, pdi.person_id, person.properties.plan, session.$channel_type, events.event FROM {table}"
    (await driver.checker.check(query)).raise_for_errors()
    with pytest.raises(HogQLResolutionError):
        (await driver.checker.check(f"SELECT nobody.id FROM {table}")).raise_for_errors()


async def test_a_client_reads_json_columns_as_properties(demo_dir: Path) -> None:
    async with Client(build_server(Settings.load(data_dir=demo_dir, backend="local"))) as client:
        query = "SELECT name, filters.groups FROM system.feature_flags WHERE key = 'new-billing-page'"
        answer = await client.call_tool("execute_hogql", {"query": query})
    assert answer.structured_content
    [[name, groups]] = answer.structured_content["rows"]
    assert (name, json.loads(groups)) == ("New billing page", [{"properties": [], "rollout_percentage": 20}])
