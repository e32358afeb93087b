"""Clusters of summaries: planted groups come back, with figures that can be counted; search by meaning."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from mcp import Client
from mcp.types import ImageContent

from posthog_mcp.project import Project
from posthog_mcp.traces.clusters import cluster
from posthog_mcp.traces.issues import cluster_signals
from posthog_mcp.traces.themes import Clustering, find_theme
from tests.themes.planted import KINDS, kind_of, ok, refused, text_of


async def clustered(project: Project, **how: Any) -> list[dict[str, Any]]:
    theme = await find_theme(project, "error_analysis")
    body: Any = await cluster(project, theme, Clustering(**how))
    return body["clusters"]


@pytest.mark.parametrize("algorithm", ["kmeans", "dbscan", "hdbscan"])
async def test_planted_problems_become_groups_of_their_own(analysed_project: Project, algorithm: str) -> None:
    clusters = await clustered(analysed_project, algorithm=algorithm)
    for each in clusters:
        kinds = Counter(map(kind_of, each["members"]))
        assert kinds.most_common(1)[0][1] >= 0.9 * sum(kinds.values()), kinds
    grouped = Counter(kind_of(name) for each in clusters for name in each["members"])
    assert grouped["refund"] == KINDS["refund"][1]
    assert grouped["loop"] >= KINDS["loop"][1] - 1


async def test_labels_are_the_words_that_tell_groups_apart(analysed_project: Project) -> None:
    clusters = await clustered(analysed_project)
    refund = next(each for each in clusters if "refund-0" in each["members"])
    assert {"issue", "refund", "gateway", "timed", "payment"} & set(" ".join(refund["terms"]).split())
    assert refund["examples"][0]["link"] == f"posthog://traces/{refund['examples'][0]['trace_id']}"
    assert not {each["trace_id"] for each in refund["contrast"]} & set(refund["members"])


async def test_figures_of_a_group_are_those_of_its_traces(analysed_project: Project) -> None:
    refund = next(each for each in await clustered(analysed_project) if "refund-0" in each["members"])
    assert (refund["size"], refund["users"]) == (12, 6)
    assert refund["cost_usd"] == pytest.approx(12 * 0.001)
    assert refund["median_latency_s"] == 1.0
    assert (refund["trend"]["before"], refund["trend"]["now"], refund["trend"]["change"]) == (4, 8, 1.0)


async def test_growth_is_signalled(analysed_project: Project) -> None:
    await clustered(analysed_project)
    signals = await cluster_signals(
        analysed_project, await find_theme(analysed_project, "error_analysis"), min_size=6, min_growth=0.5
    )
    refund = next(each for each in signals if each.now == 8)
    assert (refund.reason, refund.change, refund.users) == ("growth", 1.0, 6)
    assert not await cluster_signals(
        analysed_project, await find_theme(analysed_project, "error_analysis"), min_size=50
    )


async def test_groups_of_few_people_are_withheld(analysed: Client) -> None:
    found = await ok(analysed, "cluster_summaries", theme="error_analysis", min_users=6)
    assert all(each["users"] >= 6 for each in found["clusters"])
    assert found["withheld"]["clusters"] > 0
    assert "unanswered" not in str(found["clusters"])


async def test_a_clients_label_stays_through_the_next_clustering(client: Client) -> None:
    await ok(client, "run_theme", theme="error_analysis")
    first = await ok(client, "cluster_summaries", theme="error_analysis")
    number = next(each["cluster_id"] for each in first["clusters"] if "refund" in " ".join(each["terms"]))
    name = "Refunds said to be done after a gateway timeout"
    await ok(client, "cluster_summaries", theme="error_analysis", labels={str(number): name})
    again = await ok(client, "cluster_summaries", theme="error_analysis")
    assert [each["labelled_by"] for each in again["clusters"] if each["label"] == name] == ["client"]
    wrong = await refused(client, "cluster_summaries", theme="error_analysis", labels={"77": "x"})
    assert "77" in wrong


async def test_a_group_becomes_an_issue(analysed: Client) -> None:
    await ok(analysed, "cluster_summaries", theme="error_analysis")
    issue = await ok(analysed, "cluster_summaries", theme="error_analysis", issue=0, tracker="linear")
    assert "**12 traces** of 6 users" in issue["markdown"]
    assert "priority High" in issue["markdown"] or "priority Medium" in issue["markdown"]
    assert "error-analysis" in issue["labels"]
    assert "posthog://traces/refund-" in issue["markdown"]
    assert "There is no cluster 99" in await refused(analysed, "cluster_summaries", theme="error_analysis", issue=99)


async def test_the_map_is_a_picture(analysed: Client) -> None:
    result = await analysed.call_tool("cluster_summaries", {"theme": "error_analysis", "map": True})
    assert not result.is_error
    assert [block for block in result.content if isinstance(block, ImageContent)]
    assert "findings in" in text_of(result)


async def test_without_summaries_the_way_to_them_is_told(client: Client) -> None:
    assert "run_theme" in await refused(client, "cluster_summaries", theme="error_analysis")
    assert "run_theme" in await refused(client, "search_summaries", query="anything")


async def test_search_finds_the_kind_that_is_meant(analysed: Client) -> None:
    found = await ok(analysed, "search_summaries", query="payment gateway timed out on a refund", limit=5)
    assert {kind_of(row[found["columns"].index("trace_id")]) for row in found["rows"]} == {"refund"}
    scores = [row[0] for row in found["rows"]]
    assert scores == sorted(scores, reverse=True)


async def test_one_trace_is_seen_through_every_theme(client: Client) -> None:
    for theme in ("error_analysis", "ux_issues", "success_patterns"):
        await ok(client, "run_theme", theme=theme)
    found = await ok(client, "search_summaries", trace_id="export-0")
    themes = {row[found["columns"].index("theme")]: row[found["columns"].index("relevant")] for row in found["rows"]}
    assert themes == {"error_analysis": themes["error_analysis"], "ux_issues": True, "success_patterns": False}
