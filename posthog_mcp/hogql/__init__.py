"""HogQL: text → parse tree → resolved tree → diagnostics and ClickHouse SQL. Pure: no backend, no MCP.

Decisions.
- PostHog's own parsers, pinned: `hogql_parser_rs` on Python 3.12 and later, `hogql_parser` (C++) on 3.11. Both
  hold the GIL and can be made to run for minutes, so they live in a process of their own that is killed at two
  seconds (`parsing.py`). That process is not the engine's: a PostHog backend needs it without chDB, and killing a
  stuck parse must not lose the engine.
- Resolver and printer are ours, because both need this project's names and physical layout.
- A check never raises for bad HogQL: it returns every finding at once (`checker.Checked`).
"""
