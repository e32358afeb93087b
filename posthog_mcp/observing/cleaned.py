"""What of a span leaves the house: the names in `KEPT`, and no text that a client writes freely.

Spans of the MCP SDK and of libraries pass here too: error messages, stack traces, events and links are dropped.
Imported where traces are sent, because it needs OpenTelemetry's SDK.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanContext, Status

KEPT = re.compile(
    r"error\.type|rpc\.response\.status_code|mcp\.(method\.name|protocol\.version)|server\.address"
    r"|gen_ai\.(operation\.name|tool\.name|provider\.name|request\.model|usage\.(in|out)put_tokens)"
    r"|http\.(request\.method|response\.status_code)|posthog_mcp\.[a-z_0-9]+"
)
NAME = re.compile(r"[A-Za-z_/ ]{1,80}")
"""Names of our own spans and of libraries'."""
METHOD = re.compile(
    r"initialize|ping|(server|tools|resources|prompts|completion|logging|subscriptions|tasks|notifications|elicitation"
    r"|sampling|roots)/[a-zA-Z_/]{1,40}"
)
"""The protocol's methods. The SDK takes them, and names of tools, from the request, where a client writes anything."""
TOLD = "posthog_mcp.outcome"
"""The server has told this span its tool, whose name is one of ours then."""
OTHER = "other"


class Cleaned(SpanExporter):
    """Cleans before another exporter sends."""

    def __init__(self, sends: SpanExporter) -> None:
        self._sends = sends

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._sends.export([cleaned(each) for each in spans])

    def shutdown(self) -> None:
        self._sends.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._sends.force_flush(timeout_millis)


def cleaned(span: ReadableSpan) -> ReadableSpan:
    """The span with what is on the list."""
    attributes = {name: value for name, value in (span.attributes or {}).items() if KEPT.fullmatch(name)}
    if TOLD not in attributes:
        attributes.pop("gen_ai.tool.name", None)
    name = named(span.name, NAME)
    if "mcp.method.name" in attributes:
        method = attributes["mcp.method.name"] = named(str(attributes["mcp.method.name"]), METHOD)
        name = f"{method} {attributes.get('gen_ai.tool.name', '')}".strip()
    return ReadableSpan(
        name=name,
        context=stateless(span.context),
        parent=stateless(span.parent),
        resource=span.resource,
        attributes=attributes,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def named(text: str, shape: re.Pattern[str]) -> str:
    return text if shape.fullmatch(text) else OTHER


def stateless(context: SpanContext | None) -> SpanContext | None:
    """The ids alone: `tracestate` is the caller's text."""
    if context is None:
        return None
    return SpanContext(context.trace_id, context.span_id, context.is_remote, context.trace_flags)
