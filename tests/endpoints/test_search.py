"""Plain words find the endpoint that answers them, among the first five."""

from __future__ import annotations

import pytest

from posthog_mcp.endpoints.search import described, search
from posthog_mcp.endpoints.table import shortened
from tests.endpoints.questions import QUESTIONS


def found(question: str) -> list[str]:
    return [f"{hit.entry.method} {shortened(hit.entry.path)}" for hit in search(question)]


@pytest.mark.parametrize(("question", "endpoint"), QUESTIONS, ids=[question for question, _ in QUESTIONS])
def test_a_question_finds_its_endpoint(question: str, endpoint: str) -> None:
    assert endpoint in found(question)


def test_most_questions_find_it_first() -> None:
    first = sum(found(question)[:1] == [endpoint] for question, endpoint in QUESTIONS)
    assert first / len(QUESTIONS) >= 0.75


def test_what_posthog_does_not_have_is_found_with_the_true_way() -> None:
    entry = next(described(hit.entry) for hit in search("list sessions") if hit.entry.path.endswith("/sessions/"))
    assert entry["exists"] is False
    assert "sessions" in str(entry["instead"])


def test_words_that_mean_nothing_here_find_nothing() -> None:
    assert found("xyzzy plugh") == []
    assert found("") == []


def test_an_entry_says_scope_parameters_and_fields() -> None:
    entry = described(search("create a new feature flag")[0].entry)
    assert entry["endpoint"] == "POST P/feature_flags/"
    assert entry["scope"] == "feature_flag:write"
    assert "key (required)" in entry["body"]  # type: ignore[operator]
    assert entry["changes"] == "needs POSTHOG_MCP_ALLOW_WRITES"
