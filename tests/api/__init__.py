"""Toolset `api` through an MCP client, on the embedded project and over HTTP."""
