"""Texts within a budget: errors first, beginnings and ends, gaps that are announced; outlines and pages."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthog_mcp.errors import InvalidInput
from posthog_mcp.traces.pages import page_of, place_of
from posthog_mcp.traces.text import text_of_trace
from posthog_mcp.traces.tokens import tokens_of
from tests.benchmarks.traces import chat, prose, spans
from tests.traces.said import event, once, trace, written


def long_trace() -> list[Any]:
    """Forty long steps; the twentieth fails, the tenth's tool does, and somebody complains at the end."""
    events = [
        event(
            "$ai_span",
            n,
            span_id=f"s{n}",
            span_name=f"step {n}",
            input_state=prose(n, 200),
            output_state=prose(n + 90, 200),
        )
        for n in range(40)
    ]
    failed = [{"role": "tool", "tool_call_id": "x", "status": "error", "content": "disk is full"}]
    return [
        *events,
        event("$ai_generation", 10.5, span_id="tool", input=failed),
        event("$ai_span", 20.5, span_id="bad", span_name="bad", is_error=True, error="the database went away"),
        event("$ai_feedback", 99, feedback_text="It never finished."),
    ]


@pytest.mark.parametrize("budget", [400, 1_000, 4_000, 12_000])
def test_a_text_stays_within_its_budget(budget: int) -> None:
    found = written(*long_trace(), budget=budget)

    assert found.cut
    assert budget * 0.6 < found.tokens <= budget
    assert found.tokens == tokens_of(found.text)


def test_errors_failures_and_complaints_are_kept_first() -> None:
    text = written(*long_trace(), budget=500).text

    once(text, "the database went away", "FAILED: disk is full", "It never finished.")


def test_beginning_and_end_are_kept_and_gaps_are_counted() -> None:
    found = written(*long_trace(), budget=600)
    gaps = re.findall(r"^\[… (.*) left out …\]$", found.text, re.M)
    left = {
        name: sum(int(n) for gap in gaps for n in re.findall(rf"(\d+) {name}", gap)) for name in ("step", "message")
    }
    shown = {name: sum(anchor[0] == name[0] for anchor in found.anchors) for name in ("e", "m")}

    assert found.text.startswith("trace step 0 (t1)")
    assert "m1 input:" in found.text
    assert "step 39" in found.text
    assert shown["e"] + left["step"] == found.facts["steps"] == 43
    assert shown["m"] + left["message"] == found.facts["messages"]


def test_a_long_message_keeps_both_ends_and_says_what_is_missing() -> None:
    said = prose(5, 3_000)
    text = written(event(input=said), budget=300).text
    missing = re.search(r"\[…([\d,]+) characters cut…\]", text)

    assert missing
    assert said[:200] in text
    assert said[-100:] in text
    kept = len(text[text.index("m1 user: ") + 9 :]) - len(missing[0]) - 2
    assert kept + int(missing[1].replace(",", "")) == len(said)


def test_anchors_do_not_depend_on_the_budget() -> None:
    whole, small = written(*long_trace()), written(*long_trace(), budget=800)
    steps = [line for line in small.text.split("\n") if re.match(r"e\d+ ", line)]

    assert set(small.anchors) < set(whole.anchors)
    assert len(steps) > 3
    assert {*steps} <= {*whole.text.split("\n")}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 400), min_size=1, max_size=30), st.integers(20, 3_000))
def test_any_budget_gives_a_text_with_its_head(sizes: list[int], budget: int) -> None:
    events = [event("$ai_span", n, span_id=str(n), input_state=prose(n, size)) for n, size in enumerate(sizes)]
    found = written(*events, budget=budget)

    assert found.text.startswith("trace without a name (t1)")
    assert found.tokens <= max(budget, 120)
    assert found == written(*events, budget=budget)


def test_no_budget_cuts_nothing() -> None:
    assert not written(*long_trace()).cut


def test_an_outline_has_every_anchor_on_one_line() -> None:
    whole, outline = written(*long_trace()), written(*long_trace(), detail="outline")

    assert outline.anchors == whole.anchors
    assert max(map(len, outline.text.split("\n"))) < 220
    assert len(outline.text) < len(whole.text) / 3
    once(outline.text, "the database went away", "It never finished.")


def test_landmarks_name_what_went_wrong() -> None:
    found = written(*long_trace())
    assert [mark.split(" ", 1)[1] for mark in found.landmarks] == ["failed tool", "error", "feedback"]
    assert all(mark.split(" ")[0] in found.places for mark in found.landmarks)


def test_places_are_where_anchors_stand() -> None:
    found = written(*long_trace())
    assert all(found.text[at:].startswith(anchor) for anchor, at in found.places.items())


def test_pages_are_whole_lines_and_make_the_text() -> None:
    text = written(*long_trace()).text
    pages, at = list[str](), 0
    while True:
        page = page_of(text, at, 5_000)
        pages.append(text[page.start : page.end])
        if page.next is None:
            break
        at = page.next

    assert "".join(pages) == text
    assert all(page.endswith("\n") and len(page) <= 5_000 for page in pages[:-1])


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet='ab"\\\\\n é', max_size=3_000), st.integers(20, 400))
def test_pages_fit_also_when_written_as_json(text: str, size: int) -> None:
    pages, at = list[str](), 0
    while text:
        page = page_of(text, at, size)
        pages.append(text[page.start : page.end])
        assert len(json.dumps(page.text, ensure_ascii=False)) <= size + 2
        if page.next is None:
            break
        at = page.next

    assert "".join(pages) == text


def test_around_an_anchor_begins_before_it() -> None:
    found = written(*long_trace())
    at = place_of("e20", found.places, found.text)

    assert at < found.places["e20"] <= at + 1_600
    assert found.text[at - 1] == "\n"
    with pytest.raises(InvalidInput, match="no 'm9999'"):
        place_of("m9999", found.places, found.text)


def test_long_chats_and_many_spans_are_written_in_about_their_own_size() -> None:
    messages, steps = chat(100, 20), spans(500)

    said = text_of_trace(messages, budget_tokens=0)
    assert said.facts["messages"] == 401
    assert len(said.text) < 1.25 * sum(len(text) for text in leaves(messages.events[-1].properties))
    assert text_of_trace(steps, budget_tokens=0).facts["steps"] == 500


def leaves(value: Any) -> list[str]:
    """The texts of the last generation, which is sent the whole history."""
    from tests.benchmarks.traces import leaves as every

    return [text for name in ("$ai_input", "$ai_output_choices") for text in every(value[name])]


def test_a_trace_without_events_is_no_trouble() -> None:
    assert text_of_trace(trace([])).facts["steps"] == 0
