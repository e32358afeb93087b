"""Traces as text: MB/s against `json.loads` of the same bytes, and the text's size against what was said, each once.

The reference of size is the sum of the unique contents of messages: what any text that loses nothing must hold.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from posthog_mcp.traces.text import text_of_trace
from posthog_mcp.traces.trace import Trace
from tests.benchmarks.measure import ratio, table
from tests.traces.said import event, trace

TIMES = 5
WORDS = [
    "the",
    "order",
    "was",
    "shipped",
    "late",
    "because",
    "our",
    "depot",
    "in",
    "Malmö",
    "had",
    "no",
    "drivers",
    "and",
    "nobody",
    "told",
    "the",
    "customer",
    "about",
    "it",
]


def prose(seed: int, words: int) -> str:
    """Text that does not repeat itself."""
    return " ".join(
        f"{WORDS[(seed * 31 + n * n) % len(WORDS)]}{'' if n % 9 else f' {seed * n}.'}" for n in range(words)
    )


def turn(number: int, words: int) -> list[dict[str, Any]]:
    """A question, a call, its result and an answer."""
    call = {
        "id": f"call_{number}",
        "type": "function",
        "function": {"name": "lookup", "arguments": json.dumps({"q": prose(number, 12)})},
    }
    return [
        {"role": "user", "content": prose(number * 4, words)},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {
            "role": "tool",
            "tool_call_id": f"call_{number}",
            "content": json.dumps({"rows": [prose(number * 4 + 1, words * 2)]}),
        },
        {"role": "assistant", "content": prose(number * 4 + 2, words)},
    ]


def chat(turns: int, words: int) -> Trace:
    """An agent's chat: every generation is sent the whole history."""
    messages = [
        {"role": "system", "content": prose(9_999, 400)},
        *(each for n in range(turns) for each in turn(n, words)),
    ]
    cuts = [index for index, each in enumerate(messages) if each["role"] == "assistant"]
    return trace(
        [
            event(seconds=n, span_id=f"s{n}", input=messages[:cut], output_choices=[messages[cut]])
            for n, cut in enumerate(cuts)
        ]
    )


def spans(count: int) -> Trace:
    """A pipeline of spans in a tree."""
    return trace(
        [
            event("$ai_span", n, span_id=f"s{n}", parent_id=f"s{n // 3}" if n else "", span_name=f"step {n}", latency=0.5,
                  input_state={"query": prose(n, 20)}, output_state={"found": [prose(n + 7_000, 30)]})
            for n in range(count)
        ]
    )  # fmt: skip


def document() -> Trace:
    """One message of a megabyte."""
    return trace(
        [
            event(
                input=[{"role": "user", "content": prose(1, 180_000)}],
                output_choices=[{"role": "assistant", "content": "Read."}],
            )
        ]
    )


def pictures() -> Trace:
    """A megabyte of base64."""
    import base64

    data = base64.b64encode(bytes((n * 7919 + n // 256) % 256 for n in range(750_000))).decode()
    block = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    return trace([event(input=[{"role": "user", "content": [block]}], output_choices="A cat.")])


CASES: dict[str, Callable[[], Trace]] = {
    "chat of 40 messages": lambda: chat(10, 60),
    "chat of 400 messages": lambda: chat(100, 60),
    "500 spans": lambda: spans(500),
    "1 MB document": document,
    "1 MB of base64": pictures,
}


def unique_contents(found: Trace) -> int:
    """Characters of all leaves of messages, each message once."""
    seen: dict[str, int] = {}
    for each in found.events:
        for name in ("$ai_input", "$ai_output_choices", "$ai_input_state", "$ai_output_state"):
            value = each.properties.get(name)
            for message in value if isinstance(value, list) else [value]:
                key = json.dumps(message, sort_keys=True)
                if key not in seen:
                    seen[key] = sum(map(len, leaves(message)))
    return sum(seen.values())


def leaves(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for each in value.values() for text in leaves(each)]
    if isinstance(value, list):
        return [text for each in value for text in leaves(each)]
    return [str(value)] if value not in (None, "function") else []


def fastest(run: Callable[[], object]) -> float:
    """Seconds of processor time: what else runs on the machine does not count."""
    taken: list[float] = []
    for _ in range(TIMES):
        begun = time.process_time()
        run()
        taken.append(time.process_time() - begun)
    return min(taken)


async def report() -> str:
    rows: list[list[object]] = []
    for name, make in CASES.items():
        found = make()
        payloads = [json.dumps(dict(each.properties)) for each in found.events]
        size = sum(map(len, payloads))
        reference = fastest(lambda payloads=payloads: [json.loads(each) for each in payloads])
        ours = fastest(lambda found=found: text_of_trace(found, budget_tokens=0))
        text, said = text_of_trace(found, budget_tokens=0).text, unique_contents(found)
        rows.append(
            [name, f"{size / 1e6:.2f} MB", f"{size / 1e6 / ours:.0f}", f"{size / 1e6 / reference:.0f}", ratio(ours, reference),
             f"{len(text):,}", f"{said:,}", ratio(len(text), said)]
        )  # fmt: skip
    header = ["trace", "payload", "MB/s", "json.loads MB/s", "time", "text", "said once", "size"]
    return table(
        f"Traces as text, processor time, best of {TIMES}; time and size as ratios to the reference", header, rows
    )
