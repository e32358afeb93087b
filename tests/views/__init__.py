"""The page that MCP Apps hosts show: its parts and promises here, its behaviour in a real browser in `browser`."""
