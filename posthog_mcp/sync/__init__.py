"""`local sync`: a team's own events and persons from PostHog into the embedded project, a week at a time.

Decisions.
- PostHog's file downloads give at most one week a run, by time of ingestion. A span that ended before the run began is
  complete for ever, so what was synced once is never asked for again; the next sync begins where the last one ended.
- `state.json` of one host and project says which spans are imported, which runs are under way and which files lie on
  disk. A sync that was stopped anywhere goes on from there.
- Files are downloaded without the key: the redirect's address carries its own signature, and its host is not PostHog.
- One import at the end takes all files together, because an import rewrites what is there; it knows events by uuid, so
  doing it twice changes nothing.
"""
