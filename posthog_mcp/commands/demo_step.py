"""A question of the demo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.console import RenderableType

from posthog_mcp.commands.show import Structured
from posthog_mcp.results import Json


@dataclass(frozen=True, slots=True)
class Step:
    """A question put to a tool. `stands_out` reads one sentence off the answer, or nothing."""

    question: str
    tool: str
    arguments: dict[str, Json]
    picture: Callable[[Structured], RenderableType]
    stands_out: Callable[[Structured], str]
