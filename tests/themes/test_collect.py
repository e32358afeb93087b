"""Batches for a client's model: handed out once, checked, settled; unanswered ones come back."""

from __future__ import annotations

from typing import Any

import pytest
from mcp import Client

from posthog_mcp.project import Project
from posthog_mcp.traces.collect import collect
from posthog_mcp.traces.themes import find_theme
from tests.themes.planted import ok, refused


def answer(trace: str, **changed: Any) -> dict[str, Any]:
    return {
        "trace_id": trace,
        "theme_relevant": True,
        "title": "Refund reported done though the gateway timed out",
        "summary": "A refund was wanted. The tool failed twice, and the assistant said it was done.",
        "evidence": ["m1"],
        "severity": "high",
        "first_failure": "m1 the request",
        **changed,
    }


def ids(batch: dict[str, Any]) -> list[str]:
    return [each["trace_id"] for each in batch["traces"]]


async def test_two_readers_never_get_the_same_trace(shared: Client) -> None:
    first = await ok(shared, "collect_theme", theme="error_analysis", limit=3)
    second = await ok(shared, "collect_theme", theme="error_analysis", limit=3)
    assert len(ids(first)) == 3
    assert not set(ids(first)) & set(ids(second))


async def test_a_batch_has_all_that_a_reader_needs_and_keeps_its_budget(client: Client) -> None:
    batch = await ok(client, "collect_theme", theme="error_analysis", limit=50, budget_tokens=800)
    assert sum(each["tokens"] for each in batch["traces"]) <= 800
    assert 1 < len(ids(batch)) < 50
    assert batch["more_at_least"] > 0
    assert "m1 user:" in batch["traces"][0]["text"]
    assert "severity" in batch["answer_schema"]["required"]
    assert "FIRST thing that broke" in batch["instructions"]
    passed_over = await ok(client, "collect_theme", theme="error_analysis", limit=50, budget_tokens=800)
    assert ids(passed_over), "what did not fit is handed out next"


async def test_answers_settle_their_traces(client: Client) -> None:
    batch = await ok(client, "collect_theme", theme="error_analysis", limit=2)
    saved = await ok(
        client,
        "save_trace_summaries",
        theme="error_analysis",
        batch_id=batch["batch_id"],
        answers=[answer(name) for name in ids(batch)],
    )
    assert (saved["saved"], saved["relevant"], saved["unanswered"]) == (2, 2, [])
    found = await ok(client, "search_summaries", query="gateway timed out refund")
    assert {row[found["columns"].index("writer")] for row in found["rows"]} == {"client"}
    themes = await ok(client, "list_themes")
    row = next(row for row in themes["themes"] if row[0] == "error_analysis")
    assert row[themes["columns"].index("read")] == 2


WRONG = [
    ({"severity": "terrible"}, "severity", "terrible"),
    ({"theme_relevant": "yes"}, "theme_relevant", "boolean"),
    ({"evidence": ["m99"]}, "evidence.0", "m99"),
    ({"evidence": []}, "evidence", "at least one anchor"),
    ({"title": ""}, "title", "non-empty"),
    ({"confidence": 1}, "", "confidence"),
    ({"trace_id": "nobody"}, "trace_id", "no such trace"),
]


@pytest.mark.parametrize(("changed", "field", "word"), WRONG, ids=[str(each[0]) for each in WRONG])
async def test_a_wrong_answer_is_refused_with_its_field(
    shared: Client, changed: dict[str, Any], field: str, word: str
) -> None:
    batch = await ok(shared, "collect_theme", theme="error_analysis", limit=2)
    wrong, right = ids(batch)
    answers = [answer(wrong, **changed), answer(right)]
    saved = await ok(
        shared, "save_trace_summaries", theme="error_analysis", batch_id=batch["batch_id"], answers=answers
    )
    assert saved["saved"] == 1
    assert [(each["index"], each["field"]) for each in saved["refused"]] == [(0, field)]
    assert word in saved["refused"][0]["message"]
    assert saved["unanswered"] == [wrong]


async def test_a_missing_field_is_named_and_nothing_is_settled(shared: Client) -> None:
    batch = await ok(shared, "collect_theme", theme="error_analysis", limit=1)
    incomplete = answer(ids(batch)[0])
    del incomplete["summary"]
    text = await refused(
        shared, "save_trace_summaries", theme="error_analysis", batch_id=batch["batch_id"], answers=[incomplete]
    )
    assert text.startswith("[invalid_input]")
    assert "answers[0].summary" in text


async def test_a_batch_that_is_not_there_is_named(shared: Client) -> None:
    text = await refused(shared, "save_trace_summaries", theme="ux_issues", batch_id="beef", answers=[answer("x")])
    assert "beef" in text
    assert "collect_theme" in text


async def test_an_unanswered_lease_comes_back(project: Project) -> None:
    theme = await find_theme(project, "error_analysis")
    first = await collect(project, theme, budget_tokens=3_000, most=4, lease_seconds=0.0)
    second = await collect(project, theme, budget_tokens=3_000, most=4)
    assert [each.about.trace_id for each in second.handed] == [each.about.trace_id for each in first.handed]
    third = await collect(project, theme, budget_tokens=3_000, most=4)
    assert not {each.about.trace_id for each in third.handed} & {each.about.trace_id for each in second.handed}


async def test_the_late_answer_of_a_lost_lease_is_refused(project: Project, client: Client) -> None:
    theme = await find_theme(project, "error_analysis")
    first = await collect(project, theme, budget_tokens=3_000, most=1, lease_seconds=0.0)
    await collect(project, theme, budget_tokens=3_000, most=1)
    late = answer(first.handed[0].about.trace_id)
    text = await refused(
        client, "save_trace_summaries", theme="error_analysis", batch_id=first.batch_id, answers=[late]
    )
    assert "lease ended" in text


async def test_fields_of_a_theme_are_asked_for_and_checked(shared: Client) -> None:
    area = {"type": "string", "enum": ["payments", "search", "other"]}
    prompt = "Say which area of the product the conversation is about."
    await ok(shared, "save_theme", name="Areas", prompt=prompt, options={"answer_fields": {"area": area}})
    batch = await ok(shared, "collect_theme", theme="areas", limit=2)
    assert batch["answer_schema"]["properties"]["area"] == area
    first, second = ids(batch)
    answers = [answer(first, area="payments"), answer(second, area="heaven")]
    saved = await ok(shared, "save_trace_summaries", theme="areas", batch_id=batch["batch_id"], answers=answers)
    assert saved["saved"] == 1
    assert saved["refused"][0]["field"] == "area"
