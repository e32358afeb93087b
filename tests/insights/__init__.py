"""Insights on small projects whose answers are worked out by hand, and read from PostHog's shapes."""
