"""`python -m posthog_mcp` is the `posthog-mcp` command."""

from posthog_mcp.cli import main

raise SystemExit(main())
