"""Addresses of traces: PostHog's page of one, or our own resource where there is none.

Source: PostHog's front end (`/ai-observability/traces/<id>`; without `timestamp` it searches the last day only).
"""

from __future__ import annotations

from urllib.parse import quote

from posthog_mcp.settings import Settings


def trace_link(settings: Settings, trace_id: str, at: str) -> str:
    """`at` is when the trace began, ISO 8601."""
    if not settings.uses_posthog:
        return f"posthog://traces/{quote(trace_id, safe='')}"
    project = f"/project/{settings.project_id}" if settings.project_id else ""
    time = quote(at, safe="")
    return f"{settings.host}{project}/ai-observability/traces/{quote(trace_id, safe='')}?timestamp={time}"
