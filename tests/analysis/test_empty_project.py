"""Every tool that computes something, on a project of one person and no event: a clear refusal, or an honest nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from mcp import Client
from mcp.types import TextContent

from posthog_mcp.backends.local.importing import import_exports
from posthog_mcp.backends.local.manifest import ProjectSettings
from posthog_mcp.backends.local.storage import Store
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings

ALL: dict[str, Any] = {"kind": "trends", "series": [{"event": ""}]}
FUNNEL = {"kind": "funnel", "series": [{"event": ""}, {"event": ""}]}
BACK = {"kind": "retention", "series": [{"event": ""}, {"event": ""}]}
DAILY = "SELECT toStartOfDay(timestamp) AS day, count() AS n FROM events WHERE timestamp > now() - INTERVAL 90 DAY GROUP BY day"
NONE = "The project has no events"
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    *((tool, {"metric": each}, NONE) for tool in ("explain_change", "detect_anomalies", "forecast_metric")
      for each in (ALL, FUNNEL, BACK)),
    ("forecast_metric", {"metric": {"hogql": DAILY}}, "gave no rows (n = 0)"),
    *(("compare_groups", {"metric": each, "split": "$os"}, "fewer than two groups: none") for each in (ALL, FUNNEL, BACK)),
    ("compare_groups", {"split": "experiment:x"}, "There is no experiment"),
    ("compare_groups", {"split": "flag:x", "metric": ALL}, "There is no flag"),
    ("correlate_metrics", {"metrics": [ALL, FUNNEL]}, NONE),
    ("correlate_metrics", {}, "two are needed"),
    ("score_churn", {}, "needs 84 days of activity; there are 0"),
    ("score_churn", {"unit": "organization"}, "no group type"),
    ("get_insight", {"id": "x"}, "There is no insight"),
    ("get_dashboard", {"id": "x"}, "There is no dashboard"),
    ("build_report", {"kind": "daily"}, "no events to report on"),
    ("build_report", {"kind": "weekly"}, "no events to report on"),
    ("save_alert", {"name": "x", "metric": ALL}, NONE),
    ("campaign_stats", {"campaign": "1"}, "There is no campaign"),
    ("send_campaign", {"campaign": "1"}, "There is no campaign"),
    ("cluster_summaries", {"theme": "error_analysis"}, "no relevant summaries"),
    ("read_trace", {"trace_id": "x"}, "There is no trace"),
]  # fmt: skip
EMPTY: list[tuple[str, dict[str, Any], str]] = [
    ("run_insight", ALL, "too few"),
    ("run_insight", FUNNEL, "Nobody entered"),
    ("run_insight", BACK, "Nobody did"),
    ("run_insight", {"kind": "lifecycle", "series": [{"event": ""}]}, "Nobody did"),
    ("run_insight", {"kind": "stickiness", "series": [{"event": ""}]}, "nobody in this range"),
    ("run_insight", {"kind": "paths"}, "No visit"),
    ("check_alerts", {}, "No alerts"),
    ("list_segments", {}, "0 segments"),
    ("create_segment", {"name": "x", "hogql": "SELECT person_id FROM events WHERE timestamp > now() - INTERVAL 7 DAY"},
     "0 of 1 people"),
    ("list_traces", {}, "0 rows"),
    ("run_theme", {"theme": "error_analysis"}, "0 traces read"),
    ("discover_objects", {}, "event 0"),
]  # fmt: skip


@pytest.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    folder = tmp_path_factory.mktemp("empty")
    person = {"person_id": "00000000-0000-0000-0000-000000000001", "distinct_id": "a", "properties": {}}
    (folder / "persons.jsonl").write_text(json.dumps({**person, "created_at": "2026-01-01T00:00:00Z"}) + "\n")
    settings = ProjectSettings(name="Empty", timezone="UTC", week_start_day=1)
    await import_exports(Store(folder / "data" / "local"), [folder / "persons.jsonl"], project=settings)
    given = Settings.load(data_dir=folder / "data", backend="local", toolsets="all", allow_writes=True)
    async with Client(build_server(given)) as connected:
        yield connected


async def said(client: Client, tool: str, arguments: dict[str, Any]) -> tuple[bool, str]:
    result = await client.call_tool(tool, arguments)
    return result.is_error or False, "".join(each.text for each in result.content if isinstance(each, TextContent))


@pytest.mark.parametrize(("tool", "arguments", "says"), REFUSED)
async def test_what_cannot_be_told_is_refused_with_a_mend(
    client: Client, tool: str, arguments: dict[str, Any], says: str
) -> None:
    failed, text = await said(client, tool, arguments)
    assert failed
    assert says in text
    assert text.startswith(("[invalid_input]", "[not_found]"))
    assert "Fix: " in text


@pytest.mark.parametrize(("tool", "arguments", "says"), EMPTY)
async def test_what_is_empty_says_so(client: Client, tool: str, arguments: dict[str, Any], says: str) -> None:
    failed, text = await said(client, tool, arguments)
    assert not failed, text
    assert says in text
