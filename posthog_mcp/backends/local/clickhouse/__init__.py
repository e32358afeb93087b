"""The embedded project's tables on a ClickHouse server: the same printed SQL, over HTTP through clickhouse-connect.

Decisions.
- The server holds what a snapshot's Parquet holds, in the same columns and types (`ddl.py`), so one printer and one set
  of definitions serve both. A table `posthog_mcp_manifest` holds the manifest; replicas need no Parquet of their own.
- Reading and loading are two users. Each query is sent with `readonly=1` and its limits; a user whose profile is
  read-only already is refused, because the settings that HogQL's answers rest on could not be sent any more.
- Metadata objects (insights, cohorts, flags, …) stay in SQLite on this side. A query that names their tables, or a
  cohort's people, carries those rows in its own text (`inline.py`): nothing is written to the server for a question.
- A cancelled query is killed by its `query_id`; the closed connection and `max_execution_time` end it where that fails.
"""
