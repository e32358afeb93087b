"""Segments and campaigns: who, and what is sent to them.

Decisions.
- A segment is a PostHog cohort and lives there. Criteria become filters that PostHog keeps up to date: of properties
  (dynamic) or with what people did (behavioural, `criteria.py`); HogQL, and criteria that only say what was not done,
  become a cohort with a query; a funnel's cell, a churn list and a cluster's users become a static one, because their
  meaning is a moment's. The plan says which, and why. A list that would be cut is refused.
- A campaign lives in the state database (compare-and-swap on its version). Who got it is in the ledger of deliveries:
  one row a person, so that an interrupted send goes on where it stopped and nobody gets it twice. One tool call sends
  for some seconds only; the next call, or `posthog-mcp schedule`, goes on.
- Nothing goes without the person's agreement, which stands for the campaign's exact content and target, and once; a
  segment that grew a lot since stops it again, and so does a pause.
- Consent is asked of three places: the suppression list, unsubscribe events, a person property that the file names.
- What people wrote about themselves becomes words in a text, percent-encoded in a link, never an address of many, a
  Slack channel or a host (`templates.py`, `recipients.py`). With masking on, clients see pseudonyms in every preview,
  and the messages hold what the people gave (`asking.py`).
- A person's cap is counted in the transaction that claims their message, so that campaigns sent at once keep it.
- PostHog's own messaging gets drafts, for just the people who may be reached (`broadcasts.py`).
"""
