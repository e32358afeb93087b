"""HogQL: text → parse tree → resolved tree → diagnostics and ClickHouse SQL. Pure: no backend, no MCP.

Decisions.
- PostHog's own parsers, pinned: `hogql_parser_rs` on Python 3.12 and later, `hogql_parser` (C++) on 3.11. Both
  hold the GIL and can be made to run for minutes, so they live in a process of their own that is killed at two
  seconds (`parsing.py`). That process is not the engine's: a PostHog backend needs it without chDB, and killing a
  stuck parse must not lose the engine.
- Resolver and printer are ours, because both need this project's names and physical layout.
- A check never raises for bad HogQL: it returns every finding at once (`checker.Checked`).
- The tree is PostHog's, node for node. The resolver notes on it what each name means (`target`), and what a macro
  stands for (`meaning`); nothing is rewritten, so places and texts stay the author's.
- Every source gets a name of ours that cannot occur in the author's text, and every column is printed with it: an
  alias can then shadow nothing in ClickHouse, whose own scoping we do not rely on.
- Resolving is bounded by nodes and by tables read, not by text length: CTEs are resolved once and counted at each use.
- Whether a value can be NULL is worked out while printing, from the physical columns; comparisons are wrapped into
  PostHog's two-valued logic only where that shows.
- Texts are bound as parameters; numbers are printed, since a position in GROUP BY must stay a number.
"""
