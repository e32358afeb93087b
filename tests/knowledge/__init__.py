"""Proofs of the knowledge base: the engine, the retrieval set, and every entry by running it."""
