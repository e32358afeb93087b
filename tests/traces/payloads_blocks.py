"""What Anthropic, Google and Amazon send: messages made of blocks."""

from __future__ import annotations

from tests.traces.cases import PNG, SEALED, Case

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
