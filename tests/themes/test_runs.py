"""Unattended runs by rules: what is planted is found, what is well is not, and nothing is done twice."""

from __future__ import annotations

from collections import Counter

import pytest
from mcp import Client

from posthog_mcp.project import Project
from posthog_mcp.traces.running import RunReport, run_theme
from posthog_mcp.traces.themes import find_theme
from tests.themes.planted import KINDS, kind_of, ok

PLANTED = {
    "error_analysis": {"refund", "loop", "unanswered", "loud"},
    "ux_issues": {"export", "unanswered"},
    "feature_requests": {"dark_mode"},
    "performance_issues": {"slow", "loud"},
    "success_patterns": {"well"},
}
"""theme → kinds that it must find whole. A loop of fast, cheap calls is under the norms that narrow performance."""
NEVER = {
    "error_analysis": {"well", "dark_mode", "slow"},
    "ux_issues": {"well", "dark_mode", "slow", "refund"},
    "feature_requests": {"well", "refund", "loop", "export", "loud"},
    "performance_issues": {"well", "dark_mode", "export", "unanswered"},
    "success_patterns": {"refund", "loop", "loud", "unanswered", "export", "dark_mode"},
}
COUNTS = {**{kind: count for kind, (_, count) in KINDS.items()}, "loud": 1, "slow": 1}


async def ran(project: Project, theme: str) -> RunReport:
    return await run_theme(project, await find_theme(project, theme))


async def test_each_theme_finds_what_is_planted_for_it(project: Project) -> None:
    for theme, kinds in PLANTED.items():
        report = await ran(project, theme)
        found = Counter(kind_of(each.trace_id) for each in report.summaries if each.relevant)
        assert {kind: found[kind] for kind in kinds} == {kind: COUNTS[kind] for kind in kinds}, theme
        assert not {*found} & NEVER[theme], theme
        assert report.writer == "extractive"


async def test_texts_are_read_once_for_all_themes(project: Project) -> None:
    reports = [await ran(project, theme) for theme in ("error_analysis", "ux_issues", "feature_requests")]
    total = sum(COUNTS.values())
    assert [each.reads.fetched for each in reports] == [total, 0, 0]
    assert [each.reads.cached for each in reports] == [0, total, total]
    assert project.texts.hit_rate == pytest.approx(2 / 3)


async def test_a_second_run_reads_nothing(project: Project) -> None:
    first, second = await ran(project, "error_analysis"), await ran(project, "error_analysis")
    assert first.read == sum(COUNTS.values())
    assert (second.read, second.reads.fetched, second.reads.cached) == (0, 0, 0)


async def test_findings_cite_where_they_stand(project: Project) -> None:
    report = await ran(project, "error_analysis")
    refund = next(each for each in report.summaries if each.trace_id == "refund-0")
    assert refund.title == "tool failed: issue_refund: Error: payment gateway timed out"
    assert refund.body["first_failure"] == "m3 tool failed: issue_refund: Error: payment gateway timed out"
    assert "m3" in str(refund.body["evidence"])
    silent = next(each for each in report.summaries if each.trace_id == "unanswered-0")
    assert silent.severity == "high"
    assert silent.errors == 0


async def test_the_answer_says_it_is_extractive_and_shows_the_worst_first(client: Client) -> None:
    found = await ok(client, "run_theme", theme="error_analysis")
    assert found["writer"] == "extractive"
    assert "extractive" in [each["code"] for each in found["warnings"]]
    severities = [row[found["columns"].index("severity")] for row in found["findings"]]
    assert severities == sorted(severities, key=["critical", "high", "medium", "low"].index)


async def test_a_limit_leaves_the_rest_for_later(client: Client) -> None:
    first = await ok(client, "run_theme", theme="ux_issues", limit=20)
    assert (first["read"], first["more"]) == (20, True)
    rest = await ok(client, "run_theme", theme="ux_issues")
    assert rest["read"] == sum(COUNTS.values()) - 20
    again = await ok(client, "run_theme", theme="ux_issues", rewind=True)
    assert again["read"] == sum(COUNTS.values())


async def test_a_theme_of_ones_own_runs_by_its_words(client: Client) -> None:
    prompt = "Find conversations about refunds of train tickets and say what came of them."
    await ok(client, "save_theme", name="Train refunds", description="", prompt=prompt)
    found = await ok(client, "run_theme", theme="train refunds")
    assert {kind_of(row[0]) for row in found["findings"]} == {"refund"}
    assert found["findings_count"] == COUNTS["refund"]


async def test_nothing_to_read_is_said(client: Client) -> None:
    found = await ok(client, "run_theme", theme="error_analysis", date_from="2020-01-01", date_to="2020-02-01")
    assert [each["code"] for each in found["warnings"] if each["code"] == "empty_result"]
