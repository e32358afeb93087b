"""Statistics on metrics."""
