"""PostHog over HTTP: Cloud US and EU, and self-hosted.

Decisions.
- Every path is under `/api/projects/{id}/`; `next` links are followed on the same host only.
- PostHog's own message is kept in our errors; a key appears in none of them.
- Queries are checked here against the live project's schema before anything is sent.
"""
