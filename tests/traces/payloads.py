"""What frameworks, SDKs and other providers send, each in its own shape."""

from __future__ import annotations

import json

from tests.traces.cases import PNG, SEALED, Case, call
from tests.traces.payloads_blocks import ANTHROPIC, GOOGLE_AND_AMAZON
from tests.traces.payloads_openai import OPENAI

CHAINS = (
    Case(
        "langchain messages",
        [
            {"type": "system", "content": "Plan trips."},
            {
                "lc": 1,
                "type": "constructor",
                "id": ["langchain", "schema", "messages", "HumanMessage"],
                "kwargs": {"content": "To Rome", "type": "human"},
            },
            {
                "type": "ai",
                "content": "",
                "tool_calls": [{"name": "flights", "args": {"to": "FCO"}, "id": "c9", "type": "tool_call"}],
                "additional_kwargs": {"tool_calls": [call("flights", {"to": "FCO"}, "c9")]},
                "response_metadata": {"finish_reason": "tool_calls", "token_usage": {"total": 3}},
            },
            {"type": "tool", "content": "two flights", "tool_call_id": "c9", "name": "flights", "status": "success"},
            {"type": "human", "data": {"content": "The cheap one", "type": "human"}},
        ],
        {
            "generations": [
                [
                    {
                        "text": "Booked it.",
                        "message": {"type": "ai", "content": "Booked it."},
                        "generation_info": {"finish_reason": "length"},
                    }
                ]
            ],
            "llm_output": None,
        },
        (
            "m1 system: Plan trips.",
            "m2 user: To Rome",
            '→ c1 flights(to="FCO")',
            "← c1 flights: two flights",
            "m5 user: The cheap one",
            "m6 output assistant [stop: length]: Booked it.",
        ),
        ("token_usage",),
    ),
    Case(
        "langgraph state",
        {
            "messages": [{"type": "human", "content": "Refund me"}],
            "customer_tier": "gold",
            "next": "billing_agent",
            "docs": [{"page_content": "Refunds take 3 days.", "metadata": {"source": "policy.md"}}],
        },
        {"agent": {"messages": [{"type": "ai", "content": "Refunded."}]}, "remaining_steps": 24},
        (
            "Refund me",
            "customer_tier: gold",
            "next: billing_agent",
            "Refunds take 3 days.",
            "document policy.md",
            "Refunded.",
            "remaining_steps: 24",
        ),
    ),
    Case(
        "python reprs",
        "[HumanMessage(content='Say \"hi\"', additional_kwargs={}), AIMessage(content='', tool_calls=[{'name': 'greet', 'args': {'who': 'Ann'}, 'id': 'g1', 'type': 'tool_call'}])]",
        "content='Hello Ann, a b=c' additional_kwargs={} response_metadata={'finish_reason': 'stop'} id='run-1'",
        ('m1 user: Say "hi"', '→ c1 greet(who="Ann")', "Hello Ann, a b=c"),
        ("HumanMessage",),
    ),
    Case(
        "python dicts",
        "[{'role': 'user', 'content': \"It's late\"}]",
        "[{'role': 'assistant', 'content': 'Good night', 'refusal': None}]",
        ("m1 user: It's late", "m2 output assistant: Good night"),
    ),
    Case(
        "stringified json",
        json.dumps([{"role": "user", "content": "Ünïcode?"}]),
        json.dumps(json.dumps({"role": "assistant", "content": "Yes."})),
        ("m1 user: Ünïcode?", "m2 output assistant: Yes."),
    ),
    Case(
        "agent steps",
        {"input": "Count"},
        {"tool": "calc", "tool_input": "1+1", "log": "I will add."},
        ("Count", "calc(1+1)", "(thinking) I will add."),
    ),
)
OTHERS = (
    Case(
        "otel parts",
        [
            {"role": "system", "parts": [{"type": "text", "content": "Help."}]},
            {"role": "user", "parts": [{"type": "text", "content": "Rain?"}, {"type": "blob", "mime_type": "image/png", "content": PNG}]},
            {"role": "assistant", "parts": [{"type": "reasoning", "content": "Look outside."}, {"type": "tool_call", "id": "w", "name": "sky", "arguments": {"at": "noon"}}]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "w", "response": "grey"}]},
        ],
        [{"role": "assistant", "parts": [{"type": "text", "content": "Soon."}], "finish_reason": "content_filter"}],
        ("m1 system: Help.", "Rain?", "image/png", "(thinking) Look outside.", '→ c1 sky(at="noon")', "← c1 sky: grey", "m5 output assistant [stop: content_filter]: Soon."),
    ),
    Case(
        "vercel",
        [
            {"role": "user", "content": [{"type": "text", "text": "Sum"}, {"type": "file", "data": PNG, "mimeType": "application/pdf"}]},
            {"role": "assistant", "content": [{"type": "reasoning", "text": "Add them."}, {"type": "tool-call", "toolCallId": "v1", "toolName": "add", "args": {"a": 1}}]},
            {"role": "tool", "content": [{"type": "tool-result", "toolCallId": "v1", "toolName": "add", "output": {"type": "error-text", "value": "b missing"}}]},
        ],
        {"text": "I need b.", "toolCalls": [{"toolCallId": "v2", "toolName": "ask", "input": {"for": "b"}}], "finishReason": "length"},
        ("Sum", "application/pdf", "(thinking) Add them.", "→ c1 add(a=1)", "← c1 add FAILED: b missing", "I need b.", '→ c2 ask(for="b") (no result captured)', "[stop: length]"),
    ),
    Case(
        "vercel ui parts",
        [{"role": "assistant", "parts": [{"type": "step-start"}, {"type": "tool-find", "toolCallId": "u1", "state": "output-error", "input": {"x": 1}, "errorText": "lost"}, {"type": "tool-invocation", "toolInvocation": {"state": "result", "toolCallId": "u2", "toolName": "look", "args": {"y": 2}, "result": {"seen": "all"}}}]}],
        [{"role": "assistant", "content": [{"type": "tool-result", "content": {"toolName": "x", "result": "kept result"}}]}],
        ("→ c1 find(x=1)", "← c1 find FAILED: lost", "→ c2 look(y=2)", "← c2 look: seen: all", "kept result"),
    ),
    Case(
        "cohere",
        {"preamble": "Be kind.", "chat_history": [{"role": "USER", "message": "Hey"}, {"role": "CHATBOT", "message": "Hi"}], "message": "And now?"},
        {"role": "assistant", "tool_plan": "I will look.", "tool_calls": [call("look", {"at": "sea"})], "content": [{"type": "text", "text": "Blue."}]},
        ("m1 system: Be kind.", "m2 user: Hey", "m3 assistant: Hi", "m4 user: And now?", "(thinking) I will look.", '→ c1 look(at="sea")', "Blue."),
    ),
    Case("ollama chat", [{"role": "user", "content": "What?", "images": [PNG]}], {"model": "llama", "message": {"role": "assistant", "content": "This.", "thinking": "Hm, an image."}, "done": True, "done_reason": "length", "total_duration": 123456}, ("What?", "image/png", "(thinking) Hm, an image.", "This.", "[stop: length]"), ("123456",)),
    Case("ollama generate", {"model": "llama", "prompt": "Once", "system": "Tell."}, {"response": "upon a time", "done": True, "context": [1, 2, 3]}, ("m1 system: Tell.", "m2 user: Once", "m3 output assistant: upon a time")),
    Case("watsonx", "Capital?", {"results": [{"generated_text": "Paris.", "stop_reason": "max_tokens", "generated_token_count": 2}], "model_id": "granite"}, ("m2 output assistant [stop: max_tokens]: Paris.",)),
    Case("litellm", [{"role": "user", "content": "Why?"}], [{"role": "assistant", "content": "So.", "reasoning_content": "Because.", "thinking_blocks": [{"type": "thinking", "thinking": "Because.", "signature": SEALED}], "provider_specific_fields": {"x": None}}], ("(thinking) Because.", "So."), (SEALED[:40],)),
    Case("mistral", [{"role": "user", "content": "Go"}], {"choices": [{"message": {"role": "assistant", "content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Deep thought."}]}, {"type": "text", "text": "Gone."}]}, "finish_reason": "model_length"}]}, ("Deep thought.", "Gone.", "[stop: model_length]")),
    Case(
        "posthog ai",
        [{"type": "human", "content": "Chart sign-ups"}, {"type": "context", "content": "The person is on a dashboard."}],
        [{"type": "ai/reasoning", "content": "Picking events", "substeps": ["signed_up"]}, {"type": "ai/viz", "query": "sign-ups", "plan": "Use a trend.", "answer": {"kind": "TrendsQuery"}}, {"type": "ai/failure", "content": "It broke."}],
        ("m1 user: Chart sign-ups", "The person is on a dashboard.", "(thinking) Picking events", "signed_up", "Use a trend.", "kind: TrendsQuery", "FAILED: It broke."),
    ),
    Case("posthog sdk", [{"role": "user", "content": "Do"}], [{"role": "assistant", "content": [{"type": "text", "text": "Doing."}, {"type": "function", "id": "f1", "function": {"name": "do", "arguments": {"now": True}}}]}], ("Doing.", "→ c1 do(now=true)")),
    Case("batch of texts", ["first text to embed", "second text", '{"third": "json"}'], None, ("first text to embed", "second text", "third: json")),
    Case("bare strings", "Just asking", "Just answering", ("m1 user: Just asking", "m2 output assistant: Just answering")),
    Case("embedding vectors", "Embed me", {"data": [{"object": "embedding", "embedding": [0.25] * 1536}]}, ("Embed me", "vector of 1,536 numbers"), ("0.25, 0.25, 0.25, 0.25",)),
    Case("pydantic ai", [{"kind": "request", "parts": [{"part_kind": "system-prompt", "content": "Serve."}, {"part_kind": "user-prompt", "content": "Tea?"}]}, {"kind": "response", "parts": [{"part_kind": "tool-call", "tool_name": "brew", "args": {"cups": 2}, "tool_call_id": "p1"}]}, {"kind": "request", "parts": [{"part_kind": "retry-prompt", "content": "no water", "tool_name": "brew", "tool_call_id": "p1"}]}], {"kind": "response", "parts": [{"part_kind": "thinking", "content": "No tea then."}, {"part_kind": "text", "content": "Sorry."}]}, ("m1 system: Serve.", "m2 user: Tea?", "→ c1 brew(cups=2)", "← c1 brew FAILED: no water", "(thinking) No tea then.", "Sorry.")),
)  # fmt: skip
MORE = (
    Case("otel events", [{"event.name": "gen_ai.system.message", "body": {"content": "Event system."}}, {"event.name": "gen_ai.user.message", "body": {"content": "Event question?"}}], [{"event.name": "gen_ai.choice", "body": {"index": 0, "finish_reason": "length", "message": {"content": "Event answer."}}}], ("m1 system: Event system.", "m2 user: Event question?", "m3 output assistant [stop: length]: Event answer.")),
    Case("mcp result", [{"role": "tool", "tool_call_id": "q", "content": {"content": [{"type": "text", "text": "mcp says no"}], "isError": True}}], None, ("mcp says no",)),
    Case("tool result of blocks as text", [{"role": "tool", "tool_call_id": "q", "content": '[{"type": "text", "text": "from a server"}]'}], None, ("from a server",), ('"type"',)),
    Case("llama index", [{"role": "user", "blocks": [{"block_type": "text", "text": "Llama question?"}], "additional_kwargs": {}}], {"message": {"role": "assistant", "blocks": [{"block_type": "text", "text": "Llama answer."}]}, "raw": None}, ("m1 user: Llama question?", "m2 output assistant: Llama answer.")),
    Case("semantic kernel", [{"role": {"label": "user"}, "content": "Kernel question?"}], [{"role": {"label": "assistant"}, "content": "Kernel answer."}], ("m1 user: Kernel question?", "m2 output assistant: Kernel answer.")),
    Case("openrouter", [{"role": "user", "content": "Route"}], [{"role": "assistant", "content": "Routed.", "reasoning": "By map.", "reasoning_details": [{"type": "reasoning.text", "text": "By map."}]}], ("(thinking) By map.", "Routed.")),
    Case("groq", [{"role": "user", "content": "Fast"}], {"choices": [{"message": {"role": "assistant", "content": "Very.", "executed_tools": [{"type": "search", "output": "ten results"}]}, "finish_reason": "stop", "logprobs": None}], "x_groq": {"id": "r"}}, ("Very.", "ten results")),
    Case("named speakers", [{"role": "user", "name": "ann", "content": "I say"}, {"role": "user", "name": "bob", "content": "I say not"}], None, ("m1 user ann: I say", "m2 user bob: I say not")),
    Case("legacy completion", {"prompt": "Once upon", "max_tokens": 5}, {"object": "text_completion", "choices": [{"text": " a time", "finish_reason": "length", "logprobs": None}]}, ("m1 user: Once upon", "[stop: length]: a time"), ("max_tokens",)),
    Case("two choices", "Pick", {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Left."}}, {"index": 1, "message": {"role": "assistant", "content": "Right."}}]}, ("m2 output assistant: Left.", "m3 output assistant: Right.")),
    Case("lists in lists", [[{"role": "user", "content": "Inner one"}], [{"role": "user", "content": "Inner two"}]], None, ("m1 user: Inner one", "m2 user: Inner two")),
    Case("numbers and truth", {"score": 0, "passed": False, "note": None, "ratio": 0.5}, 42, ("score: 0", "passed: false", "note: null", "ratio: 0.5", "42")),
)  # fmt: skip
STREAMS = (
    Case("chat deltas", "Go", [{"choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hel"}}]}, {"choices": [{"index": 0, "delta": {"content": "lo"}}]}, {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "id": "s1", "function": {"name": "wave", "arguments": '{"to"'}}]}}]}, {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": ': "all"}'}}]}}]}, {"choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}], ("Hello", '→ c1 wave(to="all")', "[stop: length]")),
    Case("anthropic events", "Go", [{"type": "message_start", "message": {"role": "assistant"}}, {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}}, {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Let me "}}, {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "see."}}, {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "t", "name": "see", "input": {}}}, {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": '{"far": true}'}}, {"type": "message_delta", "delta": {"stop_reason": "max_tokens"}}, {"type": "message_stop"}], ("(thinking) Let me see.", "→ c1 see(far=true)", "[stop: max_tokens]")),
    Case("responses events", "Go", [{"type": "response.created", "response": {}}, {"type": "response.output_text.delta", "item_id": "i", "delta": "Wel"}, {"type": "response.output_text.delta", "item_id": "i", "delta": "come"}], ("Welcome",)),
    Case("gemini chunks", "Go", [{"candidates": [{"content": {"role": "model", "parts": [{"text": "Ci"}]}}]}, {"candidates": [{"content": {"role": "model", "parts": [{"text": "ao"}]}, "finishReason": "SAFETY"}]}], ("Ciao", "[stop: SAFETY]")),
    Case("vercel deltas", "Go", [{"type": "text-delta", "textDelta": "By"}, {"type": "text-delta", "textDelta": "e"}], ("Bye",)),
)  # fmt: skip
EVERY = (*OPENAI, *ANTHROPIC, *GOOGLE_AND_AMAZON, *CHAINS, *OTHERS, *MORE, *STREAMS)
