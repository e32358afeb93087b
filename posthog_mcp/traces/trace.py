"""A trace as it was captured: its events in time order, and what they sum to.

Property values may be texts of numbers or of booleans ("1.25", "false"), whatever the SDK sent: read them with
`number`, `flag` and `text_of`. Nothing here reads messages; that is `shapes/`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from posthog_mcp.results import Json

Properties = Mapping[str, Json]

PRICED = frozenset({"$ai_generation", "$ai_embedding"})
"""Events that carry costs and tokens; a span or trace that repeats them would count twice."""
OPINIONS = frozenset({"$ai_feedback", "$ai_metric", "$ai_evaluation"})
"""Events that say something about a trace and are no step of it."""


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """One `$ai_*` event. `timestamp` is when the SDK sent it: the end of a step, but its start for OpenTelemetry."""

    uuid: str
    event: str
    timestamp: datetime
    distinct_id: str
    properties: Properties

    @property
    def id(self) -> str:
        """What children name as their parent."""
        own = text_of(self.properties, "$ai_generation_id") or text_of(self.properties, "$ai_span_id")
        return own or self.uuid

    @property
    def parent_id(self) -> str:
        """The step this one belongs to; the trace's id, or nothing, at the top."""
        return text_of(self.properties, "$ai_parent_id")

    @property
    def latency(self) -> float | None:
        """Seconds."""
        return number(self.properties, "$ai_latency")

    @property
    def is_error(self) -> bool:
        """Marked as failed, or with an error text, or a 4xx or 5xx status. The text "false" is false."""
        status = number(self.properties, "$ai_http_status") or 0
        marked = self.properties.get("$ai_is_error")
        if marked not in (None, ""):
            return flag(self.properties, "$ai_is_error") or status >= 400
        return bool(text_of(self.properties, "$ai_error")) or status >= 400

    @property
    def start(self) -> float:
        """Seconds since 1970 at which the step began: SDK times are ends, OpenTelemetry's are starts."""
        at = self.timestamp.timestamp()
        return at if self.properties.get("$ai_ingestion_source") == "otel" else at - (self.latency or 0.0)


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over generations and embeddings. Tokens: `input` leaves out cache reads and writes where they are
    reported beside it (`$ai_cache_reporting_exclusive`). `latency` in seconds; costs in US dollars, None: not known.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: float | None = None
    latency: float | None = None
    generations: int = 0
    errors: int = 0
    feedback: tuple[str, ...] = ()
    """Texts of `$ai_feedback`, and metrics as `name: value`."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Everything captured under one trace id, events in order of their start."""

    id: str
    name: str
    timestamp: datetime
    """When the first step began, UTC."""
    distinct_id: str
    session: str
    events: tuple[TraceEvent, ...]
    totals: Totals


def trace_of(trace_id: str, events: Iterable[TraceEvent]) -> Trace:
    """Events of one trace, put in order; of two with one uuid the first stays."""
    unique = {each.uuid: each for each in reversed(list(events))}
    ordered = sorted(unique.values(), key=lambda each: (each.start, -(each.latency or 0.0), each.uuid))
    first = ordered[0].start if ordered else 0.0
    return Trace(
        id=trace_id,
        name=first_text(ordered, ("$ai_trace_name", "$ai_span_name", "$ai_agent_name")),
        timestamp=datetime.fromtimestamp(first, UTC),
        distinct_id=next((each.distinct_id for each in ordered if each.distinct_id), ""),
        session=first_text(ordered, ("$ai_session_id", "$session_id")),
        events=tuple(ordered),
        totals=totals_of(ordered),
    )


def first_text(events: Iterable[TraceEvent], names: Iterable[str]) -> str:
    """The first value of the first name that any event has; the trace's own event is asked first."""
    asked = sorted(events, key=lambda each: each.event != "$ai_trace")
    return next((found for name in names for each in asked if (found := text_of(each.properties, name))), "")


def totals_of(events: Iterable[TraceEvent]) -> Totals:
    """Tokens, cost and errors of the priced events; latency as PostHog counts it."""
    every = list(events)
    priced = [each for each in every if each.event in PRICED]

    def tokens(name: str) -> int:
        return int(sum(number(each.properties, name) or 0 for each in priced))

    costs = [cost for each in priced if (cost := number(each.properties, "$ai_total_cost_usd")) is not None]
    return Totals(
        input_tokens=tokens("$ai_input_tokens"),
        output_tokens=tokens("$ai_output_tokens"),
        cache_read_tokens=tokens("$ai_cache_read_input_tokens"),
        cache_write_tokens=tokens("$ai_cache_creation_input_tokens"),
        reasoning_tokens=tokens("$ai_reasoning_tokens"),
        cost_usd=sum(costs) if costs else None,
        latency=latency_of(every),
        generations=sum(each.event == "$ai_generation" for each in every),
        errors=sum(each.is_error for each in every),
        feedback=tuple(said for each in every if (said := opinion(each))),
    )


def latency_of(events: list[TraceEvent]) -> float | None:
    """The trace's own; else the sum of its direct children, or of the generations where only they have one."""
    own = [each.latency for each in events if each.event == "$ai_trace" and each.latency is not None]
    if own:
        return max(own)
    timed = [each for each in events if each.latency is not None and each.event not in OPINIONS]
    if not timed:
        return None
    ids = {each.id for each in events if each.event != "$ai_trace"}
    top = [each for each in timed if each.parent_id not in ids or each.parent_id == each.id]
    chosen = timed if all(each.event == "$ai_generation" for each in timed) else (top or timed)
    return sum(each.latency or 0.0 for each in chosen)


def opinion(event: TraceEvent) -> str:
    """What a person or a metric said of the trace."""
    if event.event == "$ai_feedback":
        return text_of(event.properties, "$ai_feedback_text")
    if event.event == "$ai_metric":
        name, value = text_of(event.properties, "$ai_metric_name"), text_of(event.properties, "$ai_metric_value")
        return f"{name}: {value}" if name or value else ""
    return ""


def number(properties: Properties, name: str) -> float | None:
    """A finite number, also one that was sent as text."""
    value = properties.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def flag(properties: Properties, name: str) -> bool:
    """Whether a property is true, also as text."""
    value = properties.get(name)
    return value.strip().lower() in ("true", "1", "yes") if isinstance(value, str) else bool(value)


def text_of(properties: Properties, name: str) -> str:
    """A property as text: numbers and booleans written out, nothing for anything else."""
    value = properties.get(name)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else ""
