"""The MCP server: tools, resources, completions, stdio and HTTP. The only room that imports `mcp`.

Decisions.
- Structured content and text are each complete: some hosts show the model only the one, others only the other. No
  output schemas: they would cost more tokens than the tools themselves.
- Every failure becomes an error text in one place (`app.AnalyticsServer.call_tool`): a code in brackets, what was
  wrong, what to do. Unknown arguments are refused there, because the SDK drops them silently.
- Nothing is opened before the first call that needs it, so that `tools/list` answers fast.
"""
