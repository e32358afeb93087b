"""What providers and SDKs send, in each one's own shape, and the pieces that a text of it must hold once."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4).decode()
WAV = base64.b64encode(b"RIFF" + bytes(range(255, -1, -1)) * 4).decode()
SEALED = base64.b64encode(bytes((i * 37 + 11) % 256 for i in range(600))).decode()


@dataclass(frozen=True)
class Case:
    """`given` and `made` are `$ai_input` and `$ai_output_choices`; `says` stands in the text once, `not_says` never."""

    id: str
    given: Any
    made: Any
    says: tuple[str, ...]
    not_says: tuple[str, ...] = ()


def call(name: str, arguments: Any, call_id: str = "call_1") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}


OPENAI = (
    Case(
        "chat with tools",
        [
            {"role": "system", "content": "Be brief about Oslo."},
            {"role": "user", "content": "Weather in Oslo?"},
            {"role": "assistant", "content": None, "tool_calls": [call("get_weather", {"city": "Tromsø", "days": 3})]},
            {"role": "tool", "tool_call_id": "call_1", "content": '{"celsius": 4}'},
        ],
        [{"index": 0, "finish_reason": "length", "message": {"role": "assistant", "content": "It is 4 degrees"}}],
        (
            "m1 system: Be brief about Oslo.",
            "m2 user: Weather in Oslo?",
            '→ c1 get_weather(city="Tromsø", days=3)',
            '← c1 get_weather: {"celsius": 4}',
            "m5 output assistant [stop: length]: It is 4 degrees",
        ),
        ("\\u00f8", "call_1"),
    ),
    Case(
        "parts of content",
        [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is on it?"},
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "high"}},
                    {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}},
                    {"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}},
                    {
                        "type": "file",
                        "file": {"filename": "plan.pdf", "file_data": f"data:application/pdf;base64,{PNG}"},
                    },
                ],
            }
        ],
        [{"role": "assistant", "content": "A cat."}],
        ("What is on it?", "image/png, 1.0 kB", "https://example.com/cat.png", "audio/wav", "plan.pdf", "A cat."),
        ("base64,",),
    ),
    Case(
        "refusal, audio and reasoning",
        [{"role": "user", "content": "Say it aloud"}],
        [
            {"role": "assistant", "content": None, "refusal": "I cannot say that."},
            {
                "role": "assistant",
                "content": None,
                "audio": {"id": "a", "data": WAV, "transcript": "Spoken words here."},
            },
            {"role": "assistant", "content": "Nine.", "reasoning_content": "Three times three is nine, so say"},
        ],
        ("(refusal) I cannot say that.", "Spoken words here.", "(thinking) Three times three is nine, so say", "Nine."),
    ),
    Case(
        "functions of old",
        [
            {"role": "user", "content": "Look it up"},
            {"role": "assistant", "content": None, "function_call": {"name": "lookup", "arguments": '{"q": "cats"}'}},
            {"role": "function", "name": "lookup", "content": "cats are mammals"},
        ],
        [{"role": "assistant", "content": "Mammals."}],
        ('→ c1 lookup(q="cats")', "← c1 lookup: cats are mammals", "Mammals."),
    ),
    Case(
        "whole completion object",
        [{"role": "user", "content": "Hi"}],
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "model": "gpt-4o",
            "choices": [
                {"index": 0, "message": {"role": "assistant", "content": "Hello there"}, "finish_reason": "stop"}
            ],
            "usage": {"prompt_tokens": 1},
        },
        ("m2 output assistant: Hello there",),
        ("chatcmpl", "prompt_tokens"),
    ),
    Case(
        "responses items",
        [
            {"role": "developer", "content": "Answer in rhyme."},
            {"role": "user", "content": [{"type": "input_text", "text": "Find the invoice"}]},
            {
                "type": "reasoning",
                "id": "rs_1",
                "summary": [{"type": "summary_text", "text": "I should search files."}],
            },
            {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": SEALED},
            {"type": "function_call", "call_id": "fc_1", "name": "find", "arguments": '{"name": "invoice"}'},
            {"type": "function_call_output", "call_id": "fc_1", "output": "invoice.pdf found"},
            {
                "type": "web_search_call",
                "id": "ws_1",
                "status": "completed",
                "action": {"type": "search", "query": "rhymes"},
            },
            {
                "type": "mcp_call",
                "id": "mcp_1",
                "server_label": "crm",
                "name": "get",
                "arguments": "{}",
                "output": "one row",
            },
            {
                "type": "code_interpreter_call",
                "id": "ci",
                "code": "print(41 + 1)",
                "outputs": [{"type": "logs", "logs": "42"}],
            },
            {"type": "custom_tool_call", "call_id": "ct_1", "name": "shell", "input": "ls -la"},
            {"type": "custom_tool_call_output", "call_id": "ct_1", "output": "total 0"},
        ],
        [
            {
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "content": [
                    {
                        "type": "output_text",
                        "text": "Here it is, as is.",
                        "annotations": [{"type": "url_citation", "url": "https://rhymes.example", "title": "Rhymes"}],
                    },
                    {"type": "refusal", "refusal": "No second verse."},
                ],
            }
        ],
        (
            "m1 developer: Answer in rhyme.",
            "Find the invoice",
            "(thinking) I should search files.",
            "[encrypted reasoning, ",
            '→ c1 find(name="invoice")',
            "← c1 find: invoice.pdf found",
            'web_search(type="search", query="rhymes")',
            "→ c3 crm.get()",
            "← c3 crm.get: one row",
            "print(41 + 1)",
            "logs: 42",
            "shell(ls -la)",
            "shell: total 0",
            "Here it is, as is.",
            "[cites Rhymes https://rhymes.example]",
            "(refusal) No second verse.",
        ),
        (SEALED[:40],),
    ),
    Case(
        "whole response object",
        "What is two plus two?",
        {
            "object": "response",
            "instructions": "Count well.",
            "output": [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Four."}]}],
            "parallel_tool_calls": True,
            "usage": {"input_tokens": 3},
        },
        ("m1 user: What is two plus two?", "Count well.", "Four."),
        ("parallel_tool_calls",),
    ),
)
ANTHROPIC = (
    Case(
        "blocks",
        [
            {"role": "user", "content": [{"type": "text", "text": "Read the file"}]},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "The file is small.", "signature": SEALED},
                    {"type": "redacted_thinking", "data": SEALED},
                    {"type": "tool_use", "id": "toolu_1", "name": "read_file", "input": {"path": "a.py"}},
                    {"type": "tool_use", "id": "toolu_2", "name": "read_file", "input": {"path": "b.py"}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "toolu_2", "content": "no such file", "is_error": True},
                    {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "x = 1"}]},
                ],
            },
        ],
        [{"role": "assistant", "content": [{"type": "text", "text": "It sets x."}], "stop_reason": "max_tokens"}],
        (
            "(thinking) The file is small.",
            "[encrypted thinking, 600 bytes]",
            '→ c1 read_file(path="a.py")',
            '→ c2 read_file(path="b.py")',
            "← c2 read_file FAILED: no such file",
            "← c1 read_file: x = 1",
            "[stop: max_tokens]: It sets x.",
        ),
        (SEALED[:40],),
    ),
    Case(
        "server and mcp tools",
        [{"role": "user", "content": "News?"}],
        [
            {
                "role": "assistant",
                "content": [
                    {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "news today"}},
                    {
                        "type": "web_search_tool_result",
                        "tool_use_id": "srv_1",
                        "content": [
                            {
                                "type": "web_search_result",
                                "title": "Daily",
                                "url": "https://daily.example",
                                "encrypted_content": SEALED,
                            }
                        ],
                    },
                    {
                        "type": "mcp_tool_use",
                        "id": "mcp_1",
                        "name": "post",
                        "server_name": "wiki",
                        "input": {"page": "Home"},
                    },
                    {
                        "type": "mcp_tool_result",
                        "tool_use_id": "mcp_1",
                        "is_error": False,
                        "content": [{"type": "text", "text": "posted"}],
                    },
                    {
                        "type": "text",
                        "text": "Quiet day.",
                        "citations": [
                            {
                                "type": "char_location",
                                "cited_text": "Nothing happened",
                                "document_title": "Almanac",
                                "document_index": 0,
                            }
                        ],
                    },
                ],
            }
        ],
        (
            'web_search(query="news today")',
            "← c1 web_search: [Daily https://daily.example]",
            'wiki.post(page="Home")',
            "← c2 wiki.post: posted",
            "Quiet day.",
            "[cites Almanac: Nothing happened]",
        ),
        (SEALED[:40],),
    ),
    Case(
        "documents and images",
        [
            {
                "role": "user",
                "content": [
                    {
                        "type": "document",
                        "title": "Contract of May",
                        "context": "signed",
                        "source": {"type": "text", "media_type": "text/plain", "data": "The parties agree."},
                    },
                    {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PNG}},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": PNG}},
                    {
                        "type": "search_result",
                        "source": "https://kb.example",
                        "title": "KB",
                        "content": [{"type": "text", "text": "Known."}],
                    },
                ],
            }
        ],
        [{"type": "text", "text": "They agree."}],
        (
            "Contract of May",
            "signed",
            "The parties agree.",
            "application/pdf",
            "image/jpeg",
            "https://kb.example",
            "Known.",
            "They agree.",
        ),
    ),
    Case(
        "request with system",
        {
            "model": "claude",
            "system": [{"type": "text", "text": "You guard."}],
            "messages": [{"role": "user", "content": "Open!"}],
        },
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "text", "text": "Never."}],
            "stop_reason": "refusal",
        },
        ("m1 system: You guard.", "m2 user: Open!", "m3 output assistant [stop: refusal]: Never."),
    ),
)
GOOGLE_AND_AMAZON = (
    Case(
        "gemini",
        {
            "systemInstruction": {"parts": [{"text": "Speak plainly."}]},
            "contents": [
                {"role": "user", "parts": [{"text": "Price?"}, {"inlineData": {"mimeType": "image/png", "data": PNG}}]},
                {"role": "model", "parts": [{"functionCall": {"name": "price", "args": {"item": "bread"}}}]},
                {"role": "user", "parts": [{"functionResponse": {"name": "price", "response": {"euros": 3}}}]},
            ],
        },
        {
            "candidates": [
                {
                    "content": {
                        "role": "model",
                        "parts": [
                            {"text": "It was asked for a price.", "thought": True},
                            {"executableCode": {"language": "PYTHON", "code": "print(3)"}},
                            {"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "boom"}},
                            {"text": "Three euros."},
                        ],
                    },
                    "finishReason": "MAX_TOKENS",
                    "groundingMetadata": {
                        "groundingChunks": [{"web": {"uri": "https://bread.example", "title": "Bread"}}]
                    },
                }
            ],
            "usageMetadata": {"promptTokenCount": 9},
        },
        (
            "m1 system: Speak plainly.",
            "Price?",
            "image/png",
            '→ c1 price(item="bread")',
            "← c1 price: euros: 3",
            "(thinking) It was asked for a price.",
            'run_code python(code="print(3)")',
            "FAILED: boom",
            "Three euros.",
            "[stop: MAX_TOKENS]",
            "[cites Bread https://bread.example]",
        ),
        ("promptTokenCount",),
    ),
    Case(
        "bedrock converse",
        [
            {
                "role": "user",
                "content": [
                    {"text": "Book it"},
                    {"document": {"format": "pdf", "name": "menu", "source": {"bytes": PNG}}},
                ],
            },
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "tu", "name": "book", "input": {"table": 4}}}]},
            {
                "role": "user",
                "content": [
                    {"toolResult": {"toolUseId": "tu", "content": [{"json": {"ok": "yes"}}], "status": "error"}}
                ],
            },
        ],
        {
            "output": {
                "message": {
                    "role": "assistant",
                    "content": [
                        {"reasoningContent": {"reasoningText": {"text": "Table four is free.", "signature": SEALED}}},
                        {"text": "Booked."},
                    ],
                }
            },
            "stopReason": "guardrail_intervened",
            "metrics": {"latencyMs": 4},
        },
        (
            "Book it",
            "document pdf menu",
            "→ c1 book(table=4)",
            "← c1 book FAILED: ok: yes",
            "(thinking) Table four is free.",
            "Booked.",
            "[stop: guardrail_intervened]",
        ),
        (SEALED[:40],),
    ),
)
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
