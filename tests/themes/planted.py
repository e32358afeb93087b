"""Traces with planted problems: which problem each has is known, and nothing else is wrong with it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mcp import Client
from mcp.types import TextContent

from posthog_mcp.server.app import build_server
from posthog_mcp.settings import Settings
from tests.insights.made import Did, project_of

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
CITIES = ("Oslo", "Lima", "Kyoto", "Accra", "Turin", "Perth", "Quito", "Sofia", "Dakar", "Hanoi", "Leeds", "Minsk")


def said(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "content": text}


def called(number: int, name: str, **arguments: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": f"call_{number}", "type": "function", "function": function}],
    }


def returned(number: int, text: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": f"call_{number}", "content": text}


def refund_times_out(city: str) -> list[dict[str, Any]]:
    """The tool fails twice; the assistant says it is done all the same."""
    return [
        said("user", f"Refund my train ticket to {city}, please."),
        called(1, "issue_refund", city=city),
        returned(1, "Error: payment gateway timed out"),
        called(2, "issue_refund", city=city),
        returned(2, "Error: payment gateway timed out"),
        said("assistant", "Your refund is on its way."),
    ]


def export_is_corrected(city: str) -> list[dict[str, Any]]:
    """The person has to say it again."""
    return [
        said("user", f"Export the spreadsheet of all hotels in {city} as a CSV file with prices."),
        said("assistant", "Here is a summary of the hotels."),
        said(
            "user", f"No, that's not what I asked for. Export the spreadsheet of hotels in {city} as CSV with prices."
        ),
        said("assistant", "Here is the CSV file."),
    ]


def dark_mode_wished(city: str) -> list[dict[str, Any]]:
    return [
        said("user", f"It would be great if the map of {city} had a dark mode for night driving."),
        said("assistant", "The map has one appearance today."),
    ]


def search_loops(city: str) -> list[dict[str, Any]]:
    """The same call four times."""
    steps = [said("user", f"Which museums in {city} open on Monday?")]
    for number in range(4):
        steps += [called(number, "search_web", q=f"{city} museums monday"), returned(number, "1. City guide")]
    return [*steps, said("assistant", "Most museums are closed on Monday.")]


def left_unanswered(city: str) -> list[dict[str, Any]]:
    """Silent: no error event, the conversation just stops."""
    return [
        said("user", f"Book a table for two in {city}."),
        said("assistant", "For which evening?"),
        said("user", "Friday at eight, a quiet corner."),
    ]


def went_well(city: str) -> list[dict[str, Any]]:
    return [
        said("user", f"What is the weather in {city}?"),
        called(1, "weather", city=city),
        returned(1, "18 degrees, light wind"),
        said("assistant", f"It is 18 degrees in {city}."),
        said("user", "Perfect, thanks!"),
        said("assistant", "You are welcome."),
    ]


KINDS = {
    "refund": (refund_times_out, 12),
    "export": (export_is_corrected, 10),
    "dark_mode": (dark_mode_wished, 9),
    "loop": (search_loops, 7),
    "unanswered": (left_unanswered, 5),
    "well": (went_well, 12),
}
"""kind → how it is made, how many there are. Trace ids are `<kind>-<number>`."""


def trace(
    trace_id: str,
    messages: list[dict[str, Any]],
    *,
    who: str = "ann",
    at: datetime = NOW,
    latency: float = 1.0,
    cost: float = 0.001,
    **more: Any,
) -> list[Did]:
    """One generation whose last message, where it is the assistant's, is the output; and its `$ai_trace`."""
    answers = messages[-1]["role"] == "assistant" and messages[-1].get("content") is not None
    given, made = (messages[:-1], messages[-1:]) if answers else (messages, [])
    properties = {
        "$ai_trace_id": trace_id,
        "$ai_span_id": f"{trace_id}-g",
        "$ai_model": "gpt-4o-mini",
        "$ai_provider": "openai",
        "$ai_input": given,
        "$ai_output_choices": made,
        "$ai_input_tokens": 200,
        "$ai_output_tokens": 40,
        "$ai_latency": latency,
        "$ai_total_cost_usd": cost,
        "$ai_http_status": 200,
        **more,
    }
    return [
        Did(who, "$ai_generation", at.isoformat(), properties),
        Did(who, "$ai_trace", at.isoformat(), {"$ai_trace_id": trace_id, "$ai_latency": latency}),
    ]


def planted() -> list[Did]:
    """All of them, over the last six days; the refund problem grows: four in the first half, eight in the second."""
    events: list[Did] = []
    for kind, (make, count) in KINDS.items():
        for number in range(count):
            hours = 10 + number * 3 if kind != "refund" else (20 + number if number < 8 else 100 + number)
            who = f"user{number % 6}"
            at = NOW - timedelta(hours=hours)
            events += trace(f"{kind}-{number}", make(CITIES[number % len(CITIES)]), who=who, at=at)
    slow = trace("slow-0", went_well("Oslo"), who="user9", at=NOW - timedelta(hours=9), latency=45.0, cost=0.4)
    loud = trace(
        "loud-0",
        [said("user", "Translate the menu.")],
        who="user8",
        at=NOW - timedelta(hours=8),
        **{"$ai_is_error": "true", "$ai_error": "529 overloaded", "$ai_http_status": 529},
    )
    feedback = Did(
        "user1",
        "$ai_feedback",
        (NOW - timedelta(hours=7)).isoformat(),
        {"$ai_trace_id": "well-1", "$ai_feedback_text": "Great, it solved my problem."},
    )
    return [*events, *slow, *loud, feedback]


def kind_of(trace_id: str) -> str:
    return trace_id.rpartition("-")[0]


@asynccontextmanager
async def connected(folder: Path, events: list[Did], **settings: Any) -> AsyncIterator[Client]:
    """A client of a server on an embedded project of these events."""
    async with project_of(folder, events):
        pass
    async with Client(build_server(Settings.load(data_dir=folder / "data", backend="local", **settings))) as client:
        yield client


async def ok(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, text_of(result)
    assert result.structured_content is not None
    assert len(json.dumps(result.structured_content, ensure_ascii=False)) < 10_000
    assert len(text_of(result)) < 10_000
    return result.structured_content


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return text_of(result)


def text_of(result: Any) -> str:
    return "".join(block.text for block in result.content if isinstance(block, TextContent))
