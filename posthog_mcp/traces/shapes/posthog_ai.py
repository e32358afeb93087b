"""PostHog AI's own assistant: `ai/viz`, `ai/reasoning`, `ai/failure` and their like, beside LangChain's types.

Source: PostHog's `frontend/src/queries/schema/schema-assistant-messages.ts`.
"""

from __future__ import annotations

from collections.abc import Iterable

from posthog_mcp.traces.messages import Message, Part
from posthog_mcp.traces.shapes.shape import Fields, Item, Reading, Shape, any_in, text_in, text_parts
from posthog_mcp.traces.structure import readable


def visual(fields: Fields, reading: Reading) -> Iterable[Item]:
    """A chart that was planned and asked for."""
    plan, answer = text_in(fields, "plan"), any_in(fields, "answer", "visualizations", "query")
    asked = text_in(fields, "query") if "query" in fields and answer is not None else ""
    parts = [*text_parts(asked), *([Part("reasoning", plan)] if plan else []), *text_parts(any_in(fields, "content"))]
    shown = [Part("data", readable(answer))] if answer is not None else []
    return [Message("assistant", (*parts, *shown, *reading.rest(fields, "short_id", "initiator")))]


def thought(fields: Fields, reading: Reading) -> Iterable[Item]:
    steps = any_in(fields, "substeps")
    said = [Part("reasoning", text_in(fields, "content")), *([Part("reasoning", readable(steps))] if steps else [])]
    return [Message("assistant", (*said, *reading.rest(fields)))]


def failure(fields: Fields, reading: Reading) -> Iterable[Item]:
    said = text_in(fields, "content") or "The assistant failed."
    return [Message("assistant", (Part("tool_result", said, "assistant", "", True), *reading.rest(fields)))]


def context(fields: Fields, reading: Reading) -> Iterable[Item]:
    return [Message("user", (Part("context", text_in(fields, "content"), "context"), *reading.rest(fields)))]


POSTHOG_AI = Shape(
    "posthog_ai",
    typed={
        "ai/viz": visual,
        "ai/multi_viz": visual,
        "ai/notebook": visual,
        "ai/artifact": visual,
        "ai/reasoning": thought,
        "ai/failure": failure,
        "context": context,
    },
)
