"""What the work on LLM traces remembers: themes, marks and leases, summaries, vectors, clusters (SQLAlchemy).

Decisions.
- Tables of the state database, beside the history: summaries quote what users said, and whoever forgets a person looks
  through one database; with POSTHOG_MCP_STATE_URL a team shares them.
- Every row carries the project's id; nothing is read without it.
- A lease is one conditional upsert: two clients that collect at once never get the same trace.
- `store.py` is the room's door; the other files are queries on an open connection.
"""
