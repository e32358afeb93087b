"""Reports and alerts."""
