"""Traces, cost, and what leaves in them."""
