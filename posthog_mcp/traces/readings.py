"""A trace as the readers of themes take it: its text, the signs in it, and the first request; made once, kept.

What is kept is named by the trace's events (`Candidate.fingerprint`) and the budget: five themes over the same traces
read and write each of them once. Heavy columns are read for those only that are not kept.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from anyio import to_thread

from posthog_mcp.project import Project
from posthog_mcp.traces.fetch import fetch_traces
from posthog_mcp.traces.picking import Candidate
from posthog_mcp.traces.render import Rendered, rendered
from posthog_mcp.traces.signals import Said, Sign, quote, signs_of, text_in
from posthog_mcp.traces.text import text_of_trace
from posthog_mcp.traces.trace import Trace
from posthog_mcp.traces.tree import roots_of, walk

KEPT_SECONDS = 12 * 3600.0
FORMAT = "1"
"""Changes with the shape of what is kept."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One trace, read. `tokens` is that of `text`; `asked` the first thing a user said, `answered` the last answer."""

    trace_id: str
    text: str
    tokens: int
    anchors: tuple[str, ...]
    cut: bool
    signs: tuple[Sign, ...]
    asked: str
    answered: str
    name: str


@dataclass(slots=True)
class Reads:
    """What reading cost: traces taken from the cache, and traces whose heavy columns were fetched."""

    cached: int = 0
    fetched: int = 0


async def read(
    project: Project, wanted: Sequence[Candidate], budget_tokens: int, reads: Reads | None = None
) -> dict[str, Reading]:
    """Readings by trace id; a trace that is gone is missing.

    Raises:
        PostHogMcpError: what the backend says.
    """
    reads = reads or Reads()
    found = await to_thread.run_sync(kept, project, wanted, budget_tokens)
    missing = {each.trace_id: each for each in wanted if each.trace_id not in found}
    reads.cached += len(found)
    reads.fetched += len(missing)
    if missing:
        traces = await fetch_traces(project, list(missing))
        found |= await to_thread.run_sync(made, project, traces, missing, budget_tokens)
    return found


def key(project: Project, each: Candidate, budget_tokens: int) -> tuple[str, ...]:
    return (*project.scope, FORMAT, each.trace_id, each.fingerprint, str(budget_tokens))


def kept(project: Project, wanted: Sequence[Candidate], budget_tokens: int) -> dict[str, Reading]:
    texts = {each.trace_id: project.texts.get(key(project, each, budget_tokens)) for each in wanted}
    return {name: from_text(text) for name, text in texts.items() if text is not None}


def made(
    project: Project, traces: Sequence[Trace], wanted: dict[str, Candidate], budget_tokens: int
) -> dict[str, Reading]:
    """Write the traces out, and keep them."""
    found: dict[str, Reading] = {}
    for trace in traces:
        reading = reading_of(trace, budget_tokens)
        text = json.dumps(asdict(reading), ensure_ascii=False)
        project.texts.put(key(project, wanted[trace.id], budget_tokens), text, KEPT_SECONDS)
        found[trace.id] = reading
    return found


def reading_of(trace: Trace, budget_tokens: int) -> Reading:
    """Text and signs of one trace. CPU-bound."""
    whole = rendered(trace)
    written = text_of_trace(trace, budget_tokens=budget_tokens, whole=whole)
    said = said_in(whole)
    return Reading(
        trace.id,
        written.text,
        written.tokens,
        tuple(written.anchors),
        written.cut,
        tuple(signs_of(trace, said, step_anchors(trace))),
        next((quote(text) for _, each in said if each.role in ("user", "human") and (text := text_in(each))), ""),
        next((quote(text) for _, each in reversed(said) if each.role == "assistant" and (text := text_in(each))), ""),
        trace.name,
    )


def said_in(whole: Rendered) -> Said:
    """Every message once, its speaker as the whole trace tells it."""
    return [(each.anchor, replace(each.message, role=each.role)) for each in whole.entries]


def step_anchors(trace: Trace) -> dict[str, str]:
    """An event's uuid → its anchor in the text (`render.rendered` numbers steps as they begin)."""
    begun = [each.node.event for each in walk(roots_of(trace)) if not each.ends]
    return {event.uuid: f"e{number}" for number, event in enumerate(begun, 1)}


def from_text(text: str) -> Reading:
    fields = json.loads(text)
    fields["anchors"] = tuple(fields["anchors"])
    fields["signs"] = tuple(Sign(**each) for each in fields["signs"])
    return Reading(**fields)
