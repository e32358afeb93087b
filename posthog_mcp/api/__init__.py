"""Any part of PostHog's API: a call is matched to the endpoint table, checked, and for a change first shown as a plan.

Decisions.
- Reading is always allowed; a change needs the write setting, one of the account (members, roles, keys, project and
  organization settings) POSTHOG_MCP_ALLOW_ADMIN too.
- A change takes two steps: the first call says what it would change, field by field against the object as it is; the
  second carries the token of that plan. A plan that is no longer true is refused.
- Parameters and fields that the table does not know are refused with the nearest that it does: PostHog would ignore a
  misspelt one and answer another question.
- Queries inside a body keep their rules: allowed kinds only, no code, and HogQL checked like any other.
"""
