"""Backends: one Driver contract, one class a backend."""
