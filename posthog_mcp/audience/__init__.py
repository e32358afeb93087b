"""Segments and campaigns: who, and what is sent to them.

Decisions.
- A segment is a PostHog cohort and lives there. Person-property criteria become a cohort that PostHog keeps up to date;
  what people did, and HogQL, become a cohort with a query; a funnel's cell, a churn list and a cluster's users become a
  static one, because their meaning is a moment's.
- A campaign lives in the state database (compare-and-swap on its version). Who got it is in the ledger of deliveries:
  one row a person, so that an interrupted send goes on where it stopped and nobody gets it twice.
- Nothing goes without the person's agreement, which stands for the campaign's exact content and target; a segment that
  grew a lot since stops it again.
- Consent is asked of three places: the suppression list, unsubscribe events, a person property that the file names.
"""
