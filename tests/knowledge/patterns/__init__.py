"""Proofs of `knowledge/patterns/`: each block's numbers against plain Python over the same invented events."""
