"""Sends spans to an OTLP/HTTP collector, for the length of a command, where the standard OTEL_* variables name one.

The SDK reads the variables itself: endpoint, headers, service name, resource, sampler, batch sizes. Of a span go out
only the names in `cleaned.KEPT`; messages, exception texts and what a client may write freely stay here.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from posthog_mcp import __version__
from posthog_mcp.settings import traces_wanted

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

logger = logging.getLogger(__name__)
INSTALL = 'pip install "posthog-mcp[otel]"'
FINISH_SECONDS = 2.0
"""A collector that does not answer keeps nobody from ending."""


@contextmanager
def exporting() -> Generator[None]:
    """Send the spans that are made inside."""
    if traces_wanted():
        started()
    try:
        yield
    finally:
        finish()


def started() -> None:
    """Set the process's provider; nothing where the extra is missing, or somebody else has already set one."""
    from opentelemetry import trace

    if not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        logger.warning("OTEL_* asks for traces and OpenTelemetry's SDK is not installed; none are sent. %s", INSTALL)
        return
    from posthog_mcp.observing.cleaned import Cleaned

    ours = {"service.name": "posthog-mcp", "service.version": __version__}
    about = Resource.create({**ours, **OTELResourceDetector().detect().attributes})
    provider = TracerProvider(resource=about, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(Cleaned(OTLPSpanExporter())))
    trace.set_tracer_provider(provider)
    PROVIDERS.append(provider)


PROVIDERS: list[TracerProvider] = []
"""What this process started: one at most."""


def finish() -> None:
    """Send what waits and end, in seconds at most: also before an exit that unwinds nothing. Blocks."""
    for provider in PROVIDERS:
        ending = threading.Thread(target=provider.shutdown, daemon=True)
        ending.start()
        ending.join(FINISH_SECONDS)
    PROVIDERS.clear()
