"""One trace as text for a model: what the rest of this room, the tools and the themes read.

The text is the same for the same events: it holds no clock, no random mark and no order of a set. It is not fenced:
whoever shows it to a model marks it as data (`queries.shape.fenced`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from anyio import to_thread

from posthog_mcp.errors import NotFound
from posthog_mcp.project import Project
from posthog_mcp.results import Json
from posthog_mcp.traces.fetch import fetch_traces
from posthog_mcp.traces.trace import Trace

__all__ = ["Detail", "TraceText", "fetch_traces", "text_of_trace", "trace_text"]

Detail = Literal["outline", "full"]
BUDGET_TOKENS = 30_000
"""A summary does not improve past a few tens of thousands of tokens."""


@dataclass(frozen=True, slots=True)
class TraceText:
    """A trace written out. `tokens` is an estimate of the text's; `anchors` are the messages (`m12`) and steps (`e3`)
    that it names, in order; `cut` says whether the budget left something out.
    """

    trace_id: str
    text: str
    tokens: int
    anchors: tuple[str, ...]
    facts: Mapping[str, Json] = field(default_factory=dict[str, "Json"])
    """Name, time, user, session, tokens, cost, latency, errors, feedback, steps, shapes."""
    cut: bool = False


async def trace_text(
    project: Project, trace_id: str, *, detail: Detail = "full", budget_tokens: int = BUDGET_TOKENS
) -> TraceText:
    """Fetch one trace and write it within a budget; 0 tokens: no budget.

    Raises:
        NotFound: the project has no such trace.
        PostHogMcpError: what the backend says.
    """
    found = await fetch_traces(project, [trace_id])
    if not found:
        raise NotFound(f"There is no trace {trace_id!r} here.", fix="Take an id from list_traces.")
    return await to_thread.run_sync(lambda: text_of_trace(found[0], detail=detail, budget_tokens=budget_tokens))


def text_of_trace(trace: Trace, *, detail: Detail = "full", budget_tokens: int = BUDGET_TOKENS) -> TraceText:
    """The same for a trace that is at hand. CPU-bound: call it in a thread."""
    lines: list[str] = []
    for index, each in enumerate(trace.events, 1):
        said = {name: value for name, value in each.properties.items() if name.startswith("$ai_")}
        lines.append(f"m{index} {each.event}: {json.dumps(said, ensure_ascii=False)}")
    text = "\n".join(lines)
    if budget_tokens and len(text) > budget_tokens * 4:
        text = text[: budget_tokens * 4]
    anchors = tuple(f"m{index}" for index, _ in enumerate(trace.events, 1))
    return TraceText(trace.id, text, len(text) // 4, anchors, {"name": trace.name})
