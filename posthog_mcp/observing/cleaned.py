"""What of a span leaves the house: the names in `KEPT`, and no text that a client writes freely.

Spans of the MCP SDK and of libraries pass here too: error messages, stack traces, events and links are dropped.
Imported where traces are sent, because it needs OpenTelemetry's SDK.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Status

KEPT = re.compile(
    r"error\.type|rpc\.response\.status_code|mcp\.(method\.name|protocol\.version)|server\.address"
    r"|gen_ai\.(operation\.name|tool\.name|provider\.name|request\.model|usage\.(in|out)put_tokens)"
    r"|http\.(request\.method|response\.status_code)|posthog_mcp\.[a-z_0-9]+"
)
NAME = re.compile(r"[A-Za-z_/ ]{1,80}")
"""Names of spans and methods. The SDK takes them from the request, where a client may write anything."""
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
    method = attributes.get("mcp.method.name")
    if method is not None:
        attributes["mcp.method.name"] = named(str(method))
    return ReadableSpan(
        name=named(span.name),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=attributes,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def named(text: str) -> str:
    return text if NAME.fullmatch(text) else OTHER
