"""LLM traces, themes, summaries and clusters."""
