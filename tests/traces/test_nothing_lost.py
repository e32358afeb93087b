"""What other text forms of a trace leave out, one test a loss."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.traces.said import body, event, once, written


def said(output: Any, **more: Any) -> str:
    return body(event(input="Ask", output_choices=output, **more))


def test_thinking_of_anthropic_is_kept() -> None:
    once(
        said([{"role": "assistant", "content": [{"type": "thinking", "thinking": "A thought."}]}]),
        "(thinking) A thought.",
    )


def test_refusals_are_kept() -> None:
    once(said([{"role": "assistant", "refusal": "I will not."}]), "(refusal) I will not.")


def test_transcripts_of_audio_are_kept() -> None:
    once(said([{"role": "assistant", "audio": {"transcript": "As I said."}}]), "As I said.")


def test_reasoning_content_is_kept() -> None:
    once(said([{"role": "assistant", "content": "B", "reasoning_content": "First A."}]), "(thinking) First A.")


def test_function_calls_of_old_are_kept() -> None:
    once(said([{"role": "assistant", "function_call": {"name": "f", "arguments": '{"x": 1}'}}]), "f(x=1)")


@pytest.mark.parametrize("kind", ["mcp_tool_use", "server_tool_use", "tool_use"])
def test_arguments_of_every_kind_of_tool_are_kept(kind: str) -> None:
    once(
        said([{"type": kind, "id": "t", "name": "f", "input": {"deep": {"x": "value 7"}}}]), 'f(deep={"x": "value 7"})'
    )


def test_titles_of_documents_are_kept() -> None:
    block = {"type": "document", "title": "Annual report", "source": {"type": "url", "url": "https://x.example/r.pdf"}}
    once(said([block]), "document Annual report", "https://x.example/r.pdf")


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ({"functionCall": {"name": "f", "args": {"a": "b"}}}, 'f(a="b")'),
        ({"functionResponse": {"name": "f", "response": {"r": "found it"}}}, "r: found it"),
        ({"executableCode": {"code": "x = 1", "language": "PYTHON"}}, "x = 1"),
        ({"codeExecutionResult": {"output": "one", "outcome": "OUTCOME_OK"}}, "one"),
    ],
)
def test_parts_of_gemini_are_kept(part: dict[str, Any], says: str) -> None:
    once(said({"candidates": [{"content": {"parts": [part]}}]}), says)


def test_reasoning_and_dict_output_of_bedrock_are_kept() -> None:
    blocks = [{"reasoningContent": {"reasoningText": {"text": "Because."}}}, {"text": "So."}]
    once(said({"output": {"message": {"role": "assistant", "content": blocks}}}), "(thinking) Because.", "So.")


def test_output_that_is_an_object_is_kept() -> None:
    once(body(event(input="Ask", output={"verdict": {"score": 7, "why": "it is good"}})), "score: 7", "why: it is good")


def test_output_as_json_text_is_read() -> None:
    once(said(json.dumps([{"role": "assistant", "content": "Inside."}])), "m2 output assistant: Inside.")


def test_output_as_a_python_repr_is_read() -> None:
    text = "ChatCompletionMessage(content='Inside.', role='assistant', function_call=None, tool_calls=None)"
    once(said(text), "m2 output assistant: Inside.")


def test_lists_of_texts_are_kept() -> None:
    text = body(event("$ai_embedding", input=["alpha text", "beta text"]))
    once(text, "m1 user: alpha text", "m2 user: beta text")


def test_state_beside_messages_is_kept() -> None:
    state = {"messages": [{"type": "human", "content": "Hi"}], "plan": ["search", "answer"], "user": {"tier": "gold"}}
    once(body(event("$ai_span", input_state=state)), "m1 user: Hi", "plan: [search, answer]", "tier: gold")


def test_stream_deltas_are_one_answer() -> None:
    chunks = [{"choices": [{"delta": {"content": piece}}]} for piece in ("on", "e ans", "wer")]
    once(said(chunks), "one answer")


FLAT = {
    "gen_ai.prompt.0.role": "system",
    "gen_ai.prompt.0.content": "Flat system.",
    "gen_ai.prompt.1.role": "user",
    "gen_ai.prompt.1.content": "Flat question?",
    "gen_ai.completion.0.role": "assistant",
    "gen_ai.completion.0.content": "Flat answer.",
    "gen_ai.completion.0.finish_reason": "length",
    "gen_ai.completion.0.tool_calls.0.name": "flat_tool",
    "gen_ai.completion.0.tool_calls.0.arguments": '{"n": 3}',
}
OPEN_INFERENCE = {
    "llm.input_messages.0.message.role": "user",
    "llm.input_messages.0.message.contents.0.message_content.type": "text",
    "llm.input_messages.0.message.contents.0.message_content.text": "Open question?",
    "llm.output_messages.0.message.role": "assistant",
    "llm.output_messages.0.message.content": "Open answer.",
    "llm.output_messages.0.message.tool_calls.0.tool_call.id": "o1",
    "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "open_tool",
    "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": '{"n": 4}',
    "output.value": "Open answer.",
}
VERCEL = {
    "ai.prompt.messages": json.dumps([{"role": "user", "content": [{"type": "text", "text": "SDK question?"}]}]),
    "ai.response.text": "SDK answer.",
    "ai.response.toolCalls": json.dumps([{"toolCallId": "x", "toolName": "sdk_tool", "input": {"n": 5}}]),
}
NEWEST = {
    "gen_ai.system_instructions": [{"type": "text", "content": "New system."}],
    "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "New question?"}]}],
    "gen_ai.output.messages": [{"role": "assistant", "parts": [{"type": "text", "content": "New answer."}]}],
}


TRACELOOP = {
    "traceloop.entity.input": json.dumps({"inputs": {"city": "Oslo"}, "kwargs": {"tags": ["night tour"]}}),
    "traceloop.entity.output": json.dumps({"outputs": {"plan": "walk"}}),
}


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        (TRACELOOP, ("city: Oslo", "night tour", "plan: walk")),
        (
            FLAT,
            ("m1 system: Flat system.", "m2 user: Flat question?", "Flat answer.", "[stop: length]", "flat_tool(n=3)"),
        ),
        (OPEN_INFERENCE, ("m1 user: Open question?", "Open answer.", "open_tool(n=4)")),
        (VERCEL, ("m1 user: SDK question?", "SDK answer.", "sdk_tool(n=5)")),
        (NEWEST, ("m1 system: New system.", "m2 user: New question?", "m3 output assistant: New answer.")),
    ],
    ids=["traceloop entity", "traceloop", "openinference", "vercel", "genai"],
)
def test_attributes_of_opentelemetry_are_read(attributes: dict[str, Any], says: tuple[str, ...]) -> None:
    once(body(event(also=attributes)), *says)


def test_feedback_metrics_and_evaluations_are_kept() -> None:
    text = body(
        event(input="Ask", output_choices="Answer"),
        event("$ai_feedback", 1, feedback_text="It was wrong."),
        event("$ai_metric", 2, metric_name="thumbs", metric_value="down"),
        event("$ai_evaluation", 3, evaluation_name="tone", evaluation_result=False, evaluation_reasoning="Too curt."),
    )
    once(text, "It was wrong.", "thumbs: down", "name: tone", "result: false", "reasoning: Too curt.")


def test_every_tool_is_named() -> None:
    tools = [{"type": "function", "function": {"name": f"tool_{number}"}} for number in range(40)]
    tools.append(
        {
            "name": "typed",
            "input_schema": {"properties": {"q": {"type": "string"}, "n": {"type": "integer"}}, "required": ["q"]},
        }
    )
    text = said("ok", tools=tools)
    once(text, "tools (41):", *(f" tool_{number}()" for number in range(40)), "typed(q: string, n?: integer)")


def test_results_of_tools_are_kept() -> None:
    block = {"type": "tool-result", "content": {"toolName": "search", "result": {"hits": ["one hit"]}}}
    once(said([{"role": "assistant", "content": [block]}]), "hits: [one hit]")


def test_arguments_are_in_their_own_script() -> None:
    call = {"function": {"name": "f", "arguments": json.dumps({"city": "Zürich 東京"})}}
    once(said([{"role": "assistant", "tool_calls": [call]}]), 'f(city="Zürich 東京")')


@pytest.mark.parametrize("value", ["false", False, "0", None])
def test_false_as_text_is_no_error(value: Any) -> None:
    found = written(event(input="Ask", output_choices="Fine", is_error=value))
    assert "ERROR" not in found.text
    assert found.facts["errors"] == 0


@pytest.mark.parametrize("value", ["true", True, 1])
def test_errors_are_told_with_status_and_words(value: Any) -> None:
    error = json.dumps({"error": {"message": "Rate limit reached", "code": "rate_limit"}})
    text = body(event(input="Ask", is_error=value, error=error, http_status=429, error_type="RateLimitError"))
    once(text, "http=429", "e1 ERROR: RateLimitError http 429:", "message: Rate limit reached", "code: rate_limit")


def test_tokens_cache_stop_reason_and_times_are_told() -> None:
    figures: dict[str, Any] = {
        "input_tokens": "1200",
        "output_tokens": 80,
        "reasoning_tokens": 40,
        "cache_read_input_tokens": 4096,
        "cache_creation_input_tokens": 512,
        "cache_reporting_exclusive": True,
        "latency": "1.5",
        "time_to_first_token": 0.25,
        "total_cost_usd": 0.0123,
        "stop_reason": "max_tokens",
        "model": "claude-sonnet-4-5",
        "provider": "anthropic",
    }
    once(
        body(event(input="Ask", output_choices="Ok", **figures)),
        "claude-sonnet-4-5 anthropic 1.50s (first token 0.25s)",
        "1,200 in (+4,096 cache read, +512 cache written), 80 out (40 reasoning) $0.0123 stop=max_tokens",
    )


def test_a_score_of_nothing_is_kept() -> None:
    once(said([{"role": "assistant", "content": "Hm.", "score": 0, "strict": False}]), "score: 0")


def test_errors_that_are_not_marked_are_told() -> None:
    once(body(event(input="Ask", is_error=False, error="retried twice")), "e1 error, not marked as one: retried twice")


def test_exceptions_of_opentelemetry_are_told() -> None:
    text = body(event(input="Ask", is_error=True, also={"exception.message": "socket closed"}))
    once(text, "e1 ERROR: socket closed")


def test_what_the_application_says_of_itself_is_told() -> None:
    text = written(event(input="Ask", prompt_name="support", prompt_version=7, also={"plan": "pro", "tries": 3})).text
    once(text, "properties: plan=pro, tries=3", "prompt=support 7")


def test_history_is_written_once() -> None:
    turns = [{"role": "user" if n % 2 == 0 else "assistant", "content": f"Turn number {n}."} for n in range(20)]
    events = [
        event(seconds=n, span_id=f"s{n}", input=turns[: n + 1], output_choices=[turns[n + 1]]) for n in range(0, 19, 2)
    ]
    text = body(*events)
    once(text, *(f"Turn number {n}." for n in range(20)))
    assert "history = m1–m18" in text


def test_nearly_the_same_prompt_is_written_once() -> None:
    rules = "\n".join(f"Rule {n}: keep to rule {n}." for n in range(80))
    events = [
        event(
            seconds=n,
            span_id=f"s{n}",
            input=[{"role": "system", "content": f"{rules}\nIt is {n} o'clock.\n{rules[::-1]}"}],
        )
        for n in range(3)
    ]
    text = body(*events)
    once(text, "Rule 40: keep", "It is 0 o'clock.", "It is 1 o'clock.", "It is 2 o'clock.")


def test_no_line_is_spent_on_rules_or_numbers() -> None:
    text = body(event(input="Ask", output_choices="Answer\nin two lines"))
    assert text.split("\n") == ["e1 generation", "m1 user: Ask", "m2 output assistant: Answer", " in two lines"]
