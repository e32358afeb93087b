"""Steps as a tree, whatever is missing, doubled or in a circle; calls and their results."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from posthog_mcp.traces.tree import roots_of, walk
from tests.traces.said import body, event, once, trace, written


def steps(*events: Any) -> list[str]:
    """Each step's line without its number."""
    return [line.split(" ", 1)[1] for line in body(*events).split("\n") if line[:1] == "e" and line[1:2].isdigit()]


def span(name: str, seconds: float = 0.0, **more: Any) -> Any:
    return event("$ai_span", seconds, span_id=name, span_name=name, **more)


def test_children_stand_under_their_parents_in_order_of_start() -> None:
    found = steps(
        event("$ai_trace", 9, span_name="whole", latency=9),
        span("late", 8, parent_id="t1", latency=1),
        span("early", 6, parent_id="t1", latency=5),
        span("inner", 3, parent_id="early", latency=1),
    )
    assert [line.replace(" span", "") for line in found] == [
        "trace whole 9.00s",
        "> early 5.00s",
        ">> inner 1.00s",
        "> late 1.00s",
    ]


def test_opentelemetry_times_are_starts() -> None:
    first = span("first", 1, latency=5, ingestion_source="otel")
    second = span("second", 6.5, latency=5)

    assert [line.split()[1] for line in steps(second, first)] == ["first", "second"]


def test_orphans_say_whose_they_were() -> None:
    assert steps(span("lost", parent_id="gone")) == ["span lost (parent gone was not captured)"]


def test_circles_open_at_their_first_step() -> None:
    found = steps(span("a", 1, parent_id="c"), span("b", 2, parent_id="a"), span("c", 3, parent_id="b"))
    assert found == ["span a", "> span b", ">> span c"]


def test_a_step_that_is_its_own_parent_is_a_root() -> None:
    assert steps(span("self", parent_id="self")) == ["span self"]


def test_doubled_and_missing_ids_lose_no_step() -> None:
    found = steps(
        span("twin", 1),
        span("twin", 2, latency=0.5),
        event("$ai_span", 3, span_name="nameless"),
        span("child", 4, parent_id="twin"),
    )
    assert sorted(line.split()[-1] for line in found) == ["0.50s", "child", "nameless", "twin"]


def test_deep_chains_are_no_trouble() -> None:
    found = steps(*(span(f"s{n}", n, parent_id=f"s{n - 1}" if n else "") for n in range(1_500)))
    assert len(found) == 1_500
    assert found[-1] == ">1499 span s1499"


ids = st.sampled_from(["a", "b", "c", "d", "t1", "", "x"])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(ids, ids, st.sampled_from(["$ai_span", "$ai_generation", "$ai_trace"])), max_size=12))
def test_every_event_is_met_once_whatever_its_parents(links: list[tuple[str, str, str]]) -> None:
    events = [event(kind, n, span_id=own, parent_id=parent) for n, (own, parent, kind) in enumerate(links)]
    met = [step.node.event.uuid for step in walk(roots_of(trace(events))) if not step.ends]

    assert sorted(met) == sorted(each.uuid for each in events)


def test_what_a_parent_gave_comes_after_its_children() -> None:
    text = body(
        event("$ai_trace", 3, span_name="whole", latency=3, input_state="The question", output_state="The answer"),
        event(
            "$ai_generation",
            2,
            parent_id="t1",
            input=[{"role": "user", "content": "The question"}],
            output_choices="A draft",
        ),
    )
    assert text.split("\n") == [
        "e1 trace whole 3.00s",
        "m1 user: The question",
        "e2 > generation",
        "history = m1",
        "m2 output assistant: A draft",
        "e1 ends",
        "m3 output: The answer",
    ]


def test_errors_stand_where_they_happened() -> None:
    text = body(span("ok", 1), span("bad", 2, is_error=True, error="boom"), span("after", 3))
    assert text.split("\n")[1:3] == ["e2 span bad ERROR", "e2 ERROR: boom"]


def called(*calls: tuple[str, str]) -> dict[str, Any]:
    return {
        "role": "assistant",
        "tool_calls": [{"id": i, "function": {"name": n, "arguments": "{}"}} for n, i in calls],
    }


def result(call_id: str, text: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "content": text}


def test_results_find_their_calls_by_id() -> None:
    text = body(event(input=[called(("a", "1"), ("b", "2"), ("c", "3")), result("2", "of b"), result("1", "of a")]))
    once(text, "→ c1 a()", "→ c2 b()", "→ c3 c() (no result captured)", "← c2 b: of b", "← c1 a: of a")


def test_ids_that_are_used_again_mean_the_newer_call() -> None:
    text = body(event(input=[called(("a", "x")), result("x", "first"), called(("b", "x")), result("x", "second")]))
    once(text, "← c1 a: first", "← c2 b: second")


def test_a_result_without_a_call_is_kept() -> None:
    once(body(event(input=[result("gone", "still here")])), "← a call that was not captured: still here")


def test_a_text_said_again_in_one_conversation_is_a_message_of_its_own() -> None:
    say = [{"role": "user", "content": "Yes, go on with it please, and tell me how it went afterwards, thanks."}]
    text = body(event(input=[*say, {"role": "assistant", "content": "Done."}, *say]))
    once(text, "m1 user: Yes, go on", "m2 assistant: Done.", "m3 user: same as m1")


def test_a_retry_that_calls_the_same_again_is_shown() -> None:
    text = body(event(input=[called(("a", "1")), result("1", "failed"), called(("a", "2")), result("2", "failed")]))
    once(text, "→ c1 a()", "→ c2 a()", "← c1 a: failed", "← c2 a: failed")


def test_totals_count_generations_and_embeddings_once() -> None:
    facts = written(
        event("$ai_trace", 5, input_tokens=99, total_cost_usd=9, latency=4.5),
        event(
            seconds=2, span_id="a", input_tokens=10, output_tokens="5", total_cost_usd="0.25", cache_read_input_tokens=7
        ),
        event("$ai_embedding", 3, span_id="b", input_tokens=1, total_cost_usd=0.5),
    ).facts
    assert (facts["input_tokens"], facts["output_tokens"], facts["cache_read_tokens"]) == (11, 5, 7)
    assert (facts["cost_usd"], facts["latency_seconds"], facts["generations"]) == (0.75, 4.5, 1)
