"""`/metrics` in Prometheus' text format."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from posthog_mcp import __version__
from posthog_mcp.server.recording import BUCKETS

if TYPE_CHECKING:
    from posthog_mcp.server.app import AnalyticsServer
    from posthog_mcp.server.door import Traffic


def metrics(server: AnalyticsServer, traffic: Traffic, started: float) -> str:
    """Everything that is counted, one line a figure."""
    return "\n".join([*of_process(server, traffic, started), *of_tools(server)]) + "\n"


def of_process(server: AnalyticsServer, traffic: Traffic, started: float) -> Iterator[str]:
    yield "# TYPE posthog_mcp_info gauge"
    yield f'posthog_mcp_info{{version="{__version__}"}} 1'
    yield "# TYPE posthog_mcp_uptime_seconds gauge"
    yield f"posthog_mcp_uptime_seconds {time.time() - started:.0f}"
    yield "# TYPE posthog_mcp_calls_in_progress gauge"
    yield f"posthog_mcp_calls_in_progress {server.figures.at_work}"
    yield "# TYPE posthog_mcp_audit_records_lost_total counter"
    yield f"posthog_mcp_audit_records_lost_total {server.audit.lost if server.audit else 0}"
    yield "# TYPE posthog_mcp_http_requests_total counter"
    for status, count in sorted(traffic.statuses.items()):
        yield f'posthog_mcp_http_requests_total{{status="{status}"}} {count}'


def of_tools(server: AnalyticsServer) -> Iterator[str]:
    """Calls by outcome, answers from the cache, and a histogram of times, by tool."""
    yield "# TYPE posthog_mcp_tool_calls_total counter"
    totals: dict[str, int] = {}
    for (tool, outcome), count in sorted(server.calls.items()):
        totals[tool] = totals.get(tool, 0) + count
        yield f'posthog_mcp_tool_calls_total{{tool="{tool}",outcome="{outcome}"}} {count}'
    yield "# TYPE posthog_mcp_cached_answers_total counter"
    for tool in sorted(totals):
        yield f'posthog_mcp_cached_answers_total{{tool="{tool}"}} {server.figures.cached[tool]}'
    yield "# TYPE posthog_mcp_tool_seconds histogram"
    for tool, count in sorted(totals.items()):
        for bucket in BUCKETS:
            counted = min(server.figures.times[tool, bucket], count)
            yield f'posthog_mcp_tool_seconds_bucket{{tool="{tool}",le="{bucket:g}"}} {counted}'
        yield f'posthog_mcp_tool_seconds_bucket{{tool="{tool}",le="+Inf"}} {count}'
        yield f'posthog_mcp_tool_seconds_sum{{tool="{tool}"}} {server.figures.sums[tool] / 1000:g}'
        yield f'posthog_mcp_tool_seconds_count{{tool="{tool}"}} {count}'
