"""Toolset `analysis`: statistics on metrics."""

from __future__ import annotations

from posthog_mcp.server.registry import Published

TOOLS: tuple[Published, ...] = ()
