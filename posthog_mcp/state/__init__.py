"""What outlives a call: the query history (SQLAlchemy: SQLite by default, PostgreSQL for a team) and full results.

Decisions.
- History rows hold texts and figures, never result values; results lie in files of their own that are bounded in
  number and bytes, so that `purge` and a full disk touch nothing else.
- A run is written when it ends; a cache hit is buffered, because writing it would cost more than answering it.
"""
