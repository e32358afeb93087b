"""Spans, and the W3C trace context that comes in and goes on."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from posthog_mcp import __version__
from posthog_mcp.errors import PostHogMcpError

TRACER = trace.get_tracer("posthog_mcp", __version__)
PROPAGATOR = TraceContextTextMapPropagator()
"""The trace context alone: baggage is anybody's text and goes nowhere."""
Attributes = Mapping[str, str | int | float | bool]


@contextmanager
def span(
    name: str, attributes: Attributes, *, kind: SpanKind = SpanKind.INTERNAL, parent: Context | None = None
) -> Generator[Span]:
    """A span around a piece of work; a failure leaves its code in it, never its words."""
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        yield trace.INVALID_SPAN  # nobody traces: the API's own way to do nothing takes ten times as long
        return
    with TRACER.start_as_current_span(
        name, parent, kind, attributes, record_exception=False, set_status_on_exception=False
    ) as found:
        try:
            yield found
        except BaseException as error:
            found.set_attribute(
                "error.type", error.code if isinstance(error, PostHogMcpError) else type(error).__name__
            )
            found.set_status(StatusCode.ERROR)
            raise


def incoming(headers: Mapping[str, str]) -> Context:
    """The context that a request's `traceparent` and `tracestate` name. Header names are lower case."""
    return PROPAGATOR.extract(headers)


def outgoing() -> dict[str, str]:
    """The headers that carry the current span on; none where nothing is traced here."""
    here = trace.get_current_span().get_span_context()
    carried: dict[str, str] = {}
    if here.is_valid and not here.is_remote:
        PROPAGATOR.inject(carried)
    return carried


def fingerprint(text: str) -> str:
    """SHA-256 of a query's text, in hex: equal queries are recognised, none is told."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
