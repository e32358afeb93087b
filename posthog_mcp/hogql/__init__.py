"""HogQL: text → parse tree → resolved tree → diagnostics and ClickHouse SQL. Pure: no backend, no MCP.

Decisions.
- PostHog's own parsers, pinned: `hogql_parser_rs` on Python 3.12 and later, `hogql_parser` (C++) on 3.11. Both
  hold the GIL and can be made to run for minutes, so they live in a process of their own that ends after two
  seconds of processor time (`parsing.py`); wall time would fail good queries on a busy machine. That process is not
  the engine's: a PostHog backend needs it without chDB, and killing a stuck parse must not lose the engine.
- The parsers agree on where they stop and on nothing else, so an error is explained from the tokens around that
  place (`slips.py`): one wording, with a mend, whichever parser runs.
- Limits are edits of the author's text by places (`limits.py`), never a print of the tree: comments and layout stay,
  and the same text goes to PostHog and to the embedded engine.
- A function that is not in PostHog's published list cannot be printed (`functions.py`): that whitelist is the first
  wall around the engine; its tests run every name through chDB.
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
