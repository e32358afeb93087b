"""Insights: typed questions (trends, funnel, retention, lifecycle, stickiness, paths) and their answers.

Decisions.
- One `Question` for both backends. On PostHog its native query runs, so its caches, permissions and test-account
  filters hold, and the HogQL is given for reading; on the embedded project the HogQL runs. Each kind is one file with a
  class that knows both, and reads both answers into the same `Answer`.
- The HogQL is built from PostHog's documented semantics and checked like any other; names that do not exist are told
  with the nearest ones before anything runs.
- Ranges are worked out here, once, in the project's time zone; both queries get absolute times, so they agree.
- A summary states facts with their numbers and n; it never guesses why.
"""
