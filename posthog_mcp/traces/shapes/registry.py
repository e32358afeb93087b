"""All shapes, and the one way to read a payload. A new reader is a file here and its name in `SHAPES`."""

from __future__ import annotations

from functools import cache

from posthog_mcp.results import Json
from posthog_mcp.traces.messages import Message
from posthog_mcp.traces.shapes.anthropic import ANTHROPIC
from posthog_mcp.traces.shapes.bedrock import BEDROCK
from posthog_mcp.traces.shapes.gemini import GEMINI, PLAIN_TEXT
from posthog_mcp.traces.shapes.langchain import LANGCHAIN
from posthog_mcp.traces.shapes.openai_chat import OPENAI_CHAT
from posthog_mcp.traces.shapes.openai_responses import OPENAI_RESPONSES
from posthog_mcp.traces.shapes.otel import OTEL
from posthog_mcp.traces.shapes.others import OTHERS
from posthog_mcp.traces.shapes.posthog_ai import POSTHOG_AI
from posthog_mcp.traces.shapes.shape import Known, Reader, Readers, Reading, Shape
from posthog_mcp.traces.shapes.streams import (
    ANTHROPIC_STREAM,
    CHAT_STREAM,
    GEMINI_STREAM,
    RESPONSES_STREAM,
    TEXT_STREAM,
)
from posthog_mcp.traces.shapes.vercel import VERCEL

SHAPES: tuple[Shape, ...] = (
    CHAT_STREAM,
    ANTHROPIC_STREAM,
    RESPONSES_STREAM,
    TEXT_STREAM,
    GEMINI_STREAM,
    OTEL,
    LANGCHAIN,
    VERCEL,
    POSTHOG_AI,
    OTHERS,
    OPENAI_CHAT,
    ANTHROPIC,
    OPENAI_RESPONSES,
    BEDROCK,
    GEMINI,
    PLAIN_TEXT,
)
"""Of two that know one mark, the earlier is asked first."""


@cache
def readers() -> Readers:
    """The shapes' readers by their marks."""
    typed: dict[str, list[Reader]] = {}
    keyed: dict[str, list[tuple[int, Reader]]] = {}
    joined = [shape.joined for shape in SHAPES if shape.joined]
    rank = 0
    for shape in SHAPES:
        for kind, reader in shape.typed.items():
            typed.setdefault(kind, []).append(reader)
        for key, reader in shape.keyed.items():
            rank += 1
            keyed.setdefault(key, []).append((rank, reader))
    return Readers(typed, keyed, joined)


def read(value: Json, role: str, unknown: set[str], known: Known) -> list[Message]:
    """A payload of any shape as messages. `role`: whose words stand there where nothing says it.

    `unknown` takes the marks of objects that no reader knows; `known` is what was read before of the same trace.
    """
    return Reading(readers(), role, unknown=unknown, known=known).messages(value)
