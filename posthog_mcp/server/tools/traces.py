"""Toolset `traces`: LLM traces, themes, summaries and clusters."""

from __future__ import annotations

from posthog_mcp.server.registry import Published

TOOLS: tuple[Published, ...] = ()
