"""Segments and campaigns, against real local servers."""
