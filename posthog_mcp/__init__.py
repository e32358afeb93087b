"""posthog-mcp: product analytics over MCP, on PostHog or on an embedded project that needs no account."""

__version__ = "0.1.0"
