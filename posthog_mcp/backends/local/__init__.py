"""The embedded project: PostHog's tables on this machine, without an account.

Decisions.
- Data is immutable Parquet in snapshots that any number of processes read; one writer at a time makes the next one
  and moves a pointer. A chDB folder of its own could be opened by one process only, and people run two clients.
- Exports are rewritten once: deduplicated by uuid, sorted, frequent properties as typed columns beside the JSON text.
- chDB runs in a supervised worker process that may only SELECT from those files: HogQL's whitelist is the first wall,
  grants and `readonly=1` the second, Landlock (Linux) the third. It starts with the first query and can be killed.
- Metadata objects (insights, cohorts, flags, …) live in SQLite and are mirrored as JSON lines for `system.*` tables.
"""
