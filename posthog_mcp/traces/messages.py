"""What was said in a trace, whatever provider or framework recorded it: messages made of parts.

Readers in `shapes/` make these; `threads.py` numbers them and `render.py` writes them. All text is as it was sent,
but for what `binary.printable` takes out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "text",
    "context",
    "reasoning",
    "refusal",
    "tool_call",
    "tool_result",
    "media",
    "citation",
    "data",
]


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a message.

    context: text that an application put in beside what a person wrote; `name` is its tag. reasoning, refusal: `text`.
    tool_call: `name`, arguments as `text`, `id` pairs it with its result. tool_result: `text`, `failed`. media:
    `name` says what it is. citation: `name` is the source, `text` what is quoted. data: structure that no reader knows.
    """

    kind: Kind
    text: str = ""
    name: str = ""
    id: str = ""
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """Parts by one role: system, developer, user, assistant, tool; `input` or `output` where none is told.

    `name` tells speakers of one role apart; `stop` is why the model stopped. Neither is part of what makes two
    messages the same.
    """

    role: str
    parts: tuple[Part, ...]
    name: str = ""
    stop: str = ""


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """A tool that the model could call. `signature` is its arguments: `query: string, limit?: integer`."""

    name: str
    signature: str = ""
    description: str = ""
