"""The process's environment, as far as others need it."""

from __future__ import annotations

import os

from posthog_mcp.settings.fields import Fields


def unknown_variables() -> list[str]:
    """Variables that begin like ours and are none, most likely misspelt."""
    ours = {field.alias for field in Fields.model_fields.values()}
    return sorted(name for name in os.environ if name.startswith("POSTHOG_MCP_") and name not in ours)


def child_environment(**extra: str) -> dict[str, str]:
    """This process's environment for a child of our own that needs the same settings."""
    return {**os.environ, **extra}


def traces_wanted() -> bool:
    """Whether OpenTelemetry's own variables ask for traces."""
    get = os.environ.get
    off = get("OTEL_SDK_DISABLED", "").lower() == "true" or get("OTEL_TRACES_EXPORTER", "otlp").lower() == "none"
    return not off and bool(get("OTEL_EXPORTER_OTLP_ENDPOINT") or get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"))


def traces_endpoint() -> str:
    """Where they are sent to."""
    get = os.environ.get
    return get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or get("OTEL_EXPORTER_OTLP_ENDPOINT") or ""
