"""Masking, audit and the threat model: planted data is searched for in everything that leaves."""
