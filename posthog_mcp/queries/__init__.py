"""Queries: check → limit → cache → run → shape → remember; scripts and exports of what ran.

Decisions.
- A query that does not check never reaches the backend.
- Limits are applied here and nowhere else; one row more than the limit is asked for, so that "there is more" is a
  fact and not a guess.
- Values come from events, which anyone can send: in a tool's text they are fenced and stripped of characters that
  hide or reorder text; exports keep them as they are.
"""
