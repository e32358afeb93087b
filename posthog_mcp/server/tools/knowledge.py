"""Toolset `knowledge`: from a question to the right query."""

from __future__ import annotations

from posthog_mcp.server.registry import Published

TOOLS: tuple[Published, ...] = ()
