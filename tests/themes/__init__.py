"""Themes, summaries, clusters and search, on traces with planted problems."""
