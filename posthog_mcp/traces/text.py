"""One trace as text for a model: what the rest of this room, the tools and the themes read.

The text is the same for the same events: it holds no clock, no random mark and no order of a set. It is not fenced:
whoever shows it to a model marks it as data (`queries.shape.fenced`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from anyio import to_thread

from posthog_mcp.errors import NotFound
from posthog_mcp.project import Project
from posthog_mcp.results import Json
from posthog_mcp.traces.budget import fitted, outlined
from posthog_mcp.traces.fetch import fetch_traces
from posthog_mcp.traces.render import Block, Rendered, rendered
from posthog_mcp.traces.tokens import tokens_of
from posthog_mcp.traces.trace import Trace

__all__ = ["Detail", "TraceText", "fetch_traces", "text_of_trace", "trace_text"]

Detail = Literal["outline", "full"]
BUDGET_TOKENS = 30_000
"""A summary does not improve past a few tens of thousands of tokens."""
MOST_LANDMARKS = 20
TRIES = 6
"""Rounds of fitting: the estimate of a whole is not the sum of its parts'."""


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
    """Name, time, user, session, tokens, cost, latency, errors, feedback, steps, messages, unread shapes."""
    cut: bool = False
    places: Mapping[str, int] = field(default_factory=dict[str, int])
    """Where in the text each anchor's block begins, in characters."""
    landmarks: tuple[str, ...] = ()
    """Where to look first: errors, failed tools, refusals and feedback, as `e4 error`."""


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


def text_of_trace(
    trace: Trace, *, detail: Detail = "full", budget_tokens: int = BUDGET_TOKENS, whole: Rendered | None = None
) -> TraceText:
    """The same for a trace that is at hand. CPU-bound: call it in a thread. `whole`: where it was rendered before."""
    whole = whole or rendered(trace)
    outline = outlined(whole.blocks) if detail == "outline" else None
    blocks = outline.blocks if outline else whole.blocks
    fit = fitted(blocks, budget_tokens)
    text, places = written(fit.blocks)
    size, budget, tries = tokens_of(text), budget_tokens, TRIES
    while size > budget_tokens > 0 and tries:
        budget, tries = max(int(budget * 0.97 * budget_tokens / size), 1), tries - 1
        fit = fitted(blocks, budget)
        text, places = written(fit.blocks)
        size = tokens_of(text)
    cut = fit.cut or bool(outline and outline.cut)
    return TraceText(trace.id, text, size, (*places,), facts_of(trace, whole), cut, places, landmarks_of(whole))


def written(blocks: Sequence[Block]) -> tuple[str, dict[str, int]]:
    """The text, and where each anchor's first block stands in it."""
    places: dict[str, int] = {}
    pieces: list[str] = []
    at = 0
    for block in blocks:
        text = block.text
        if block.anchor:
            places.setdefault(block.anchor, at)
        pieces.append(text)
        at += len(text) + 1
    return "\n".join(pieces), places


def landmarks_of(whole: Rendered) -> tuple[str, ...]:
    """Anchors worth opening, in order."""
    failed = {
        entry.anchor: "failed tool" for entry in whole.entries if any(part.failed for part in entry.message.parts)
    }
    refused = {
        entry.anchor: "refusal"
        for entry in whole.entries
        if any(part.kind == "refusal" for part in entry.message.parts)
    }
    kinds = {"error": "error", "opinion": "feedback"}
    found = {
        block.anchor: kinds.get(block.kind, "") or {**failed, **refused}.get(block.anchor, "") for block in whole.blocks
    }
    return tuple(f"{anchor} {why}" for anchor, why in found.items() if why)[:MOST_LANDMARKS]


def facts_of(trace: Trace, whole: Rendered) -> dict[str, Json]:
    """What the head says, for programs."""
    totals = trace.totals
    return {
        "name": trace.name,
        "timestamp": trace.timestamp.isoformat(timespec="milliseconds"),
        "distinct_id": trace.distinct_id,
        "session": trace.session,
        "input_tokens": totals.input_tokens,
        "output_tokens": totals.output_tokens,
        "cache_read_tokens": totals.cache_read_tokens,
        "cache_write_tokens": totals.cache_write_tokens,
        "cost_usd": totals.cost_usd,
        "latency_seconds": totals.latency,
        "generations": totals.generations,
        "errors": totals.errors,
        "feedback": [*totals.feedback],
        "steps": whole.steps,
        "messages": len(whole.entries),
        "unread_shapes": [*sorted(whole.unknown)],
    }
