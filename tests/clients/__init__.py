"""Installing into MCP clients' own files."""
