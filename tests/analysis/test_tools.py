"""The tools through an MCP client, on the demo project whose stories are planted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.types import TextContent

from posthog_mcp.backends.local.demo.generate import generate_demo
from posthog_mcp.backends.local.demo.stories import BROKEN_CHECKOUT
from posthog_mcp.backends.local.objects import Objects
from posthog_mcp.backends.local.storage import Store
from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings

END = datetime(2026, 11, 1, tzinfo=UTC)
CHECKOUT = {"kind": "funnel", "series": [{"event": "checkout_started"}, {"event": "checkout_completed"}]}


@pytest.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    """A demo of its default size, where the stories are visible."""
    folder: Path = tmp_path_factory.mktemp("stories")
    store = Store(folder / "local")
    await generate_demo(store, Objects(store.root), seed=3, events=200_000, end=END)
    async with Client(build_server(Settings.load(data_dir=folder, backend="local"))) as connected:
        yield connected


async def asked(client: Client, tool: str, **arguments: Any) -> tuple[dict[str, Any], str]:
    result = await client.call_tool(tool, arguments)
    text = "".join(block.text for block in result.content if isinstance(block, TextContent))
    assert not result.is_error, text
    assert result.structured_content is not None
    assert len(text) < 10_000
    return result.structured_content, text


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return "".join(block.text for block in result.content if isinstance(block, TextContent))


def day(before_end: float) -> str:
    return str((END - timedelta(days=before_end)).date())


async def test_the_broken_checkout_is_found_and_its_release(client: Client) -> None:
    assert BROKEN_CHECKOUT.starts is not None
    assert BROKEN_CHECKOUT.ends is not None
    bounds = {"date_from": day(BROKEN_CHECKOUT.starts), "date_to": day(BROKEN_CHECKOUT.ends + 1)}
    found, text = await asked(client, "explain_change", metric=CHECKOUT, **bounds)
    assert ["$os", "iOS"] in found["drivers"][0]["where"] + found["drivers"][0]["same_as"]
    assert found["change"] < 0
    assert any("4.2.0 is new" in each for each in found["values"])
    assert any("PaymentSheetError" in each for each in found["moved_too"])
    assert any(each[1] == "Mobile release 4.2.0" for each in found["happenings"])
    assert "iOS" in " ".join(found["established"])
    assert found["unknown"]
    for dimension in found["dimensions"]:
        parts = sum(row[3] for row in dimension["rows"])
        assert parts == pytest.approx(found["change"], abs=0.001), dimension["name"]
    for sentence in (*found["established"], *found["likely"], *found["unknown"]):
        assert sentence in text


async def test_the_outage_is_told_as_one_and_not_as_a_segment(client: Client) -> None:
    start = END - timedelta(days=75) + timedelta(hours=10)
    metric = {"kind": "trends", "series": [{"event": "$pageview"}], "interval": "hour"}
    bounds = {"date_from": f"{start:%Y-%m-%d %H:%M}", "date_to": f"{start + timedelta(hours=3):%Y-%m-%d %H:%M}"}
    found, _ = await asked(client, "explain_change", metric=metric, **bounds)
    assert found["confirmation"]["holds"]
    assert "everything_fell" in [each[0] for each in found["quality"]]
    assert any("ApiUnavailable" in each for each in found["moved_too"])
    assert not found["drivers"]
    unusual, _ = await asked(
        client,
        "detect_anomalies",
        metric=metric,
        date_from=f"{start - timedelta(days=5):%Y-%m-%d}",
        date_to=bounds["date_to"],
    )
    assert f"{start + timedelta(hours=2):%Y-%m-%d %H:%M}" in [row[0] for row in unusual["rows"]]


async def test_the_leaky_channel_is_found(client: Client) -> None:
    metric = {"kind": "retention", "series": [{"event": "signed_up"}, {}], "options": {"unbounded": True}}
    found, _ = await asked(
        client, "compare_groups", metric=metric, split="person:signup_channel", control="organic_search",
        date_from=day(150), date_to=day(1),
    )  # fmt: skip
    worse = [row[0] for row in found["rows"] if row[9] is not None and row[9] <= 0.01 and row[5] < 0]
    assert worse == ["paid_social"]
    assert not found["randomised"]


async def test_the_experiment_is_won_with_its_planned_shares(client: Client) -> None:
    metric = {"kind": "trends", "series": [{"event": "created_project"}]}
    bounds = {"date_from": day(180), "date_to": day(1)}
    found, text = await asked(
        client, "compare_groups", metric=metric, split="experiment:Onboarding checklist", **bounds
    )
    control, test = found["rows"]
    assert (control[0], test[0]) == ("control", "test")
    assert control[2] == pytest.approx(0.5, abs=0.04)
    assert test[2] == pytest.approx(0.62, abs=0.04)
    assert test[10] > 0.999
    assert found["sample_ratio_p"] > 0.001
    assert "better" in text


async def test_no_change_is_not_explained_away(client: Client) -> None:
    found, _ = await asked(client, "explain_change", metric=CHECKOUT, date_from=day(24), date_to=day(18))
    assert not found["drivers"]
    assert any("Whether anything changed" in each for each in found["unknown"])


async def test_forecast_and_churn_state_how_good_they_are(client: Client) -> None:
    bounds = {"date_from": day(120), "date_to": day(1)}
    made, _ = await asked(client, "forecast_metric", metric="Sign-ups a day", horizon=7, **bounds)
    assert made["row_count"] == 7
    assert made["backtest"]["mase"] <= 1
    churn, _ = await asked(client, "score_churn", limit=5)
    assert churn["auc"] > churn["auc_recency"]
    assert churn["auc"] > 0.8
    assert churn["calibrated"]
    assert len(churn["rows"]) == 5


async def test_metrics_of_dashboards_are_correlated_and_the_others_named(client: Client) -> None:
    found, _ = await asked(
        client, "correlate_metrics", dashboards=["Growth", "Revenue"], date_from=day(150), date_to=day(1)
    )
    assert "Sign-ups a day" in found["metrics"]
    assert any("not causing" in each for each in found["summary"])


@pytest.mark.parametrize(
    "metric",
    [
        '{"kind": "trends", "series": [{"event": "signed_up"}]}',
        "Sign-ups a day",
        {"insight": 1},
        {"hogql": "SELECT toStartOfDay(timestamp) AS day, count() AS n FROM events WHERE event = 'signed_up' "
         "AND timestamp >= '2026-07-01' GROUP BY day ORDER BY day LIMIT 500"},
        {"kind": "TrendsQuery", "series": [{"kind": "EventsNode", "event": "signed_up", "math": "total"}]},
    ],
)  # fmt: skip
async def test_a_metric_can_be_said_in_several_ways(client: Client, metric: Any) -> None:
    found, _ = await asked(client, "detect_anomalies", metric=metric, date_from=day(60), date_to=day(1))
    assert found["looked_at"] > 20


async def test_a_finished_query_is_a_metric(client: Client) -> None:
    query = (
        "SELECT toStartOfDay(timestamp) AS day, count() AS n FROM events WHERE event = 'signed_up' "
        "AND timestamp >= '2026-07-01' GROUP BY day ORDER BY day LIMIT 500"
    )
    done, _ = await asked(client, "execute_hogql", query=query)
    found, _ = await asked(client, "forecast_metric", metric=done["query_id"], horizon=5)
    assert found["row_count"] == 5


@pytest.mark.parametrize(
    ("tool", "arguments", "says"),
    [
        ("explain_change", {"metric": {"kind": "trends", "series": [{"event": "signd_up"}]}}, "signed_up"),
        ("explain_change", {"metric": "No such insight"}, "[not_found]"),
        ("detect_anomalies", {"metric": {"kind": "paths", "series": []}}, "no values over time"),
        ("detect_anomalies", {"metric": {"kind": "trends", "series": [{"event": "signed_up"}]}, "date_to": "2026-05-20",
                              "date_from": "all"}, "needs at least 28"),
        ("detect_anomalies", {"metric": "Sign-ups a day", "date_from": "2026-11-05"}, "newest of"),
        ("detect_anomalies", {"metric": {"kind": "trends", "series": [{"event": "signed_up", "filters": [
            {"key": "signup_channel", "type": "person", "value": "nowhere"}]}]}, "date_from": "2026-09-01",
            "date_to": "2026-10-20"}, "is 0 in all"),
        ("forecast_metric", {"metric": "Sign-ups a day", "date_from": "2026-10-20"}, "'Sign-ups a day' has 1"),
        ("forecast_metric", {"metric": {"hogql": "SELECT toStartOfDay(timestamp) AS day, count() AS n FROM events "
         "WHERE timestamp >= '2026-10-20' GROUP BY day ORDER BY day"}}, "Widen the time range of the query"),
        ("compare_groups", {"metric": CHECKOUT, "split": "experiment:nope"}, "Onboarding checklist"),
        ("score_churn", {"event": "synced_integraton"}, "synced_integration"),
        ("score_churn", {"horizon_days": 180}, "needs 540 days of activity; there are 1"),
        ("explain_change", {"metric": "Sign-ups a day", "date_from": "2026-06-01", "date_to": "2026-06-07",
                            "baseline": "2026-03-01..2026-03-07"}, "baseline 2026-03-01 to 2026-03-08"),
        ("correlate_metrics", {"metrics": ["Sign-ups a day"]}, "two are needed"),
    ],
)  # fmt: skip
async def test_refusals_say_what_is_wrong(client: Client, tool: str, arguments: dict[str, Any], says: str) -> None:
    assert says in await refused(client, tool, **arguments)
