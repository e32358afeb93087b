"""The kinds of insight by name."""

from __future__ import annotations

from collections.abc import Mapping

from posthog_mcp.insights.answer import Kind
from posthog_mcp.insights.funnel import Funnel
from posthog_mcp.insights.lifecycle import Lifecycle
from posthog_mcp.insights.paths import Paths
from posthog_mcp.insights.retention import Retention
from posthog_mcp.insights.stickiness import Stickiness
from posthog_mcp.insights.trends import Trends
from posthog_mcp.insights.web import Web
from posthog_mcp.insights.words import InsightKind

KINDS: Mapping[InsightKind, Kind] = {
    "trends": Trends(),
    "funnel": Funnel(),
    "retention": Retention(),
    "lifecycle": Lifecycle(),
    "stickiness": Stickiness(),
    "paths": Paths(),
    "web": Web(),
}
