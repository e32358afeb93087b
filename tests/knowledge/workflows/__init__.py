"""Proofs of `knowledge/workflows/`: each is walked through an MCP client, by its numbers, to the planted story."""
