"""PostHog's REST API as data: every endpoint family with paths, scopes, paging, fields, filters and writable fields.

Decisions.
- One table (`table/*.toml`) for four readers: `search_api`, `call_api`, the HTTP driver's paths, and the embedded API,
  so that what is found can be called, and what is called is served.
- What older texts name but PostHog does not have stands there too, with the true way.
- Facts only; their source is named an entry: `openapi-2026-05` and `openapi-2025-10` are clients generated from
  PostHog's OpenAPI document of that month, `posthog-2026-07` is PostHog's public source.
- TOML, because the standard library reads it. Pure: no network, no settings.
"""
