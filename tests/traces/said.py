"""Traces made of a few events, and their text."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from posthog_mcp.traces.text import Detail, TraceText, text_of_trace
from posthog_mcp.traces.trace import Trace, TraceEvent, trace_of

NOON = datetime(2026, 10, 1, 12, 0, tzinfo=UTC)
HEAD = 3
"""Lines of a trace's head."""


def event(kind: str = "$ai_generation", seconds: float = 0.0, **properties: Any) -> TraceEvent:
    """An event; `span_id="a"` is the property `$ai_span_id`. Names with a dot are given in `also`."""
    also: Mapping[str, Any] = properties.pop("also", {})
    named = {f"$ai_{name}": value for name, value in properties.items()}
    number = uuid.uuid5(uuid.NAMESPACE_URL, f"{kind}{seconds}{sorted(named)}{named.get('$ai_span_id')}")
    return TraceEvent(str(number), kind, NOON + timedelta(seconds=seconds), "alice", {**named, **also})


def trace(events: Sequence[TraceEvent]) -> Trace:
    return trace_of("t1", events)


def written(*events: TraceEvent, detail: Detail = "full", budget: int = 0) -> TraceText:
    return text_of_trace(trace(events), detail=detail, budget_tokens=budget)


def body(*events: TraceEvent) -> str:
    """The text without its head."""
    return "\n".join(written(*events).text.split("\n")[HEAD:])


def once(text: str, *pieces: str) -> None:
    """Each piece stands in the text exactly once."""
    counts = {piece: text.count(piece) for piece in pieces}
    assert counts == dict.fromkeys(pieces, 1), f"{ {piece: n for piece, n in counts.items() if n != 1} } in\n{text}"


def no_bytes(text: str) -> None:
    """Nothing that a person cannot read: no long base64, no control characters, no halves of surrogates."""
    assert not re.search(r"[A-Za-z0-9+/=]{120,}", text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", text)
