"""What OpenAI's two APIs send."""

from __future__ import annotations

from tests.traces.cases import PNG, SEALED, WAV, Case, call

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
